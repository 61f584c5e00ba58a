/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OPEN, CREATE, TMPFILE, FLUSH, RELEASE and their directory kin.
 *
 * By default there are no handles: OPEN and OPENDIR are answered with ENOSYS once, the kernel opens by itself from then
 * on, and what descriptors are needed lives in the data tier by inode. Until the first OPEN has had that answer,
 * created files still send RELEASE, so both are accepted at any time.
 *
 * Where the daemon can't reopen a file at will (no CAP_DAC_OVERRIDE over the upper) OPEN is answered with a handle: a
 * pin on the file's descriptors, so that losing permission bits later does no harm. With copyup=open each OPEN is
 * answered too, so that what is refused at an open is refused there.
 *
 * With the write-back cache too, because what is written is refused after write(2) has returned.
 *
 * With data=passthrough each OPEN is answered, with a backing file where it can have one (passthrough.c).
 */
#include "ops.h"
#include "job.h"
#include "names.h"
#include "passthrough.h"
#include "reply.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/check.h"

static bool open_wants_write(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC);
}

struct handle {
	struct data_fd fd;
	bool written_below;	    /* the kernel writes to the file by itself */
	struct handle *prev, *next; /* fs->handles */
};

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static void handle_link(struct fs *fs, struct handle *handle)
{
	LOCK_SCOPE(&fs->handles_lock);
	DL_PREPEND(fs->handles, handle);
}

static void handle_free(struct fs *fs, struct handle *handle)
{
	lock_take(&fs->handles_lock);
	(void)CHECK(fs->handles && handle->prev);
	DL_DELETE(fs->handles, handle);
	lock_drop(&fs->handles_lock);
	if (handle->written_below)
		data_set_dirty(fs->data, &handle->fd);
	data_put(fs->data, &handle->fd);
	free(handle);
}

void handles_free(struct fs *fs)
{
	while (fs->handles)
		handle_free(fs, fs->handles);
}

/* Pins the file's descriptors for as long as it is open. */
static int handle_new(struct fs *fs, struct inode *inode, bool write, struct fuse_file_info *fi)
{
	struct handle *handle = calloc(1, sizeof(*handle));
	int r;

	(void)CHECK(!fi->fh);
	if (!handle)
		return -ENOMEM;
	r = data_get(fs->data, inode, write, &handle->fd);
	if (r < 0) {
		free(handle);
		return r;
	}
	handle_link(fs, handle);
	fi->fh = (uintptr_t)handle;
	return 0;
}

/* What chattr(1) forbids. The kernel's own inode doesn't know the flags, so whoever opens the object itself finds
 * out. */
static int open_check_flags(struct fs *fs, struct inode *inode, const struct fuse_file_info *fi)
{
	struct data_fd fd;
	int r = data_get(fs->data, inode, true, &fd);

	if (r < 0)
		return r;
	if (fd.append_only && !(fi->flags & O_APPEND))
		r = -EPERM;
	data_put(fs->data, &fd);
	return r;
}

static bool goes_through(struct fs *fs)
{
	return fs->host->passthrough && passthrough_usable(fs->host->passthrough);
}

/* KEEP_CACHE: layers don't change beneath us, but of a file that the kernel wrote by itself its cached pages may be
 * old. noflush: there is nothing to do at close. */
static void file_info_flags(struct fs *fs, struct fuse_file_info *fi)
{
	fi->keep_cache = !fs->opt.revalidate && !goes_through(fs);
	fi->noflush = 1;
}

/* What RELEASE tells as well. */
static bool is_for_writing(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY;
}

/* A descriptor of ours for what the kernel writes by itself. Where none is left the file goes without. */
static int handle_for_passthrough(struct fs *fs, struct inode *inode, struct fuse_file_info *fi)
{
	struct handle *handle;
	int r;

	if (!fi->fh) {
		if (data_is_crowded(fs->data))
			return 0;
		r = handle_new(fs, inode, true, fi);
		if (r == -EMFILE || r == -ENFILE)
			return 0;
		if (r < 0)
			return r;
	}
	handle = handle_of(fi);
	(void)CHECK(handle->fd.fd >= 0);
	if (handle->fd.append_only && !(fi->flags & O_APPEND))
		return -EPERM;
	handle->written_below = true;
	data_set_dirty(fs->data, &handle->fd);
	return 0;
}

static int open_backing(struct fs *fs, struct inode *inode, fuse_ino_t node, bool known_to_kernel,
			struct fuse_file_info *fi)
{
	int r = is_for_writing(fi) ? handle_for_passthrough(fs, inode, fi) : 0;

	(void)CHECK(fs->host->passthrough);
	if (r < 0)
		return r;
	r = passthrough_open(fs, inode, node, is_for_writing(fi), known_to_kernel);
#ifdef FUSE_CAP_PASSTHROUGH
	if (r > 0)
		fi->backing_id = r;
#endif
	return MIN(r, 0);
}

static void open_undo(struct fs *fs, fuse_ino_t node, struct fuse_file_info *fi, bool through)
{
	(void)CHECK(!through || fs->host->passthrough);
	if (fi->fh)
		handle_free(fs, handle_of(fi));
	fi->fh = 0;
	if (through)
		passthrough_release(fs, node, is_for_writing(fi));
}

/* Everything that an open file needs; undone again on errors. */
static int open_prepare_file(struct fs *fs, struct inode *inode, fuse_ino_t node, bool known_to_kernel,
			     struct fuse_file_info *fi)
{
	int r = fs->opt.copyup_at_open && open_wants_write(fi) ? open_check_flags(fs, inode, fi) : 0;

