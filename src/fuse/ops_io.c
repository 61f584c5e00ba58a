/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ, WRITE, FSYNC, FALLOCATE, LSEEK, COPY_FILE_RANGE.
 *
 * A small READ goes into a buffer that the request thread keeps. The pages of a large one go to the kernel by way of a
 * pipe, copied once and not twice; that takes one call more.
 */
#include "ops.h"
#include "job.h"
#include "names.h"
#include "reply.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "wire.h"

/* With a while between them, half a second or more. */
#define EARLY_ATTEMPTS 10U
/* READs of so many bytes are worth the calls; and more a pipe may not hold, as nobody but root may make one larger than
 * 1 MiB. */
#define PAGES_FROM ((size_t)64 << 10)
#define PAGES_TO ((size_t)512 << 10)
#define COPY_PIECE ((size_t)64 << 20)

static pthread_key_t buffer_key;
static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;
static pthread_key_t pipe_key;
static pthread_once_t pipe_once = PTHREAD_ONCE_INIT;
static _Atomic unsigned read_pipes; /* threads that have one */

struct thread_buffer {
	size_t size;
	char bytes[];
};

static void buffer_key_new(void)
{
	pthread_key_create(&buffer_key, free);
}

/* Of a thread that ends, and its pipe with it. */
static void pipe_give_back(void *pipes)
{
	(void)CHECK(pipes == &read_pipes && atomic_fetch_sub(&read_pipes, 1U) > 0);
}

static void pipe_key_new(void)
{
	pthread_key_create(&pipe_key, pipe_give_back);
}

/* Whether this thread may have one of the OPS_READ_PIPES pipes. libfuse makes it, and closes it when
 * the thread ends. */
static bool thread_has_pipe(void)
{
	pthread_once(&pipe_once, pipe_key_new);
	if (pthread_getspecific(pipe_key))
		return true;
	if (atomic_fetch_add(&read_pipes, 1U) < OPS_READ_PIPES && !pthread_setspecific(pipe_key, (void *)&read_pipes))
		return true;
	atomic_fetch_sub(&read_pipes, 1U);
	return false;
}

/* This thread's buffer, at least `size` bytes; NULL when memory is short. */
static char *thread_buffer(size_t size)
{
	struct thread_buffer *b;

	pthread_once(&buffer_once, buffer_key_new);
	b = pthread_getspecific(buffer_key);
	if (b && b->size >= size)
		return b->bytes;
	free(b);
	b = malloc(sizeof(*b) + size);
	if (b)
		b->size = size;
	pthread_setspecific(buffer_key, b);
	return b ? b->bytes : NULL;
}

static int reply_pages(struct job *job)
{
	struct fuse_bufvec pages = FUSE_BUFVEC_INIT(job->size);
	struct data_fd fd;
	int r = data_get_to_read(job->fs->data, job->inode, &fd);

	if (r < 0)
		return job_result(job, r);
	pages.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY;
	pages.buf[0].fd = fd.fd;
	pages.buf[0].pos = job->off;
	counter_add(COUNTER_READ, 1);
	wire_reads(fd.fd, job->size, job->off);
	fuse_reply_data(job->req, &pages, 0);
	wire_has_read();
	data_put(job->fs->data, &fd);
	return 0;
}

/* An answer that goes by a ring isn't seen on its way, where an error would take the place of what came before it. */
static bool reads_pages(const struct job *job)
{
	return job->size >= PAGES_FROM && job->size <= PAGES_TO && job->fs->host->is_wired &&
	       !job->fs->host->opt.io_uring && thread_has_pipe();
}

static int reply_bytes(struct job *job)
{
	char *buf = thread_buffer(job->size);
	ssize_t n = buf ? data_read(job->fs->data, job->inode, buf, job->size, job->off) : -ENOMEM;

	if (n < 0)
		return job_result(job, (int)n);
	(void)CHECK((size_t)n <= job->size);
	counter_add(COUNTER_READ, 1);
	counter_add(COUNTER_READ_BYTES, (uint64_t)n);
	fuse_reply_buf(job->req, buf, (size_t)n);
	return 0;
}

static int run_read(struct job *job)
{
	return reads_pages(job) ? reply_pages(job) : reply_bytes(job);
}

void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct inode *inode = file_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	job_init(&job, fs_of(req, id), req, run_read);
	job.inode = inode;
	job.size = size;
	job.off = off;
	if (off == 0)
		walk_file_read(job.fs, inode);
	job_start(&job);
}

/* Before the data changes: what its caller may not leave of the mode. */
static int io_kill_priv(struct job *job)
{
	struct fs *fs = job->fs;
	unsigned kill = ATTR_KILL_PRIV;
	int r;

	if (!job->kills_priv || !attr_may_have_priv(job->inode))
		return 0;
	if (caller_drops_sgid(job->fs, job->req, job->inode))
		kill |= ATTR_KILL_SGID;
	r = attr_kill_priv(fs->writer, job->inode, kill);
	/* The kernel goes on with the mode that it knows, also for execve(2). */
	if (r > 0)
		attributes_doubt(fs, job->inode);
	return MIN(r, 0);
}

