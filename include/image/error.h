/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one line of text that a failure has.
 */
#ifndef IMAGE_ERROR_H
#define IMAGE_ERROR_H

#include "base/macros.h"
#include "image/image.h"

/* Sets the text, unless `error` is NULL, and returns `err`. Control characters and what is no UTF-8 become `\xNN`. */
int image_fail(struct image_error *error, int err, const char *format, ...) PRINTF_FORMAT(3, 4);
int image_fail_memory(struct image_error *error);

#endif
