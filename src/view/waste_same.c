/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files have the same content. Only files that have the size of another one, to which they are to be compared,
 * are read.
 */
#include "waste_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"

static const struct waste_file *file_of(const struct view_waste_state *s, uint32_t version)
{
	(void)CHECK(version < s->n_versions && s->versions[version].file < s->n_files);
	return &s->files[s->versions[version].file];
}

bool waste_same_content(const struct view_waste_state *s, uint32_t a, uint32_t b)
{
	const struct waste_file *x = file_of(s, a), *y = file_of(s, b);

	return x->size == y->size && (x == y || (x->hashed && y->hashed && !memcmp(x->hash, y->hash, sizeof(x->hash))));
}

/* --- which files -------------------------------------------------------------------------------------------------- */

static void want_replaced(struct view_waste_state *s)
{
	for (uint32_t i = 0; i < s->n_events; i++) {
		const struct waste_event *e = &s->events[i];
		struct waste_file *a, *b;

		if (!shows_file(e->other))
			continue;
		a = &s->files[s->versions[e->version].file];
		b = &s->files[s->versions[e->other].file];
		if (a->size == b->size && a->size && !(waste_in_base(s, a->layer) && waste_in_base(s, b->layer)))
			a->wanted = b->wanted = true;
	}
}

static int by_content(const void *a, const void *b, void *arg)
{
	const struct view_waste_state *s = arg;
	const struct waste_file *x = &s->files[*(const uint32_t *)a], *y = &s->files[*(const uint32_t *)b];
	int r;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->hashed != y->hashed)
		return x->hashed ? -1 : 1;
	r = memcmp(x->hash, y->hash, sizeof(x->hash));
	if (r)
		return r;
	if (x->layer != y->layer)
		return x->layer > y->layer ? -1 : 1;
	return x->version < y->version ? -1 : x->version > y->version;
}

int waste_shown_files(const struct view_waste_state *s, uint32_t **ret, uint32_t *ret_n)
{
	uint32_t n = 0, *list = malloc((s->n_files + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_files; i++)
		if (s->files[i].shown && s->files[i].size)
			list[n++] = i;
	qsort_r(list, n, sizeof(*list), by_content, (void *)s);
	*ret = list;
	*ret_n = n;
	return 0;
}

static int want_shown(struct view_waste_state *s)
{
	_cleanup_free_ uint32_t *list = NULL;
	uint32_t n = 0, end;
	int r = waste_shown_files(s, &list, &n);

	for (uint32_t i = 0; i < n && r == 0; i = end) {
		bool above = false;

		for (end = i; end < n && s->files[list[end]].size == s->files[list[i]].size; end++)
			above |= !waste_in_base(s, s->files[list[end]].layer);
		for (uint32_t j = i; j < end && end - i > 1 && above; j++)
			s->files[list[j]].wanted = true;
	}
	return r;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct hashing {
	XXH3_state_t *xxh;
	uint64_t size;
};

static int hash_piece(void *arg, const void *data, size_t len)
{
	struct hashing *h = arg;

	(void)CHECK(len > 0);
	h->size += len;
	return XXH3_128bits_update(h->xxh, data, len) == XXH_OK ? 0 : -EIO;
}

static void take_hash(struct waste_file *file, const struct hashing *h)
{
	XXH128_hash_t hash = XXH3_128bits_digest(h->xxh);

	file->hash[0] = hash.low64;
	file->hash[1] = hash.high64;
	file->hashed = true;
}

static int hash_file(struct view_waste_state *s, struct waste_file *file, struct hashing *h, char **ret_error)
{
	_cleanup_free_ char *path = paths_text(&s->paths, s->versions[file->version].path), *error = NULL;
	int r;

	if (!path)
		return -ENOMEM;
	XXH3_128bits_reset(h->xxh);
	h->size = 0;
	r = view_contents_read(s->stack, file->layer, path, hash_piece, h, &error);
	if (r == 0 && h->size == file->size) {
		take_hash(file, h);
		return 0;
	}
	if (r == 0 && asprintf(&error, "%s: the file changed while it was read", path) < 0)
		error = NULL;
	if (r == -ENOMEM || !error)
		return -ENOMEM;
	if (s->stack->set)
		return s->failed(s->arg, error);
	*ret_error = TAKE_PTR(error);
	return r;
}

int waste_compare(struct view_waste_state *s, char **ret_error)
{
	XXH3_state_t *xxh = XXH3_createState();
	struct hashing h = {.xxh = xxh};
	int r = xxh ? want_shown(s) : -ENOMEM;

	want_replaced(s);
	for (uint32_t i = 0; i < s->n_files && r == 0; i++)
		if (s->files[i].wanted)
			r = hash_file(s, &s->files[i], &h, ret_error);
	XXH3_freeState(xxh);
	return r;
}
