/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things that a layer has in vain. Without them the union of the layer and those below shows the same:
 *
 * - whiteouts and opaque markers that hide nothing
 * - objects that are below with the same attributes, times, xattrs, links and content, and directories that have only
 *   such entries
 *
 * A file with several names is in vain only if all of them are, and are the names of one file below.
 */
#ifndef STORE_VACUUM_H
#define STORE_VACUUM_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/layer.h"
#include "layer/layer.h"

struct vacuum;

struct vacuum_found {
	unsigned whiteouts, opaques, copies;
	uint64_t bytes;	 /* content of the copies */
	bool is_empty;	 /* nothing but the root is needed */
	bool root_shows; /* the root differs from that below */
};

/* Looks at the topmost layer of `set`; `below` are the others, NULL: there are none. `each` gets each thing in vain,
 * 'W' a whiteout, 'O' an opaque marker, 'C' a copy; may be NULL. */
int vacuum_new(struct layer_set *set, struct layer_set *below, void (*each)(void *arg, char kind, const char *path),
	       void *arg, struct vacuum **ret, struct image_error *error);
const struct vacuum_found *vacuum_found(const struct vacuum *v);
/* Sets the choice of paths, so that the layer is written without what is in vain. The vacuum lives as long. */
void vacuum_choose(struct vacuum *v, struct archive_options *options);
void vacuum_free(struct vacuum *v);

#endif
