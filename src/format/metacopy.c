/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metacopy xattrs, checked as ovl_check_metacopy_xattr() does.
 */
#include "format/metacopy.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

enum { AT_VERSION, AT_LEN, AT_FLAGS, AT_ALGORITHM, HEADER_SIZE };

int metacopy_decode(const void *value, size_t size, struct metacopy *ret)
{
	const uint8_t *bytes = value;

	if (!size) {
		*ret = (struct metacopy){.flags = 0};
		return 0;
	}
	if (size < HEADER_SIZE || size > HEADER_SIZE + METACOPY_DIGEST_MAX)
		return -EIO;
	if (bytes[AT_VERSION] != 0 || bytes[AT_LEN] != size)
		return -EIO;
	*ret = (struct metacopy){
		.flags = bytes[AT_FLAGS],
		.digest_algorithm = bytes[AT_ALGORITHM],
		.digest_size = (uint8_t)(size - HEADER_SIZE),
	};
	(void)CHECK(ret->digest_size <= METACOPY_DIGEST_MAX);
	memcpy(ret->digest, bytes + HEADER_SIZE, ret->digest_size);
	return 0;
}
