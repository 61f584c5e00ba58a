/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The redirect xattr of a renamed directory or of a metacopy file: where the layers below have it. It is either a
 * single name, in the same parent, or an absolute path from the root of the union, as in kernel overlayfs
 * (Documentation/filesystems/overlayfs.rst). Another program may have written the layer. So a value that climbs, or
 * that the kernel would refuse, is refused.
 */
#ifndef FORMAT_REDIRECT_H
#define FORMAT_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>

#define REDIRECT_MAX 256 /* bytes; the kernel's default for redirect_max */

struct redirect {
	bool absolute;
	size_t len;
	char path[REDIRECT_MAX + 1]; /* as stored, NUL-terminated: "/a/b" or "name" */
};

/*
 * Checks the value of an xattr: 1 to 256 bytes, no NUL, no empty component, no `.` and no `..`, no component beyond 255
 * bytes, no slash in a relative value. -EINVAL otherwise, with *ret untouched.
 */
int redirect_decode(const void *value, size_t size, struct redirect *ret);

/*
 * Walks the components, beginning with *pos = 0. Returns false after the last one. `*ret_name` points into the redirect
 * and is not NUL-terminated.
 */
bool redirect_next(const struct redirect *redirect, size_t *pos, const char **ret_name, size_t *ret_len);

#endif
