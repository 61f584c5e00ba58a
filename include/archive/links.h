/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with several names that were written into a tar, so that their other names become hard links.
 */
#ifndef ARCHIVE_LINKS_H
#define ARCHIVE_LINKS_H

#include <linux/stat.h>

/* Zeroed at first. */
struct archive_links {
	struct archive_linked *files;
};

/* Whether the file was written by another name: then *ret_path is that, else it is NULL and `path` is kept. `stx` is
 * that of the object in its layer, whose number is `layer`. Anything but a file with several links has no other name.
 * 0 or -ENOMEM. */
int archive_links_find(struct archive_links *links, unsigned layer, const struct statx *stx, const char *path,
		       const char **ret_path);
void archive_links_finish(struct archive_links *links);

#endif
