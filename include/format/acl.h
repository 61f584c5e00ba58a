/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX ACLs in the form of system.posix_acl_access and system.posix_acl_default: version 2, little-endian, a 4-byte
 * version, then 8-byte entries of tag, permissions and id. The kernel inherits a directory's default ACL when it
 * creates an object in the directory. Objects that plyfs makes in the work directory and moves into place miss that. So
 * the same computation (fs/posix_acl.c, posix_acl_create_masq) is here.
 *
 * Both functions check their input, because a layer may hold any value: -EOPNOTSUPP for another version, -EINVAL for
 * any other value that is no valid ACL. An empty ACL is not valid.
 */
#ifndef FORMAT_ACL_H
#define FORMAT_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ACL_XATTR_ACCESS "system.posix_acl_access"
#define ACL_XATTR_DEFAULT "system.posix_acl_default"

/*
 * Access ACL and mode of an object that is created with `mode` below a directory with the given default ACL. No umask
 * is applied to `mode`: the ACL takes its place. `ret_access` has `size` bytes and may be `value` itself. Returns 1 if
 * the object needs the access ACL, 0 if *ret_mode says everything, or an error. File type and special bits of `mode`
 * pass through. A directory gets the default ACL itself too. A symlink inherits none: don't call.
 */
int acl_create(const void *value, size_t size, mode_t mode, void *ret_access, mode_t *ret_mode);

/*
 * Passes the id of each entry that names a user or a group through `map`, in place. Returns 0, an error with nothing
 * changed, or the first error of `map` (negative; the value is then half done).
 */
int acl_map_ids(void *value, size_t size, int (*map)(void *arg, bool group, uint32_t *id), void *arg);

#endif
