/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four xattr operations. The kernel remembers ENOSYS for the whole connection and asks no more: that is the answer
 * of a mount of which it is certain that nothing has an attribute (layer/no_xattrs.h), and of no other. Of several
 * unions it would be said for all.
 */
#include "ops.h"
#include "job.h"
#include "reply.h"

#include <limits.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "format/capability.h"
#include "layer/no_xattrs.h"
#include "os/task.h"

/* Replies to a query of `size` bytes (0: only the length was asked for). */
static void reply_value(fuse_req_t req, const char *buf, ssize_t n, size_t size)
{
	(void)CHECK(n <= 0 || !size || (buf && (size_t)n <= size));
	if (n < 0)
		reply_result(req, (int)n);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)n);
	else
		fuse_reply_buf(req, buf, (size_t)n);
}

/* A value with ids in it, which may show as no value at all: so its length isn't known before it was looked at. */
static ssize_t get_owned_value(struct fs *fs, struct inode *inode, const char *name, char *buf, size_t size)
{
	char capability[CAPABILITY_MAX];
	bool length_only = !size && !strcmp(name, CAPABILITY_XATTR);
	ssize_t n;
	int r;

	if (length_only) {
		buf = capability;
		size = sizeof(capability);
	}
	n = xattr_get(fs->writer, inode, name, buf, size);
	if (n <= 0 || !size)
		return n;
	r = ids_show_xattr(fs, name, buf, (size_t)n);
	return r < 0 ? r : n;
}

/* Before a query of at most *size bytes: its buffer, NULL for none; or the answer that needs no look. */
static int query_start(struct fs *fs, bool shown, size_t max, size_t *size, char **ret_buf)
{
	(void)CHECK(!*ret_buf && max > 0);
	counter_add(COUNTER_XATTR, 1);
	if (fs->host->single && layer_has_no_xattrs(fs->tree->layers))
		return -ENOSYS;
	if (!shown)
		return -EOPNOTSUPP;
	*size = MIN(*size, max);
	if (*size > 0 && !(*ret_buf = malloc(*size)))
		return -ENOMEM;
	return 0;
}

void op_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = inode_or_reply(req, id);
	_cleanup_free_ char *buf = NULL;
	bool shown;
	ssize_t n;

	if (!inode)
		return;
	shown = fs->opt.xattrs || !strncmp(name, "system.posix_acl_", strlen("system.posix_acl_"));
	n = query_start(fs, shown, XATTR_SIZE_MAX, &size, &buf);
	if (n == 0)
		n = ids_in_xattr(fs, name) ? get_owned_value(fs, inode, name, buf, size)
					   : xattr_get(fs->writer, inode, name, buf, size);
	reply_value(req, buf, n, size);
}

/* Names in trusted.* show to CAP_SYS_ADMIN alone, which root of a user namespace hasn't; of others than root that isn't
 * asked. */
static ssize_t list_for_caller(struct writer *writer, fuse_req_t req, struct inode *inode, char *buf, size_t size)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	ssize_t n = ctx->uid == 0 ? xattr_list(writer, inode, buf, size) : 0;

	if (ctx->uid == 0 && (n == 0 || os_task_has_cap(ctx->pid, CAP_SYS_ADMIN)))
		return n;
	return xattr_list_untrusted(writer, inode, buf, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t id, size_t size)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = inode_or_reply(req, id);
	_cleanup_free_ char *buf = NULL;
	ssize_t n;

	if (!inode)
		return;
	n = query_start(fs, fs->opt.xattrs, XATTR_LIST_MAX, &size, &buf);
	if (n == 0)
		n = list_for_caller(fs->writer, req, inode, buf, size);
	reply_value(req, buf, n, size);
}

/* What can't be changed says so before anything is copied up for it, or the attribute looked for. In the upper its file
 * system does. */
