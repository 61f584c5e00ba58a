// SPDX-License-Identifier: Apache-2.0
/*
 * ISA-L inflates gzip, where plyfs is built with it; libarchive inflates the rest (its `raw` format with one filter
 * that is chosen here). Its tar reader isn't used: it converts
 * the UTF-8 names of pax headers to the locale's character set and to NFC, so other names come out than went in.
 */
#include "image/stream.h"

#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/meter.h"
#include "gunzip.h"
#include "image/error.h"
#include "image/toc.h"
#include "os/fs.h"

#define STREAM_BUFFER (64 << 10)

enum stream_kind { STREAM_FILE, STREAM_PART, STREAM_PLAIN, STREAM_INFLATED, STREAM_CALLS };

struct stream {
	enum stream_kind kind;
	int fd;		   /* FILE */
	int64_t off, left; /* FILE, PART: bytes to come */
	struct stream *below;
	struct archive *archive; /* INFLATED by libarchive */
	struct gunzip *gunzip;	 /* INFLATED by ISA-L */
	unsigned char *buffer;	 /* INFLATED: the packed bytes at hand; PLAIN and INFLATED: `head` first */
	const unsigned char *in; /* of ISA-L: those that aren't inflated yet, `n_in` of them */
	size_t n_in;
	bool in_ended, member_ended;
	unsigned char head[8];
	size_t n_head, head_used;
	struct image_error below_error; /* INFLATED: of the stream below */
	int below_err;
	struct digest digest;
	const struct stream_calls *calls; /* CALLS, with `calls_arg` */
	void *calls_arg;
	int (*tap)(void *arg, const void *data, size_t len, struct image_error *error);
	void *tap_arg;
	int64_t count;
	bool ended, trusted; /* trusted: a bomb isn't looked for */
};

static struct stream *stream_new(enum stream_kind kind, struct stream *below)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		stream_free(below);
		return NULL;
	}
	s->kind = kind;
	s->fd = -1;
	s->below = below;
	return s;
}

int stream_of_file(int fd, int64_t off, int64_t len, struct stream **ret)
{
	struct stream *s;

	if (!CHECK(fd >= 0) || !CHECK(off >= 0 && len >= 0))
		return -EIO;
	s = stream_new(STREAM_FILE, NULL);
	if (!s) {
		os_close(fd);
		return -ENOMEM;
	}
	s->fd = fd;
	s->off = off;
	s->left = len;
	*ret = s;
	return 0;
}

int stream_of_part(struct stream *below, int64_t len, struct stream **ret)
{
	struct stream *s = stream_new(STREAM_PART, below);

	if (!s)
		return -ENOMEM;
	if (!CHECK(len >= 0)) {
		stream_free(s);
		return -EIO;
	}
	s->left = len;
	*ret = s;
	return 0;
}

int stream_of_calls(const struct stream_calls *calls, void *arg, struct stream **ret)
{
	struct stream *s = stream_new(STREAM_CALLS, NULL);

	if (!s) {
		calls->end(arg);
		return -ENOMEM;
	}
	s->calls = calls;
	s->calls_arg = arg;
	*ret = s;
	return 0;
}

void stream_tap(struct stream *s, int (*tap)(void *arg, const void *data, size_t len, struct image_error *error),
		void *arg)
{
	(void)CHECK(!s->count);
	s->tap = tap;
	s->tap_arg = arg;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	if (s->calls)
		s->calls->end(s->calls_arg);
	archive_read_free(s->archive);
	gunzip_free(s->gunzip);
	digest_abandon(&s->digest);
	if (s->fd >= 0)
		os_close(s->fd);
	stream_free(s->below);
	free(s->buffer);
	free(s);
}

int stream_hash(struct stream *s)
{
	if (!CHECK(!s->count && !s->digest.context))
		return -EIO;
	return digest_start(&s->digest);
}

/* Bytes that tell gzip. */
#define GZIP_MAGIC 3

static int filter_of(const unsigned char *head, size_t n)
{
	static const unsigned char gzip[GZIP_MAGIC] = {0x1f, 0x8b, 0x08}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

	if (n >= sizeof(gzip) && !memcmp(head, gzip, sizeof(gzip)))
		return ARCHIVE_FILTER_GZIP;
	if (n >= sizeof(zstd) && !memcmp(head, zstd, sizeof(zstd)))
		return ARCHIVE_FILTER_ZSTD;
	return ARCHIVE_FILTER_NONE;
}

