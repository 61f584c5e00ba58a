/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's content store: blobs as in an OCI layout, without an index. So the blobs are looked at for one. Names of
 * images are in containerd's data base, which isn't read; those that an index or a manifest tells are known.
 */
#ifndef IMAGE_CONTENT_STORE_H
#define IMAGE_CONTENT_STORE_H

#include "blobs.h"

/* Bytes of all documents together. */
#define CONTENT_STORE_MAX (256 << 20)

/* Makes the text of an index, which the caller frees. It has a descriptor for each image: each manifest and each index
 * that no index has, but of an index with names its own descriptors. One without a name gets its digest for one. `all`:
 * for each manifest and each index, without names. -ENOENT: there is no folder of blobs. */
int content_store_index(const struct blobs *b, bool all, char **ret, size_t *ret_len, struct image_error *error);

#endif
