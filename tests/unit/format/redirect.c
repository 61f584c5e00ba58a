/* SPDX-License-Identifier: Apache-2.0 */
#include "format/redirect.h"

#include <errno.h>

#include "unit.h"

static int decode(const char *value, struct redirect *ret)
{
	return redirect_decode(value, strlen(value), ret);
}

/* The components joined by `|`. */
static const char *walk(const struct redirect *redirect)
{
	static char all[2 * REDIRECT_MAX];
	const char *name;
	size_t pos = 0, len;

	all[0] = '\0';
	while (redirect_next(redirect, &pos, &name, &len)) {
		strcat(all, "|");
		strncat(all, name, len);
	}
	return all;
}

TEST("a single name and an absolute path are taken and walked")
{
	struct redirect redirect;

	ASSERT_INT(decode("name", &redirect), 0);
	EXPECT(!redirect.absolute);
	EXPECT_STR(walk(&redirect), "|name");
	ASSERT_INT(decode("/a", &redirect), 0);
	EXPECT(redirect.absolute);
	EXPECT_STR(walk(&redirect), "|a");
	ASSERT_INT(decode("/a/bb/...", &redirect), 0);
	EXPECT_STR(walk(&redirect), "|a|bb|...");
	EXPECT_STR(redirect.path, "/a/bb/...");
	EXPECT_INT(redirect.len, 9);
}

TEST("what climbs, is empty or has a second meaning is refused and leaves the result alone")
{
	static const char *const bad[] = {"",
					  "/",
					  "//",
					  "//a",
					  "/a/",
					  "/a//b",
					  ".",
					  "..",
					  "/.",
					  "/..",
					  "/a/..",
					  "/./a",
					  "a/b",
					  "../etc",
					  "a/",
					  "/a/./b",
					  "/../../etc/shadow"};
	struct redirect redirect = {.len = 77};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (decode(bad[i], &redirect) != -EINVAL)
			UNIT_FAIL("\"%s\" is taken", bad[i]);
	EXPECT_INT(redirect_decode("a\0b", 3, &redirect), -EINVAL);
	EXPECT_INT(redirect_decode("a\0", 2, &redirect), -EINVAL);
	EXPECT_INT(redirect.len, 77);
}

TEST("256 bytes are the most, 255 for a component")
{
	char value[400];
	struct redirect redirect;

	memset(value, 'r', sizeof(value));
	value[0] = '/';
	EXPECT_INT(redirect_decode(value, 256, &redirect), 0);
	EXPECT_INT(redirect_decode(value, 257, &redirect), -EINVAL);
	value[0] = 'r';
	EXPECT_INT(redirect_decode(value, 255, &redirect), 0);
	EXPECT_INT(redirect_decode(value, 256, &redirect), -EINVAL);
}

TEST("random bytes are refused or walk to good components only")
{
	static const char alphabet[] = "/./a.\0";
	unsigned state = 1;

	for (int round = 0; round < 200000; round++) {
		char value[12];
		size_t size, pos = 0, len, sum = 0, count = 0;
		struct redirect redirect;
		const char *name;

		for (size_t i = 0; i < sizeof(value); i++) {
			state = state * 1103515245 + 12345;
			value[i] = alphabet[(state >> 16) % sizeof(alphabet)];
		}
		size = (state >> 20) % (sizeof(value) + 1);
		if (redirect_decode(value, size, &redirect) < 0)
			continue;
		while (redirect_next(&redirect, &pos, &name, &len)) {
			sum += len;
			count++;
			ASSERT(len > 0 && !memchr(name, '/', len));
			ASSERT(!(len <= 2 && !memcmp(name, "..", len)));
		}
		ASSERT_INT(sum + count - !redirect.absolute, size);
	}
}
