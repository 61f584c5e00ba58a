/* SPDX-License-Identifier: Apache-2.0 */
#include "format/capability.h"

#include "unit.h"

TEST("the root of revision 3 is read and written, and nothing else changes")
{
	uint8_t value[CAPABILITY_MAX] = {1, 0, 0, 3, 0, 4, [20] = 0xb1, 0xad, 1, 0};
	uint8_t want[CAPABILITY_MAX] = {1, 0, 0, 3, 0, 4, [20] = 0xfe, 0xff, 0xff, 0xff};
	uint32_t id;

	ASSERT_INT(capability_get_rootid(value, sizeof(value), &id), true);
	EXPECT_INT(id, 110001);
	capability_set_rootid(value, 4294967294U);
	EXPECT_MEM(value, want, sizeof(value));
}

TEST("earlier revisions and truncated values have none")
{
	uint8_t two[20] = {1, 0, 0, 2}, odd[CAPABILITY_MAX] = {1, 0, 0, 2}, three[CAPABILITY_MAX] = {1, 0, 0, 3};
	uint32_t id = 42;

	EXPECT(!capability_get_rootid(two, sizeof(two), &id));
	EXPECT(!capability_get_rootid(odd, sizeof(odd), &id));
	EXPECT(!capability_get_rootid(three, sizeof(three) - 1, &id));
	EXPECT(!capability_get_rootid(three, 0, &id));
	EXPECT_INT(id, 42);
}
