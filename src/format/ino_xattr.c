/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ino xattr. It may come from whoever owns the file; all that it can do is to choose a number that stat shows.
 */
#include "format/ino_xattr.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

struct ino_xattr {
	char magic[4];
	uint32_t version;
	uint64_t ino;
	uint64_t checksum;
};
_Static_assert(sizeof(struct ino_xattr) == INO_XATTR_SIZE, "no padding");

static const char magic[4] = {'p', 'l', 'y', 'i'};

static uint64_t checksum(const struct ino_xattr *x)
{
	return htole64(XXH3_64bits(x, offsetof(struct ino_xattr, checksum)));
}

void ino_xattr_encode(uint64_t ino, uint8_t ret_bytes[static INO_XATTR_SIZE])
{
	struct ino_xattr x = {.version = htole32(INO_XATTR_VERSION), .ino = htole64(ino)};

	memcpy(x.magic, magic, sizeof(magic));
	x.checksum = checksum(&x);
	memcpy(ret_bytes, &x, sizeof(x));
}

uint64_t ino_xattr_decode(const void *bytes, size_t size)
{
	struct ino_xattr x;

	if (size != sizeof(x))
		return 0;
	memcpy(&x, bytes, sizeof(x));
	if (memcmp(x.magic, magic, sizeof(magic)) || le32toh(x.version) != INO_XATTR_VERSION)
		return 0;
	return x.checksum == checksum(&x) ? le64toh(x.ino) : 0;
}
