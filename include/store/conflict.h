/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that get other layers below them: the paths where both have changed something. Times alone are no change, and
 * neither is what the layers have as the new base has it.
 */
#ifndef STORE_CONFLICT_H
#define STORE_CONFLICT_H

#include "image/image.h"
#include "layer/layer.h"

enum conflict_kind {
	CONFLICT_ADDED,	  /* the new base has it, the old one hadn't */
	CONFLICT_CHANGED, /* both have changed it */
	CONFLICT_DELETED, /* it was changed, and the new base has it no more */
	CONFLICT_TYPE,	  /* a directory in one of both only */
	CONFLICT_NOTHING, /* no conflict: a whiteout that hides nothing any more */
};

/* `set` has the layers, n of them, over the old base. `each` gets each path once. */
int store_find_conflicts(const struct layer_set *set, unsigned n, struct layer_set *old, struct layer_set *new,
			 void (*each)(void *arg, enum conflict_kind kind, const char *path), void *arg,
			 struct image_error *error);

#endif
