/* SPDX-License-Identifier: Apache-2.0 */
#include "format/source.h"

#include <errno.h>

#include "unit.h"

static const struct source example = {
	.layer = 2, .layers = 3, .nlink = 4, .size = 0x0102030405060708, .mtime = -5, .path = "dir/name"};

TEST("a source that was encoded decodes to the same")
{
	uint8_t bytes[SOURCE_MAX];
	struct source long_one = example, again;
	size_t size = source_encode(&example, bytes);

	EXPECT_INT(size, SOURCE_PATH_OFFSET + 8);
	EXPECT_INT(source_decode(bytes, size, &again), 0);
	EXPECT(again.layer == 2 && again.layers == 3 && again.nlink == 4 && again.size == example.size &&
	       again.mtime == -5);
	EXPECT_STR(again.path, "dir/name");
	memset(long_one.path, 'x', SOURCE_PATH_MAX);
	size = source_encode(&long_one, bytes);
	EXPECT_INT(size, SOURCE_MAX);
	EXPECT_INT(source_decode(bytes, size, &again), 0);
	EXPECT_STR(again.path, long_one.path);
}

TEST("the bytes on disk are little-endian behind a magic, a version and a checksum")
{
	uint8_t bytes[SOURCE_MAX];

	source_encode(&example, bytes);
	EXPECT_MEM(bytes, "plys\1\0\0\0", 8);
	EXPECT_MEM(bytes + 16,
		   "\2\0\0\0\3\0\0\0\4\0\0\0\0\0\0\0\10\7\6\5\4\3\2\1\373\377\377\377\377\377\377\377dir/name", 40);
}

TEST("what is damaged, too short or too long, without a path or of a later version is none")
{
	uint8_t bytes[SOURCE_MAX + 1] = {0};
	struct source empty = example, again;
	size_t size = source_encode(&example, bytes);

	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 1;
		EXPECT_INT(source_decode(bytes, size, &again), -EINVAL);
		bytes[i] ^= 1;
		EXPECT_INT(source_decode(bytes, i, &again), -EINVAL);
	}
	EXPECT_INT(source_decode(bytes, size + 1, &again), -EINVAL);
	EXPECT_INT(source_decode(bytes, sizeof(bytes), &again), -EINVAL);
	empty.path[0] = '\0';
	EXPECT_INT(source_decode(bytes, source_encode(&empty, bytes), &again), -EINVAL);
}
