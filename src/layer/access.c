/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to the objects of a layer, within its fence. Where the layer has no private clone, what other mounts cover is
 * refused by openat2, and recognised by statx, which looks at the covering mount's root and says that it is one.
 */
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "internal.h"
#include "os/fs.h"

#define RACE_TRIES 64
#define INO_BITS 48
#define INO_MASK ((UINT64_C(1) << INO_BITS) - 1)

/* An object that can't be looked at may be another mount's that keeps us out (a FUSE mount of another user, or a dead
 * one). */
static bool is_mount_ahead(int dirfd, const char *name)
{
	int fd = sys_openat(dirfd, name, O_PATH, 0, SYS_NO_XDEV);

	if (fd >= 0)
		sys_close(fd);
	return fd == -EXDEV;
}

/* 1 when `name` is covered. Looks without asking the covering file system, which may be our own: a request thread that
 * waits for an answer of ours would wait for ever. */
static int statx_covered(int dirfd, const char *name, struct statx *ret_stx)
{
	int ret = sys_statx_cached(dirfd, name, ret_stx);

	if (!ret)
		return (ret_stx->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	if (ret == -ENOENT || ret == -ENAMETOOLONG || !is_mount_ahead(dirfd, name))
		return ret;
	*ret_stx = (struct statx){.stx_mask = STATX_TYPE | STATX_MODE, .stx_mode = S_IFDIR | 0555};
	return 1;
}

/* Beneath RESOLVE_BENEATH the kernel answers EXDEV also when a rename moves the name out of the directory while it is opened; the
 * next try sees it gone. Only a covering mount stays. */
int layer_openat(const struct layer *l, int dirfd, const char *name, int flags)
{
	for (unsigned i = 0;; i++) {
		int fd = sys_openat(dirfd, name, flags, 0, l->fenced ? SYS_CROSS_MOUNTS : SYS_NO_XDEV);
		struct statx stx;

		if (fd != -EXDEV || i == RACE_TRIES)
			return fd;
		if (!l->fenced && statx_covered(dirfd, name, &stx) == 1)
			return fd;
	}
}

int layer_open_path(const struct layer *l, const char *path, int flags)
{
	return sys_openat(l->root_fd, path, flags, 0, l->fenced ? SYS_CROSS_MOUNTS : SYS_NO_XDEV);
}

int layer_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx, bool *ret_covered)
{
	/* With an empty name it is the layer's root at most, which may be the root of its mount. */
	int ret = l->fenced || !*name ? 0 : statx_covered(dirfd, name, ret_stx);

	if (ret < 0 || (ret && !ret_covered))
		return ret < 0 ? ret : -EXDEV;
	if (ret_covered)
		*ret_covered = ret;
	return ret ? 0 : layer_statx_uncovered(l, dirfd, name, ret_stx);
}

int layer_statx_uncovered(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx)
{
	int ret = l->override == OVERRIDE_NONE ? sys_statx(dirfd, name, ret_stx)
					       : override_statx(l, dirfd, name, ret_stx);

	/* Owners that an attribute has are the layer's own. */
	if (ret == 0 && l->uidmap && l->override == OVERRIDE_NONE)
		mapped_statx(l, ret_stx);
	return ret;
}

/* The finalizer of splitmix64: the same in every process, so that the number stays the same over a remount. */
static uint64_t fold_ino(uint64_t ino)
{
	ino = (ino ^ (ino >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	ino = (ino ^ (ino >> 27)) * UINT64_C(0x94d049bb133111eb);
	ino = (ino ^ (ino >> 31)) & INO_MASK;
	return ino ? ino : 1;
}

uint64_t layer_union_ino(const struct layer_set *set, const struct layer *l, uint64_t ino)
{
	uint64_t bits = set->fs[l->fs].ino_bits;

	if (!bits)
		return ino;
	if (ino & ~INO_MASK) {
		log_limited(LOG_CAUSE_LAYER, LOG_NOTICE, "%s: inode numbers of more than %d bits are shortened",
			    l->path, INO_BITS);
		ino = fold_ino(ino);
	}
	return ino | bits;
}
