/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READDIR, READDIRPLUS, FSYNCDIR.
 *
 * No handle exists: an offset is a cookie of the listing, so reading resumes anywhere. READDIRPLUS halves a walk that
 * asks for attributes and makes one that doesn't five times slower, so entries are plain (node id 0) until lookups of
 * just-listed names were seen (walk.c).
 */
#include "ops.h"
#include "job.h"
#include "reply.h"
#include "root.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/fs.h"

#define SELF 1
#define PARENT 2
/* A plain entry costs this much and its name, rounded up to 8, in the reply (struct fuse_dirent). */
#define ENTRY_BYTES 24
#define ENTRY_PLUS_BYTES 152
/* Plain directories at the start of a stream: as many lookups come before a walk's next request, which has full
 * ones. */
#define PLAIN_DIRS 16

struct reading {
	fuse_req_t req;
	struct fs *fs;
	struct inode *dir;
	uint64_t cookie;
	unsigned dots;	    /* listing_dots() of it */
	bool plus_format;   /* the request is READDIRPLUS */
	enum dir_plus plus; /* which entries carry attributes */
	unsigned n_dirs;    /* plain ones */
	char *buf;
	size_t size, used;
	struct listing_batch batch;
	unsigned n_looked_up;
	fuse_ino_t looked_up[LISTING_BATCH]; /* to be undone when the reply isn't taken */
};

/* False when the entry doesn't fit any more. */
static bool add_entry(struct reading *rd, const char *name, const struct fuse_entry_param *e, uint64_t cookie)
{
	size_t room = rd->size - rd->used;
	size_t need;

	if (!CHECK(rd->used <= rd->size))
		return false;
	if (rd->plus_format)
		need = fuse_add_direntry_plus(rd->req, rd->buf + rd->used, room, name, e, (off_t)cookie);
	else
		need = fuse_add_direntry(rd->req, rd->buf + rd->used, room, name, &e->attr, (off_t)cookie);
	if (need > room)
		return false;
	rd->used += need;
	return true;
}

static bool add_plain(struct reading *rd, const char *name, uint64_t ino, unsigned char type, uint64_t cookie)
{
	struct fuse_entry_param e = {.ino = 0};

	(void)CHECK(!strchr(name, '/'));
	e.attr.st_ino = ino_show(rd->fs, ino);
	e.attr.st_mode = (mode_t)DTTOIF(type);
	return add_entry(rd, name, &e, cookie);
}

static bool add_dots(struct reading *rd, const struct inode *parent)
{
	if (rd->dots < SELF && !add_plain(rd, ".", inode_ino(rd->dir), DT_DIR, listing_dot(rd->cookie, SELF)))
		return false;
	return rd->dots >= PARENT || add_plain(rd, "..", inode_ino(parent), DT_DIR, listing_dot(rd->cookie, PARENT));
}

/* An entry with attributes; a name that can't be looked up (it has just gone, or must not be followed) stays a plain
 * one. */
static bool add_full(struct reading *rd, const struct listing_entry *entry, const char *name)
{
	struct fuse_entry_param e;
	struct inode *inode;
	struct statx stx;

	if (lookup_child(rd->fs, rd->dir, name, &inode, &stx) < 0)
		return add_plain(rd, name, entry->ino, entry->type, entry->cookie);
	entry_fill(rd->fs, inode, &stx, &e);
	if (!add_entry(rd, name, &e, entry->cookie)) {
		inode_forget_id(rd->fs->tree, e.ino, 1);
		return false;
	}
	if (CHECK(rd->n_looked_up < ARRAY_SIZE(rd->looked_up)))
		rd->looked_up[rd->n_looked_up++] = e.ino;
	return true;
}

static bool is_full(const struct reading *rd, const struct listing_entry *entry)
{
	return rd->plus == DIR_PLUS_ALL || (rd->plus == DIR_PLUS_DIRS && entry->type == DT_DIR);
}

/* Whether the reply ends here, so that what the reader does with the directories that it has got is seen. */
static bool ends_early(struct reading *rd, const struct listing_entry *entry)
{
	return rd->plus_format && !rd->fs->opt.revalidate && rd->plus == DIR_PLUS_NONE && rd->dots <= PARENT &&
	       entry->type == DT_DIR && ++rd->n_dirs > PLAIN_DIRS;
}

