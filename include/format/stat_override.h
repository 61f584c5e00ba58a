/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stat override: an xattr with owner, mode and type of an object, for layers on which they can't be set.
 * fuse-overlayfs (xattr_permissions) and containers/storage (force_mask) write the same form: `UID:GID:MODE[:TYPE]`.
 * MODE is octal. TYPE is one of `dir file symlink pipe socket block-MAJ-MIN char-MAJ-MIN`. format/name.h has the names
 * of the xattr.
 *
 * A special file is a regular file with such a type. A directory and a symlink can have no other type. A character
 * device 0:0 is refused, because it would be a whiteout.
 */
#ifndef FORMAT_STAT_OVERRIDE_H
#define FORMAT_STAT_OVERRIDE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STAT_OVERRIDE_SIZE 64 /* the longest value, with its NUL */

struct stat_override {
	uint32_t uid, gid;
	mode_t mode;	       /* type and permissions */
	uint32_t major, minor; /* devices */
};

/* `real_type` is the type of the object that has the xattr (S_IFMT bits). A value without a type means this type.
 * -EINVAL for any malformed value. */
int stat_override_decode(const char *value, size_t size, mode_t real_type, struct stat_override *ret);
/* Returns the length. */
size_t stat_override_encode(const struct stat_override *override, char ret_value[static STAT_OVERRIDE_SIZE]);

#endif
