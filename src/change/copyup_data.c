/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a file's data: a reflink where both layers are one file system that has them, else extent by extent with the
 * holes kept, by copy_file_range() and, where that can't, by reading and writing.
 *
 * A small file goes by one read and one write.
 *
 * Chunks are small enough that a cancelled copy ends soon. Unless the mount is volatile, each chunk's write-back is
 * started at once and the one before is waited for: dirty pages stay few, so that the final sync is short, its journal
 * commit holds up nobody who creates a file elsewhere, and other writers of the disk aren't throttled for our sake.
 *
 * A copy that comes out shorter than the source is never filled with zeros: it fails.
 */
#include "copyup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "internal.h"

#define CHUNK ((off_t)8 << 20)
/* Where others wait for the end of a piece: about what a write takes. */
#define PIECE ((off_t)1 << 20)
#define BUFFER_SIZE ((size_t)256 << 10)

struct data_copy {
	struct copyup *c;
	bool by_hand;			/* copy_file_range can't */
	void *buffer;			/* owned */
	off_t written_from, written_to; /* the chunk whose write-back was started last */
};

static void data_copy_finish(struct data_copy *d)
{
	free(d->buffer);
}

/* Errors of copy_file_range that say no more than that it is the wrong call for these two files. */
static bool range_unsuitable(ssize_t r)
{
	return r == -EXDEV || r == -EOPNOTSUPP || r == -ENOSYS || r == -EINVAL || r == -EPERM || r == -EBADF ||
	       r == -ETXTBSY;
}

/* Returns the end of what was copied; less than `end` when the rest has to go by hand. */
static off_t copy_by_range(struct data_copy *d, off_t off, off_t end)
{
	while (off < end) {
		off_t in = off, out = off;
		ssize_t n = os_copy_file_range(d->c->src_read, &in, d->c->fd, &out, (size_t)(end - off));

		if (n < 0 && !range_unsuitable(n))
			return n;
		if (n <= 0) {
			/* 0 before the end is what files without real pages answer. */
			d->by_hand = true;
			break;
		}
		off += n;
	}
	return off;
}

static int copyup_write_all(int fd, const char *buf, size_t size, off_t off)
{
	/* A short count came before an error, which the next call gives. */
	while (size > 0) {
		ssize_t n = os_pwrite_all(fd, buf, size, off);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		buf += n;
		size -= (size_t)n;
		off += n;
	}
	return 0;
}

static off_t copy_by_hand(struct data_copy *d, off_t off, off_t end)
{
	if (!d->buffer)
		d->buffer = malloc(BUFFER_SIZE);
	if (!d->buffer)
		return -ENOMEM;
	while (off < end) {
		ssize_t n = os_pread(d->c->src_read, d->buffer, MIN(BUFFER_SIZE, (size_t)(end - off)), off);
		int r;

		if (n <= 0)
			return n < 0 ? n : -EIO;
		r = copyup_write_all(d->c->fd, d->buffer, (size_t)n, off);
		if (r < 0)
			return r;
		off += n;
	}
	return off;
}

/* Best effort: the sync at the end is what counts. */
static void start_write_back(struct data_copy *d, off_t off, off_t end)
{
	(void)CHECK(d->written_from <= d->written_to);
	if (!d->c->writer->sync)
		return;
	(void)os_sync_file_range(d->c->fd, off, end - off, SYNC_FILE_RANGE_WRITE);
	if (d->written_to > d->written_from)
		(void)os_sync_file_range(d->c->fd, d->written_from, d->written_to - d->written_from,
					 SYNC_FILE_RANGE_WAIT_BEFORE);
	d->written_from = off;
	d->written_to = end;
}

static int begin_piece(struct copyup *c)
{
	return c->begin_piece ? c->begin_piece(c) : 0;
}

static int end_piece(struct copyup *c, int r)
{
	return c->end_piece ? c->end_piece(c, r) : r;
}

static int copy_piece(struct data_copy *d, off_t off, off_t end)
{
	int r = begin_piece(d->c);

	if (r < 0)
		return r;
	if (!d->by_hand)
		off = copy_by_range(d, off, end);
	if (off >= 0 && off < end)
		off = copy_by_hand(d, off, end);
	return end_piece(d->c, (int)MIN(off, 0));
}

static int copyup_copy_chunk(struct data_copy *d, off_t off, off_t end)
{
	off_t step = d->c->begin_piece ? PIECE : CHUNK;
	int r = 0;

	(void)CHECK(off < end && end - off <= CHUNK);
	for (off_t at = off; r == 0 && at < end; at += step)
		r = copyup_task_cancelled(d->c->task) ? -EINTR : copy_piece(d, at, MIN(at + step, end));
	if (r == 0)
		start_write_back(d, off, end);
	return r;
}