/* The kernel doesn't say it of FALLOCATE and COPY_FILE_RANGE; root is taken to have CAP_FSETID. */
static bool caller_kills_priv(fuse_req_t req)
{
	return fuse_req_ctx(req)->uid != 0;
}

static int run_write(struct job *job)
{
	unsigned how = (job->fi.flags & O_APPEND ? DATA_APPENDS : 0) | (job->fi.writepage ? DATA_HELD_BACK : 0);
	ssize_t n = io_kill_priv(job);

	if (n == 0)
		n = data_write(job->fs->data, job->inode, job->buf, job->size, job->off, how);
	/* What comes before is on its way, unless it was refused. */
	if (n == -TOO_EARLY)
		n = job->attempts++ < EARLY_ATTEMPTS ? -MUST_WAIT : -EIO;
	if (n < 0)
		return job_result(job, (int)n);
	(void)CHECK((size_t)n <= job->size);
	counter_add(COUNTER_WRITE, 1);
	counter_add(COUNTER_WRITE_BYTES, (uint64_t)n);
	fuse_reply_write(job->req, (size_t)n);
	return 0;
}

static bool write_kills_priv(const struct fuse_file_info *fi)
{
#ifdef FUSE_CAP_OVER_IO_URING
	if (fi->kill_suidgid)
		return true;
#endif
	return wire_kills_priv();
}

void op_write(fuse_req_t req, fuse_ino_t id, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct inode *inode = file_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	job_init(&job, fs_of(req, id), req, run_write);
	job.inode = job.needs[0] = inode;
	job.buf = buf;
	job.size = size;
	job.off = off;
	job.fi = *fi; /* the open flags come with each write, there being no open */
	job.kills_priv = write_kills_priv(fi);
	job_start_opening(&job);
}

static int run_fsync(struct job *job)
{
	return job_result(job, data_sync(job->fs->data, job->inode, job->flags != 0));
}

void op_fsync(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = file_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	counter_add(COUNTER_FSYNC, 1);
	job_init(&job, fs, req, run_fsync);
	job.inode = inode;
	job.flags = datasync ? 1 : 0;
	if (fs->writer->syncs_at_once || !fs->opt.sync || !inode_in_upper(inode))
		job_start(&job); /* a sticky error or nothing: no disk is touched */
	else
		job_start_blocking(&job);
}

static int run_fallocate(struct job *job)
{
	int r = io_kill_priv(job);

	if (r == 0)
		r = data_fallocate(job->fs->data, job->inode, job->mode, job->off, job->off2);

	return r < 0 ? job_failed(job, r) : job_result(job, 0);
}

void op_fallocate(fuse_req_t req, fuse_ino_t id, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	struct inode *inode = file_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	counter_add(COUNTER_MISC, 1);
	job_init(&job, fs_of(req, id), req, run_fallocate);
	job.inode = job.needs[0] = inode;
	job.mode = mode;
	job.off = off;
	job.off2 = len;
	job.kills_priv = caller_kills_priv(req);
	job_start_opening(&job);
}

static int run_seek(struct job *job)
{
	off_t pos = data_seek(job->fs->data, job->inode, job->off, job->mode);

	if (pos < 0)
		return job_result(job, (int)pos);
	fuse_reply_lseek(job->req, pos);
	return 0;
}

/* With the write-back cache the kernel has data and a size that no layer knows yet, and asks without sending them
 * first: a hole told here would lose what was written into it. On ENOSYS it takes the whole file for data. */
void op_lseek(fuse_req_t req, fuse_ino_t id, off_t off, int whence, struct fuse_file_info *fi)
{
	struct inode *inode = file_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	counter_add(COUNTER_MISC, 1);
	if (host_of(req)->opt.writeback) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	job_init(&job, fs_of(req, id), req, run_seek);
	job.inode = inode;
	job.off = off;
	job.mode = whence;
	job_start(&job);
}

static int run_copy(struct job *job)
{
	ssize_t n = io_kill_priv(job);

	if (n == 0)
		n = data_copy(job->fs->data, job->inode2, job->off2, job->inode, job->off, job->size);

	if (n < 0)
		return job_failed(job, (int)n);
	(void)CHECK((size_t)n <= job->size);
	fuse_reply_write(job->req, (size_t)n);
	return 0;
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t in_id, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t out_id,
			off_t off_out, struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct inode *in = same_union_or_reply(req, in_id, out_id) ? file_or_reply(req, in_id) : NULL;
	struct inode *out = in ? file_or_reply(req, out_id) : NULL;
	struct job job;

	if (!in || !out)
		return;
	counter_add(COUNTER_MISC, 1);
	if (flags != 0) {
		reply_result(req, -EINVAL);
		return;
	}
	job_init(&job, fs_of(req, out_id), req, run_copy);
	job.inode = job.needs[0] = out;
	job.inode2 = in;
	job.off = off_out;
	job.off2 = off_in;
	job.kills_priv = caller_kills_priv(req);
	/* The caller asks again for the rest. A longer piece would keep a killed process waiting, and fsyncs behind
	 * it. */
	job.size = MIN(len, COPY_PIECE);
	job_start_blocking(&job);
}
