/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that cp makes, as cp -a does: owners by root, modes, times, xattrs, hard links, devices. Everything is made
 * new, below the directory of the destination, so nothing that a layer holds leads a copy elsewhere. An ordinary user
 * can't make devices, and xattrs that only root may set are left out.
 */
#ifndef PLYCTL_COPY_OUT_H
#define PLYCTL_COPY_OUT_H

#include <stdint.h>
#include <time.h>

#include "archive/xattrs.h"

/* The attributes of an object. */
struct copied {
	uint32_t mode, uid, gid, major, minor;
	struct timespec mtime;
	const struct archive_xattrs *xattrs; /* NULL: none */
};

/* Gives the attributes to an object that is complete. `fd` is open, perhaps O_PATH, and `name` is its name in `dirfd`.
 * -errno. */
int copied_finish(int fd, int dirfd, const char *name, const struct copied *c);
/* Makes a symbolic link, or what is neither a file nor a directory, with its attributes. */
int copied_symlink(int dirfd, const char *name, const char *target, const struct copied *c);
int copied_node(int dirfd, const char *name, const struct copied *c);
/* Opens a new file, to be written and finished. */
int copied_file(int dirfd, const char *name);

/* Files with several names: the first one has the content, and the others become links to it. */
struct copied_links;
void copied_links_free(struct copied_links *links);
/* Makes `name` a link to the file that `key` was noted for. 1: done. 0: there is none, and `path`, from `base`, is
 * noted as the first. -errno. */
int copied_link(struct copied_links **links, uint64_t key, uint64_t more, int base, const char *path, int dirfd,
		const char *name);

#endif
