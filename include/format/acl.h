/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX ACLs in the form that system.posix_acl_access and system.posix_acl_default carry (version 2, little-endian: a
 * 4-byte version, then 8-byte entries of tag, permissions and id). The kernel inherits a directory's default ACL when
 * it creates an object in it; what plyfs makes in the work directory and moves into place afterwards misses that, so
 * the same computation (fs/posix_acl.c, posix_acl_create_masq) is here.
 *
 * Both functions check what they are given, for a value that a layer holds may be anything: -EOPNOTSUPP for another
 * version, -EINVAL for what else is no valid ACL. An empty one isn't.
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
 * Access ACL and mode of an object that is created with `mode` (no umask applied: the ACL takes its place) below a
 * directory whose default ACL is given. `ret_access` has `size` bytes and may be `value` itself. Returns 1 when the
 * object needs the access ACL, 0 when *ret_mode says it all, or an error. File type and special bits of
 * `mode` pass through. A directory gets the default ACL itself besides; a symlink inherits none: don't call.
 */
int acl_create(const void *value, size_t size, mode_t mode, void *ret_access, mode_t *ret_mode);

/*
 * Passes the id of each entry that names a user or a group through `map`, in place. 0, an error with nothing
 * changed, or the first one that `map` returns (negative; the value is then half done).
 */
int acl_map_ids(void *value, size_t size, int (*map)(void *arg, bool group, uint32_t *id), void *arg);

#endif
