/* SPDX-License-Identifier: Apache-2.0 */
#include "format/nlink.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

TEST("what the kernel writes is understood, and written again byte by byte")
{
	static const char *const texts[] = {"U+0", "U+2", "U-1", "L+0", "L-65000", "L+2147483647", "U-2147483647"};
	char text[NLINK_SIZE];
	struct nlink_xattr nlink;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ASSERT_INT(nlink_decode(texts[i], strlen(texts[i]), &nlink), 0);
		EXPECT_INT(nlink.upper, texts[i][0] == 'U');
		EXPECT_INT(nlink_encode(nlink, text), strlen(texts[i]));
		EXPECT_STR(text, texts[i]);
	}
}

TEST("anything else is refused and leaves the result alone")
{
	static const char *const texts[] = {"",	    "U",    "U+",    "X+1",	     "U1",	     "U+1x",
					    "U +1", "U+-1", "U+1\n", "L+2147483648", "L+99999999999"};
	struct nlink_xattr nlink = {.diff = 77};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		EXPECT_INT(nlink_decode(texts[i], strlen(texts[i]), &nlink), -EINVAL);
	EXPECT_INT(nlink_decode("U+1", 4, &nlink), -EINVAL);
	EXPECT_INT(nlink.diff, 77);
}

TEST("a count is relative to the upper's or the lower's, and never below zero")
{
	EXPECT_INT(nlink_apply((struct nlink_xattr){.upper = true, .diff = 2}, 1, 9), 3);
	EXPECT_INT(nlink_apply((struct nlink_xattr){.upper = false, .diff = -1}, 9, 3), 2);
	EXPECT_INT(nlink_apply((struct nlink_xattr){.upper = true, .diff = -1}, 1, 9), 0);
	EXPECT_INT(nlink_apply((struct nlink_xattr){.upper = true, .diff = -5}, 1, 9), -EINVAL);
	EXPECT_INT(nlink_apply((struct nlink_xattr){.upper = false, .diff = 1}, 1, UINT32_MAX), -EINVAL);
}
