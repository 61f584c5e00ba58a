/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the tar of a layer that isn't unpacked, with both digests.
 */
#ifndef IMAGE_READ_H
#define IMAGE_READ_H

#include "image/image.h"
#include "image/tar.h"

struct layer_tar {
	struct tar tar;
	struct stream *stream; /* what the blob inflates to */
	struct stream *ahead;  /* of layer_tar_ahead(); it reads `stream` */
	const struct image_layer *layer;
	/* after layer_tar_verify(): bytes, and what the digests are */
	int64_t size, compressed;
	char diff_id[DIGEST_SIZE], digest[DIGEST_SIZE];
};

int layer_tar_start(const struct image *image, size_t layer, struct layer_tar *ret, struct image_error *error);
/* The same, and `tap` gets the bytes of the blob (stream_tap()). */
int layer_tar_start_tapped(const struct image *image, size_t layer,
			   int (*tap)(void *arg, const void *data, size_t len, struct image_error *error), void *arg,
			   struct layer_tar *ret, struct image_error *error);
/* The tar of a layer that an engine has unpacked, from its directory and the engine's tar-split. -EOPNOTSUPP: the
 * source has none. */
int layer_tar_start_split(const struct image *image, size_t layer, struct layer_tar *ret, struct image_error *error);
/* The same for a tar of unknown digest. Takes the stream, also on failure. */
int layer_tar_of_stream(struct stream *in, struct layer_tar *ret, struct image_error *error);
/* From now on a thread of its own inflates and hashes, ahead of what is read of `tar`. Before the first entry. */
int layer_tar_ahead(struct layer_tar *t, struct image_error *error);
/* Reads to the end and compares the digests. */
int layer_tar_verify(struct layer_tar *t, struct image_error *error);
void layer_tar_finish(struct layer_tar *t);

/* The path of an entry as struct image_toc_entry has it: `path` loses "." and what is double, in place. -EBADMSG: it is
 * absolute or has a "..". */
int layer_tar_path(char *path, struct image_error *error);
/* Entries that aren't the layer's: of zstd:chunked and stargz. */
bool layer_tar_is_landmark(const char *path);

#endif
