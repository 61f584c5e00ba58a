/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ino_xattr.h"

#include "unit.h"

TEST("a number that was encoded decodes to the same")
{
	static const uint64_t numbers[] = {1, 0x0102030405060708, UINT64_MAX};
	uint8_t bytes[INO_XATTR_SIZE];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		ino_xattr_encode(numbers[i], bytes);
		EXPECT(ino_xattr_decode(bytes, sizeof(bytes)) == numbers[i]);
	}
}

TEST("the bytes on disk are little-endian behind a magic and a version")
{
	uint8_t bytes[INO_XATTR_SIZE];

	ino_xattr_encode(0x0102030405060708, bytes);
	EXPECT_MEM(bytes, "plyi\1\0\0\0\10\7\6\5\4\3\2\1", 16);
}

TEST("what is damaged, of another size or of a later version is no number")
{
	uint8_t bytes[INO_XATTR_SIZE + 1] = {0};

	ino_xattr_encode(42, bytes);
	EXPECT_INT(ino_xattr_decode(bytes, INO_XATTR_SIZE - 1), 0);
	EXPECT_INT(ino_xattr_decode(bytes, INO_XATTR_SIZE + 1), 0);
	EXPECT_INT(ino_xattr_decode(bytes, 0), 0);
	for (size_t i = 0; i < INO_XATTR_SIZE; i++) {
		bytes[i] ^= 1;
		EXPECT_INT(ino_xattr_decode(bytes, INO_XATTR_SIZE), 0);
		bytes[i] ^= 1;
	}
}
