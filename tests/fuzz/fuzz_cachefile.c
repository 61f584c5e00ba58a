/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a layer's cache, whose checksum is put right first: what is behind it must be safe to read too. The first
 * three bytes say how many directories and names there are to be, the rest is what follows the header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fuzz.h"
#include "format/cachefile.h"

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void read_all(const struct cachefile *c)
{
	char name[CACHEFILE_NAME_MAX + 1];
	struct cachefile_entry e;
	struct cachefile_dir d;

	for (uint32_t n = 0; n <= c->n_dirs + 1; n++) {
		if (cachefile_dir(c, n, &d) < 0)
			continue;
		for (uint32_t i = 0; i < d.n; i++) {
			if (cachefile_entry(c, &d, i, &e, name) < 0)
				continue;
			MUST(*name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, ".."));
			MUST(strlen(name) == e.name_len && e.dir <= c->n_dirs);
			cachefile_find(c, &d, name, &e);
		}
		cachefile_find(c, &d, "m", &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cachefile_key key = {.view = 1};
	uint64_t dirs, entries, fixed, whole;
	XXH128_canonical_t sum;
	struct cachefile c;
	uint8_t *bytes;

	if (size < 3)
		return 0;
	dirs = data[0] % 8 + 1;
	entries = data[1] + (data[2] & 1U) * 256U;
	fixed = dirs * 72 + entries * 36;
	size -= 3;
	whole = CACHEFILE_HEADER_SIZE + (size > fixed ? size : fixed);
	bytes = calloc(1, whole);
	MUST(bytes);
	memcpy(bytes, "plyfscat\1\0\0\0\0\1", 14);
	put(bytes + 16, whole, 8);
	put(bytes + 192, key.view, 4);
	put(bytes + 196, dirs, 4);
	put(bytes + 200, entries, 4);
	put(bytes + 208, whole - CACHEFILE_HEADER_SIZE - fixed, 8);
	memcpy(bytes + CACHEFILE_HEADER_SIZE, data + 3, size);
	XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes + 40, whole - 40));
	memcpy(bytes + 24, &sum, sizeof(sum));
	MUST(cachefile_open(bytes, whole, &key, &c) == 0);
	read_all(&c);
	free(bytes);
	return 0;
}
