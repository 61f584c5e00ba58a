/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stat_override.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/name.h"
#include "unit.h"

TEST("values of every type are read, those without one too")
{
	static const struct {
		const char *text;
		mode_t real;
		struct stat_override want;
	} good[] = {
		{"0:0:755:dir", S_IFDIR, {0, 0, S_IFDIR | 0755, 0, 0}},
		{"31:32:04711:file", S_IFREG, {31, 32, S_IFREG | 04711, 0, 0}},
		{"0:0:0777:symlink", S_IFLNK, {0, 0, S_IFLNK | 0777, 0, 0}},
		{"1:2:0600:pipe", S_IFREG, {1, 2, S_IFIFO | 0600, 0, 0}},
		{"1:2:0:socket", S_IFREG, {1, 2, S_IFSOCK, 0, 0}},
		{"0:0:0666:char-1-3", S_IFREG, {0, 0, S_IFCHR | 0666, 1, 3}},
		{"0:0:0666:char-0-3", S_IFREG, {0, 0, S_IFCHR | 0666, 0, 3}},
		{"0:6:0660:block-4095-1048575", S_IFREG, {0, 6, S_IFBLK | 0660, 4095, 1048575}},
		{"0:0:0660:block-0-0", S_IFREG, {0, 0, S_IFBLK | 0660, 0, 0}},
		{"3:4:100755", S_IFREG, {3, 4, S_IFREG | 0755, 0, 0}},
		{"3:4:40755", S_IFDIR, {3, 4, S_IFDIR | 0755, 0, 0}},
		{"0:0:104755:file", S_IFREG, {0, 0, S_IFREG | 04755, 0, 0}},
		{"4294967294:-2:7777", S_IFREG, {4294967294U, 4294967294U, S_IFREG | 07777, 0, 0}},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct stat_override o = {.uid = 99};

		if (stat_override_decode(good[i].text, strlen(good[i].text), good[i].real, &o) != 0)
			UNIT_FAIL("%s is refused", good[i].text);
		EXPECT_MEM(&o, &good[i].want, sizeof(o));
	}
}

TEST("malformed values are refused, and none makes a whiteout or turns a directory into something else")
{
	static const struct {
		const char *text;
		mode_t real;
	} bad[] = {
		{"", S_IFREG},
		{"0", S_IFREG},
		{"0:0", S_IFREG},
		{"0:0:", S_IFREG},
		{":0:755", S_IFREG},
		{"0:0:8", S_IFREG},
		{"0:0:755:", S_IFREG},
		{"0:0:755:fil", S_IFREG},
		{"0:0:755:file ", S_IFREG},
		{"0:0:755:filedir", S_IFREG},
		{"0:0:755:dir", S_IFREG},
		{"0:0:755:symlink", S_IFREG},
		{"0:0:755:file", S_IFDIR},
		{"0:0:755:char-1-3", S_IFDIR},
		{"0:0:755:pipe", S_IFLNK},
		{"0:0:0:char-0-0", S_IFREG},
		{"0:0:0:char", S_IFREG},
		{"0:0:0:char-1", S_IFREG},
		{"0:0:0:char-1-", S_IFREG},
		{"0:0:0:char-1-3-", S_IFREG},
		{"0:0:0:char-4096-0", S_IFREG},
		{"0:0:0:char-0-1048576", S_IFREG},
		{"0:0:0:block--1-1", S_IFREG},
		{"4294967295:0:755", S_IFREG},
		{"0:-1:755", S_IFREG},
		{"0:-2147483649:755", S_IFREG},
		{"0:99999999999999999999:755", S_IFREG},
		{"0:0:777777", S_IFREG},
		{" 0:0:755", S_IFREG},
		{"0:0:-1", S_IFREG},
		{"0000000000000000000000000000000000000000000000000000000000000000:0:755", S_IFREG},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stat_override o = {.uid = 99};

		if (stat_override_decode(bad[i].text, strlen(bad[i].text), bad[i].real, &o) != -EINVAL)
			UNIT_FAIL("%s is taken", bad[i].text);
		EXPECT_INT(o.uid, 99);
	}
	EXPECT_INT(stat_override_decode("0:0:755\0:dir", 12, S_IFDIR, &(struct stat_override){0}), -EINVAL);
}

