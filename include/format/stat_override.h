/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner, mode and type of an object that an extended attribute keeps, for layers on which they can't be set: as
 * fuse-overlayfs (xattr_permissions) and containers/storage (force_mask) write them, `UID:GID:MODE[:TYPE]`, MODE octal,
 * TYPE one of `dir file symlink pipe socket block-MAJ-MIN char-MAJ-MIN`. The attribute's names stand in format/name.h.
 *
 * A special file is a regular file with such a type. A directory and a symlink can be nothing else; a character device
 * 0:0 isn't taken, because it would be a whiteout.
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

/* `real_type` is what carries the value (S_IFMT bits): a value without a type means that. -EINVAL for anything
 * malformed. */
int stat_override_decode(const char *value, size_t size, mode_t real_type, struct stat_override *ret);
/* Returns the length. */
size_t stat_override_encode(const struct stat_override *override, char ret_value[static STAT_OVERRIDE_SIZE]);

#endif
