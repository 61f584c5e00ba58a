/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the data of files whose own object has metadata alone. Where that lies is in lowerdata.c.
 *
 * Which data-only layer has the data is found out at the first look at it, as in kernel overlayfs.
 *
 * The data must be as long as its metadata says: else somebody changed one of the two, and zeros or the half of a file
 * would be wrong data. An empty file needs none: its own object is as good, and it is what a truncation leaves when it
 * was interrupted before the xattr went.
 */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"

#define SHRINK_TRIES 8

/* A path that no system call takes as a whole. */
static int open_long_path(struct tree *tree, const struct layer *l, const char *path, int flags)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	_cleanup_close_ int dirfd = -1;

	if (!dir)
		return slash ? -ENOMEM : -ENOENT;
	dirfd = layer_path_open(tree, l, dir);
	return dirfd < 0 ? dirfd : layer_openat(l, dirfd, slash + 1, flags);
}

static int open_path(struct tree *tree, const struct layer *l, const char *path, int flags)
{
	for (unsigned i = 0;; i++) {
		int fd = strlen(path) < PATH_MAX ? layer_open_path(l, path, flags)
						 : open_long_path(tree, l, path, flags);

		if ((fd != -EMFILE && fd != -ENFILE) || i == SHRINK_TRIES || !dirfd_shrink(tree))
			return fd;
	}
}

/* Nothing, or nothing that can be data, is at the path. */
static bool is_missing(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ELOOP || err == -EXDEV || err == -ENAMETOOLONG;
}

/* Opens a regular file; -ENOENT for anything else, which isn't opened: it may refuse in its own way, or do
 * something. */
static int open_regular(struct tree *tree, const struct layer *l, const char *path, int flags, struct statx *ret_stx)
{
	_cleanup_close_ int fd = open_path(tree, l, path, O_PATH | O_NOFOLLOW);
	int r = fd < 0 ? fd : os_statx(fd, "", ret_stx);

	if (r < 0)
		return is_missing(r) ? -ENOENT : r;
	if (!S_ISREG(ret_stx->stx_mode))
		return -ENOENT;
	return flags & O_PATH ? TAKE_FD(fd) : reopen_at_once(fd, flags);
}

static int open_in_data_layers(struct tree *tree, struct lowerdata *d, int flags, struct statx *ret_stx)
{
	const struct layer_set *set = tree->layers;
	int fd = -ENOENT;

	for (unsigned i = set->n; i < set->n + set->n_data && fd == -ENOENT; i++) {
		fd = open_regular(tree, &set->layers[i], d->path, flags, ret_stx);
		if (fd >= 0)
			atomic_store_explicit(&d->layer, i, memory_order_relaxed);
	}
	return fd;
}

static int lowerdata_open(struct tree *tree, struct lowerdata *d, int flags, struct error *ret_error)
{
	unsigned layer = atomic_load_explicit(&d->layer, memory_order_relaxed);
	_cleanup_close_ int fd = -1;
	struct statx stx;

	if (layer == LOWERDATA_LAZY)
		fd = open_in_data_layers(tree, d, flags, &stx);
	else
		fd = open_regular(tree, &tree->layers->layers[layer], d->path, flags, &stx);
	if (fd == -ENOENT)
		return error_set(ret_error, -EIO, "%s: the data of a metacopy file is missing", d->path);
	if (fd < 0)
		return fd;
	if (stx.stx_size != d->size)
		return error_set(ret_error, -EIO, "%s: the data of a metacopy file is of another size", d->path);
	atomic_store_explicit(&d->blocks, stx.stx_blocks, memory_order_relaxed);
	return TAKE_FD(fd);
}

int inode_open_data_or_say(struct tree *tree, struct inode *inode, int flags, bool *ret_upper, struct error *ret_error)
{
	for (unsigned i = 0; i < OPEN_REAL_TRIES; i++) {
		struct lowerdata *d = lowerdata_of(tree, inode);
		const struct layer *layer = NULL;
		bool upper;
		int fd;

		if (d && (flags & O_ACCMODE) != O_RDONLY)
			return -EROFS;
		fd = d && d->size ? lowerdata_open(tree, d, flags, ret_error) : inode_open(tree, inode, flags, &layer);
		upper = !d && layer && layer->upper;
		if (fd < 0 || !upper || !inode_is_metacopy(inode)) {
			/* I7 */
			(void)CHECK(fd < 0 || (flags & O_ACCMODE) == O_RDONLY || !inode_is_metacopy(inode));
			if (fd >= 0 && ret_upper)
				*ret_upper = upper;
			return fd;
		}
		/* It was copied up without its data while we opened it. */
		os_close(fd);
	}
	return -ESTALE;
}

int inode_open_data(struct tree *tree, struct inode *inode, int flags, bool *ret_upper)
{
	_cleanup_error_ struct error error = {0};
	int fd = inode_open_data_or_say(tree, inode, flags, ret_upper, &error);

	if (error.text)
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "%s", error.text);
	return fd;
}
