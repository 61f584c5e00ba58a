/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the machine as inputs of a build step: a file, or a directory with all in it. A symbolic link that is named
 * is followed; those below a directory are taken as they are. Mounts below a directory are entered.
 *
 * Order: a directory comes before what is in it. Names are sorted by their bytes.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <linux/stat.h>

#include "archive/xattrs.h"
#include "store/cache.h"

#define FILES_DEPTH_MAX 1000

struct file_entry {
	const char *path; /* from the named file, "" for itself; no slash at either end */
	struct statx stx;
	int fd; /* O_PATH; valid during the call */
};

/* Calls `each` for all until one returns another value than 0. One that returns FILES_SKIP isn't entered. */
enum { FILES_SKIP = 1 };
int files_walk(const char *path, int (*each)(void *arg, const struct file_entry *e, struct image_error *error),
	       void *arg, struct image_error *error);
/* The xattrs that count: user.* and the capabilities of a program. `l` is the layer that has the object; NULL: none. */
int file_xattrs(const struct layer *l, int fd, struct archive_xattrs *ret);
/* Of names and values, of which there are some. */
int file_xattrs_digest(const struct archive_xattrs *xattrs, char ret[static DIGEST_SIZE]);
/* The target of a symlink, which the caller frees. */
int file_target(int fd, char **ret);
/* Adds a part with all fields of an object. The owner is that of `stx`, as its other attributes are. The content is
 * that of `data_fd`, or of `fd` if that is -1. `l` is as above. */
int files_add_part(struct cache_parts *parts, const char *name, const struct statx *stx, const struct layer *l, int fd,
		   int data_fd, struct image_error *error);
/* Adds a part for each file: NAME, NAME/PATH. */
int files_add_parts(struct cache_parts *parts, const char *name, const char *path, struct image_error *error);

#endif