static int check_protected_below(struct fs *fs, struct inode *inode)
{
	unsigned flags;
	int r = inode_in_upper(inode) ? 1 : attr_protection(fs->writer, inode, &flags);

	if (r != 0)
		return MIN(r, 0);
	return flags ? -EPERM : 0;
}

static int run_setxattr(struct job *job)
{
	int r = xattr_set(job->fs->writer, job->inode, job->name, job->buf, job->size, job->mode, job->flags != 0);

	return r < 0 ? job_failed(job, r) : job_result(job, 0);
}

/* An access ACL that somebody outside the file's group sets takes the setgid bit away, and as in kernel overlayfs so
 * does one that is removed. libfuse doesn't hand on the kernel's flag for that; root is taken to have CAP_FSETID. */
static bool acl_clears_sgid(struct fs *fs, fuse_req_t req, struct inode *inode, const char *name)
{
	return !strcmp(name, "system.posix_acl_access") && fuse_req_ctx(req)->uid != 0 &&
	       caller_drops_sgid(fs, req, inode);
}

/* A value in the layers' ids: `value` itself, or a copy in *ret_copy, which the caller frees. NULL after having
 * answered. */
static const char *value_or_reply(const struct fs *fs, fuse_req_t req, const char *name, const char *value, size_t size,
				  char **ret_copy)
{
	int r = -ENOMEM;

	(void)CHECK(!*ret_copy);
	if (!ids_in_xattr(fs, name) || !size)
		return value;
	*ret_copy = malloc(size);
	if (*ret_copy) {
		memcpy(*ret_copy, value, size);
		r = ids_store_xattr(fs, name, *ret_copy, size);
	}
	if (r < 0)
		reply_result(req, r);
	return r < 0 ? NULL : *ret_copy;
}

void op_setxattr(fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size, int flags)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = inode_or_reply(req, id);
	_cleanup_free_ char *copy = NULL;
	struct job job;
	int r;

	if (!inode)
		return;
	counter_add(COUNTER_XATTR, 1);
	if (!fs->opt.xattrs) {
		reply_result(req, -EOPNOTSUPP);
		return;
	}
	/* Before anything is copied up for it. */
	if (layer_hides_xattr(fs->tree->layers, name)) {
		reply_result(req, -EPERM);
		return;
	}
	r = check_protected_below(fs, inode);
	if (r < 0) {
		reply_result(req, r);
		return;
	}
	value = value_or_reply(fs, req, name, value, size, &copy);
	if (!value)
		return;
	job_init(&job, fs, req, run_setxattr);
	job.how = COPYUP_META;
	job.inode = job.needs[0] = inode;
	job.name = name;
	job.buf = value;
	job.size = size;
	job.mode = flags;
	job.flags = acl_clears_sgid(fs, req, inode, name) ? 1 : 0;
	job_start(&job);
}

static int run_removexattr(struct job *job)
{
	int r = xattr_remove(job->fs->writer, job->inode, job->name, job->flags != 0);

	return r < 0 ? job_failed(job, r) : job_result(job, 0);
}

void op_removexattr(fuse_req_t req, fuse_ino_t id, const char *name)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = inode_or_reply(req, id);
	struct job job;
	ssize_t n;

	if (!inode)
		return;
	counter_add(COUNTER_XATTR, 1);
	/* What isn't there needs no copy-up to say so. In the upper its file system says it: no ACL to remove is no
	 * error there. */
	n = fs->opt.xattrs ? check_protected_below(fs, inode) : -EOPNOTSUPP;
	if (n == 0)
		n = xattr_get(fs->writer, inode, name, NULL, 0);
	if (n < 0 && !(n == -ENODATA && inode_in_upper(inode))) {
		reply_result(req, (int)n);
		return;
	}
	job_init(&job, fs, req, run_removexattr);
	job.how = COPYUP_META;
	job.inode = job.needs[0] = inode;
	job.name = name;
	job.flags = acl_clears_sgid(fs, req, inode, name) ? 1 : 0;
	job_start(&job);
}
