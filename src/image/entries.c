// SPDX-License-Identifier: Apache-2.0
/*
 * All entries of a layer's tar with their content, in one pass.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "image/read.h"
#include "image/toc.h"

#define ENTRIES_PIECE ((int64_t)64 << 10)

struct entries {
	struct layer_tar tar;
	const struct image_entry_calls *calls;
	void *arg;
	char *buf; /* owned */
	struct image_error *error;
};

/* `left` bytes of the file from `at` on. */
static int entries_bytes(struct entries *s, int64_t at, int64_t left)
{
	(void)CHECK(at >= 0 && left >= 0);
	while (left) {
		ssize_t n = tar_read(&s->tar.tar, s->buf, (size_t)MIN(left, ENTRIES_PIECE), s->error);
		int r;

		if (n <= 0)
			return n < 0 ? (int)n : image_fail(s->error, -EBADMSG, "malformed archive: truncated content");
		r = s->calls->data(s->arg, (uint64_t)at, s->buf, (size_t)n);
		if (r != 0)
			return r;
		at += n;
		left -= n;
	}
	return 0;
}

static int entries_content(struct entries *s, const struct tar_entry *e)
{
	const struct tar_extent *extents;
	size_t n;
	int r;

	if (!CHECK(S_ISREG(e->mode) && !e->hardlink))
		return -EIO;
	if (!e->sparse)
		return entries_bytes(s, 0, e->size);
	r = tar_sparse(&s->tar.tar, e, &extents, &n, s->error);
	for (size_t i = 0; i < n && r == 0; i++)
		r = entries_bytes(s, extents[i].offset, extents[i].size);
	return r;
}

static int entries_one(struct entries *s, const struct tar_entry *e)
{
	_cleanup_free_ char *path = strdup(e->path);
	int r;

	if (!path)
		return image_fail_memory(s->error);
	r = layer_tar_path(path, s->error);
	if (r < 0 || layer_tar_is_landmark(path))
		return r;
	r = s->calls->entry(s->arg, path, e);
	if (r <= 0)
		return r;
	r = entries_content(s, e);
	return r < 0 ? r : s->calls->end(s->arg);
}

int image_toc_entries(const struct image *image, size_t layer, const struct image_entry_calls *calls, void *arg,
		      struct image_error *error)
{
	_cleanup_free_ char *buf = malloc(ENTRIES_PIECE);
	struct entries s = {.calls = calls, .arg = arg, .buf = buf, .error = error};
	struct tar_entry e;
	int r = buf ? layer_tar_start(image, layer, &s.tar, error) : image_fail_memory(error);

	if (r < 0)
		return r;
	while ((r = tar_next(&s.tar.tar, &e, error)) > 0) {
		r = entries_one(&s, &e);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = layer_tar_verify(&s.tar, error);
	layer_tar_finish(&s.tar);
	return r;
}
