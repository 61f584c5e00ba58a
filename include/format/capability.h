/* SPDX-License-Identifier: Apache-2.0 */
/*
 * security.capability as the kernel keeps it (struct vfs_ns_cap_data, linux/capability.h): revision 3 ends with the id,
 * on the file system, of the root of the user namespace that the capabilities count in.
 */
#ifndef FORMAT_CAPABILITY_H
#define FORMAT_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPABILITY_XATTR "security.capability"
#define CAPABILITY_MAX 24

/* False for a value without one: an earlier revision, or no capabilities at all. */
bool capability_get_rootid(const void *value, size_t size, uint32_t *ret_id);
/* Only on a value that has one. */
void capability_set_rootid(void *value, uint32_t id);

#endif
