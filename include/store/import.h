/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of all sources, and tars, into the store. Everything is verified: each layer has the diff_id of the config,
 * each blob the digest of the manifest. Layers that are there already aren't read. On failure nothing of the image
 * stays.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "image/stream.h"
#include "store/store.h"

struct store_import {
	struct store_adding adding;
	const char *const *names; /* that the image gets */
	size_t n_names;
	/* A layer, after all are there. May be NULL. */
	void (*layer)(void *arg, const struct store_added *layer);
	void *arg;
};

/* The lock is held. */
int store_import_image(struct store *s, const struct image *image, const struct store_import *import,
		       char ret_id[static DIGEST_SIZE], struct image_error *error);
/* Bytes that an import reads, as far as the image tells; for progress. */
int64_t store_import_size(const struct store *s, const struct image *image);
/* A tar, which may be compressed, becomes the only layer of an image. Takes the stream, also on failure. `created_by`
 * is the text in its history. */
int store_import_tar(struct store *s, struct stream *in, const char *created_by, const struct store_import *import,
		     char ret_id[static DIGEST_SIZE], struct image_error *error);

/* Now, as a config has it, or the time that SOURCE_DATE_EPOCH says. */
#define STORE_TIME_SIZE 32
void store_time_now(char ret[static STORE_TIME_SIZE]);

#endif
