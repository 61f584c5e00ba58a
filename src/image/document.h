/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON documents within limits: size, depth, no key twice, UTF-8 only.
 */
#ifndef IMAGE_DOCUMENT_H
#define IMAGE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "image/image.h"

/* Parses an object or array. `what` names the document in the error. The caller calls json_decref(). */
int document_parse(const char *text, size_t len, const char *what, json_t **ret, struct image_error *error);
/* The string of a key; NULL if there is none or it is empty. */
const char *document_text(const json_t *object, const char *key);
/* A copy of it. `*to` is freed first. False without memory. */
bool document_copy(const json_t *object, const char *key, char **to);
/* A number that isn't negative; IMAGE_UNKNOWN if there is none. */
int64_t document_number(const json_t *object, const char *key);

#endif