static int copy_extent(struct data_copy *d, off_t off, off_t end)
{
	int r = 0;

	for (; r == 0 && off < end; off += CHUNK)
		r = copyup_copy_chunk(d, off, MIN(off + CHUNK, end));
	return r;
}

/* The next extent with data at or after `off`. 0 with an extent, 1 when the rest is a hole. */
static int next_extent(int fd, off_t off, off_t size, off_t *ret_start, off_t *ret_end)
{
	off_t start = os_lseek(fd, off, SEEK_DATA), end;

	if (start == -ENXIO)
		return 1;
	if (start < 0) {
		/* No notion of holes: all of it is data. */
		*ret_start = off;
		*ret_end = size;
		return 0;
	}
	end = os_lseek(fd, start, SEEK_HOLE);
	/* What goes backwards would be read for ever. */
	if (start < off || (end >= 0 && end <= start))
		return -EIO;
	*ret_start = MIN(start, size);
	*ret_end = end < 0 ? size : MIN(end, size);
	return 0;
}

static int copy_extents(struct data_copy *d, off_t size)
{
	off_t start, end = 0;
	int r = 0;

	(void)CHECK(d->c->src_read >= 0 && d->c->fd >= 0);
	if (d->c->fill_holes)
		return copy_extent(d, 0, size);
	while (r == 0 && end < size) {
		r = next_extent(d->c->src_read, end, size, &start, &end);
		if (r == 0)
			r = copy_extent(d, start, end);
	}
	return r < 0 ? r : 0;
}

/* Somebody who changes a layer underneath gets an error and no mixture of old and new. */
static int copyup_check_size(const struct copyup *c)
{
	struct statx source, copy;
	int r = os_statx(c->src_read, "", &source);

	if (r == 0)
		r = os_statx(c->fd, "", &copy);
	if (r < 0)
		return r;
	return source.stx_size == c->stx.stx_size && copy.stx_size == c->stx.stx_size ? 0 : -EIO;
}

/* One without holes, which one read and one write copy; sharing its blocks would save less than it costs. */
static bool is_small(const struct copyup *c)
{
	return c->stx.stx_size < COPYUP_QUICK && (c->fill_holes || c->stx.stx_blocks * 512 >= c->stx.stx_size);
}

/* The read asks for one byte more than there should be, so that its count tells what copyup_check_size() would. 1: not
 * all came at once. */
static int copy_small(struct copyup *c)
{
	char buffer[COPYUP_QUICK];
	ssize_t n;

	if (!CHECK(c->stx.stx_size < sizeof(buffer)))
		return -EIO;
	if (copyup_task_cancelled(c->task))
		return -EINTR;
	n = os_pread(c->src_read, buffer, (size_t)c->stx.stx_size + 1, 0);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n > c->stx.stx_size)
		return -EIO;
	return (uint64_t)n < c->stx.stx_size ? 1 : copyup_write_all(c->fd, buffer, (size_t)n, 0);
}

/* By one call. 0: that was all, and it was as much as it should be; 1: that was all; 2: there is more to do, and the
 * copy has its size. */
static int copy_at_once(struct copyup *c)
{
	int r = is_small(c) ? copy_small(c) : 1;

	if (r <= 0)
		return r;
	if (!c->stx.stx_size || os_ficlone(c->fd, c->src_read) == 0)
		return 1;
	r = os_ftruncate(c->fd, (off_t)c->stx.stx_size);
	return r < 0 ? r : 2;
}

int copyup_data(struct copyup *c)
{
	_cleanup_(data_copy_finish) struct data_copy d = {.c = c};
	int r = begin_piece(c);

	if (r < 0)
		return r;
	r = end_piece(c, copy_at_once(c));
	if (r <= 0)
		return r;
	r = r > 1 ? copy_extents(&d, (off_t)c->stx.stx_size) : 0;
	return r < 0 ? r : copyup_check_size(c);
}

/* The data of a file whose own object has metadata alone. */
int copyup_open_data(const struct copyup *c)
{
	struct tree *tree = c->writer->tree;
	int fd = inode_open_data_or_say(tree, c->inode, O_RDONLY | O_NOATIME, NULL, c->error);

	return fd == -EPERM ? inode_open_data_or_say(tree, c->inode, O_RDONLY, NULL, c->error) : fd;
}