	(void)CHECK(!fi->fh);
	if (!r && fs->opt.open_handles)
		r = handle_new(fs, inode, open_wants_write(fi), fi);
	if (r < 0)
		return r;
	if (goes_through(fs))
		r = open_backing(fs, inode, node, known_to_kernel, fi);
	if (r < 0)
		open_undo(fs, node, fi, false);
	file_info_flags(fs, fi);
	return r;
}

/* With the write-back cache who writes wouldn't hear of it. */
static int check_protection(struct fs *fs, struct inode *inode, const struct fuse_file_info *fi)
{
	unsigned flags;
	int r = fs->host->opt.writeback && open_wants_write(fi) ? attr_protection(fs->writer, inode, &flags) : 0;

	if (!fs->host->opt.writeback || !open_wants_write(fi) || r < 0)
		return r;
	return (flags & FS_IMMUTABLE_FL) || ((flags & FS_APPEND_FL) && !(fi->flags & O_APPEND)) ? -EPERM : 0;
}

static int run_open(struct job *job)
{
	struct fs *fs = job->fs;
	int r = check_protection(fs, job->inode, &job->fi);

	if (r == 0)
		r = open_prepare_file(fs, job->inode, job->node, true, &job->fi);

	if (r == -MUST_WAIT && (job->fi.flags & O_NONBLOCK))
		r = -EWOULDBLOCK;
	if (r < 0)
		return job_result(job, r);
	if (fuse_reply_open(job->req, &job->fi) == -ENOENT)
		open_undo(fs, job->node, &job->fi, goes_through(fs));
	return 0;
}

void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = file_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	counter_add(COUNTER_OPEN, 1);
	if (fs->host->no_open && !goes_through(fs)) {
		reply_result(req, -ENOSYS);
		return;
	}
	job_init(&job, fs, req, run_open);
	job.inode = inode;
	job.node = id;
	job.fi = *fi;
	job.fi.fh = 0;
	if (open_wants_write(fi) && (fs->opt.open_handles || fs->opt.copyup_at_open || fs->host->passthrough)) {
		job.needs[0] = inode;
		if (fi->flags & O_TRUNC)
			job.how = COPYUP_NO_DATA;
	}
	job_start(&job);
}

/* The reply to a created regular file, named or not; `r`: what the sync of its name said. */
static void reply_created(struct job *job, struct inode *inode, const struct statx *stx, int fd, int r)
{
	struct fs *fs = job->fs;
	struct fuse_entry_param e;

	(void)CHECK(r <= 0);
	if (fd >= 0)
		data_install(fs->data, inode, fd);
	job->fi.fh = 0;
	if (r == 0)
		r = open_prepare_file(fs, inode, inode->id, false, &job->fi);
	if (r < 0) {
		if (job->name)
			name_take_back(fs, job->inode, job->name, false);
		inode_forget(fs->tree, inode, 1);
		reply_result(job->req, r);
		return;
	}
	entry_fill(fs, inode, stx, &e);
	if (fuse_reply_create(job->req, &e, &job->fi) == -ENOENT) {
		open_undo(fs, e.ino, &job->fi, goes_through(fs));
		inode_forget_id(fs->tree, e.ino, 1);
	}
}

static int run_create(struct job *job)
{
	_cleanup_names_ struct names_change names = {.fs = job->fs};
	struct inode *inode;
	struct statx stx;
	int fd = -1;
	int r = names_add(&names, job->inode, job->name);

	if (r == 0)
		r = create_entry(job->fs->writer, &job->caller, job->inode, job->name, &job->spec, &inode, &stx, &fd);
	if (r < 0)
		return job_failed(job, r);
	r = names_sync(&names);
	reply_created(job, inode, &stx, fd, r);
	return 0;
}

void op_create(fuse_req_t req, fuse_ino_t parent_id, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct inode *parent = parent_or_reply(req, parent_id, name);
	struct job job;

	if (!parent)
		return;
	counter_add(COUNTER_CREATE, 1);
	job_init(&job, fs_of(req, parent_id), req, run_create);
	job.inode = job.needs[0] = parent;
	job.name = name;
	job.fi = *fi;
	job.spec = (struct create_spec){.mode = S_IFREG | (mode & 07777), .want_fd = true};
	if (caller_or_reply(job.fs, req, &job.caller))
		job_start_opening(&job);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
static int run_tmpfile(struct job *job)
{
	struct inode *inode;
	struct statx stx;
	int fd = -1;
	int r = create_tmpfile(job->fs->writer, &job->caller, job->inode, (mode_t)job->mode, &inode, &stx, &fd);

	if (r < 0)
		return job_result(job, r);
	reply_created(job, inode, &stx, fd, 0);
	return 0;
}

void op_tmpfile(fuse_req_t req, fuse_ino_t parent_id, mode_t mode, struct fuse_file_info *fi)
{
	struct inode *parent = dir_or_reply(req, parent_id);
	struct job job;

	if (!parent)
		return;
	counter_add(COUNTER_CREATE, 1);
	job_init(&job, fs_of(req, parent_id), req, run_tmpfile);
	job.inode = job.needs[0] = parent;
	job.mode = (int)(mode & 07777);
	job.fi = *fi;
	if (caller_or_reply(job.fs, req, &job.caller))
		job_start(&job);
}
#endif

void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	/* Nothing is held back here: written data is in the layer's page cache already. */
	reply_result(req, -ENOSYS);
}

void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req, id);

	if (fs)
		open_undo(fs, id, fi, goes_through(fs));
	reply_result(req, 0);
}

void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	struct host *host = host_of(req);

	if (host->no_opendir) {
		reply_result(req, -ENOSYS);
		return;
	}
	fi->keep_cache = fi->cache_readdir = !host->opt.revalidate;
	fuse_reply_open(req, fi);
}

void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	reply_result(req, 0);
}
