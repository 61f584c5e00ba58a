/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GETATTR, SETATTR, STATX.
 */
#include "ops.h"
#include "job.h"
#include "passthrough.h"
#include "reply.h"
#include "root.h"

#include "base/check.h"
#include "wire.h"

/* The kernel's FATTR_KILL_SUIDGID, as libfuse hands it on from 3.18 on. */
#ifdef FUSE_SET_ATTR_KILL_SUID
#define SETATTR_KILLS_PRIV FUSE_SET_ATTR_KILL_SUID
#else
#define SETATTR_KILLS_PRIV 0
#endif

/* What GETATTR and STATX answer, and of which inode; NULL after having answered an error. */
static struct inode *statx_or_reply(fuse_req_t req, fuse_ino_t id, struct statx *ret_stx)
{
	struct inode *inode = inode_or_reply(req, id);
	int r;

	if (!inode)
		return NULL;
	counter_add(COUNTER_GETATTR, 1);
	r = inode_statx(fs_of(req, id)->tree, inode, ret_stx);
	if (r < 0)
		reply_result(req, r);
	return r == 0 ? inode : NULL;
}

void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
{
	struct inode *inode;
	struct statx stx;

	if (is_host_root(req, id)) {
		root_getattr(req);
		return;
	}
	inode = statx_or_reply(req, id, &stx);
	if (inode)
		reply_attr(fs_of(req, id), req, inode, &stx);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
void op_statx(fuse_req_t req, fuse_ino_t id, int flags, int mask, struct fuse_file_info *fi)
{
	struct statx stx;
	struct inode *inode = statx_or_reply(req, id, &stx);

	if (!inode)
		return;
	statx_show(fs_of(req, id), &stx);
	fuse_reply_statx(req, 0, &stx, attr_timeout(fs_of(req, id), inode));
}
#endif

/* What SETATTR asks for, in the change tier's words. */
static void attr_change_of(const struct stat *attr, int to_set, struct attr_change *ret)
{
	static const struct {
		int fuse;
		unsigned valid;
	} map[] = {
		{FUSE_SET_ATTR_MODE, ATTR_SET_MODE},
		{FUSE_SET_ATTR_UID, ATTR_SET_UID},
		{FUSE_SET_ATTR_GID, ATTR_SET_GID},
		{FUSE_SET_ATTR_SIZE, ATTR_SET_SIZE},
		{FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW, ATTR_SET_ATIME},
		{FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW, ATTR_SET_MTIME},
	};

	*ret = (struct attr_change){
		.mode = attr->st_mode,
		.uid = attr->st_uid,
		.gid = attr->st_gid,
		.size = attr->st_size,
		.atime = attr->st_atim,
		.mtime = attr->st_mtim,
	};
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (to_set & map[i].fuse)
			ret->valid |= map[i].valid;
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		ret->atime.tv_nsec = UTIME_NOW;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		ret->mtime.tv_nsec = UTIME_NOW;
}

/* With the write-back cache the kernel gives each modification time by its own clock, also that of a touch, which is
 * the change time then; and by a file that is open for writing, that of the data it held back. */
static void note_times(struct fs *fs, const struct stat *attr, int to_set, bool by_file, struct attr_change *ret)
{
	bool touched = (to_set & FUSE_SET_ATTR_ATIME_NOW) && (to_set & FUSE_SET_ATTR_CTIME) &&
		       attr->st_mtim.tv_sec == attr->st_ctim.tv_sec && attr->st_mtim.tv_nsec == attr->st_ctim.tv_nsec;

	if (!fs->host->opt.writeback || !(to_set & FUSE_SET_ATTR_MTIME) || (to_set & FUSE_SET_ATTR_SIZE))
		return;
	if (by_file)
		ret->times = TIMES_OF_DATA;
	else if (touched)
		ret->times = TIMES_OF_CALL;
}

/* A truncation goes through the file's cached descriptor, which an open file without permission bits still has. */
static int attr_set_attributes(struct job *job, struct statx *ret_stx)
{
	struct fs *fs = job->fs;
	struct data_fd fd = {.fd = -1};
	int r;

	(void)CHECK(!(job->attr.valid & ATTR_SET_SIZE) || job->how != COPYUP_META);
	if (job->attr.valid & ATTR_SET_SIZE)
		data_time_moved(job->inode);
	else if ((job->attr.valid & ATTR_SET_MTIME) && job->attr.mtime.tv_nsec != UTIME_NOW)
		data_time_set(fs->data, job->inode);
	if (!(job->attr.valid & ATTR_SET_SIZE))
		return attr_set(fs->writer, job->inode, &job->attr, -1, ret_stx);
	r = data_get(fs->data, job->inode, true, &fd);
	if (r < 0)
		return r;
	(void)CHECK(fd.fd >= 0);
	data_set_dirty(fs->data, &fd);
	r = attr_set(fs->writer, job->inode, &job->attr, fd.fd, ret_stx);
	data_put(fs->data, &fd);
	return r;
}

static int run_setattr(struct job *job)
{
	struct statx stx;
	int r = attr_set_attributes(job, &stx);

	if (r < 0)
		return job_failed(job, r);
	if (job->fs->host->passthrough && (job->attr.valid & ATTR_SET_MODE))
		passthrough_drop_idle(job->fs, job->inode);
	reply_attr(job->fs, job->req, job->inode, &stx);
	return 0;
}

static bool chown_takes_bits(struct fs *fs, fuse_req_t req, struct inode *inode, mode_t mode)
{
	return (mode & S_ISUID) || ((mode & S_ISGID) && ((mode & S_IXGRP) || caller_drops_sgid(fs, req, inode)));
}

/* chown(2) takes setuid and setgid away, and with FUSE_HANDLE_KILLPRIV_V2 that is left to us. One that changes neither
 * id arrives as a SETATTR of nothing, for which the owner is enough. A stranger's may as well come before a write of
 * theirs, which does it itself: so that isn't refused, and takes nothing. False after having answered. */
static bool note_chown(struct fs *fs, fuse_req_t req, struct inode *inode, struct attr_change *attr)
{
	uid_t uid = fuse_req_ctx(req)->uid;
	struct statx stx, shown;

	if (inode_is_dir(inode) || (attr->valid & ~(unsigned)(ATTR_SET_UID | ATTR_SET_GID)))
		return true;
	if (!attr->valid) {
		int r = inode_statx(fs->tree, inode, &stx);

		if (r < 0) {
			reply_result(req, r);
			return false;
		}
		shown = stx;
		statx_show(fs, &shown);
		if (uid != 0 && uid != shown.stx_uid && chown_takes_bits(fs, req, inode, shown.stx_mode)) {
			reply_attr(fs, req, inode, &stx);
			return false;
		}
		attr->valid = ATTR_SET_UID | ATTR_SET_GID;
		attr->uid = (uid_t)-1;
		attr->gid = (gid_t)-1;
	}
	if (uid != 0 && caller_drops_sgid(fs, req, inode))
		attr->valid |= ATTR_KILL_PRIV | ATTR_KILL_SGID;
	return true;
}

void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct inode *inode = to_set & FUSE_SET_ATTR_SIZE ? file_or_reply(req, id) : inode_or_reply(req, id);
	struct job job;

	if (!inode)
		return;
	counter_add(COUNTER_SETATTR, 1);
	job_init(&job, fs_of(req, id), req, run_setattr);
	job.inode = job.needs[0] = inode;
	attr_change_of(attr, to_set, &job.attr);
	note_times(job.fs, attr, to_set, fi != NULL, &job.attr);
	if (ids_store(job.fs, job.attr.valid & ATTR_SET_UID ? &job.attr.uid : NULL,
		      job.attr.valid & ATTR_SET_GID ? &job.attr.gid : NULL) < 0) {
		/* As chown(2) says it in a user namespace. */
		reply_result(req, -EINVAL);
		return;
	}
	if (!note_chown(job.fs, req, inode, &job.attr))
		return;
	if ((job.attr.valid & ATTR_SET_SIZE) && ((to_set & SETATTR_KILLS_PRIV) || wire_kills_priv()))
		job.attr.valid |= ATTR_KILL_PRIV | (caller_drops_sgid(job.fs, req, inode) ? ATTR_KILL_SGID : 0);
	if (!(job.attr.valid & ATTR_SET_SIZE))
		job.how = COPYUP_META;
	else if (job.attr.size == 0)
		job.how = COPYUP_NO_DATA;
	if (job.attr.valid & ATTR_SET_SIZE)
		job_start_opening(&job);
	else
		job_start(&job);
}