static ssize_t read_file(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	ssize_t n = os_pread(s->fd, buf, MIN(size, (uint64_t)s->left), s->off);

	if (n < 0)
		return image_fail(error, (int)n, "reading fails: %s", strerror((int)-n));
	s->off += n;
	s->left -= n;
	meter_bytes((uint64_t)n);
	return CHECK(s->left >= 0) ? n : -EIO;
}

static ssize_t read_limited(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	ssize_t n = stream_read(s->below, buf, MIN(size, (uint64_t)s->left), error);

	if (n > 0)
		s->left -= n;
	return CHECK(s->left >= 0) ? n : -EIO;
}

/* The bytes that were looked at to tell what the stream is, then what follows. */
static ssize_t read_plain(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	size_t n = MIN(size, s->n_head - s->head_used);
	ssize_t more;

	if (!CHECK(s->head_used <= s->n_head))
		return -EIO;
	memcpy(buf, s->head + s->head_used, n);
	s->head_used += n;
	more = n < size ? stream_read(s->below, (char *)buf + n, size - n, error) : 0;
	return more < 0 ? more : (ssize_t)n + more;
}

static la_ssize_t archive_reads(struct archive *a, void *arg, const void **ret_buffer)
{
	struct stream *s = arg;
	ssize_t n = read_plain(s, s->buffer, STREAM_BUFFER, &s->below_error);

	*ret_buffer = s->buffer;
	if (n >= 0)
		return n;
	s->below_err = (int)n;
	archive_set_error(a, EIO, "reading fails");
	return ARCHIVE_FATAL;
}

static ssize_t read_archive(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	la_ssize_t n = archive_read_data(s->archive, buf, size);

	if (n < 0 && s->below_err)
		return image_fail(error, s->below_err, "%s", s->below_error.text);
	if (n < 0)
		return image_fail(error, -EBADMSG, "the compressed data is damaged: %s",
				  archive_error_string(s->archive));
	return n;
}

/* Adds packed bytes to those at hand, unless there is none. */
static int more_packed(struct stream *s, struct image_error *error)
{
	ssize_t n;

	if (s->in_ended)
		return 0;
	(void)CHECK(s->n_in < STREAM_BUFFER);
	memmove(s->buffer, s->in, s->n_in);
	s->in = s->buffer;
	n = read_plain(s, s->buffer + s->n_in, STREAM_BUFFER - s->n_in, error);
	if (n < 0)
		return (int)n;
	s->in_ended = n == 0;
	s->n_in += (size_t)n;
	return 0;
}

/* Whether another member follows. What doesn't begin like one is no part of the data, as for libarchive and gzip(1). */
static int next_member(struct stream *s, struct image_error *error)
{
	int r = s->n_in < GZIP_MAGIC ? more_packed(s, error) : 0;

	return r < 0 ? r : filter_of(s->in, s->n_in) == ARCHIVE_FILTER_GZIP;
}

static ssize_t read_gunzip(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	size_t n = 0;
	int r = 1;

	while (!n) {
		if (s->member_ended) {
			r = next_member(s, error);
			if (r <= 0)
				return r;
			s->member_ended = false;
		}
		r = s->n_in ? 0 : more_packed(s, error);
		if (r < 0)
			return r;
		r = gunzip_step(s->gunzip, &s->in, &s->n_in, buf, size, &n);
		if (r < 0)
			return image_fail(error, r, "the compressed data is damaged");
		s->member_ended = r == 1;
		if (!n && !r && !s->n_in && s->in_ended)
			return image_fail(error, -EBADMSG, "the compressed data is damaged: it is truncated");
	}
	return (ssize_t)n;
}

static ssize_t read_inflated(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	int64_t packed = MAX(stream_count(s->below), (int64_t)1);
	ssize_t n = s->gunzip ? read_gunzip(s, buf, size, error) : read_archive(s, buf, size, error);

	if (n < 0)
		return n;
	if (!s->trusted && s->count + n > IMAGE_INFLATE_FREE && (s->count + n) / packed > IMAGE_INFLATE_TIMES)
		return image_fail(error, -E2BIG, "%lld bytes inflate to more than %d times their size",
				  (long long)packed, IMAGE_INFLATE_TIMES);
	return n;
}

static ssize_t read_some(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	switch (s->kind) {
	case STREAM_FILE:
		return read_file(s, buf, size, error);
	case STREAM_PART:
		return read_limited(s, buf, size, error);
	case STREAM_PLAIN:
		return read_plain(s, buf, size, error);
	case STREAM_INFLATED:
		return read_inflated(s, buf, size, error);
	case STREAM_CALLS:
		return s->calls->read(s->calls_arg, buf, size, error);
	}
	(void)CHECK(!"a kind of stream");
	return -EIO;
}

