// SPDX-License-Identifier: Apache-2.0
/*
 * The tar of a layer that an engine has unpacked, byte for byte: github.com/vbatts/tar-split keeps what the tar had
 * besides the contents of its files. It is a JSON object a line. Type 2 has bytes of the tar in `payload`; type 1 names
 * a file whose content follows, `name` or `name_raw` of `size` bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/meter.h"
#include "document.h"
#include "image/error.h"
#include "image/read.h"
#include "image/toc.h"
#include "os/fs.h"

/* The bytes of a tar's end are one line. */
#define SPLIT_LINE_MAX (16 << 20)
#define SPLIT_CHUNK (64 << 10)

struct split {
	struct stream *in;
	int root_fd;
	char *line; /* bytes that were read: lines from `at` on */
	size_t at, len, room;
	unsigned char *bytes; /* of the tar, to be given next */
	size_t n_bytes, bytes_at;
	int fd; /* of the file, or -1 */
	int64_t off, left;
	char *path; /* of the file, for errors */
};

static void split_end(void *arg)
{
	struct split *s = arg;

	stream_free(s->in);
	cleanup_close(&s->root_fd);
	cleanup_close(&s->fd);
	free(s->line);
	free(s->bytes);
	free(s->path);
	free(s);
}

static int split_malformed(struct image_error *error)
{
	return image_fail(error, -EBADMSG, "malformed tar-split");
}

/* The next line, terminated: 1, or 0 at the end. */
static int split_line(struct split *s, char **ret, struct image_error *error)
{
	size_t looked = 0;

	for (;;) {
		char *end = s->len > s->at + looked ? memchr(s->line + s->at + looked, '\n', s->len - s->at - looked)
						    : NULL;
		ssize_t n;

		if (end) {
			*end = '\0';
			*ret = s->line + s->at;
			s->at = (size_t)(end + 1 - s->line);
			return 1;
		}
		looked = s->len - s->at;
		if (s->at)
			memmove(s->line, s->line + s->at, looked);
		s->at = 0;
		s->len = looked;
		if (looked > SPLIT_LINE_MAX)
			return split_malformed(error);
		if (!ARRAY_ROOM(s->line, s->len, s->room, SPLIT_CHUNK))
			return image_fail_memory(error);
		n = stream_read(s->in, s->line + s->len, SPLIT_CHUNK, error);
		if (n <= 0)
			return n < 0 ? (int)n : looked ? split_malformed(error) : 0;
		s->len += (size_t)n;
	}
}

/* A buffer that the caller frees. */
static int split_decode(const char *text, unsigned char **ret, size_t *ret_len, struct image_error *error)
{
	size_t len = text ? strlen(text) : 0;
	unsigned char *out = malloc(len / 4 * 3 + 4);
	int n;

	if (!out)
		return image_fail_memory(error);
	n = len % 4 || len > SPLIT_LINE_MAX ? -1 : EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	if (n < 0 && len) {
		free(out);
		return split_malformed(error);
	}
	for (size_t i = len; i > 0 && i > len - 2 && text[i - 1] == '='; i--)
		n--;
	*ret_len = len ? (size_t)n : 0;
	out[*ret_len] = '\0';
	*ret = out;
	return 0;
}

