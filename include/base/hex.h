/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as hexadecimal digits, in lower case.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>

/* Writes 2 * len digits and the null byte to `ret`. */
static inline void hex_text(const void *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[b[i] >> 4];
		*ret++ = digits[b[i] & 15];
	}
	*ret = '\0';
}

#endif
