/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks the tar of an OCI layer into a directory as overlays read it, in one pass. Everything in the tar is hostile:
 * nothing outside of the directory is touched, and no symbolic link is followed, whatever the names are.
 *
 * Rules (OCI image specification, layer.md):
 *
 * - `.wh.NAME` becomes a whiteout (a device 0:0) and `.wh..wh..opq`, in any position, an opaque xattr. Both hide layers
 *   below only: an object of the same layer stays. Missing parents are made. The root can't be opaque: that is refused.
 * - Names of aufs's own (`.wh..wh.plnk` and so on) and landmarks of stargz are passed over.
 * - A path that comes twice is refused. But the attributes of a directory are replaced by those of its later entry.
 * - A hard link whose file isn't in the layer is told to the caller, who has the layers below.
 * - Sparse files are made sparse.
 * - Xattrs trusted.overlay.* and user.overlay.* are escaped (format/name.h). Names that an overlay would obey and that
 *   have no escape are left out: those of stat overrides and of fuse-overlayfs. So is security.selinux.
 * - A device 0:0 is refused, and so are absolute names, "..", a bare `.wh.`, a name below a symlink, and sockets.
 *
 * Directories get their modes, times and default ACLs at the end. Beside stat overrides no ACLs
 * are set. Directories that the tar doesn't list belong to root, have mode 0755 and time 0.
 */
#ifndef ARCHIVE_UNPACK_H
#define ARCHIVE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/stat.h>

#include "archive/recipe.h"
#include "format/name.h"
#include "image/image.h"
#include "image/tar.h"

struct unpack_options {
	int root_fd; /* an empty directory */
	/* Owner, mode and type go to stat overrides (user.containers.override_stat), because this process can't set
	 * them. A symbolic link can't have one. */
	bool overrides;
	enum xattr_ns ns;	      /* of opaque xattrs */
	struct recipe_writer *recipe; /* NULL: none is written */
	/* The directory isn't empty: the tar has further objects. The time of a directory that gets one stays. */
	bool over;
};

/* A hard link to a file that the layer doesn't have. */
struct unpack_link {
	char *path, *target;
};

struct unpacked {
	uint64_t entries;	   /* of the tar */
	struct unpack_link *links; /* owned */
	size_t n_links;
};

/* Reads `tar` to its end. On failure the directory has what was unpacked so far, and the caller removes it. The tar's
 * tap is in use meanwhile. */
int unpack_tar(struct tar *tar, const struct unpack_options *options, struct unpacked *ret, struct image_error *error);
void unpacked_finish(struct unpacked *u);

/* Whether the root of an unpacked layer has attributes of its own: then the tar has listed it. */
static inline bool unpack_lists_root(const struct statx *stx)
{
	return (stx->stx_mode & 07777) != 0755 || stx->stx_uid || stx->stx_gid || stx->stx_mtime.tv_sec ||
	       stx->stx_mtime.tv_nsec;
}

/* Removes everything in a directory, however deep. 0 or the first -errno; it goes on after that. */
int unpack_remove(int dirfd);

#endif
