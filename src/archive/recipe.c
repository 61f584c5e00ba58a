// SPDX-License-Identifier: Apache-2.0
#include "archive/recipe.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "archive/packer.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/meter.h"
#include "image/error.h"
#include "image/stream.h"
#include "os/fs.h"

#define RECIPE_MAGIC "plyfs recipe 1\n"
#define RECIPE_BUFFER (256 << 10)
/* The recipe of a tar with long headers is read much faster than level 1 would read it for its size. */
#define RECIPE_LEVEL 1

struct recipe_writer {
	int fd;
	off_t at;
	struct packer *packer;
	/* bytes that aren't a record yet: many small ones make one */
	size_t n_pending;
	char pending[16 << 10];
};

static int recipe_sink(void *arg, const void *data, size_t len)
{
	struct recipe_writer *w = arg;
	ssize_t n = os_pwrite_all(w->fd, data, len, w->at);

	if (n < 0)
		return (int)n;
	w->at += n;
	return (size_t)n == len ? 0 : -ENOSPC;
}

static int recipe_failed(int r, struct image_error *error)
{
	return r < 0 ? image_fail(error, r, "writing the recipe: %s", strerror(-r)) : 0;
}

int recipe_writer_new(int fd, struct recipe_writer **ret, struct image_error *error)
{
	struct recipe_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return image_fail_memory(error);
	w->fd = fd;
	r = packer_new(PACK_ZSTD, RECIPE_LEVEL, recipe_sink, w, &w->packer, error);
	if (r == 0)
		r = recipe_failed(packer_add(w->packer, RECIPE_MAGIC, strlen(RECIPE_MAGIC)), error);
	if (r < 0) {
		recipe_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static int recipe_flush(struct recipe_writer *w)
{
	unsigned char head[5] = {'b'};
	uint32_t len = htole32((uint32_t)w->n_pending);
	int r;

	if (!w->n_pending)
		return 0;
	memcpy(head + 1, &len, sizeof(len));
	r = packer_add(w->packer, head, sizeof(head));
	if (r == 0)
		r = packer_add(w->packer, w->pending, w->n_pending);
	w->n_pending = 0;
	return r;
}

int recipe_add_bytes(struct recipe_writer *w, const void *data, size_t len, struct image_error *error)
{
	int r = 0;

	while (len && r == 0) {
		size_t n = MIN(len, sizeof(w->pending) - w->n_pending);

		if (!CHECK(w->n_pending <= sizeof(w->pending)))
			return -EIO;
		memcpy(w->pending + w->n_pending, data, n);
		w->n_pending += n;
		data = (const char *)data + n;
		len -= n;
		if (w->n_pending == sizeof(w->pending))
			r = recipe_flush(w);
	}
	return recipe_failed(r, error);
}

int recipe_add_content(struct recipe_writer *w, const char *path, int64_t offset, int64_t size,
		       struct image_error *error)
{
	size_t path_len = strlen(path);
	unsigned char head[19] = {'c'};
	uint64_t numbers[2] = {htole64((uint64_t)offset), htole64((uint64_t)size)};
	uint16_t len = htole16((uint16_t)path_len);
	int r;

	if (!CHECK(offset >= 0 && size >= 0 && path_len < PATH_MAX))
		return -EIO;
	memcpy(head + 1, numbers, sizeof(numbers));
	memcpy(head + 17, &len, sizeof(len));
	r = recipe_flush(w);
	if (r == 0)
		r = packer_add(w->packer, head, sizeof(head));
	if (r == 0)
		r = packer_add(w->packer, path, path_len);
	return recipe_failed(r, error);
}

int recipe_writer_end(struct recipe_writer *w, struct image_error *error)
{
	int r = recipe_flush(w);

	if (r == 0)
		r = packer_add(w->packer, "e", 1);
	if (r == 0)
		r = packer_end(w->packer);
	return recipe_failed(r, error);
}

void recipe_writer_free(struct recipe_writer *w)
{
	if (!w)
		return;
	packer_free(w->packer);
	free(w);
}

/* --- the tar again ------------------------------------------------------------------------------------------------ */

struct recipe_reading {
	struct stream *in;
	int root_fd;
	archive_sink sink;
	void *arg;
	char *buffer;	    /* RECIPE_BUFFER */
	char *path;	    /* of the file that came last; owned */
	uint64_t end, size; /* where its parts end, and its size */
	struct image_error *error;
};

static int recipe_damaged(struct image_error *error)
{
	return image_fail(error, -EBADMSG, "the recipe is damaged");
}

static int recipe_read(struct recipe_reading *t, void *buf, size_t len)
{
	ssize_t n = stream_read(t->in, buf, len, t->error);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : recipe_damaged(t->error);
}

static int tar_bytes(struct recipe_reading *t)
{
	uint32_t len;
	int r = recipe_read(t, &len, sizeof(len));

	len = r < 0 ? 0 : le32toh(len);
	while (len && r == 0) {
		size_t n = MIN(len, (uint32_t)RECIPE_BUFFER);

		r = recipe_read(t, t->buffer, n);
		if (r == 0)
			r = t->sink(t->arg, t->buffer, n);
		len -= (uint32_t)n;
	}
	return r;
}

static int tar_of_file(struct recipe_reading *t, const char *path, int fd, uint64_t offset, uint64_t size)
{
	while (size) {
		ssize_t n = os_pread_all(fd, t->buffer, MIN(size, (uint64_t)RECIPE_BUFFER), (off_t)offset);
		int r;

		if (n <= 0)
			return image_fail(t->error, n < 0 ? (int)n : -EBADMSG, "/%s: %s", path,
					  n < 0 ? strerror((int)-n) : "it is shorter than it was");
		meter_bytes((uint64_t)n);
		r = t->sink(t->arg, t->buffer, (size_t)n);
		if (r < 0)
			return r;
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

/* The file that came last has no more bytes than the tar has of it. */
static int tar_check_size(const struct recipe_reading *t)
{
	if (!t->path || t->size == t->end)
		return 0;
	return image_fail(t->error, -EBADMSG, "/%s: it has %llu bytes, not %llu", t->path, (unsigned long long)t->size,
			  (unsigned long long)t->end);
}

static int tar_next_file(struct recipe_reading *t, const char *path, int fd, uint64_t end)
{
	struct statx stx;
	int r;

	if (t->path && !strcmp(t->path, path)) {
		t->end = MAX(t->end, end);
		return 0;
	}
	r = tar_check_size(t);
	if (r == 0)
		r = os_statx(fd, "", &stx);
	if (r < 0)
		return r;
	free(t->path);
	t->path = strdup(path);
	t->end = end;
	t->size = stx.stx_size;
	return t->path ? 0 : -ENOMEM;
}

static int tar_content(struct recipe_reading *t)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	uint64_t numbers[2];
	uint16_t len;
	int r = recipe_read(t, numbers, sizeof(numbers));

	if (r == 0)
		r = recipe_read(t, &len, sizeof(len));
	if (r < 0)
		return r;
	len = le16toh(len);
	if (!len || len >= sizeof(path))
		return recipe_damaged(t->error);
	r = recipe_read(t, path, len);
	if (r < 0)
		return r;
	path[len] = '\0';
	numbers[0] = le64toh(numbers[0]);
	numbers[1] = le64toh(numbers[1]);
	if (numbers[0] > INT64_MAX || numbers[1] > INT64_MAX - numbers[0])
		return recipe_damaged(t->error);
	fd = os_openat(t->root_fd, path, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	if (fd < 0)
		return image_fail(t->error, fd, "/%s: %s", path, strerror(-fd));
	r = tar_next_file(t, path, fd, numbers[0] + numbers[1]);
	return r < 0 ? r : tar_of_file(t, path, fd, numbers[0], numbers[1]);
}

static int recipe_records(struct recipe_reading *t)
{
	char magic[sizeof(RECIPE_MAGIC) - 1], type = 0;
	int r = recipe_read(t, magic, sizeof(magic));

	if (r == 0 && memcmp(magic, RECIPE_MAGIC, sizeof(magic)) != 0)
		r = recipe_damaged(t->error);
	while (r == 0) {
		r = recipe_read(t, &type, 1);
		if (r < 0 || type == 'e')
			break;
		r = type == 'b' ? tar_bytes(t) : type == 'c' ? tar_content(t) : recipe_damaged(t->error);
	}
	return r;
}

int recipe_write_tar(int recipe_fd, int root_fd, archive_sink sink, void *arg, struct image_error *error)
{
	_cleanup_(stream_cleanup) struct stream *in = NULL;
	_cleanup_free_ char *buffer = malloc(RECIPE_BUFFER);
	struct image_error why = {.text = ""};
	struct recipe_reading t = {.root_fd = root_fd, .sink = sink, .arg = arg, .buffer = buffer, .error = &why};
	struct statx stx;
	int fd, r;

	if (!buffer)
		return image_fail_memory(error);
	fd = os_dup(recipe_fd);
	if (fd < 0)
		return image_fail(error, fd, "%s", strerror(-fd));
	r = os_statx(fd, "", &stx);
	r = r < 0 ? (os_close(fd), r) : stream_of_file(fd, 0, (int64_t)stx.stx_size, &in);
	if (r == 0)
		r = stream_unpacked(TAKE_PTR(in), &in, &why);
	t.in = in;
	if (r == 0)
		r = recipe_records(&t);
	if (r == 0)
		r = tar_check_size(&t);
	free(t.path);
	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : 0;
}
