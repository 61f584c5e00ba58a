/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing of it is kept by the kernel for longer than a request takes: unions come and go.
 *
 * An offset of its listing is 1 after ".", 2 after "..", and then the number of names before it, and 2.
 */
#include "root.h"
#include "reply.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/check.h"

#define DOTS 2

static struct stat root_stat(const struct host *host)
{
	struct stat st = {.st_ino = FUSE_ROOT_ID, .st_mode = S_IFDIR | 0555, .st_nlink = DOTS};
	const struct fs *fs;

	(void)CHECK(!host->single);
	LL_FOREACH(host->unions, fs)
		st.st_nlink++;
	return st;
}

void root_getattr(fuse_req_t req)
{
	struct stat st = root_stat(host_of(req));

	counter_add(COUNTER_GETATTR, 1);
	fuse_reply_attr(req, &st, 0);
}

void root_statfs(fuse_req_t req)
{
	const struct statvfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = TREE_NAME_MAX};

	counter_add(COUNTER_STATFS, 1);
	fuse_reply_statfs(req, &st);
}

void root_lookup(fuse_req_t req, const char *name)
{
	struct inode *inode;
	struct statx stx;
	struct fs *fs;
	int r;

	counter_add(COUNTER_LOOKUP, 1);
	LL_FOREACH(host_of(req)->unions, fs)
		if (!strcmp(fs->opt.name, name))
			break;
	if (!fs) {
		reply_result(req, -ENOENT);
		return;
	}
	inode = inode_lookup_root(fs->tree);
	r = inode_statx(fs->tree, inode, &stx);
	if (r == 0) {
		reply_entry(fs, req, inode, &stx);
	} else {
		inode_forget(fs->tree, inode, 1);
		reply_result(req, r);
	}
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

struct root_reading {
	fuse_req_t req;
	bool plus_format;
	char *buf;
	size_t size, used;
};

/* False when the entry doesn't fit any more. */
static bool root_add(struct root_reading *rd, const char *name, uint64_t ino, off_t next)
{
	struct fuse_entry_param e = {.attr = {.st_ino = ino, .st_mode = S_IFDIR}};
	size_t room = rd->size - rd->used, need;

	(void)CHECK(rd->used <= rd->size && next > 0);
	if (rd->plus_format)
		need = fuse_add_direntry_plus(rd->req, rd->buf + rd->used, room, name, &e, next);
	else
		need = fuse_add_direntry(rd->req, rd->buf + rd->used, room, name, &e.attr, next);
	if (need > room)
		return false;
	rd->used += need;
	return true;
}

static void root_add_all(struct root_reading *rd, off_t off)
{
	off_t at = DOTS;
	const struct fs *fs;

	if (off < 1 && !root_add(rd, ".", FUSE_ROOT_ID, 1))
		return;
	if (off < DOTS && !root_add(rd, "..", FUSE_ROOT_ID, DOTS))
		return;
	LL_FOREACH(host_of(rd->req)->unions, fs) {
		if (++at > off && !root_add(rd, fs->opt.name, ino_show(fs, inode_ino(fs->tree->root)), at))
			return;
	}
}

void root_read(fuse_req_t req, size_t size, off_t off, bool plus_format)
{
	struct root_reading rd = {.req = req, .plus_format = plus_format, .buf = malloc(size), .size = size};

	(void)CHECK(!host_of(req)->single);
	if (!rd.buf) {
		reply_result(req, -ENOMEM);
		return;
	}
	root_add_all(&rd, off);
	fuse_reply_buf(req, rd.buf, rd.used);
	free(rd.buf);
}
