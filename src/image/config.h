/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config of an image (OCI image specification, config.md; docker's is the same in what is read here).
 */
#ifndef IMAGE_CONFIG_H
#define IMAGE_CONFIG_H

#include "image/image.h"

/* Takes over the bytes, also on failure, and fills the image: id, platform, layers with diff_id and chain_id, history.
 * `digest` is that of the bytes. */
int config_take(struct image *image, char *text, size_t len, const char *digest, struct image_error *error);

#endif
