/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The xattrs of an object in a layer that are a user's, with the names that a tar has for them: no private xattr of any
 * dialect, no stat override, no label of this machine's SELinux. Escaped names are unescaped.
 */
#ifndef ARCHIVE_XATTRS_H
#define ARCHIVE_XATTRS_H

#include "archive/tar_writer.h"
#include "layer/layer.h"

struct archive_xattrs {
	struct tar_xattr *list; /* sorted by name; names and values are owned */
	size_t n;
};

/* 0 or -errno; *ret is empty on failure. */
int archive_xattrs_read(const struct layer *l, int dirfd, const char *name, struct archive_xattrs *ret);
void archive_xattrs_finish(struct archive_xattrs *xattrs);

#endif