static int add_batch(struct reading *rd)
{
	size_t per_entry = rd->plus_format ? ENTRY_PLUS_BYTES : ENTRY_BYTES;
	size_t room = (rd->size - rd->used) / per_entry * ENTRY_BYTES;
	int r = listing_read(rd->fs->tree, rd->dir, rd->cookie, room, &rd->batch);

	if (r < 0)
		return r;
	(void)CHECK(rd->batch.n <= LISTING_BATCH);
	if (rd->batch.n == 0 && rd->dots <= PARENT)
		change_found_empty(rd->fs->writer, rd->dir);
	for (unsigned i = 0; i < rd->batch.n && !ends_early(rd, &rd->batch.entries[i]); i++) {
		const struct listing_entry *entry = &rd->batch.entries[i];
		char name[TREE_NAME_MAX + 1];
		bool fits;

		if (!CHECK(entry->name_len > 0 && entry->name_len <= TREE_NAME_MAX))
			return -EIO;
		memcpy(name, entry->name, entry->name_len);
		name[entry->name_len] = '\0';
		fits = is_full(rd, entry) ? add_full(rd, entry, name)
					  : add_plain(rd, name, entry->ino, entry->type, entry->cookie);
		if (!fits)
			break;
	}
	return 0;
}

/* The start of the stream. False when there is no more to it. */
static bool start_reading(struct reading *rd)
{
	struct inode_location location;
	bool fits;

	inode_locate(rd->fs->tree, rd->dir, &location);
	walk_note(rd->fs, rd->dir, location.parent);
	/* A removed directory is empty, without its dots, as in the kernel. */
	fits = !location.unlinked && add_dots(rd, location.parent ? location.parent : rd->dir);
	inode_location_finish(rd->fs->tree, &location);
	return fits;
}

static int fill_reply(struct reading *rd)
{
	if (rd->dots < PARENT && !start_reading(rd))
		return 0;
	if (inode_is_unlinked(rd->dir))
		return 0;
	rd->plus = rd->plus_format ? walk_plus(rd->fs, rd->dir->dir, rd->dots <= PARENT) : DIR_PLUS_NONE;
	return add_batch(rd);
}

/* To the kernel the end is an answer of no bytes, at which it counts what it holds of the listing as complete and gives
 * it to all. One of a few bytes, too short for an entry, ends the stream and nothing else. */
static void end_of_stream(struct reading *rd)
{
	(void)CHECK(!rd->used && !rd->n_looked_up);
	if (rd->batch.may_be_kept)
		return;
	rd->used = 8;
	memset(rd->buf, 0, rd->used);
}

static void dir_read_directory(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, bool plus_format)
{
	struct inode *dir;
	struct reading *rd;
	int r;

	if (is_host_root(req, id)) {
		root_read(req, size, off, plus_format);
		return;
	}
	dir = dir_or_reply(req, id);
	if (!dir)
		return;
	rd = malloc(sizeof(*rd) + size);
	if (!rd) {
		reply_result(req, -ENOMEM);
		return;
	}
	rd->req = req;
	rd->fs = fs_of(req, id);
	rd->dir = dir;
	rd->cookie = off ? (uint64_t)off : listing_begin(rd->fs->tree, dir);
	rd->dots = listing_dots(rd->cookie);
	rd->plus_format = plus_format;
	rd->buf = (char *)(rd + 1);
	rd->size = size;
	rd->used = 0;
	rd->n_dirs = 0;
	rd->batch.may_be_kept = false;
	rd->n_looked_up = 0;
	r = fill_reply(rd);
	if (r == 0 && rd->used == 0)
		end_of_stream(rd);
	if (r < 0 && rd->used == 0)
		reply_result(req, r);
	else if (fuse_reply_buf(req, rd->buf, rd->used) == -ENOENT)
		for (unsigned i = 0; i < rd->n_looked_up; i++)
			inode_forget_id(rd->fs->tree, rd->looked_up[i], 1);
	free(rd);
}

void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, struct fuse_file_info *fi)
{
	counter_add(COUNTER_READDIR, 1);
	dir_read_directory(req, id, size, off, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t off, struct fuse_file_info *fi)
{
	counter_add(COUNTER_READDIRPLUS, 1);
	dir_read_directory(req, id, size, off, true);
}

static int dir_sync(struct fs *fs, struct inode *inode, bool datasync)
{
	_cleanup_close_ int fd = dir_open_to_sync(fs, inode);

	if (fd < 0)
		return fd == -EROFS ? 0 : fd;
	return datasync ? os_fdatasync(fd) : os_fsync(fd);
}

static int run_fsyncdir(struct job *job)
{
	reply_result(job->req, dir_sync(job->fs, job->inode, job->flags));
	return 0;
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req, id);
	struct inode *dir = dir_or_reply(req, id);
	struct job job;

	if (!dir)
		return;
	counter_add(COUNTER_FSYNC, 1);
	if (!fs->opt.sync || !inode_in_upper(dir) || inode_is_unlinked(dir)) {
		reply_result(req, 0);
		return;
	}
	job_init(&job, fs, req, run_fsyncdir);
	job.inode = dir;
	job.flags = datasync ? 1 : 0;
	if (fs->writer->syncs_at_once)
		run_fsyncdir(&job);
	else
		job_start_blocking(&job);
}
