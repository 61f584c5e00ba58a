/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests of images that are made here (OCI image specification, manifest.md).
 */
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"

/* A layer; its media type becomes the specification's own. Strings and notes belong to the caller. */
struct manifest_blob {
	const char *media_type, *digest;
	int64_t size;
	json_t *notes; /* annotations; NULL: none */
};

/* A new manifest with the annotations of an old one, which may be NULL. NULL without memory. */
json_t *manifest_new(const json_t *old, const char *config, size_t config_len, const struct manifest_blob *blobs,
		     size_t n);

#endif
