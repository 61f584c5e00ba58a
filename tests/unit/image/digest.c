// SPDX-License-Identifier: Apache-2.0
#include "made.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

TEST("a digest is that of FIPS 180-4")
{
	char d[DIGEST_SIZE];

	ASSERT_INT(digest_of("abc", 3, d), 0);
	EXPECT_STR(d, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	ASSERT_INT(digest_of("", 0, d), 0);
	EXPECT_STR(d, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST("only sha256 with 64 lower-case hex digits is a digest")
{
	EXPECT(digest_is_valid(A));
	EXPECT(!digest_is_valid(NULL));
	EXPECT(!digest_is_valid(""));
	EXPECT(!digest_is_valid("sha256:"));
	EXPECT(!digest_is_valid(A "a"));
	EXPECT(!digest_is_valid("sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	EXPECT(!digest_is_valid("sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
	EXPECT(!digest_is_valid("sha256:../aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

/* Values of `printf %s "A B" | sha256sum`, and of its result with C. */
TEST("a chain_id is that of the specification's recursion")
{
	char one[DIGEST_SIZE], two[DIGEST_SIZE], three[DIGEST_SIZE], want[DIGEST_SIZE];
	char text[2 * DIGEST_SIZE];

	ASSERT_INT(digest_chain(NULL, A, one), 0);
	EXPECT_STR(one, A);
	ASSERT_INT(digest_chain(one, B, two), 0);
	EXPECT_STR(two, "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c");
	ASSERT_INT(digest_chain(two, C, three), 0);
	UNIT_PRINT(text, "%s %s", two, C);
	ASSERT_INT(digest_of(text, strlen(text), want), 0);
	EXPECT_STR(three, want);
	EXPECT_STR(three, "sha256:c1377126441fb2f5ec2c21ae2a60255331d639e830f0ee1b40a36e52d4c40588");
}
