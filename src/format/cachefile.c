/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the file of a layer's cache. The file is mapped and may be changed by whoever may write to it, so each number
 * is loaded once and every use is checked against the size that the mapping was made with; the checksum only says that
 * the bytes are those that were written.
 */
#include "format/cachefile.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"
#include "cachefile_internal.h"
#include "base/check.h"
#include "base/hex.h"

void cachefile_sum(const uint8_t *bytes, size_t size, uint8_t ret[static CACHEFILE_SUM_SIZE])
{
	(void)CHECK(size >= CACHEFILE_HEADER_SIZE);
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes + CACHEFILE_AT_KEY, size - CACHEFILE_AT_KEY));
	memcpy(ret, canonical.digest, CACHEFILE_SUM_SIZE);
}

void cachefile_put_key(uint8_t ret[static CACHEFILE_AT_DIRS - CACHEFILE_AT_KEY], const struct cachefile_key *key)
{
	(void)CHECK(key->handle_len <= CACHEFILE_HANDLE_MAX);
	memcpy(ret, key->uuid, sizeof(key->uuid));
	put32(ret + 16, (uint32_t)key->handle_type);
	put32(ret + 20, key->handle_len);
	memcpy(ret + 24, key->handle, sizeof(key->handle));
	put32(ret + 24 + CACHEFILE_HANDLE_MAX, key->view);
}

void cachefile_file_name(const struct cachefile_key *key, char ret_name[static CACHEFILE_FILE_NAME_SIZE])
{
	uint8_t bytes[4 + CACHEFILE_AT_DIRS - CACHEFILE_AT_KEY];
	XXH128_canonical_t canonical;

	put32(bytes, CACHEFILE_VERSION);
	cachefile_put_key(bytes + 4, key);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, sizeof(bytes)));
	hex_text(canonical.digest, sizeof(canonical.digest), ret_name);
}

/* Loaded in one piece and once, whatever the optimizer thinks of memory that doesn't change. */
static uint32_t load32(const uint8_t *at)
{
	return le32toh(__atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_RELAXED));
}

static uint64_t load64(const uint8_t *at)
{
	return le64toh(__atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED));
}

static struct cachefile_time load_time(const uint8_t *sec, const uint8_t *nsec)
{
	return (struct cachefile_time){.sec = (int64_t)load64(sec), .nsec = load32(nsec)};
}

static size_t entries_at(const struct cachefile *c)
{
	(void)CHECK(c->n_dirs > 0);
	return CACHEFILE_HEADER_SIZE + (size_t)c->n_dirs * CACHEFILE_DIR_SIZE;
}

static size_t order_at(const struct cachefile *c)
{
	return entries_at(c) + (size_t)c->n_entries * CACHEFILE_ENTRY_SIZE;
}

static size_t names_at(const struct cachefile *c)
{
	return order_at(c) + (size_t)c->n_entries * sizeof(uint32_t);
}

static int cachefile_check_size(const uint8_t *bytes, size_t size, struct cachefile *ret)
{
	struct cachefile c = {
		.bytes = bytes,
		.n_dirs = load32(bytes + CACHEFILE_AT_DIRS),
		.n_entries = load32(bytes + CACHEFILE_AT_ENTRIES),
		.names_len = load64(bytes + CACHEFILE_AT_NAMES_LEN),
	};

	(void)CHECK(size >= CACHEFILE_HEADER_SIZE);
	if (!c.n_dirs || load64(bytes + CACHEFILE_AT_FILE_SIZE) != size || c.names_len > size ||
	    names_at(&c) != size - c.names_len)
		return -EINVAL;
	*ret = c;
	return 0;
}

int cachefile_open(const void *bytes, size_t size, const struct cachefile_key *key, struct cachefile *ret)
{
	uint8_t want[CACHEFILE_AT_DIRS - CACHEFILE_AT_KEY], sum[CACHEFILE_SUM_SIZE];
	struct cachefile c;
	int r;

	if (size < CACHEFILE_HEADER_SIZE || memcmp(bytes, CACHEFILE_MAGIC, CACHEFILE_AT_VERSION) != 0)
		return -EINVAL;
	if (load32((const uint8_t *)bytes + CACHEFILE_AT_VERSION) != CACHEFILE_VERSION)
		return -EPROTONOSUPPORT;
	r = cachefile_check_size(bytes, size, &c);
	if (r < 0)
		return r;
	cachefile_sum(c.bytes, size, sum);
	if (memcmp(sum, c.bytes + CACHEFILE_AT_SUM, sizeof(sum)) != 0 ||
	    load32(c.bytes + CACHEFILE_AT_HEADER_SIZE) != CACHEFILE_HEADER_SIZE)
		return -EBADMSG;
	cachefile_put_key(want, key);
	if (memcmp(want, c.bytes + CACHEFILE_AT_KEY, sizeof(want)) != 0)
		return -ESTALE;
	*ret = c;
	return 0;
}

