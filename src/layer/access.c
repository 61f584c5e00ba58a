/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to the objects of a layer, within its fence. Where the layer has no private clone, what other mounts cover is refused by
 * openat2, and recognised by statx, which looks at the covering mount's root and says that it is one.
 */
#include "layer/layer.h"

#include "base/log.h"
#include "os/fs.h"

#define INO_BITS 48
#define INO_MASK ((UINT64_C(1) << INO_BITS) - 1)

int layer_openat(const struct layer *l, int dirfd, const char *name, int flags)
{
	return sys_openat(dirfd, name, flags, 0, l->fenced ? SYS_CROSS_MOUNTS : SYS_NO_XDEV);
}

int layer_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx, bool *ret_covered)
{
	int ret = sys_statx(dirfd, name, ret_stx);

	/* With an empty name it is the layer's root at most, which may be the root of its mount. */
	if (!ret && ret_covered)
		*ret_covered = !l->fenced && *name && (ret_stx->stx_attributes & STATX_ATTR_MOUNT_ROOT);
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
		log_limited(LOG_CAUSE_LAYER, LOG_NOTICE, "%s: inode numbers of more than %d bits are shortened", l->path,
			    INO_BITS);
		ino = fold_ino(ino);
	}
	return ino | bits;
}
