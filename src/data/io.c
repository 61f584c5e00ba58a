/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on file data: each pins a descriptor, makes one system call, and lets go.
 */
#include "data/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"

/* As much as the kernel reads ahead at the start of a file. */
#define AHEAD_BYTES (128 << 10)
#define PAGE 4096 /* no kernel has smaller ones */
#define COPY_CHUNK (8U << 20)
#define COPY_BUFFER (256U << 10)

int data_get_to_read(struct data *data, struct inode *inode, struct data_fd *ret_fd)
{
	int r = data_get(data, inode, false, ret_fd);

	if (r == 0)
		pages_known(inode);
	return r;
}

ssize_t data_read(struct data *data, struct inode *inode, void *buf, size_t size, off_t off)
{
	struct data_fd fd;
	ssize_t n;
	int r = data_get_to_read(data, inode, &fd);

	if (r < 0)
		return r;
	n = os_pread_all(fd.fd, buf, size, off);
	data_put(data, &fd);
	return n;
}

void data_read_ahead(struct data *data, struct inode *inode)
{
	struct data_fd fd;

	if (data_get(data, inode, false, &fd) < 0)
		return;
	os_will_read(fd.fd, 0, AHEAD_BYTES);
	data_put(data, &fd);
}

/* The kernel keeps what it has written where it has all of a page. */
static bool has_page(size_t size, off_t off)
{
	return (off + (off_t)size) / PAGE > (off + PAGE - 1) / PAGE;
}

/* Whether the file has these bytes. */
static int has_bytes(struct data *data, struct inode *inode, const char *bytes, size_t size, off_t off)
{
	char buf[16384];
	struct data_fd fd;
	ssize_t n = 1;
	int r = data_get(data, inode, false, &fd);

	if (r < 0)
		return r;
	for (size_t done = 0; done < size && n > 0; done += (size_t)n) {
		n = os_pread(fd.fd, buf, MIN(sizeof(buf), size - done), off + (off_t)done);
		if (n > 0 && memcmp(buf, bytes + done, (size_t)n))
			n = 0;
	}
	data_put(data, &fd);
	return n < 0 ? (int)n : n > 0;
}

/* All of it or an error: a write(2) may be answered in part, but of what the kernel held back it takes a part for
 * all. */
static ssize_t write_whole(int fd, const char *buf, size_t size, off_t off)
{
	ssize_t n = os_pwrite_all(fd, buf, size, off);

	/* A short count came before an error, which the next call gives. */
	while (n > 0 && (size_t)n < size) {
		ssize_t more = os_pwrite_all(fd, buf + n, size - (size_t)n, off + n);

		n = more > 0 ? n + more : more < 0 ? more : -EIO;
	}
	return n;
}

/* The kernel sends whole pages, whose beginning the file may have. That it was changed is refused. I is held. */
static ssize_t write_behind(struct data *data, struct inode *inode, int fd, const char *buf, size_t size, off_t off)
{
	struct statx stx;
	size_t there;
	ssize_t n;
	int r = os_statx(fd, "", &stx);

	if (r < 0)
		return r;
	if ((uint64_t)off > stx.stx_size)
		return -TOO_EARLY;
	there = (size_t)MIN((uint64_t)size, stx.stx_size - (uint64_t)off);
	r = there ? has_bytes(data, inode, buf, there, off) : 1;
	if (r <= 0)
		return r < 0 ? r : -EPERM;
	n = there < size ? write_whole(fd, buf + there, size - there, (off_t)stx.stx_size) : 0;
	return n < 0 ? n : n + (ssize_t)there;
}

ssize_t data_write(struct data *data, struct inode *inode, const void *buf, size_t size, off_t off, unsigned how)
{
	bool held_back = how & DATA_HELD_BACK;
	struct kept kept;
	struct data_fd fd;
	ssize_t n;
	int r = data_get(data, inode, true, &fd);

	if (r < 0)
		return r;
	if (fd.append_only && !(how & (DATA_APPENDS | DATA_HELD_BACK))) {
		data_put(data, &fd);
		return -EPERM;
	}
	/* Dirty before the write: an eviction that looks now must not take the file for clean. */
	data_set_dirty(data, &fd);
	if (has_page(size, off))
		pages_known(inode);
	kept_start(data, inode, fd.fd, held_back, &kept);
	if (fd.append_only && held_back)
		n = write_behind(data, inode, fd.fd, buf, size, off);
	else if (held_back)
		n = write_whole(fd.fd, buf, size, off);
	else
		n = os_pwrite_all(fd.fd, buf, size, off);
	kept_end(&kept, fd.fd);
	data_put(data, &fd);
	return n;
}

