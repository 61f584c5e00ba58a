/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are read once, in order: a range of a file, what such a range inflates to, or a part of that. A stream
 * owns the one below it. A stream may take the digest of all that is read of it.
 */
#ifndef IMAGE_STREAM_H
#define IMAGE_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/digest.h"
#include "image/image.h"

struct stream;

/* `len` bytes at `off` of a file, whose descriptor is the stream's from now on, also on failure. */
int stream_of_file(int fd, int64_t off, int64_t len, struct stream **ret);
/* The next `len` bytes of `below`, which is the stream's from now on, also on failure. */
int stream_of_part(struct stream *below, int64_t len, struct stream **ret);
/* The bytes that `below` inflates to if it begins like gzip or zstd, else its own. Takes `below` as above. Bombs are
 * refused (image/toc.h). */
int stream_inflated(struct stream *below, struct stream **ret, bool *ret_packed, struct image_error *error);
/* The same without a bound: for what this program has packed itself. */
int stream_unpacked(struct stream *below, struct stream **ret, struct image_error *error);
/* Whether it would inflate what begins with these bytes. */
bool stream_is_packed(const void *head, size_t n);
/* Bytes that calls make: `read` gives up to `size` bytes, 0 at the end; `end` frees `arg`, also on failure here. */
struct stream_calls {
	ssize_t (*read)(void *arg, void *buf, size_t size, struct image_error *error);
	void (*end)(void *arg);
};
int stream_of_calls(const struct stream_calls *calls, void *arg, struct stream **ret);
/* The bytes of `below`, which a thread of its own reads ahead. `below` stays the caller's. Nobody else uses it until
 * the new stream is freed, and that may be at any time. */
int stream_ahead(struct stream *below, struct stream **ret, struct image_error *error);
void stream_free(struct stream *s);
static inline void stream_cleanup(struct stream **s)
{
	stream_free(*s);
}

/* From now on all that is read counts for the digest. */
int stream_hash(struct stream *s);
/* From now on all that is read is handed to `tap` too, whose -errno ends the reading. */
void stream_tap(struct stream *s, int (*tap)(void *arg, const void *data, size_t len, struct image_error *error),
		void *arg);
/* Reads `size` bytes, and fewer only at the end. */
ssize_t stream_read(struct stream *s, void *buf, size_t size, struct image_error *error);
/* Goes on by `len` bytes. -EBADMSG if there are fewer. */
int stream_skip(struct stream *s, int64_t len, struct image_error *error);
/* Reads to the end of this stream and of the one below. */
int stream_drain(struct stream *s, struct image_error *error);
/* Bytes that were read or skipped. */
int64_t stream_count(const struct stream *s);
/* Bytes to come of a file or a part. */
int64_t stream_left(const struct stream *s);
struct stream *stream_below(const struct stream *s);
/* The digest of a stream with stream_hash(), after stream_drain(). */
int stream_digest(struct stream *s, char ret[static DIGEST_SIZE]);

#endif
