/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READLINK, STATFS, IOCTL.
 */
#include "ops.h"
#include "job.h"
#include "names.h"
#include "reply.h"
#include "root.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/check.h"
#include "os/fs.h"
#include "os/task.h"

/* By which fs_ask_identity() asks another mount. */
#define IOC_IDENTITY _IOR(229, 0x70, uint8_t[LAYER_IDENTITY_SIZE])

void op_readlink(fuse_req_t req, fuse_ino_t id)
{
	struct inode *inode = inode_or_reply(req, id);
	char target[PATH_MAX + 1];
	ssize_t n;
	int fd;

	if (!inode)
		return;
	counter_add(COUNTER_READLINK, 1);
	if (!S_ISLNK(inode->type)) {
		reply_result(req, -EINVAL);
		return;
	}
	n = fd = inode_open(fs_of(req, id)->tree, inode, O_PATH, NULL);
	if (fd >= 0) {
		n = os_readlinkat(fd, "", target, sizeof(target) - 1);
		os_close(fd);
	}
	if (n < 0) {
		reply_result(req, (int)n);
		return;
	}
	(void)CHECK((size_t)n < sizeof(target));
	target[n] = '\0';
	fuse_reply_readlink(req, target);
}

void op_statfs(fuse_req_t req, fuse_ino_t id)
{
	const struct fs *fs = fs_of(req, id);
	struct statvfs st;
	int r;

	if (is_host_root(req, id)) {
		root_statfs(req);
		return;
	}
	counter_add(COUNTER_STATFS, 1);
	r = fs ? os_fstatvfs(fs->layers->layers[0].root_fd, &st) : -ESTALE;
	if (r < 0) {
		reply_result(req, r);
		return;
	}
	st.f_namemax = TREE_NAME_MAX;
	fuse_reply_statfs(req, &st);
}

/* --- ioctl -------------------------------------------------------------------------------------------------------- */

static int flags_set(struct job *job, int r)
{
	if (r < 0)
		return job_failed(job, r);
	/* A writer may be allowed less now, or more. */
	data_flags_changed(job->fs->data, job->inode);
	/* Of this ioctl(2) the kernel doesn't know that it changes the change time. */
	attributes_doubt(job->fs, job->inode);
	fuse_reply_ioctl(job->req, 0, NULL, 0);
	return 0;
}

static int run_set_flags(struct job *job)
{
	unsigned flags;

	if (!CHECK(job->size >= sizeof(flags)))
		return job_result(job, -EIO);
	memcpy(&flags, job->buf, sizeof(flags));
	return flags_set(job, attr_set_flags(job->fs->writer, job->inode, flags));
}

static int run_set_fsxattr(struct job *job)
{
	struct fsxattr xa;

	if (!CHECK(job->size >= sizeof(xa)))
		return job_result(job, -EIO);
	memcpy(&xa, job->buf, sizeof(xa));
	return flags_set(job, attr_set_fsxattr(job->fs->writer, job->inode, &xa));
}

/* What the kernel asks where it knows the call: owner or CAP_FOWNER, and CAP_LINUX_IMMUTABLE for flags that protect. */
static int may_set_flags(struct fs *fs, fuse_req_t req, struct inode *inode, unsigned flags)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct statx stx;
	unsigned before = 0;
	int r = inode_statx(fs->tree, inode, &stx);

	if (r == 0)
		r = attr_get_flags(fs->writer, inode, &before);
	if (r < 0)
		return r;
	statx_show(fs, &stx);
	if (ctx->uid != stx.stx_uid && !os_task_has_cap(ctx->pid, CAP_FOWNER))
		return -EPERM;
	if (((before ^ flags) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) && !os_task_has_cap(ctx->pid, CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return 0;
}

/* The same flags as those of FS_IOC_SETFLAGS. */
static unsigned ioctl_fsxattr_flags(const void *in)
{
	struct fsxattr xa;

	memcpy(&xa, in, sizeof(xa));
	return (xa.fsx_xflags & FS_XFLAG_IMMUTABLE ? FS_IMMUTABLE_FL : 0) |
	       (xa.fsx_xflags & FS_XFLAG_APPEND ? FS_APPEND_FL : 0);
}

static unsigned ioctl_flags(const void *in)
{
	unsigned flags;

	memcpy(&flags, in, sizeof(flags));
	return flags;
}

static void ioctl_set(struct fs *fs, fuse_req_t req, struct inode *inode, const void *in, size_t in_size, size_t want,
		      int (*run)(struct job *))
{
	struct job job;
	int r = 0;

	if (in_size < want)
		r = -EINVAL;
	else if (fs->host->checks_flags)
		r = may_set_flags(fs, req, inode, want == sizeof(unsigned) ? ioctl_flags(in) : ioctl_fsxattr_flags(in));
	if (r < 0) {
		reply_result(req, r);
		return;
	}
	job_init(&job, fs, req, run);
	job.inode = job.needs[0] = inode;
	job.how = COPYUP_FLAGS;
	job.buf = in;
	job.size = in_size;
	job_start(&job);
}

static int run_get_flags(struct job *job)
{
	unsigned flags = 0;
	int r = attr_get_flags(job->fs->writer, job->inode, &flags);

	if (r < 0)
		return job_result(job, r);
	fuse_reply_ioctl(job->req, 0, &flags, sizeof(flags));
	return 0;
}

static int run_get_fsxattr(struct job *job)
{
	struct fsxattr xa;
	int r = attr_get_fsxattr(job->fs->writer, job->inode, &xa);

	if (r < 0)
		return job_result(job, r);
	fuse_reply_ioctl(job->req, 0, &xa, sizeof(xa));
	return 0;
}

static void ioctl_get(struct fs *fs, fuse_req_t req, struct inode *inode, int (*run)(struct job *))
{
	struct job job;

	job_init(&job, fs, req, run);
	job.inode = inode;
	job_start(&job);
}

int fs_ask_identity(int fd, uint8_t ret_identity[LAYER_IDENTITY_SIZE])
{
	return os_ioctl_read(fd, IOC_IDENTITY, ret_identity);
}

void op_ioctl(fuse_req_t req, fuse_ino_t id, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
	      const void *in, size_t in_size, size_t out_size)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = inode_or_reply(req, id);

	if (!inode)
		return;
	counter_add(COUNTER_MISC, 1);
	switch (cmd) {
	case IOC_IDENTITY:
		fuse_reply_ioctl(req, 0, fs->layers->identity, sizeof(fs->layers->identity));
		break;
	case FS_IOC_GETFLAGS:
		ioctl_get(fs, req, inode, run_get_flags);
		break;
	case FS_IOC_SETFLAGS:
		ioctl_set(fs, req, inode, in, in_size, sizeof(unsigned), run_set_flags);
		break;
	case FS_IOC_FSGETXATTR:
		ioctl_get(fs, req, inode, run_get_fsxattr);
		break;
	case FS_IOC_FSSETXATTR:
		ioctl_set(fs, req, inode, in, in_size, sizeof(struct fsxattr), run_set_fsxattr);
		break;
	default:
		reply_result(req, -ENOTTY);
	}
}
