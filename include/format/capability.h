/* SPDX-License-Identifier: Apache-2.0 */
/*
 * security.capability in the kernel's form (struct vfs_ns_cap_data, linux/capability.h). Revision 3 ends with an id on
 * the file system: that of the root of the user namespace in which the capabilities count.
 */
#ifndef FORMAT_CAPABILITY_H
#define FORMAT_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPABILITY_XATTR "security.capability"
#define CAPABILITY_MAX 24

/* False for a value without a root id: an earlier revision, or no capabilities at all. */
bool capability_get_rootid(const void *value, size_t size, uint32_t *ret_id);
/* Only for a value that has a root id. */
void capability_set_rootid(void *value, uint32_t id);

#endif
