/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a cache, in memory: what is entered lies in arrays, and becomes bytes at the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"
#include "bytes.h"
#include "cachefile_internal.h"

/* Numbers are of 32 bits, and some are returned as int64_t. */
#define COUNT_MAX 0x7fffffffU

int64_t cachefile_add_dir(struct cachefile_builder *w)
{
	if (w->n_dirs == COUNT_MAX)
		return -EFBIG;
	if (!ARRAY_ROOM(w->dirs, w->n_dirs, w->dirs_cap, 1))
		return -ENOMEM;
	w->dirs[w->n_dirs] = (struct cachefile_dir){.first = w->n_entries};
	return ++w->n_dirs;
}

int cachefile_add_entry(struct cachefile_builder *w, const struct cachefile_entry *entry, const char *name)
{
	size_t len = strlen(name);
	struct cachefile_entry *e;

	if (!cachefile_is_name(name, len))
		return -EINVAL;
	if (w->n_entries == COUNT_MAX || w->names_len + len > UINT32_MAX)
		return -EFBIG;
	if (!ARRAY_ROOM(w->entries, w->n_entries, w->entries_cap, 1) ||
	    !ARRAY_ROOM(w->names, w->names_len, w->names_cap, len))
		return -ENOMEM;
	(void)CHECK(entry->dir <= w->n_dirs);
	e = &w->entries[w->n_entries++];
	*e = *entry;
	e->name_off = (uint32_t)w->names_len;
	e->name_len = (uint8_t)len;
	memcpy(w->names + w->names_len, name, len);
	w->names_len += len;
	return 0;
}

void cachefile_builder_finish(struct cachefile_builder *w)
{
	free(w->dirs);
	free(w->entries);
	free(w->names);
	*w = (struct cachefile_builder){0};
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void put_dir(uint8_t *at, const struct cachefile_dir *d)
{
	const struct cachefile_stamp *s = &d->stamp;

	put64(at, s->ino);
	put64(at + 8, s->size);
	put64(at + 16, (uint64_t)s->ctime.sec);
	put64(at + 24, (uint64_t)s->mtime.sec);
	put64(at + 32, (uint64_t)s->btime.sec);
	put32(at + 40, s->ctime.nsec);
	put32(at + 44, s->mtime.nsec);
	put32(at + 48, s->btime.nsec);
	put32(at + 52, s->nlink);
	put32(at + 56, s->mode);
	put32(at + 60, d->xattr_flags);
	put32(at + 64, d->first);
	put32(at + 68, d->n);
}

static void put_entry(uint8_t *at, const struct cachefile_entry *e)
{
	uint32_t xattr_flags =
		(e->xattr_flags & CACHEFILE_XATTR_FLAGS) | (e->xattr_flags_known ? CACHEFILE_XATTR_FLAGS_KNOWN : 0);

	put64(at, e->ino);
	put64(at + 8, (uint64_t)e->ctime.sec);
	put32(at + 16, e->ctime.nsec);
	put32(at + 20, e->name_off);
	put32(at + 24, e->dir);
	put32(at + 28, xattr_flags | (uint32_t)e->name_len << 16 | (uint32_t)e->type << 24);
}

/* The names that are sorted now. */
struct sorting {
	const struct cachefile_entry *entries;
	const char *names;
};

static int cachefile_by_name(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;
	const struct cachefile_entry *ea = &s->entries[*(const uint32_t *)a], *eb = &s->entries[*(const uint32_t *)b];

	return cachefile_compare(s->names + ea->name_off, ea->name_len, s->names + eb->name_off, eb->name_len);
}

static int put_order(uint8_t *at, const struct cachefile_builder *w)
{
	uint32_t *order = calloc((size_t)w->n_entries + 1, sizeof(*order));

	(void)CHECK(w->n_dirs > 0);
	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->n_dirs; i++) {
		const struct cachefile_dir *d = &w->dirs[i];
		struct sorting sorting = {.entries = w->entries + d->first, .names = w->names};

		if (!CHECK(d->first <= w->n_entries && d->n <= w->n_entries - d->first))
			continue;
		for (uint32_t k = 0; k < d->n; k++)
			order[k] = k;
		if (d->n)
			qsort_r(order, d->n, sizeof(*order), cachefile_by_name, &sorting);
		for (uint32_t k = 0; k < d->n; k++)
			put32(at + ((size_t)d->first + k) * sizeof(*order), order[k]);
	}
	free(order);
	return 0;
}

static void put_header(uint8_t *bytes, size_t size, const struct cachefile_builder *w, const struct cachefile_key *key)
{
	(void)CHECK(w->names_len <= UINT32_MAX && size >= CACHEFILE_HEADER_SIZE + w->names_len);
	memcpy(bytes, CACHEFILE_MAGIC, CACHEFILE_AT_VERSION);
	put32(bytes + CACHEFILE_AT_VERSION, CACHEFILE_VERSION);
	put32(bytes + CACHEFILE_AT_HEADER_SIZE, CACHEFILE_HEADER_SIZE);
	put64(bytes + CACHEFILE_AT_FILE_SIZE, size);
	cachefile_put_key(bytes + CACHEFILE_AT_KEY, key);
	put32(bytes + CACHEFILE_AT_DIRS, w->n_dirs);
	put32(bytes + CACHEFILE_AT_ENTRIES, w->n_entries);
	put64(bytes + CACHEFILE_AT_NAMES_LEN, w->names_len);
	cachefile_sum(bytes, size, bytes + CACHEFILE_AT_SUM);
}

int cachefile_encode(const struct cachefile_builder *w, const struct cachefile_key *key, uint8_t **ret_bytes,
		     size_t *ret_size)
{
	size_t dirs = CACHEFILE_HEADER_SIZE, entries = dirs + (size_t)w->n_dirs * CACHEFILE_DIR_SIZE;
	size_t order = entries + (size_t)w->n_entries * CACHEFILE_ENTRY_SIZE;
	size_t names = order + (size_t)w->n_entries * sizeof(uint32_t), size = names + w->names_len;
	uint8_t *bytes = calloc(1, size);

	if (!bytes)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->n_dirs; i++)
		put_dir(bytes + dirs + (size_t)i * CACHEFILE_DIR_SIZE, &w->dirs[i]);
	for (uint32_t i = 0; i < w->n_entries; i++)
		put_entry(bytes + entries + (size_t)i * CACHEFILE_ENTRY_SIZE, &w->entries[i]);
	if (w->names_len)
		memcpy(bytes + names, w->names, w->names_len);
	if (put_order(bytes + order, w) < 0) {
		free(bytes);
		return -ENOMEM;
	}
	put_header(bytes, size, w, key);
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}