static int split_file(struct split *s, const json_t *entry, struct image_error *error)
{
	const char *raw = document_text(entry, "name_raw"), *name = document_text(entry, "name");
	int64_t size = document_number(entry, "size");
	size_t len;
	int r;

	if (size <= 0)
		return 0;
	free(s->path);
	s->path = NULL;
	if (raw)
		r = split_decode(raw, (unsigned char **)&s->path, &len, error);
	else
		r = name && (s->path = strdup(name)) ? 0 : split_malformed(error);
	if (r < 0)
		return r;
	while (*s->path == '/')
		memmove(s->path, s->path + 1, strlen(s->path));
	r = layer_tar_path(s->path, error);
	if (r < 0)
		return r;
	cleanup_close(&s->fd);
	s->fd = os_openat(s->root_fd, s->path, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	if (s->fd < 0)
		return image_fail(error, s->fd, "/%s: %s", s->path, strerror(-s->fd));
	s->off = 0;
	s->left = size;
	return 0;
}

/* 1, or 0 at the end. */
static int split_next(struct split *s, struct image_error *error)
{
	json_auto_t *entry = NULL;
	char *line;
	int r = split_line(s, &line, error);
	int64_t type;

	if (r <= 0)
		return r;
	r = document_parse(line, strlen(line), "tar-split", &entry, error);
	if (r < 0)
		return r;
	type = document_number(entry, "type");
	if (type == 1)
		r = split_file(s, entry, error);
	else if (type == 2) {
		free(s->bytes);
		s->bytes = NULL;
		s->bytes_at = s->n_bytes = 0;
		r = split_decode(document_text(entry, "payload"), &s->bytes, &s->n_bytes, error);
	} else {
		r = split_malformed(error);
	}
	return r < 0 ? r : 1;
}

static ssize_t split_read(void *arg, void *buf, size_t size, struct image_error *error)
{
	struct split *s = arg;
	ssize_t n;
	int r;

	while (s->bytes_at == s->n_bytes && !s->left) {
		r = split_next(s, error);
		if (r <= 0)
			return r;
	}
	if (s->bytes_at < s->n_bytes) {
		size = MIN(size, s->n_bytes - s->bytes_at);
		memcpy(buf, s->bytes + s->bytes_at, size);
		s->bytes_at += size;
		return (ssize_t)size;
	}
	if (!CHECK(s->fd >= 0 && s->left > 0))
		return -EIO;
	n = os_pread(s->fd, buf, MIN(size, (uint64_t)s->left), s->off);
	if (n <= 0)
		return image_fail(error, n < 0 ? (int)n : -EBADMSG, "/%s: %s", s->path,
				  n < 0 ? strerror((int)-n) : "it is shorter than it was");
	s->off += n;
	s->left -= n;
	meter_bytes((uint64_t)n);
	return n;
}

/* The file beside the layer. */
static int tar_split_path(const struct image *image, const struct image_layer *l, char **ret)
{
	int n = -1;

	if (image->source == IMAGE_CONTAINERS_STORAGE && l->id)
		n = asprintf(ret, "%s/overlay-layers/%s.tar-split.gz", image->path, l->id);
	else if (image->source == IMAGE_DOCKER_OVERLAY2 && l->chain_id)
		n = asprintf(ret, "%s/image/overlay2/layerdb/sha256/%s/tar-split.json.gz", image->path,
			     l->chain_id + strlen(DIGEST_PREFIX));
	else
		return -EOPNOTSUPP;
	return n < 0 ? -ENOMEM : 0;
}

static int split_open(const struct image_layer *l, const char *path, struct split *s, struct image_error *error)
{
	struct stream *file;
	struct statx stx;
	int fd, r;

	s->root_fd = os_open_path(l->directory, O_PATH | O_DIRECTORY, 0);
	if (s->root_fd < 0)
		return image_fail(error, s->root_fd, "%s: %s", l->directory, strerror(-s->root_fd));
	fd = os_open_path(path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return image_fail(error, fd, "%s: %s", path, strerror(-fd));
	r = os_statx(fd, "", &stx);
	if (r < 0) {
		os_close(fd);
		return image_fail(error, r, "%s: %s", path, strerror(-r));
	}
	r = stream_of_file(fd, 0, (int64_t)stx.stx_size, &file);
	return r < 0 ? image_fail_memory(error) : stream_unpacked(file, &s->in, error);
}

int layer_tar_start_split(const struct image *image, size_t layer, struct layer_tar *ret, struct image_error *error)
{
	static const struct stream_calls calls = {.read = split_read, .end = split_end};
	const struct image_layer *l = &image->layers[layer];
	_cleanup_free_ char *path = NULL;
	struct split *s;
	int r;

	if (!CHECK(layer < image->n_layers && l->directory))
		return -EIO;
	r = tar_split_path(image, l, &path);
	if (r < 0)
		return image_fail(error, r, "layer %zu: its original tar isn't known", layer);
	s = calloc(1, sizeof(*s));
	if (!s)
		return image_fail_memory(error);
	s->fd = s->root_fd = -1;
	r = split_open(l, path, s, error);
	if (r < 0) {
		split_end(s);
		return r;
	}
	*ret = (struct layer_tar){.layer = l};
	r = stream_of_calls(&calls, s, &ret->stream);
	if (r == 0)
		r = stream_hash(ret->stream);
	if (r < 0)
		return image_fail_memory(error);
	tar_init(&ret->tar, ret->stream);
	return 0;
}
