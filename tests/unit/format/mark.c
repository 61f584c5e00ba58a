/* SPDX-License-Identifier: Apache-2.0 */
#include "format/mark.h"

#include <errno.h>

#include "unit.h"

static const struct workmark sample = {
	.version = WORKMARK_VERSION,
	.uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
};

TEST("what was encoded decodes to the same")
{
	uint8_t bytes[WORKMARK_SIZE];
	struct workmark mark;

	workmark_encode(&sample, bytes);
	EXPECT_MEM(bytes, "plyfswrk\1\0\0\0\60\0\0\0", 16);
	ASSERT_INT(workmark_decode(bytes, sizeof(bytes), &mark), 0);
	EXPECT_INT(mark.version, WORKMARK_VERSION);
	EXPECT_INT(mark.flags, 0);
	EXPECT_MEM(mark.uuid, sample.uuid, sizeof(mark.uuid));
}

TEST("the bytes on disk are the same on every machine and in every version of plyfs")
{
	static const uint8_t want[8] = {0x22, 0x02, 0x59, 0xc0, 0xb6, 0x48, 0x07, 0x48};
	uint8_t bytes[WORKMARK_SIZE];

	workmark_encode(&sample, bytes);
	EXPECT_MEM(bytes + 40, want, sizeof(want));
}

TEST("a change of any byte is noticed")
{
	uint8_t bytes[WORKMARK_SIZE];
	struct workmark mark = {.flags = 7};

	for (size_t i = 0; i < WORKMARK_SIZE; i++) {
		int want = i < 8 || (i >= 12 && i < 16) ? -EINVAL : i < 12 ? -EPROTONOSUPPORT : -EBADMSG;

		workmark_encode(&sample, bytes);
		bytes[i] ^= 0x40;
		EXPECT_INT(workmark_decode(bytes, sizeof(bytes), &mark), want);
	}
	EXPECT_INT(mark.flags, 7);
}

TEST("another version is refused as such, whatever its size")
{
	uint8_t bytes[WORKMARK_SIZE + 8] = {0};
	struct workmark later = sample, mark;

	later.version = WORKMARK_VERSION + 1;
	workmark_encode(&later, bytes);
	EXPECT_INT(workmark_decode(bytes, WORKMARK_SIZE, &mark), -EPROTONOSUPPORT);
	EXPECT_INT(workmark_decode(bytes, sizeof(bytes), &mark), -EPROTONOSUPPORT);
	EXPECT_INT(workmark_decode(bytes, 20, &mark), -EPROTONOSUPPORT);
}

TEST("a flag that isn't known is refused, though the checksum is right")
{
	uint8_t bytes[WORKMARK_SIZE];
	struct workmark later = sample, mark;

	later.flags = 1ULL << 63;
	workmark_encode(&later, bytes);
	EXPECT_INT(workmark_decode(bytes, sizeof(bytes), &mark), -EPROTONOSUPPORT);
}

TEST("truncated and longer files are refused")
{
	uint8_t bytes[WORKMARK_SIZE + 1] = {0};
	struct workmark mark;

	workmark_encode(&sample, bytes);
	for (size_t size = 0; size <= sizeof(bytes); size++)
		if (size != WORKMARK_SIZE)
			EXPECT_INT(workmark_decode(bytes, size, &mark), -EINVAL);
}
