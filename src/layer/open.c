/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the objects of a layer, within its mount clone. Where the layer has no private clone, what is overmounted
 * is refused by openat2, and recognised by statx, which looks at the covering mount's root and says that it is one.
 */
#include "base/check.h"
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "internal.h"
#include "os/fs.h"

#define RACE_TRIES 64

/* An object that can't be looked at may be another mount's that keeps us out (a FUSE mount of another user, or a dead
 * one). */
static bool is_mount_ahead(int dirfd, const char *name)
{
	int fd = os_openat(dirfd, name, O_PATH, 0, OS_NO_XDEV);

	if (fd >= 0)
		os_close(fd);
	return fd == -EXDEV;
}

/* In the place of a number that nobody tells: another one for each name. */
static uint64_t number_of_hidden(int dirfd, const char *name)
{
	struct statx dir = {0};

	(void)os_statx_cached(dirfd, "", &dir);
	return XXH3_64bits_withSeed(name, strlen(name), dir.stx_ino ^ layer_dev_of(&dir) << 40);
}

/* 1 when `name` is overmounted. Looks without asking the file system on top, which may be our own: a request thread
 * that waits for an answer of ours would wait for ever. */
int layer_statx_overmounted(int dirfd, const char *name, struct statx *ret_stx)
{
	int r = os_statx_cached(dirfd, name, ret_stx);

	if (!r)
		return (ret_stx->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	if (r == -ENOENT || r == -ENAMETOOLONG || !is_mount_ahead(dirfd, name))
		return r;
	*ret_stx = (struct statx){.stx_mask = STATX_TYPE | STATX_MODE,
				  .stx_mode = S_IFDIR | 0555,
				  .stx_ino = number_of_hidden(dirfd, name),
				  .stx_attributes = STATX_ATTR_MOUNT_ROOT};
	return 1;
}

/* Beneath RESOLVE_BENEATH the kernel answers EXDEV also when a rename moves the name out of the directory while it is
 * opened; the next try sees it gone. Only a covering mount stays. */
int layer_openat(const struct layer *l, int dirfd, const char *name, int flags)
{
	/* No file of a lower layer is ever opened for writing. */
	(void)CHECK(l->upper || (flags & O_PATH) ||
		    ((flags & O_ACCMODE) == O_RDONLY && !(flags & (O_CREAT | O_TRUNC))));
	for (unsigned i = 0;; i++) {
		int fd = os_openat(dirfd, name, flags, 0, l->cloned ? OS_CROSS_MOUNTS : OS_NO_XDEV);
		struct statx stx;

		if (fd != -EXDEV || i == RACE_TRIES)
			return fd;
		if (!l->cloned && layer_statx_overmounted(dirfd, name, &stx) == 1)
			return fd;
	}
}

int layer_open_path(const struct layer *l, const char *path, int flags)
{
	(void)CHECK(!(flags & (O_CREAT | O_TRUNC)));
	return os_openat(l->root_fd, path, flags, 0, l->cloned ? OS_CROSS_MOUNTS : OS_NO_XDEV);
}
