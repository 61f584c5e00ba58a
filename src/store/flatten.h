/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FLATTEN_INTERNAL_H
#define STORE_FLATTEN_INTERNAL_H

#include "store/flatten.h"
#include "tree/walk.h"

/* Writes what the union shows at a path into a tar that has been started: a file with its content, or a directory with
 * all in it and the marker of an opaque one. `options` has the hard links of the tar. */
int flatten_part(struct layer_set *set, const struct archive_options *options, struct tar_writer *tar, const char *path,
		 struct image_error *error);
/* The same of one entry of a walk: of a directory without what is in it. */
int flatten_entry(struct layer_set *set, const struct archive_options *options, struct tar_writer *tar,
		  const struct tree_walk_entry *e, struct image_error *error);
/* The topmost `merges` layers of the set as the tar of one layer. Whiteouts and opaque markers are in it that hide
 * something of the other layers. -EOPNOTSUPP: a directory of theirs has a redirect. */
int flatten_merge(struct layer_set *set, unsigned merges, const struct archive_options *options, archive_sink sink,
		  void *arg, struct image_error *error);

#endif
