/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes and manifests (OCI image specification, image-index.md and manifest.md; docker's manifest lists and schema 2
 * are the same in what is read here). Pure.
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/image.h"

#define BLOB_NAME_SIZE (sizeof("blobs/sha256/") + DIGEST_HEX)

struct descriptor {
	char digest[DIGEST_SIZE];
	char *media_type; /* NULL: not said */
	int64_t size;	  /* IMAGE_UNKNOWN: not said */
	char *name;	  /* of the image, from annotations; NULL: not said */
};

struct manifest {
	struct descriptor config;
	struct descriptor *layers; /* lowest first */
	size_t n_layers;
};

void descriptor_finish(struct descriptor *d);
/* The name of a blob in a layout. */
void descriptor_blob(const struct descriptor *d, char ret[static BLOB_NAME_SIZE]);

/* Whether a document is an index, by its content: media types may be left out, and lie. */
bool manifest_is_index(const char *text, size_t len);
/* Picks one of an index: of the name, if one is given, then of this machine's platform, then the first. Passed over are
 * attestations and what is neither index nor manifest of an image. -ENOENT: there is none, or without a name there are
 * images of several. */
int manifest_pick(const char *text, size_t len, const char *name, struct descriptor *ret, struct image_error *error);
/* The same, and what is there comes before what isn't: engines fetch one platform of an index. */
int manifest_pick_there(const char *text, size_t len, const char *name, bool (*is_there)(void *arg, const char *digest),
			void *arg, struct descriptor *ret, struct image_error *error);
/* Each one that manifest_pick() could give. Stops at a non-zero result. */
int manifest_each(const char *text, size_t len, int (*each)(void *arg, const struct descriptor *d), void *arg,
		  struct image_error *error);

/* -EOPNOTSUPP: it is no manifest of an image. */
int manifest_parse(const char *text, size_t len, struct manifest *ret, struct image_error *error);
void manifest_finish(struct manifest *m);

#endif
