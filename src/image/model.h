/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a struct image piece by piece. A failure is -ENOMEM with a text; the image can be freed at any time.
 */
#ifndef IMAGE_MODEL_H
#define IMAGE_MODEL_H

#include "base/macros.h"
#include "image/image.h"

int model_new(enum image_source source, const char *path, struct image **ret, struct image_error *error);
/* Adds a copy of a string. */
int model_add_text(char ***list, size_t *n, const char *text, struct image_error *error);
/* Sets a string that belongs to the image; NULL is nothing. */
int model_set(char **to, const char *text, struct image_error *error);
int model_lacks(struct image *image, struct image_error *error, const char *format, ...) PRINTF_FORMAT(3, 4);
/* A new layer on top, with nothing known. */
int model_add_layer(struct image *image, struct image_layer **ret, struct image_error *error);
/* Sets the diff_id of the topmost layer, and its chain_id from that of the layer below. */
int model_chain(struct image *image, const char *diff_id, struct image_error *error);
int model_add_history(struct image *image, struct image_history **ret, struct image_error *error);
/* At the end: gives each layer `created` and `created_by`. */
void model_finish(struct image *image);

/* Whether `wanted` means the image or container that is called `full`: 2 exactly or without the tag "latest", 1 by the
 * end of its name, without a registry; else 0. */
int model_name_fits(const char *full, const char *wanted);
/* Whether `wanted` is an id, or at least 4 digits of its start, with or without "sha256:". */
bool model_id_fits(const char *id, const char *wanted);

#endif
