/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The aufs dialect as it lies in a layer: names of their own beside what they speak of, so that each
 * takes one system call to ask for. What kind of object has such a name doesn't matter.
 */
#include "base/check.h"
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/fs.h"

static bool is_absent(int err)
{
	/* A layer's file system may permit shorter names than the union. */
	return err == -ENOENT || err == -ENAMETOOLONG;
}

int layer_aufs_hides(const struct layer *l, int dirfd, const char *name)
{
	char whiteout[NAME_SIZE];
	struct statx stx;
	bool overmounted;
	int r;

	if (aufs_whiteout_name(name, whiteout) < 0)
		return 0;
	r = layer_statx(l, dirfd, whiteout, &stx, &overmounted);
	return is_absent(r) ? 0 : r < 0 ? r : 1;
}

int layer_aufs_opaque(const struct layer *l, int dirfd, const char *name)
{
	char path[NAME_SIZE + sizeof("/" AUFS_OPAQUE)];
	int fd;

	(void)CHECK(!strchr(name, '/'));
	/* By openat2 and not by statx: it leads through `name`, which may have been changed into a symlink. */
	snprintf(path, sizeof(path), *name ? "%s/" AUFS_OPAQUE : "%s" AUFS_OPAQUE, name);
	fd = layer_openat(l, dirfd, path, O_PATH);
	if (fd >= 0)
		os_close(fd);
	/* ELOOP: `name` is a symlink. */
	if (fd == -ENOTDIR || fd == -ELOOP || is_absent(fd))
		return 0;
	/* One that another mount covers is there as well. */
	return fd < 0 && fd != -EXDEV ? fd : 1;
}
