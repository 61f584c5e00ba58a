// SPDX-License-Identifier: Apache-2.0
/*
 * The content of files of a layer's tar. Which entry has that of a single file is known at the end only: a later entry
 * of a path replaces the former, and hard links lead back. So one pass finds the entry, and another one reads it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "image/toc.h"
#include "image/read.h"

/* Hard links in a row. */
#define CONTENT_HOPS 64
#define CONTENT_PIECE ((size_t)64 << 10)

struct content_search {
	char *path; /* that is looked for; a hard link's target after the link */
	size_t at;  /* number of the entry that has it */
	bool found, link;
	char *target; /* of the link that was found last */
};

static int content_look(struct content_search *s, const struct tar_entry *e, size_t number, struct image_error *error)
{
	_cleanup_free_ char *path = strdup(e->path);
	int r;

	if (!path)
		return image_fail_memory(error);
	r = layer_tar_path(path, error);
	if (r < 0 || strcmp(path, s->path) != 0)
		return r;
	free(s->target);
	s->target = NULL;
	s->at = number;
	s->link = e->hardlink;
	s->found = S_ISREG(e->mode);
	if (!s->link)
		return 0;
	s->target = strdup(e->link);
	return s->target ? layer_tar_path(s->target, error) : image_fail_memory(error);
}

/* One pass: the last entry of the path. */
static int content_find(const struct image *image, size_t layer, struct content_search *s, struct image_error *error)
{
	struct layer_tar t;
	struct tar_entry e;
	size_t number = 0;
	int r = layer_tar_start(image, layer, &t, error);

	if (r < 0)
		return r;
	s->found = false;
	if (!CHECK(s->path && !s->target)) {
		layer_tar_finish(&t);
		return -EIO;
	}
	while ((r = tar_next(&t.tar, &e, error)) > 0) {
		r = content_look(s, &e, number++, error);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = layer_tar_verify(&t, error);
	layer_tar_finish(&t);
	return r;
}

static int content_pass_on(struct layer_tar *t, int (*each)(void *arg, const void *data, size_t len), void *arg,
			   struct image_error *error)
{
	_cleanup_free_ char *buf = malloc(CONTENT_PIECE);
	ssize_t n;
	int r;

	if (!buf)
		return image_fail_memory(error);
	while ((n = tar_read(&t->tar, buf, CONTENT_PIECE, error)) > 0) {
		r = each(arg, buf, (size_t)n);
		if (r != 0)
			return r;
	}
	return (int)n;
}

struct content_pieces {
	struct layer_tar *tar;
	char *buf; /* CONTENT_PIECE bytes */
	int (*each)(void *arg, const void *data, size_t len);
	void *arg;
	struct image_error *error;
};

/* The next bytes of the content: of the tar, or those of a hole. */
static int content_bytes(const struct content_pieces *p, int64_t left, bool hole)
{
	int r = 0;

	(void)CHECK(left >= 0);
	if (hole)
		memset(p->buf, 0, CONTENT_PIECE);
	while (left && r == 0) {
		size_t want = (size_t)MIN(left, (int64_t)CONTENT_PIECE);
		ssize_t n = hole ? (ssize_t)want : tar_read(&p->tar->tar, p->buf, want, p->error);

		if (n <= 0)
			return n < 0 ? (int)n : image_fail(p->error, -EBADMSG, "malformed archive: truncated content");
		r = p->each(p->arg, p->buf, (size_t)n);
		left -= n;
	}
	return r;
}

/* A small archive may say that a file has no end: as much as a blob may inflate to is given. */
static int content_sparse(const struct content_pieces *p, const struct tar_entry *e)
{
	int64_t most = MAX(p->tar->layer->compressed, (int64_t)0), at = 0;
	const struct tar_extent *extents;
	size_t n;
	int r = tar_sparse(&p->tar->tar, e, &extents, &n, p->error);

	if (r == 0 && (e->size - IMAGE_INFLATE_FREE) / IMAGE_INFLATE_TIMES > most)
		r = image_fail(p->error, -E2BIG, "a sparse file of %lld bytes", (long long)e->size);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = content_bytes(p, extents[i].offset - at, true);
		if (r == 0)
			r = content_bytes(p, extents[i].size, false);
		at = extents[i].offset + extents[i].size;
	}
	return r == 0 ? content_bytes(p, e->size - at, true) : r;
}

