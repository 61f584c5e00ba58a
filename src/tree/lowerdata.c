/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose own object has metadata alone: where their data lies.
 *
 * It is a regular file of a lower or a data-only layer, by its path from the layer's root. Lower layers don't change, so
 * once known it stays true, and it is remembered until the inode is freed, also when the data has been copied into the
 * upper meanwhile: then the inode's flag is gone and nobody asks any more. Such inodes are few, so what is known of them
 * lies in a table of its own and costs the others nothing.
 *
 * Which data-only layer has the data is found out at the first look at it, as in kernel overlayfs.
 *
 * The data must be as long as its metadata says: else somebody changed one of the two, and zeros or the half of a file
 * would be wrong data. An empty file needs none: its own object is as good, and it is what a truncation leaves when it
 * was interrupted before the mark went.
 */
#include "internal.h"

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
#define BLOCKS_UNKNOWN UINT64_MAX

struct lowerdata {
	UT_hash_handle hh;
	const struct inode *inode; /* c the key */
	uint64_t size;		   /* c what the metadata says */
	bool linked;		   /* c the topmost lower object is a hard link */
	_Atomic uint64_t blocks;   /* of the data; BLOCKS_UNKNOWN until it was looked at */
	_Atomic unsigned layer;	   /* LOWERDATA_LAZY: a data-only one, not known which yet */
	char path[];
};

/* --- the table ---------------------------------------------------------------------------------------------------- */

static struct lowerdata *lowerdata_find_locked(struct tree *tree, const struct inode *inode)
{
	struct lowerdata *d = NULL;

	HASH_FIND(hh, tree->inodes->lowerdata, &inode, sizeof(inode), d);
	return d;
}

/* What the inode has in a lower layer in place of data of its own, or NULL. Lives as long as the inode. */
static struct lowerdata *lowerdata_of(struct tree *tree, const struct inode *inode)
{
	if (!inode_is_metacopy(inode))
		return NULL;
	LOCK_SCOPE(&tree->table);
	return lowerdata_find_locked(tree, inode);
}

static int lowerdata_add_locked(struct tree *tree, struct inode *inode, unsigned layer, const char *path, uint64_t size,
				uint64_t blocks, bool linked)
{
	struct lowerdata *d = malloc(sizeof(*d) + strlen(path) + 1);

	if (!d)
		return -ENOMEM;
	memset(d, 0, sizeof(*d));
	d->inode = inode;
	d->size = size;
	d->linked = linked;
	atomic_init(&d->blocks, blocks);
	atomic_init(&d->layer, layer);
	strcpy(d->path, path);
	HASH_ADD(hh, tree->inodes->lowerdata, inode, sizeof(d->inode), d);
	if (!d->hh.tbl) {
		free(d);
		return -ENOMEM;
	}
	atomic_fetch_or_explicit(&inode->flags, INODE_METACOPY | INODE_HAS_LOWERDATA, memory_order_release);
	return 0;
}

int lowerdata_take_locked(struct tree *tree, struct inode *inode, const struct resolved *r)
{
	uint64_t blocks = r->data_layer == LOWERDATA_LAZY ? BLOCKS_UNKNOWN : r->data_blocks;

	return lowerdata_add_locked(tree, inode, r->data_layer, r->data_path, r->stx.stx_size, blocks,
				    r->lower_linked);
}

void lowerdata_drop_locked(struct tree *tree, struct inode *inode)
{
	struct lowerdata *d;

	if (!(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_HAS_LOWERDATA))
		return;
	d = lowerdata_find_locked(tree, inode);
	if (!CHECK(d))
		return;
	HASH_DELETE(hh, tree->inodes->lowerdata, d);
	free(d);
}

/* --- copy-up ------------------------------------------------------------------------------------------------------ */