int data_fallocate(struct data *data, struct inode *inode, int mode, off_t off, off_t len)
{
	struct kept kept;
	struct data_fd fd;
	int r = data_get(data, inode, true, &fd);

	if (r < 0)
		return r;
	data_set_dirty(data, &fd);
	kept_start(data, inode, fd.fd, false, &kept);
	r = os_fallocate(fd.fd, mode, off, len);
	kept_end(&kept, fd.fd);
	data_put(data, &fd);
	return r;
}

off_t data_seek(struct data *data, struct inode *inode, off_t off, int whence)
{
	struct data_fd fd;
	off_t pos;
	int r = data_get(data, inode, false, &fd);

	if (r < 0)
		return r;
	pos = os_lseek(fd.fd, off, whence);
	data_put(data, &fd);
	return pos;
}

/* Where copy_file_range can't (other file system, no support): through a buffer, one piece. */
static ssize_t copy_buffered(int in, off_t off_in, int out, off_t off_out, size_t len)
{
	size_t size = MIN(len, (size_t)COPY_BUFFER);
	_cleanup_free_ char *buf = malloc(size);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	n = os_pread(in, buf, size, off_in);
	if (n <= 0)
		return n;
	return os_pwrite_all(out, buf, (size_t)n, off_out);
}

static ssize_t copy_some(int in, off_t off_in, int out, off_t off_out, size_t len)
{
	off_t from = off_in, to = off_out;
	ssize_t n = os_copy_file_range(in, &from, out, &to, MIN(len, (size_t)COPY_CHUNK));

	if (n == -EXDEV || n == -EOPNOTSUPP || n == -ENOSYS || n == 0)
		n = copy_buffered(in, off_in, out, off_out, len);
	return n;
}

/* One copy_file_range(2) of a caller. */
struct copying {
	struct data *data;
	struct inode *inode; /* what is written to */
	int in, out;
	off_t off_in, off_out;
	size_t len;
};

/* The lock of the time that is kept is held over one chunk and not over all of them. */
static ssize_t io_copy_chunk(const struct copying *c, size_t done)
{
	struct kept kept;
	ssize_t n;

	kept_start(c->data, c->inode, c->out, false, &kept);
	n = copy_some(c->in, c->off_in + (off_t)done, c->out, c->off_out + (off_t)done, c->len - done);
	kept_end(&kept, c->out);
	return n;
}

static ssize_t copy_loop(const struct copying *c)
{
	size_t done = 0;

	while (done < c->len) {
		ssize_t n = io_copy_chunk(c, done);

		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t data_copy(struct data *data, struct inode *in, off_t off_in, struct inode *out, off_t off_out, size_t len)
{
	struct copying c = {.data = data, .inode = out, .off_in = off_in, .off_out = off_out, .len = len};
	struct data_fd to, from;
	ssize_t n;
	int r = data_get(data, out, true, &to);

	if (r < 0)
		return r;
	r = data_get(data, in, false, &from);
	if (r < 0) {
		data_put(data, &to);
		return r;
	}
	data_set_dirty(data, &to);
	c.in = from.fd;
	c.out = to.fd;
	n = copy_loop(&c);
	data_put(data, &from);
	data_put(data, &to);
	return n;
}

/* A descriptor through which this inode's unwritten data can be synced: the one that wrote, if it is still there. */
static int sync_descriptor(struct data *data, struct inode *inode, struct data_fd *ret)
{
	return data_peek(data, inode, ret) ? 0 : data_get(data, inode, false, ret);
}

static int sticky_error(struct data *data, struct inode *inode)
{
	struct data_entry *e;
	int error;

	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	error = e ? atomic_load(&e->error) : 0;
	lock_drop(&data->lock);
	return error;
}

/* A file that was copied up without its data: what is there to sync are its attributes. */
static int sync_metadata(struct data *data, struct inode *inode)
{
	int fd = inode_open(data->tree, inode, O_RDONLY, NULL), r;

	if (fd < 0)
		return fd;
	r = os_fsync(fd);
	os_close(fd);
	return r;
}

int data_sync(struct data *data, struct inode *inode, bool datasync)
{
	struct data_fd fd;
	int r = sticky_error(data, inode);

	/* All that was held back has come before. */
	data_time_moved(inode);
	if (r < 0)
		return r;
	if (!data->opt.sync || !inode_in_upper(inode))
		return 0;
	if (inode_is_metacopy(inode))
		return datasync ? 0 : sync_metadata(data, inode);
	r = sync_descriptor(data, inode, &fd);
	if (r < 0)
		return r;
	r = data_sync_entry(fd.entry, fd.fd, datasync);
	data_put(data, &fd);
	return r;
}
