/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a layer's directory plain: renamed directories (redirects) and metacopy files get what the layers below have of
 * them. The union shows the same before, meanwhile and afterwards.
 *
 * Copies are made in a directory beside the layer's, and synced. Then each takes the place of its original at once
 * (RENAME_EXCHANGE), and the directory above gets its times back. A file with several names keeps its inode: the data
 * is written into it while readers still get it from below.
 *
 * A kill leaves the layer usable. The next run removes the directory beside, sets the times that a kill in between has
 * kept from being set, and does the rest. Nobody else may change the layer meanwhile.
 */
#ifndef STORE_DEREF_H
#define STORE_DEREF_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"
#include "layer/layer.h"

struct deref;

/* Looks at the topmost layer of `set`, over those below. `each` gets each object: 'R' a renamed directory, 'M' a
 * metacopy file, with the bytes of content that it gets. -EOPNOTSUPP: one that can't be made plain. */
int deref_new(struct layer_set *set, void (*each)(void *arg, char kind, const char *path, uint64_t bytes), void *arg,
	      struct deref **ret, struct image_error *error);
/* Does it. `dir` is the layer's directory, absolute and without links; its parent is on the same file system. */
int deref_run(struct deref *d, const char *dir, struct image_error *error);
void deref_free(struct deref *d);

#endif