int inode_keep_lower_data(struct tree *tree, struct inode *inode, const struct statx *stx)
{
	_cleanup_free_ char *path = NULL;
	struct inode_name *n;
	int res;

	LOCK_SCOPE(&tree->table);
	if (inode_is_metacopy(inode))
		return 0;
	if (!CHECK(S_ISREG(inode->type) && !inode_in_upper(inode)))
		return -EIO;
	n = inode->names;
	if (!n)
		return -ESTALE;
	/* The names of a file with several links may lie in several layers. */
	res = place_compose_locked(tree, n->parent, n->layer, n->name, &path);
	return res < 0 ? res
		       : lowerdata_add_locked(tree, inode, n->layer, path, stx->stx_size, stx->stx_blocks,
					      stx->stx_nlink > 1);
}

bool inode_lower_is_linked(struct tree *tree, struct inode *inode)
{
	struct lowerdata *d = lowerdata_of(tree, inode);

	return d && d->linked;
}

void inode_publish_data(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	(void)CHECK(inode_in_upper(inode));
	atomic_fetch_and_explicit(&inode->marks, ~(unsigned)MARK_METACOPY, memory_order_relaxed);
	atomic_fetch_and_explicit(&inode->flags, (uint16_t)~INODE_METACOPY, memory_order_release);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* A path that no system call takes as a whole. */
static int open_long_path(struct tree *tree, const struct layer *l, const char *path, int flags)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	_cleanup_close_ int dirfd = -1;

	if (!dir)
		return slash ? -ENOMEM : -ENOENT;
	dirfd = place_open(tree, l, dir);
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

/* Opens a regular file; -ENOENT for anything else, which isn't opened: it may refuse in its own way, or do something. */
static int open_regular(struct tree *tree, const struct layer *l, const char *path, int flags, struct statx *ret_stx)
{
	_cleanup_close_ int fd = open_path(tree, l, path, O_PATH | O_NOFOLLOW);
	int res = fd < 0 ? fd : sys_statx(fd, "", ret_stx);

	if (res < 0)
		return is_missing(res) ? -ENOENT : res;
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

static int lowerdata_open(struct tree *tree, struct lowerdata *d, int flags)
{
	unsigned layer = atomic_load_explicit(&d->layer, memory_order_relaxed);
	_cleanup_close_ int fd = -1;
	struct statx stx;

	if (layer == LOWERDATA_LAZY)
		fd = open_in_data_layers(tree, d, flags, &stx);
	else
		fd = open_regular(tree, &tree->layers->layers[layer], d->path, flags, &stx);
	if (fd == -ENOENT) {
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "a metacopy file's data is missing: %s", d->path);
		return -EIO;
	}
	if (fd < 0)
		return fd;
	if (stx.stx_size != d->size) {
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "a metacopy file and its data differ in size: %s", d->path);
		return -EIO;
	}
	atomic_store_explicit(&d->blocks, stx.stx_blocks, memory_order_relaxed);
	return TAKE_FD(fd);
}

int inode_open_data(struct tree *tree, struct inode *inode, int flags, bool *ret_upper)
{
	for (unsigned i = 0; i < REACH_TRIES; i++) {
		struct lowerdata *d = lowerdata_of(tree, inode);
		const struct layer *layer = NULL;
		bool upper;
		int fd;

		if (d && (flags & O_ACCMODE) != O_RDONLY)
			return -EROFS;
		fd = d && d->size ? lowerdata_open(tree, d, flags) : inode_open(tree, inode, flags, &layer);
		upper = !d && layer && layer->upper;
		if (fd < 0 || !upper || !inode_is_metacopy(inode)) {
			if (fd >= 0 && ret_upper)
				*ret_upper = upper;
			return fd;
		}
		/* It was copied up without its data while we opened it. */
		sys_close(fd);
	}
	return -ESTALE;
}

void lowerdata_fix_statx(struct tree *tree, const struct inode *inode, struct statx *stx)
{
	struct lowerdata *d = lowerdata_of(tree, inode);
	uint64_t blocks, block;

	if (!d)
		return;
	blocks = atomic_load_explicit(&d->blocks, memory_order_relaxed);
	block = stx->stx_blksize ? stx->stx_blksize : 512;
	stx->stx_blocks = blocks != BLOCKS_UNKNOWN ? blocks : (stx->stx_size + block - 1) / block * block / 512;
}
