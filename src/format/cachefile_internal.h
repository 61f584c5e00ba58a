/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are in the file of a layer's cache: what its reader (cachefile.c) and its writer (cachefile_write.c)
 * share. format/cachefile.h has the table.
 */
#ifndef FORMAT_CACHEFILE_INTERNAL_H
#define FORMAT_CACHEFILE_INTERNAL_H

#include <string.h>

#include "format/cachefile.h"

#define CACHEFILE_MAGIC "plyfscat"
#define CACHEFILE_SUM_SIZE 16
#define CACHEFILE_DIR_SIZE 72
#define CACHEFILE_ENTRY_SIZE 32
#define CACHEFILE_XATTR_FLAGS 0x7fffU
#define CACHEFILE_XATTR_FLAGS_KNOWN 0x8000U

enum {
	CACHEFILE_AT_VERSION = 8,
	CACHEFILE_AT_HEADER_SIZE = 12,
	CACHEFILE_AT_FILE_SIZE = 16,
	CACHEFILE_AT_SUM = 24,
	CACHEFILE_AT_KEY = 40,
	CACHEFILE_AT_DIRS = 196,
	CACHEFILE_AT_ENTRIES = 200,
	CACHEFILE_AT_NAMES_LEN = 208,
};

/* Checksum of all that follows it. */
void cachefile_sum(const uint8_t *bytes, size_t size, uint8_t ret[static CACHEFILE_SUM_SIZE]);
/* The key's part of the header. */
void cachefile_put_key(uint8_t ret[static CACHEFILE_AT_DIRS - CACHEFILE_AT_KEY], const struct cachefile_key *key);
/* Whether a directory may have it. */
bool cachefile_is_name(const char *name, size_t len);

static inline int cachefile_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r ? r : (a_len > b_len) - (a_len < b_len);
}

#endif
