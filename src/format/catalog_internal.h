/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are in a catalog: what its reader (catalog.c) and its writer (catalog_write.c) share. format/catalog.h has the table.
 */
#ifndef FORMAT_CATALOG_INTERNAL_H
#define FORMAT_CATALOG_INTERNAL_H

#include <string.h>

#include "format/catalog.h"

#define CATALOG_MAGIC "plyfscat"
#define CATALOG_SUM_SIZE 16
#define CATALOG_DIR_SIZE 72
#define CATALOG_ENTRY_SIZE 32
#define CATALOG_MARKS 0x7fffU
#define CATALOG_MARKS_KNOWN 0x8000U

enum {
	CATALOG_AT_VERSION = 8,
	CATALOG_AT_HEADER_SIZE = 12,
	CATALOG_AT_FILE_SIZE = 16,
	CATALOG_AT_SUM = 24,
	CATALOG_AT_KEY = 40,
	CATALOG_AT_DIRS = 196,
	CATALOG_AT_ENTRIES = 200,
	CATALOG_AT_NAMES_LEN = 208,
};

/* Checksum of all that follows it. */
void catalog_sum(const uint8_t *bytes, size_t size, uint8_t ret[static CATALOG_SUM_SIZE]);
/* The key's part of the header. */
void catalog_put_key(uint8_t ret[static CATALOG_AT_DIRS - CATALOG_AT_KEY], const struct catalog_key *key);
/* Whether a directory may have it. */
bool catalog_is_name(const char *name, size_t len);

static inline int catalog_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int res = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return res ? res : (a_len > b_len) - (a_len < b_len);
}

#endif