int cachefile_dir(const struct cachefile *c, uint32_t number, struct cachefile_dir *ret)
{
	const uint8_t *at;
	struct cachefile_dir d;

	if (number < CACHEFILE_ROOT || number > c->n_dirs)
		return -EBADMSG;
	at = c->bytes + CACHEFILE_HEADER_SIZE + (size_t)(number - 1) * CACHEFILE_DIR_SIZE;
	d = (struct cachefile_dir){
		.stamp = {.ino = load64(at),
			  .size = load64(at + 8),
			  .ctime = load_time(at + 16, at + 40),
			  .mtime = load_time(at + 24, at + 44),
			  .btime = load_time(at + 32, at + 48),
			  .nlink = load32(at + 52),
			  .mode = load32(at + 56)},
		.xattr_flags = load32(at + 60),
		.first = load32(at + 64),
		.n = load32(at + 68),
	};
	if (d.first > c->n_entries || d.n > c->n_entries - d.first)
		return -EBADMSG;
	*ret = d;
	return 0;
}

/* The i-th of all names; where the bytes of it are is checked. */
static int entry_at(const struct cachefile *c, uint32_t i, struct cachefile_entry *ret)
{
	const uint8_t *at = c->bytes + entries_at(c) + (size_t)i * CACHEFILE_ENTRY_SIZE;
	uint32_t last = load32(at + 28);
	struct cachefile_entry e = {
		.ino = load64(at),
		.ctime = load_time(at + 8, at + 16),
		.name_off = load32(at + 20),
		.dir = load32(at + 24),
		.xattr_flags = last & CACHEFILE_XATTR_FLAGS,
		.xattr_flags_known = (last & CACHEFILE_XATTR_FLAGS_KNOWN) != 0,
		.name_len = (uint8_t)(last >> 16),
		.type = (uint8_t)(last >> 24),
	};

	if (!e.name_len || e.name_off > c->names_len || e.name_len > c->names_len - e.name_off || e.dir > c->n_dirs ||
	    e.type == DT_UNKNOWN || (e.dir && e.type != DT_DIR))
		return -EBADMSG;
	*ret = e;
	return 0;
}

bool cachefile_is_name(const char *name, size_t len)
{
	if (!len || len > CACHEFILE_NAME_MAX || memchr(name, '/', len) || memchr(name, '\0', len))
		return false;
	return name[0] != '.' || (len > 1 && (name[1] != '.' || len > 2));
}

int cachefile_entry(const struct cachefile *c, const struct cachefile_dir *dir, uint32_t i, struct cachefile_entry *ret,
		    char ret_name[static CACHEFILE_NAME_MAX + 1])
{
	struct cachefile_entry e;
	int r = i < dir->n ? entry_at(c, dir->first + i, &e) : -EBADMSG;

	(void)CHECK(dir->first <= c->n_entries && dir->n <= c->n_entries - dir->first);
	if (r < 0)
		return r;
	memcpy(ret_name, c->bytes + names_at(c) + e.name_off, e.name_len);
	ret_name[e.name_len] = '\0';
	if (!cachefile_is_name(ret_name, e.name_len))
		return -EBADMSG;
	*ret = e;
	return 0;
}

int cachefile_find(const struct cachefile *c, const struct cachefile_dir *dir, const char *name,
		   struct cachefile_entry *ret)
{
	const uint8_t *order = c->bytes + order_at(c) + (size_t)dir->first * sizeof(uint32_t);
	const uint8_t *names = c->bytes + names_at(c);
	size_t len = strlen(name);
	uint32_t low = 0, high = dir->n;

	(void)CHECK(dir->first <= c->n_entries && dir->n <= c->n_entries - dir->first);
	while (low < high) {
		uint32_t mid = low + (high - low) / 2, i = load32(order + (size_t)mid * sizeof(uint32_t));
		struct cachefile_entry e;
		int r = i < dir->n ? entry_at(c, dir->first + i, &e) : -EBADMSG;

		if (r < 0)
			return r;
		r = cachefile_compare(name, len, (const char *)names + e.name_off, e.name_len);
		if (r == 0) {
			*ret = e;
			return 1;
		}
		if (r < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return 0;
}
