/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New images in the store of layers that are there, of layers of other images, and of directories. A directory becomes
 * a layer by its canonical tar (archive/layer.h). Redirects, metacopy files and names that only the index leads to are
 * made whole: the layers below are read for them.
 */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "archive/layer.h"
#include "layer/layer.h"
#include "store/store.h"

/* One layer of the new image. */
struct commit_layer {
	/* Of the store or of `image`. NULL: the layer is a directory, or is written. A directory with a diff_id must
	 * give it. */
	const char *diff_id;
	const struct image *image; /* from which the layer comes if the store doesn't have it; NULL: none */
	size_t image_layer;
	struct layer_set *set; /* of a directory: it is the topmost layer of the set, over all that lie below it */
	unsigned merges;       /* so many layers of the set become this one; 0 is 1 */
	const struct archive_options *archive; /* of this directory; NULL: those of the commit */
	/* Writes the tar of the layer, in place of a set. NULL: there is none. */
	int (*write)(void *arg, archive_sink sink, void *sink_arg, struct image_error *error);
	void *write_arg;
	/* An entry in the history: of a new layer, or NULL where the config that the image begins with has one. */
	const char *created_by, *author, *comment;
	const char *created; /* of that entry, RFC 3339; NULL: now */
};

struct store_commit {
	const struct commit_layer *layers; /* lowest first */
	size_t n_layers;
	/* The config that the new image begins with: its first layers are those of `layers`. NULL: an empty one. */
	const char *config;
	/* The manifest whose annotations the new image's gets. Layers of `image` keep the digests of their blobs in it.
	 * NULL: the new image has none. */
	const char *manifest;
	const struct archive_options *archive; /* of directories */
	/* Called around the reading of the topmost layer; may be NULL. -errno of `freeze` ends the commit, and so does
	 * that of `thaw`: changes went on meanwhile. */
	int (*freeze)(void *arg, struct image_error *error);
	int (*thaw)(void *arg, struct image_error *error);
	void *arg;
	const char *name;
	struct store_added *added; /* gets what became of the layers, n_layers of them; may be NULL */
};

/* The lock is held. */
int store_commit(struct store *s, const struct store_commit *c, char ret_id[static DIGEST_SIZE],
		 struct image_error *error);

/* -EOPNOTSUPP: a name of a lower file shows a changed file, and only the index leads from it there. Layers that are
 * written without the ones below don't have it. */
int store_check_index(struct layer_set *set, struct image_error *error);
/* Writes the tar of the topmost layer of a set, with what the layers below and the index have of it. */
int store_write_layer(struct layer_set *set, const struct archive_options *options, archive_sink sink, void *arg,
		      struct image_error *error);

#endif