TEST("what is written is read as the same, the longest included")
{
	static const struct stat_override all[] = {
		{0, 0, S_IFDIR | 0755, 0, 0},  {4294967294U, 4294967294U, S_IFBLK | 07777, 4095, 1048575},
		{1, 2, S_IFCHR, 0, 1},	       {1, 2, S_IFIFO | 0600, 0, 0},
		{1, 2, S_IFSOCK | 0600, 0, 0}, {1, 2, S_IFLNK | 0777, 0, 0},
		{1, 2, S_IFREG | 06000, 0, 0},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		mode_t type = all[i].mode & S_IFMT, real = S_IFREG;
		char text[STAT_OVERRIDE_SIZE];
		struct stat_override o;
		size_t size = stat_override_encode(&all[i], text);

		EXPECT_INT(size, strlen(text));
		if (type == S_IFDIR || type == S_IFLNK)
			real = type;
		ASSERT_INT(stat_override_decode(text, size, real, &o), 0);
		EXPECT_MEM(&o, &all[i], sizeof(o));
	}
}

TEST("names that need privilege are encoded in one form only, and come back")
{
	static const char *const pairs[][2] = {
		{"security.capability", "user.containers.override_security.capability"},
		{"trusted.x", "user.containers.override_trusted.x"},
		{"user.x", "user.x"},
		{"system.posix_acl_access", "system.posix_acl_access"},
	};
	char stored[XATTR_NAME_SIZE], longest[XATTR_NAME_SIZE];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ASSERT_INT(xattr_override_encode(OVERRIDE_CONTAINERS, pairs[i][0], stored), strlen(pairs[i][1]));
		EXPECT_STR(stored, pairs[i][1]);
		EXPECT_STR(xattr_override_decode(OVERRIDE_CONTAINERS, stored), pairs[i][0]);
		for (enum override_form form = OVERRIDE_NONE; form < OVERRIDE_COUNT; form++) {
			if (form == OVERRIDE_CONTAINERS)
				continue;
			ASSERT_INT(xattr_override_encode(form, pairs[i][0], stored), strlen(pairs[i][0]));
			EXPECT_STR(xattr_override_decode(form, stored), pairs[i][0]);
		}
	}
	memset(longest, 'x', sizeof(longest));
	longest[XATTR_NAME_LIMIT] = '\0';
	memcpy(longest, "trusted.", 8);
	EXPECT_INT(xattr_override_encode(OVERRIDE_CONTAINERS, longest, stored), -EOPNOTSUPP);
	EXPECT_INT(xattr_override_encode(OVERRIDE_NONE, longest, stored), XATTR_NAME_LIMIT);
}

TEST("the attribute itself, foreign encoded names and raw ones that were to be encoded don't show")
{
	EXPECT(!xattr_override_decode(OVERRIDE_CONTAINERS, "user.containers.override_stat"));
	EXPECT(!xattr_override_decode(OVERRIDE_CONTAINERS, "user.containers.override_user.x"));
	EXPECT(!xattr_override_decode(OVERRIDE_CONTAINERS, "security.capability"));
	EXPECT(!xattr_override_decode(OVERRIDE_PRIVILEGED, "security.fuseoverlayfs.override_stat"));
	EXPECT(!xattr_override_decode(OVERRIDE_USER, "user.fuseoverlayfs.override_stat"));
	EXPECT(xattr_override_decode(OVERRIDE_NONE, "user.containers.override_stat"));
	EXPECT(xattr_is_override(1U << OVERRIDE_CONTAINERS, "user.containers.override_stat"));
	EXPECT(xattr_is_override(1U << OVERRIDE_CONTAINERS, "user.containers.override_security.x"));
	EXPECT(!xattr_is_override(1U << OVERRIDE_USER, "user.containers.override_stat"));
	EXPECT(xattr_is_override(1U << OVERRIDE_USER, "user.fuseoverlayfs.override_stat"));
	EXPECT(!xattr_is_override(0, "user.fuseoverlayfs.override_stat"));
}

TEST("a list is decoded in place")
{
	char list[] = "user.a\0user.containers.override_stat\0user.containers.override_trusted.b\0security.c\0user.d";
	static const char want[] = "user.a\0trusted.b\0user.d";

	ASSERT_INT(xattr_override_decode_list(OVERRIDE_CONTAINERS, list, sizeof(list)), sizeof(want));
	EXPECT_MEM(list, want, sizeof(want));
	EXPECT_INT(xattr_override_decode_list(OVERRIDE_CONTAINERS, list, 0), 0);
}