ssize_t stream_read(struct stream *s, void *buf, size_t size, struct image_error *error)
{
	size_t have = 0;
	int r;

	while (have < size && !s->ended) {
		ssize_t n = read_some(s, (char *)buf + have, size - have, error);

		if (n < 0)
			return n;
		s->ended = n == 0;
		have += (size_t)n;
		s->count += n;
	}
	if (s->digest.context) {
		r = digest_add(&s->digest, buf, have);
		if (r < 0)
			return image_fail(error, r, "a digest can't be taken");
	}
	if (s->tap && have) {
		r = s->tap(s->tap_arg, buf, have, error);
		if (r < 0)
			return r;
	}
	return (ssize_t)have;
}

int stream_skip(struct stream *s, int64_t len, struct image_error *error)
{
	char buf[16 << 10];

	if (!CHECK(len >= 0))
		return -EIO;
	if (s->kind == STREAM_FILE && !s->digest.context && !s->tap && len <= s->left) {
		s->off += len;
		s->left -= len;
		s->count += len;
		return 0;
	}
	while (len) {
		ssize_t n = stream_read(s, buf, MIN(sizeof(buf), (uint64_t)len), error);

		if (n < 0)
			return (int)n;
		if (!n)
			return image_fail(error, -EBADMSG, "truncated: %lld more bytes are expected", (long long)len);
		len -= n;
	}
	return 0;
}

int stream_drain(struct stream *s, struct image_error *error)
{
	char buf[16 << 10];
	ssize_t n;

	do
		n = stream_read(s, buf, sizeof(buf), error);
	while (n > 0);
	return n < 0 ? (int)n : s->below ? stream_drain(s->below, error) : 0;
}

int64_t stream_count(const struct stream *s)
{
	return s->count;
}

int64_t stream_left(const struct stream *s)
{
	return CHECK(s->kind == STREAM_FILE || s->kind == STREAM_PART) ? s->left : 0;
}

struct stream *stream_below(const struct stream *s)
{
	return s->below;
}

int stream_digest(struct stream *s, char ret[static DIGEST_SIZE])
{
	if (!CHECK(s->ended))
		return -EIO;
	return digest_finish(&s->digest, ret);
}

bool stream_is_packed(const void *head, size_t n)
{
	return filter_of(head, n) != ARCHIVE_FILTER_NONE;
}

static int start_inflating(struct stream *s, int filter, struct image_error *error)
{
	struct archive_entry *entry;
	int r;

	s->kind = STREAM_INFLATED;
	s->buffer = malloc(STREAM_BUFFER);
	s->in = s->buffer;
	if (filter == ARCHIVE_FILTER_GZIP && gunzip_is_there()) {
		s->gunzip = gunzip_new();
		return s->gunzip && s->buffer ? 0 : image_fail_memory(error);
	}
	s->archive = archive_read_new();
	if (!s->buffer || !s->archive)
		return image_fail_memory(error);
	if (archive_read_append_filter(s->archive, filter) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(s->archive) != ARCHIVE_OK)
		return image_fail(error, -EOPNOTSUPP, "%s", archive_error_string(s->archive));
	r = archive_read_open(s->archive, s, NULL, archive_reads, NULL);
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(s->archive, &entry);
	if (r == ARCHIVE_EOF)
		s->ended = true;
	else if (r != ARCHIVE_OK)
		return image_fail(error, s->below_err ? s->below_err : -EBADMSG, "the compressed data is damaged: %s",
				  s->below_err ? s->below_error.text : archive_error_string(s->archive));
	return 0;
}

int stream_inflated(struct stream *below, struct stream **ret, bool *ret_packed, struct image_error *error)
{
	_cleanup_(stream_cleanup) struct stream *s = stream_new(STREAM_PLAIN, below);
	ssize_t n;
	int filter, r = 0;

	if (!s)
		return image_fail_memory(error);
	n = stream_read(below, s->head, sizeof(s->head), error);
	if (n < 0)
		return (int)n;
	s->n_head = (size_t)n;
	filter = filter_of(s->head, s->n_head);
	if (filter != ARCHIVE_FILTER_NONE)
		r = start_inflating(s, filter, error);
	if (r < 0)
		return r;
	*ret_packed = filter != ARCHIVE_FILTER_NONE;
	*ret = TAKE_PTR(s);
	return 0;
}

int stream_unpacked(struct stream *below, struct stream **ret, struct image_error *error)
{
	bool packed;
	int r = stream_inflated(below, ret, &packed, error);

	if (r == 0)
		(*ret)->trusted = true;
	return r;
}
