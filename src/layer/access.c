/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of the objects of a layer, as the layer means them: owner, mode and type may lie in an attribute, and ids may be mapped.
 */
#include "layer/layer.h"

#include <errno.h>

#include "base/log.h"
#include "internal.h"
#include "os/fs.h"

#define INO_BITS 48
#define INO_MASK ((UINT64_C(1) << INO_BITS) - 1)

int layer_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx, bool *ret_covered)
{
	/* With an empty name it is the layer's root at most, which may be the root of its mount. */
	int ret = l->fenced || !*name ? 0 : layer_statx_covered(dirfd, name, ret_stx);

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
