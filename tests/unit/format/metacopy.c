/* SPDX-License-Identifier: Apache-2.0 */
#include "format/metacopy.h"

#include <errno.h>

#include "unit.h"

TEST("an empty value has no digest")
{
	struct metacopy metacopy = {.digest_size = 9};

	ASSERT_INT(metacopy_decode("", 0, &metacopy), 0);
	EXPECT_INT(metacopy.digest_size, 0);
	EXPECT_INT(metacopy.digest_algorithm, 0);
}

TEST("a header alone and a header with a digest are taken")
{
	uint8_t value[68] = {0, 4, 0, 0};
	struct metacopy metacopy;

	ASSERT_INT(metacopy_decode(value, 4, &metacopy), 0);
	EXPECT_INT(metacopy.digest_size, 0);
	value[1] = 36;
	value[3] = 1;
	memset(value + 4, 0xab, 32);
	ASSERT_INT(metacopy_decode(value, 36, &metacopy), 0);
	EXPECT_INT(metacopy.digest_size, 32);
	EXPECT_INT(metacopy.digest_algorithm, 1);
	EXPECT_MEM(metacopy.digest, value + 4, 32);
	value[1] = 68;
	EXPECT_INT(metacopy_decode(value, 68, &metacopy), 0);
	EXPECT_INT(metacopy.digest_size, 64);
}

TEST("sizes that disagree and other versions are refused")
{
	uint8_t value[80] = {0, 36, 0, 1};
	struct metacopy metacopy = {.digest_size = 9};

	for (size_t size = 1; size < sizeof(value); size++)
		if (size != 36)
			EXPECT_INT(metacopy_decode(value, size, &metacopy), -EIO);
	value[1] = 69;
	EXPECT_INT(metacopy_decode(value, 69, &metacopy), -EIO);
	value[1] = 36;
	value[0] = 1;
	EXPECT_INT(metacopy_decode(value, 36, &metacopy), -EIO);
	EXPECT_INT(metacopy.digest_size, 9);
}
