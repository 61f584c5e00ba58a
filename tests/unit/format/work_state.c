/* SPDX-License-Identifier: Apache-2.0 */
#include "format/work_state.h"

#include <errno.h>

#include "unit.h"

static const struct work_state sample = {
	.version = WORK_STATE_VERSION,
	.uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
};

TEST("what was encoded decodes to the same")
{
	uint8_t bytes[WORK_STATE_SIZE];
	struct work_state state;

	work_state_encode(&sample, bytes);
	EXPECT_MEM(bytes, "plyfswrk\1\0\0\0\60\0\0\0", 16);
	ASSERT_INT(work_state_decode(bytes, sizeof(bytes), &state), 0);
	EXPECT_INT(state.version, WORK_STATE_VERSION);
	EXPECT_INT(state.flags, 0);
	EXPECT_MEM(state.uuid, sample.uuid, sizeof(state.uuid));
}

TEST("the bytes on disk are the same on every machine and in every version of plyfs")
{
	static const uint8_t want[8] = {0x22, 0x02, 0x59, 0xc0, 0xb6, 0x48, 0x07, 0x48};
	uint8_t bytes[WORK_STATE_SIZE];

	work_state_encode(&sample, bytes);
	EXPECT_MEM(bytes + 40, want, sizeof(want));
}

TEST("a change of any byte is noticed")
{
	uint8_t bytes[WORK_STATE_SIZE];
	struct work_state state = {.flags = 7};

	for (size_t i = 0; i < WORK_STATE_SIZE; i++) {
		int want = i < 8 || (i >= 12 && i < 16) ? -EINVAL : i < 12 ? -EPROTONOSUPPORT : -EBADMSG;

		work_state_encode(&sample, bytes);
		bytes[i] ^= 0x40;
		EXPECT_INT(work_state_decode(bytes, sizeof(bytes), &state), want);
	}
	EXPECT_INT(state.flags, 7);
}

TEST("another version is refused as such, whatever its size")
{
	uint8_t bytes[WORK_STATE_SIZE + 8] = {0};
	struct work_state later = sample, state;

	later.version = WORK_STATE_VERSION + 1;
	work_state_encode(&later, bytes);
	EXPECT_INT(work_state_decode(bytes, WORK_STATE_SIZE, &state), -EPROTONOSUPPORT);
	EXPECT_INT(work_state_decode(bytes, sizeof(bytes), &state), -EPROTONOSUPPORT);
	EXPECT_INT(work_state_decode(bytes, 20, &state), -EPROTONOSUPPORT);
}

TEST("a flag that isn't known is refused, though the checksum is right")
{
	uint8_t bytes[WORK_STATE_SIZE];
	struct work_state later = sample, state;

	later.flags = 1ULL << 63;
	work_state_encode(&later, bytes);
	EXPECT_INT(work_state_decode(bytes, sizeof(bytes), &state), -EPROTONOSUPPORT);
}

TEST("truncated and longer files are refused")
{
	uint8_t bytes[WORK_STATE_SIZE + 1] = {0};
	struct work_state state;

	work_state_encode(&sample, bytes);
	for (size_t size = 0; size <= sizeof(bytes); size++)
		if (size != WORK_STATE_SIZE)
			EXPECT_INT(work_state_decode(bytes, size, &state), -EINVAL);
}
