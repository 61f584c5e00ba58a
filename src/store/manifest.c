// SPDX-License-Identifier: Apache-2.0
#include "manifest.h"

#include <string.h>

#include "base/check.h"
#include "image/digest.h"

#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

/* The same bytes in the words of the specification; docker's go with its manifest only. */
static const char *oci_type(const char *type)
{
	if (type && !strncmp(type, "application/vnd.oci.", 20))
		return type;
	return type && strstr(type, "zstd")   ? OCI_LAYER "+zstd"
	       : type && strstr(type, "gzip") ? OCI_LAYER "+gzip"
					      : OCI_LAYER;
}

json_t *manifest_new(const json_t *old, const char *config, size_t config_len, const struct manifest_blob *blobs,
		     size_t n)
{
	json_t *layers = json_array(), *manifest, *notes = json_object_get(old, "annotations");

	for (size_t i = 0; i < n; i++) {
		json_t *layer = json_pack("{s:s, s:s, s:I}", "mediaType", oci_type(blobs[i].media_type), "digest",
					  blobs[i].digest, "size", (json_int_t)blobs[i].size);

		(void)CHECK(digest_is_valid(blobs[i].digest));
		if (json_is_object(blobs[i].notes))
			json_object_set(layer, "annotations", blobs[i].notes);
		json_array_append_new(layers, layer);
	}
	manifest =
		json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:o}", "schemaVersion", 2, "mediaType", OCI_MANIFEST, "config",
			  "mediaType", OCI_CONFIG, "digest", config, "size", (json_int_t)config_len, "layers", layers);
	if (manifest && json_object_size(notes))
		json_object_set(manifest, "annotations", notes);
	return manifest;
}
