/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that turns results into replies.
 *
 * A request that was interrupted while its answer was under way is refused by the kernel with ENOENT: what the answer
 * would have given it, a lookup count, is then taken back.
 */
#include "reply.h"
#include "passthrough.h"
#include "root.h"

#include <sys/sysmacros.h>

#include "base/check.h"

void reply_result(fuse_req_t req, int err)
{
	(void)CHECK(err <= 0);
	/* What could not be brought into the upper after several tries is an error of ours. */
	if (err == -LOOK_AGAIN)
		err = -EIO;
	/* Of what isn't asked again. */
	if (err == -MUST_WAIT)
		err = -EWOULDBLOCK;
	fuse_reply_err(req, err < 0 ? -err : 0);
}

static struct timespec timespec_of(const struct statx_timestamp *t)
{
	return (struct timespec){.tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec};
}

uint64_t ino_show(const struct fs *fs, uint64_t ino)
{
	uint32_t folded;

	/* No object has the number 0. */
	ino = ino == fs->ino_mix ? ino : ino ^ fs->ino_mix;
	if (!fs->opt.ino32)
		return ino;
	folded = (uint32_t)(ino ^ ino >> 32);
	/* The C library leaves out entries without a number. */
	return folded ? folded : 1;
}

void statx_show(const struct fs *fs, struct statx *stx)
{
	ids_show(fs, &stx->stx_uid, &stx->stx_gid);
	stx->stx_ino = ino_show(fs, stx->stx_ino);
	/* That of a removed directory is none. */
	if (fs->opt.static_nlink && S_ISDIR(stx->stx_mode) && stx->stx_nlink > 0)
		stx->stx_nlink = 1;
}

static void stat_of(const struct fs *fs, const struct statx *union_stx, struct stat *st)
{
	struct statx stx = *union_stx;

	statx_show(fs, &stx);
	*st = (struct stat){
		.st_ino = stx.stx_ino,
		.st_mode = stx.stx_mode,
		.st_nlink = stx.stx_nlink,
		.st_uid = stx.stx_uid,
		.st_gid = stx.stx_gid,
		.st_rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor),
		.st_size = (off_t)stx.stx_size,
		.st_blksize = stx.stx_blksize,
		.st_blocks = (blkcnt_t)stx.stx_blocks,
		.st_atim = timespec_of(&stx.stx_atime),
		.st_mtim = timespec_of(&stx.stx_mtime),
		.st_ctim = timespec_of(&stx.stx_ctime),
	};
}

/*
 * The kernel takes a removed name off the count that it knows, when the answer to UNLINK comes. Where another answer
 * told it the new count before, it takes it off twice; and with writeback, unlike without, it doesn't ask for the
 * attributes of a file whose change time it has set itself.
 */
double attr_timeout(struct fs *fs, const struct inode *inode)
{
	if (fs->host->opt.writeback && inode_is_hardlinked(inode))
		return 0;
	if (fs->host->passthrough && S_ISREG(inode->type) && passthrough_is_written(fs, inode))
		return 0;
	return fs->opt.timeout;
}

void entry_fill(struct fs *fs, struct inode *inode, const struct statx *stx, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){
		.ino = inode_give_id(fs->tree, inode),
		.generation = 0, /* node ids are never used twice */
		.attr_timeout = attr_timeout(fs, inode),
		.entry_timeout = fs->opt.timeout,
	};
	stat_of(fs, stx, &e->attr);
}

void reply_entry(struct fs *fs, fuse_req_t req, struct inode *inode, const struct statx *stx)
{
	struct fuse_entry_param e;

	entry_fill(fs, inode, stx, &e);
	if (fuse_reply_entry(req, &e) == -ENOENT)
		inode_forget_id(fs->tree, e.ino, 1);
}

void reply_negative(const struct fs *fs, fuse_req_t req)
{
	struct fuse_entry_param e = {.ino = 0, .entry_timeout = fs->opt.timeout};

	counter_add(COUNTER_LOOKUP_NEGATIVE, 1);
	fuse_reply_entry(req, &e);
}

void reply_attr(struct fs *fs, fuse_req_t req, const struct inode *inode, const struct statx *stx)
{
	struct stat st;

	stat_of(fs, stx, &st);
	fuse_reply_attr(req, &st, attr_timeout(fs, inode));
}

struct inode *inode_or_reply(fuse_req_t req, fuse_ino_t id)
{
	struct fs *fs = fs_of(req, id);
	struct inode *inode = fs ? inode_find(fs->tree, id) : NULL;

	if (!inode)
		reply_result(req, is_host_root(req, id) ? -EOPNOTSUPP : -ESTALE);
	return inode;
}

bool same_union_or_reply(fuse_req_t req, fuse_ino_t a, fuse_ino_t b)
{
	bool same = fs_of(req, a) == fs_of(req, b);

	if (!same)
		reply_result(req, -EXDEV);
	return same;
}

struct inode *dir_or_reply(fuse_req_t req, fuse_ino_t id)
{
	struct inode *dir = inode_or_reply(req, id);

	if (!dir || inode_is_dir(dir))
		return dir;
	fuse_reply_err(req, ENOTDIR);
	return NULL;
}

struct inode *file_or_reply(fuse_req_t req, fuse_ino_t id)
{
	struct inode *inode = inode_or_reply(req, id);

	if (!inode || !inode_is_dir(inode))
		return inode;
	fuse_reply_err(req, EISDIR);
	return NULL;
}

bool is_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

struct inode *named_or_reply(fuse_req_t req, fuse_ino_t id, const char *name)
{
	if (is_name(name))
		return dir_or_reply(req, id);
	fuse_reply_err(req, EINVAL);
	return NULL;
}

struct inode *parent_or_reply(fuse_req_t req, fuse_ino_t id, const char *name)
{
	const struct fs *fs = fs_of(req, id);

	if (fs && layer_reserves_name(fs->layers, name)) {
		fuse_reply_err(req, EPERM);
		return NULL;
	}
	return named_or_reply(req, id, name);
}

bool caller_or_reply(const struct fs *fs, fuse_req_t req, struct caller *ret)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct caller caller = {.uid = ctx->uid, .gid = ctx->gid, .umask = ctx->umask, .pid = ctx->pid};
	int r = ids_store_caller(fs, &caller.uid, &caller.gid);

	if (r < 0) {
		reply_result(req, r);
		return false;
	}
	*ret = caller;
	return true;
}

bool caller_drops_sgid(struct fs *fs, fuse_req_t req, struct inode *inode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t groups[128];
	struct statx stx;
	int n;

	if (inode_statx(fs->tree, inode, &stx) < 0 || !(stx.stx_mode & S_ISGID))
		return false;
	statx_show(fs, &stx);
	if (stx.stx_gid == ctx->gid)
		return false;
	n = fuse_req_getgroups(req, (int)ARRAY_SIZE(groups), groups);
	for (int i = 0; i < MIN(n, (int)ARRAY_SIZE(groups)); i++)
		if (groups[i] == stx.stx_gid)
			return false;
	return true;
}
