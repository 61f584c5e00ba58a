/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a tree that anybody may have made: any depth, any mode, immutable, changing beneath us. Descriptors are
 * bounded: what lies deeper than MAX_DEPTH is first moved up beside the top, under a name made of its identity, and
 * removed from there. A crash leaves it in the work directory, where the next mount finds it.
 */
#include "base/array.h"
#include "base/check.h"
#include "layer/work.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "internal.h"
#include "os/fs.h"

#define MAX_DEPTH 16
#define MAX_PASSES 8

struct removal {
	int top;	  /* directory that holds the tree; not owned */
	uint64_t *lifted; /* owned; number_for() of what was moved up and is still to be removed */
	size_t n_lifted;
};

struct removal_level {
	struct removal *removal;
	int fd;
	unsigned depth;
	bool seen;
};

static int remove_tree_entry(struct removal *r, int dirfd, const char *name, unsigned depth);

/* Takes the immutable and append-only flags off. Only files and directories have them; opening anything else could
 * block or do what its driver does on open. */
static void clear_flags(int fd_of_object)
{
	struct statx stx;
	_cleanup_close_ int fd = -1;
	unsigned flags;

	if (os_statx(fd_of_object, "", &stx) < 0 || (!S_ISREG(stx.stx_mode) && !S_ISDIR(stx.stx_mode)))
		return;
	fd = os_reopen(fd_of_object, O_RDONLY | O_NONBLOCK);
	if (fd >= 0 && !os_getflags(fd, &flags) && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
		os_setflags(fd, flags & ~(unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL));
}

/* unlink; on EPERM once more without the flags of the object and of its directory. */
static int unlink_forced(int dirfd, const char *name, int flags)
{
	_cleanup_close_ int fd = -1;
	int r = os_unlinkat(dirfd, name, flags);

	if (r != -EPERM)
		return r;
	fd = os_openat(dirfd, name, O_PATH, 0, OS_NO_XDEV);
	if (fd >= 0)
		clear_flags(fd);
	clear_flags(dirfd);
	return os_unlinkat(dirfd, name, flags);
}

/* Gives a directory's owner all permissions, without which a daemon that isn't root could not empty it. Only where it
 * must be: a removed directory may still be open, and who has it open sees its mode. */
static void open_up(int fd)
{
	if (os_fchmod(fd, 0700) == -EPERM) {
		clear_flags(fd);
		os_fchmod(fd, 0700);
	}
}

/* --- one directory ------------------------------------------------------------------------------------------------ */

static int remove_each(void *arg, const struct os_dirent *entry)
{
	struct removal_level *level = arg;

	level->seen = true;
	return remove_tree_entry(level->removal, level->fd, entry->name, level->depth + 1);
}

/* A file system may skip entries when others are removed during reading, so it is read until it is found empty. */
static int empty_dir(struct removal *removal, int fd, unsigned depth)
{
	for (int pass = 0; pass < MAX_PASSES; pass++) {
		struct removal_level level = {.removal = removal, .fd = fd, .depth = depth};
		int r = os_read_dir(fd, remove_each, &level);

		if (r < 0 || !level.seen)
			return r;
	}
	return 0;
}

/* The number in the temp name of an object; work_new() begins above. */
static uint64_t number_for(const struct statx *stx)
{
	uint64_t id[] = {layer_dev_of(stx), stx->stx_ino};

	return XXH3_64bits(id, sizeof(id)) & ((UINT64_C(1) << 62) - 1);
}

static int lift(struct removal *removal, int dirfd, const char *name, int fd)
{
	uint64_t *lifted = ARRAY_NEXT(removal->lifted, removal->n_lifted);
	char temp[TEMP_NAME_SIZE];
	struct statx stx;
	int r;

	(void)CHECK(dirfd != removal->top);
	if (!lifted)
		return -ENOMEM;
	r = os_statx(fd, "", &stx);
	if (r < 0)
		return r;
	temp_name_make(number_for(&stx), temp);
	r = os_renameat2(dirfd, name, removal->top, temp, 0);
	if (r == -EPERM || r == -EACCES) {
		/* Its own permissions count too: its ".." changes. */
		clear_flags(dirfd);
		clear_flags(fd);
		open_up(fd);
		r = os_renameat2(dirfd, name, removal->top, temp, 0);
	}
	if (!r) {
		*lifted = number_for(&stx);
		removal->n_lifted++;
	}
	return r;
}

static int remove_dir(struct removal *removal, int dirfd, const char *name, unsigned depth)
{
	_cleanup_close_ int fd = -1;
	int r = os_unlinkat(dirfd, name, AT_REMOVEDIR);

	(void)CHECK(depth <= MAX_DEPTH);
	if (r != -ENOTEMPTY && r != -EEXIST && r != -EPERM)
		return r;
	fd = os_openat(dirfd, name, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	if (depth >= MAX_DEPTH)
		return lift(removal, dirfd, name, fd);
	r = empty_dir(removal, fd, depth);
	if (r == -EACCES) {
		open_up(fd);
		r = empty_dir(removal, fd, depth);
	}
	return r < 0 ? r : unlink_forced(dirfd, name, AT_REMOVEDIR);
}

static int remove_tree_entry(struct removal *removal, int dirfd, const char *name, unsigned depth)
{
	int r = os_unlinkat(dirfd, name, 0);
	struct statx stx;

	if (r == -EISDIR)
		return remove_dir(removal, dirfd, name, depth);
	if (r == -EPERM) {
		r = os_statx(dirfd, name, &stx);
		if (!r)
			r = S_ISDIR(stx.stx_mode) ? remove_dir(removal, dirfd, name, depth)
						  : unlink_forced(dirfd, name, 0);
	}
	return r == -ENOENT && depth ? 0 : r;
}

int work_remove_tree(int dirfd, const char *name)
{
	struct removal removal = {.top = dirfd};
	int r;

	if (!CHECK(*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0))
		return -EIO;
	r = remove_tree_entry(&removal, dirfd, name, 0);

	while (!r && removal.n_lifted) {
		char temp[TEMP_NAME_SIZE];

		temp_name_make(removal.lifted[--removal.n_lifted], temp);
		r = remove_tree_entry(&removal, dirfd, temp, 0);
	}
	free(removal.lifted);
	return r;
}
