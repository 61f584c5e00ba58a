/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images out of the store, and of anything else that has layers: as an OCI layout in a folder or a tar, or as
 * docker-archive. Blobs that are kept are handed on as they are. When all of them are, the manifest that came with the
 * image is handed on too, so that nothing gets another digest. Otherwise layers are compressed anew, and the manifest
 * is made: always the same bytes for the same image and compression.
 *
 * A file or an index.json is there as a whole or not at all.
 */
#ifndef STORE_EXPORT_H
#define STORE_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/packer.h"
#include "image/digest.h"
#include "image/image.h"

enum export_kind { EXPORT_OCI, EXPORT_OCI_ARCHIVE, EXPORT_DOCKER_ARCHIVE };

struct store_export {
	enum export_kind kind;
	const char *path; /* the folder or the file */
	const char *name; /* tag of a layout, NAME:TAG of a docker-archive; NULL: none */
	enum pack_kind pack;
	int level;	/* of compression; 0: as archive/packer.h says */
	bool pack_anew; /* kept blobs aren't used */

	size_t n_layers; /* lowest first */
	/* Writes the tar of a layer. Several threads call it. */
	int (*tar)(void *arg, size_t layer, archive_sink sink, void *sink_arg, struct image_error *error);
	/* The kept blob of a layer with this digest: a descriptor, or -ENOENT. NULL: none is kept. */
	int (*blob)(void *arg, size_t layer, const char *digest);
	/* Any kept blob of a layer whose image has no manifest, and its digest: a descriptor, or -ENOENT. May be
	 * NULL. */
	int (*any_blob)(void *arg, size_t layer, char ret_digest[static DIGEST_SIZE]);
	/* The config. NULL in `image`: it is made by this call when the diff_ids are known; the text is freed here. */
	char *(*config)(void *arg, const char *const *diff_ids, size_t n);
	void *arg;
	const struct image *image; /* config, manifest, diff_ids and digests; NULL: none yet */
};

int store_export(const struct store_export *e, char ret_id[static DIGEST_SIZE], struct image_error *error);

#endif
