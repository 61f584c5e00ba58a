/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files have the same content. Only files that have the size of another one, to which they are to be compared,
 * are read.
 */
#include "waste_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/meter.h"
#include "image/toc.h"
#include "os/fs.h"

#define PIECE 65536

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

/* From a directory; nothing but the layer itself is asked. */
static int hash_in_directory(const struct layer *l, const char *path, struct hashing *h)
{
	_cleanup_free_ char *buf = malloc(PIECE);
	_cleanup_close_ int fd = layer_open_path(l, path, O_RDONLY | O_NONBLOCK);
	ssize_t n = 1;
	int r = buf ? MIN(fd, 0) : -ENOMEM;

	for (off_t at = 0; r == 0 && n > 0; at += n) {
		n = os_pread(fd, buf, PIECE, at);
		meter_bytes((uint64_t)MAX(n, (ssize_t)0));
		r = n > 0 ? hash_piece(h, buf, (size_t)n) : (int)n;
	}
	return r;
}

static int hash_file(struct view_waste_state *s, struct waste_file *file, struct hashing *h, char **ret_error)
{
	_cleanup_free_ char *path = paths_text(&s->paths, s->versions[file->version].path), *error = NULL;
	int r;

	if (!path)
		return -ENOMEM;
	XXH3_128bits_reset(h->xxh);
	h->size = 0;
	if (s->stack->set)
		r = hash_in_directory(&s->stack->set->layers[file->layer], path, h);
	else
		r = view_contents_read(s->stack, file->layer, path, hash_piece, h, &error);
	if (r == 0 && h->size == file->size) {
		take_hash(file, h);
		return 0;
	}
	if (s->stack->set && r != -ENOMEM &&
	    asprintf(&error, "%s/%s: %s", s->stack->set->layers[file->layer].path, path,
		     r < 0 ? strerror(-r) : "the file changed while it was read") < 0)
		error = NULL;
	if (r == -ENOMEM || !error)
		return -ENOMEM;
	/* Sparse files of an archive aren't read. */
	if (s->stack->set || r == -EOPNOTSUPP)
		return s->failed(s->arg, error);
	*ret_error = TAKE_PTR(error);
	return r;
}

/* --- layers of archives ------------------------------------------------------------------------------------------- */

/* To read one file of an archive all before it is inflated, so all files of a layer are read in one pass. */
struct layer_hashing {
	struct view_waste_state *s;
	size_t layer;
	struct hashing h;
	uint32_t file; /* that is being read; PATHS_NONE: none that is wanted */
};

static void settle(struct layer_hashing *l)
{
	if (l->file == PATHS_NONE)
		return;
	(void)CHECK(l->file < l->s->n_files);
	/* Of an entry that a later one replaces the size may be another. */
	if (l->h.size == l->s->files[l->file].size)
		take_hash(&l->s->files[l->file], &l->h);
	l->file = PATHS_NONE;
}

/* By event_of, which has done its work: the numbers of files. */
static uint32_t wanted_file(const struct layer_hashing *l, const char *path)
{
	const struct view_waste_state *s = l->s;
	uint32_t node = paths_find(&s->paths, path), file;

	if (node == PATHS_NONE || node >= s->shows_n)
		return PATHS_NONE;
	file = s->event_of[node];
	if (file >= s->n_files || !s->files[file].wanted || s->files[file].layer != l->layer ||
	    s->versions[s->files[file].version].path != node)
		return PATHS_NONE;
	return file;
}

static int hash_piece_of_layer(void *arg, const char *path, uint64_t at, const void *data, size_t len)
{
	struct layer_hashing *l = arg;

	if (at == 0) {
		settle(l);
		l->file = wanted_file(l, path);
		l->h.size = 0;
		XXH3_128bits_reset(l->h.xxh);
	}
	return l->file == PATHS_NONE ? 0 : hash_piece(&l->h, data, len);
}

static int hash_layer(struct layer_hashing *l, char **ret_error)
{
	struct view_waste_state *s = l->s;
	const struct image *image = s->stack->image;
	size_t number = image ? image->n_layers - 1 - l->layer : 0;
	struct image_error error = {.text = ""};
	bool any = false;
	int r;

	for (uint32_t i = 0; i < s->n_files; i++) {
		if (!s->files[i].wanted || s->files[i].layer != l->layer)
			continue;
		s->event_of[s->versions[s->files[i].version].path] = i;
		any = true;
	}
	if (!any || !image || image->layers[number].directory)
		return 0;
	meter_expect(0, (uint64_t)MAX(image->layers[number].compressed, (int64_t)0));
	r = image_toc_contents(image, number, hash_piece_of_layer, l, &error);
	if (r == 0)
		settle(l);
	else if (*error.text)
		*ret_error = strdup(error.text);
	return r;
}

int waste_compare(struct view_waste_state *s, char **ret_error)
{
	XXH3_state_t *xxh = XXH3_createState();
	struct layer_hashing l = {.s = s, .h = {.xxh = xxh}, .file = PATHS_NONE};
	int r = xxh ? want_shown(s) : -ENOMEM;

	want_replaced(s);
	for (l.layer = 0; l.layer < s->n_layers && r == 0; l.layer++)
		r = hash_layer(&l, ret_error);
	for (uint32_t i = 0; i < s->n_files && r == 0; i++)
		if (s->files[i].wanted && !s->files[i].hashed)
			meter_expect(0, s->files[i].size);
	for (uint32_t i = 0; i < s->n_files && r == 0; i++)
		if (s->files[i].wanted && !s->files[i].hashed)
			r = hash_file(s, &s->files[i], &l.h, ret_error);
	XXH3_freeState(xxh);
	return r;
}
