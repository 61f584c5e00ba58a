/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compressed streams inflate to, also read ahead by another thread. libarchive compresses.
 */
#include "image/stream.h"

#include "made.h"

#include <sys/mman.h>

#include "base/macros.h"

static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};

/* Text that compresses to about a third. */
static void add_text(struct bytes *b, size_t len, unsigned seed)
{
	char line[64];

	while (len) {
		size_t n;

		seed = seed * 1103515245 + 12345;
		n = MIN((size_t)snprintf(line, sizeof(line), "line %u of the text\n", seed % 100000), len);
		bytes_add(b, line, n);
		len -= n;
	}
}

static struct stream *stream_over(const struct bytes *b, struct image_error *error)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	struct stream *file, *s;
	bool packed;

	if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len || stream_of_file(fd, 0, (int64_t)b->len, &file) ||
	    stream_inflated(file, &s, &packed, error))
		abort();
	return s;
}

/* All that the stream gives, in pieces of odd sizes; 0 or -errno. */
static int read_stream(struct stream *s, struct bytes *ret, struct image_error *error)
{
	char buf[5000];
	ssize_t n;

	while ((n = stream_read(s, buf, 1 + ret->len * 7 % sizeof(buf), error)) > 0)
		bytes_add(ret, buf, (size_t)n);
	return (int)n;
}

static int read_ahead(struct stream *s, struct bytes *ret, struct image_error *error)
{
	struct stream *ahead;
	int r = stream_ahead(s, &ahead, error);

	if (r < 0)
		return r;
	r = read_stream(ahead, ret, error);
	stream_free(ahead);
	return r;
}

static int read_either(const struct bytes *packed, bool ahead, struct bytes *ret, struct image_error *error)
{
	struct stream *s = stream_over(packed, error);
	int r = (ahead ? read_ahead : read_stream)(s, ret, error);

	stream_free(s);
	return r;
}

static bool equal(const struct bytes *a, const struct bytes *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

TEST("members and frames in a row inflate to one text, whatever their sizes")
{
	static const size_t sizes[] = {0, 1, 70000, 3, 400000, 0, 65536};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(filters); i++) {
		struct image_error error = {0};
		BYTES(text);
		BYTES(packed);
		BYTES(got);

		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			BYTES(part);
			BYTES(one);

			/* libarchive writes nothing for nothing. */
			if (!sizes[k])
				continue;
			add_text(&part, sizes[k], (unsigned)k);
			bytes_pack(&one, &part, filters[i / 2]);
			bytes_add(&text, part.data, part.len);
			bytes_add(&packed, one.data, one.len);
		}
		EXPECT_INT(read_either(&packed, i % 2, &got, &error), 0);
		EXPECT(equal(&text, &got));
	}
}

TEST("what is behind the last member is no part of the text")
{
	for (size_t len = 1; len < 40; len++) {
		struct image_error error = {0};
		BYTES(text);
		BYTES(packed);
		BYTES(got);

		add_text(&text, 100000, 1);
		bytes_pack(&packed, &text, ARCHIVE_FILTER_GZIP);
		bytes_zeros(&packed, len);
		EXPECT_INT(read_either(&packed, len % 2, &got, &error), 0);
		EXPECT(equal(&text, &got));
	}
}

TEST("a second member that is cut off is an error")
{
	BYTES(text);
	BYTES(one);

	add_text(&text, 1000, 1);
	bytes_pack(&one, &text, ARCHIVE_FILTER_GZIP);
	for (size_t at = 4; at < one.len; at += 7) {
		struct image_error error = {0};
		BYTES(packed);
		BYTES(got);

		bytes_add(&packed, one.data, one.len);
		bytes_add(&packed, one.data, at);
		if (read_either(&packed, at % 2, &got, &error) != -EBADMSG)
			UNIT_FAIL("cut off at %zu: %zu bytes", at, got.len);
	}
}

TEST("a reader may leave before the end")
{
	for (size_t taken = 0; taken < 3000000; taken = taken * 5 + 1) {
		struct image_error error = {0};
		struct stream *s, *ahead;
		char *buf = malloc(taken + 1);
		BYTES(text);

		add_text(&text, 3000000, 1);
		s = stream_over(&text, &error);
		ASSERT_INT(stream_ahead(s, &ahead, &error), 0);
		EXPECT_INT(stream_read(ahead, buf, taken, &error), taken);
		EXPECT(!memcmp(buf, text.data, taken));
		stream_free(ahead);
		stream_free(s);
		free(buf);
	}
}
