/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in tar headers. Pure.
 */
#ifndef IMAGE_TAR_NUMBER_H
#define IMAGE_TAR_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field: octal digits with spaces or NULs around them, or a binary number with the topmost bit set (GNU). */
bool tar_number(const char *field, size_t len, int64_t *ret);
/* Whether the checksum of a header block is right. */
bool tar_checksum_holds(const char *block);
/* Decimal digits with a sign, and for times a fraction: "12.5". Without `ret_nsec` a fraction is no number. */
bool tar_decimal(const char *text, int64_t *ret, uint32_t *ret_nsec);

#endif