static int content_of_sparse(struct layer_tar *t, const struct tar_entry *e,
			     int (*each)(void *arg, const void *data, size_t len), void *arg, struct image_error *error)
{
	_cleanup_free_ char *buf = malloc(CONTENT_PIECE);
	const struct content_pieces p = {.tar = t, .buf = buf, .each = each, .arg = arg, .error = error};

	return buf ? content_sparse(&p, e) : image_fail_memory(error);
}

static int content_read(const struct image *image, size_t layer, size_t at,
			int (*each)(void *arg, const void *data, size_t len), void *arg, struct image_error *error)
{
	struct layer_tar t;
	struct tar_entry e;
	int r = layer_tar_start(image, layer, &t, error);

	if (r < 0)
		return r;
	for (size_t i = 0; i <= at && r >= 0; i++) {
		r = tar_next(&t.tar, &e, error);
		if (r == 0)
			r = image_fail(error, -EBADMSG, "the layer changed while it was read");
	}
	if (r > 0 && e.sparse)
		r = content_of_sparse(&t, &e, each, arg, error);
	else if (r > 0)
		r = content_pass_on(&t, each, arg, error);
	if (r == 0)
		r = layer_tar_verify(&t, error);
	layer_tar_finish(&t);
	return r;
}

int image_toc_content(const struct image *image, size_t layer, const char *path,
		      int (*each)(void *arg, const void *data, size_t len), void *arg, struct image_error *error)
{
	struct content_search s = {.path = strdup(path)};
	int r = s.path ? 0 : image_fail_memory(error);

	if (!CHECK(*path != '/')) {
		free(s.path);
		return -EIO;
	}
	for (unsigned hops = 0; r == 0; hops++) {
		r = content_find(image, layer, &s, error);
		if (r == 0 && !s.found)
			r = image_fail(error, -ENOENT, "layer %zu has no file %s", layer, s.path);
		if (r < 0 || !s.link)
			break;
		free(s.path);
		s.path = TAKE_PTR(s.target);
		if (hops == CONTENT_HOPS)
			r = image_fail(error, -EBADMSG, "hard links lead in a circle: %s", s.path);
	}
	if (r == 0 && !CHECK(s.found && !s.link))
		r = -EIO;
	if (r == 0)
		r = content_read(image, layer, s.at, each, arg, error);
	free(s.path);
	free(s.target);
	return r;
}

/* --- all files ---------------------------------------------------------------------------------------------------- */

static int contents_of_entry(struct layer_tar *t, const char *path, char *buf,
			     int (*each)(void *arg, const char *path, uint64_t at, const void *data, size_t len),
			     void *arg, struct image_error *error)
{
	uint64_t at = 0;
	ssize_t n;
	int r;

	while ((n = tar_read(&t->tar, buf, CONTENT_PIECE, error)) > 0) {
		r = each(arg, path, at, buf, (size_t)n);
		if (r != 0)
			return r;
		at += (uint64_t)n;
	}
	return (int)n;
}

int image_toc_contents(const struct image *image, size_t layer,
		       int (*each)(void *arg, const char *path, uint64_t at, const void *data, size_t len), void *arg,
		       struct image_error *error)
{
	_cleanup_free_ char *buf = malloc(CONTENT_PIECE);
	struct layer_tar t;
	struct tar_entry e;
	int r = buf ? layer_tar_start(image, layer, &t, error) : image_fail_memory(error);

	if (r < 0)
		return r;
	while ((r = tar_next(&t.tar, &e, error)) > 0) {
		_cleanup_free_ char *path = strdup(e.path);

		r = path ? layer_tar_path(path, error) : image_fail_memory(error);
		if (r == 0 && S_ISREG(e.mode) && !e.hardlink && !e.sparse)
			r = contents_of_entry(&t, path, buf, each, arg, error);
		if (r != 0)
			break;
	}
	if (r == 0)
		r = layer_tar_verify(&t, error);
	layer_tar_finish(&t);
	return r;
}
