/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer's directory is, apart from its stack.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "internal.h"
#include "os/fs.h"

int view_layer_id(const struct layer *l, char ret_id[VIEW_ID_HEX + 1])
{
	struct {
		uint8_t uuid[16];
		uint64_t ino, born, born_nsec, dev;
	} identity = {.ino = 0};
	struct statx stx;
	XXH128_canonical_t bytes;
	_Static_assert(2 * sizeof(bytes.digest) == VIEW_ID_HEX, "an id is a hash in hex");
	int r = os_statx(l->root_fd, "", &stx);

	if (r < 0)
		return r;
	_cleanup_close_ int fd = os_reopen(l->root_fd, O_RDONLY | O_DIRECTORY);
	/* The device's number is another one after the next boot, so it is used where there is no uuid. */
	if (fd < 0 || os_fs_uuid(fd, identity.uuid) < 0)
		identity.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	identity.ino = stx.stx_ino;
	identity.born = (uint64_t)stx.stx_btime.tv_sec;
	identity.born_nsec = stx.stx_btime.tv_nsec;
	XXH128_canonicalFromHash(&bytes, XXH3_128bits(&identity, sizeof(identity)));
	hex_text(bytes.digest, sizeof(bytes.digest), ret_id);
	return 0;
}

int view_layer_directory(const struct layer *l, char **ret_path)
{
	char path[PATH_MAX];
	/* The descriptor lies in a clone of the mount, where it has no path from the root. */
	_cleanup_close_ int fd = os_open_path(l->path, O_PATH | O_DIRECTORY, 0);
	ssize_t n = fd < 0 ? fd : os_fd_target(fd, path, sizeof(path) - 1);

	if (n > 0)
		path[n] = '\0';
	*ret_path = strdup(n > 0 && path[0] == '/' ? path : l->path);
	return *ret_path ? 0 : -ENOMEM;
}
