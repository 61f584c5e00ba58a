/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8, whatever the locale. Names of files are bytes, so any of them may come.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character at `s`, of which `len` bytes (> 0) may be looked at; 0: it is none. */
static inline size_t utf8_length_in(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, half of a pair, beyond the last character. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* The same in a terminated text; 1 of the null byte, which ends every longer character. */
static inline size_t utf8_length(const unsigned char *s)
{
	return utf8_length_in(s, 4);
}

/* Whether the bytes are UTF-8 (RFC 3629). */
static inline bool utf8_is(const char *text, size_t len)
{
	for (size_t n; len > 0; text += n, len -= n) {
		n = utf8_length_in((const unsigned char *)text, len);
		if (!n)
			return false;
	}
	return true;
}

/* The length of the character at `s` if a terminal may get it, else 0. Control characters (also U+0080 to U+009F) and
 * marks that reorder the text behind them (U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069) may not. */
static inline size_t utf8_printable(const unsigned char *s)
{
	size_t n = utf8_length(s);

	if (n == 1)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (n == 2)
		return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x80)
		return (s[2] & 0xfe) == 0x8e || (s[2] >= 0xa8 && s[2] <= 0xae) ? 0 : n;
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x81)
		return s[2] >= 0xa6 && s[2] <= 0xa9 ? 0 : n;
	return n;
}

/* Puts a question mark for each byte of a text that a terminal may not get. */
static inline void utf8_make_printable(char *text)
{
	for (size_t n; *text; text += n ? n : 1) {
		n = utf8_printable((const unsigned char *)text);
		if (!n)
			*text = '?';
	}
}

#endif
