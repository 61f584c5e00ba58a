/* SPDX-License-Identifier: Apache-2.0 */
#include "format/name.h"

#include <errno.h>

#include "unit.h"

static char buf[XATTR_NAME_SIZE];

TEST("names have kernel overlayfs's spelling in both namespaces")
{
	EXPECT_STR(xattr_overlay_name(XATTR_NS_TRUSTED, XATTR_OVERLAY_OPAQUE), "trusted.overlay.opaque");
	EXPECT_STR(xattr_overlay_name(XATTR_NS_USER, XATTR_OVERLAY_METACOPY), "user.overlay.metacopy");
	for (int i = 0; i < XATTR_OVERLAY_COUNT; i++) {
		const char *trusted = xattr_overlay_name(XATTR_NS_TRUSTED, i),
			   *user = xattr_overlay_name(XATTR_NS_USER, i);

		ASSERT(trusted && user);
		EXPECT(!strncmp(trusted, "trusted.overlay.", 16));
		EXPECT(!strncmp(user, "user.overlay.", 13));
		EXPECT_STR(trusted + 16, user + 13);
		EXPECT(xattr_is_private(XATTR_NS_TRUSTED, trusted));
		EXPECT(xattr_is_private(XATTR_NS_USER, user));
	}
}

TEST("only the active namespace is private, and only its unescaped names")
{
	EXPECT(xattr_is_private(XATTR_NS_TRUSTED, "trusted.overlay.anything"));
	EXPECT(xattr_is_private(XATTR_NS_TRUSTED, "trusted.overlay."));
	EXPECT(xattr_is_private(XATTR_NS_TRUSTED, "trusted.overlay.overlay"));
	EXPECT(!xattr_is_private(XATTR_NS_TRUSTED, "trusted.overlay.overlay.opaque"));
	EXPECT(!xattr_is_private(XATTR_NS_TRUSTED, "trusted.overlay"));
	EXPECT(!xattr_is_private(XATTR_NS_TRUSTED, "trusted.overlayx.opaque"));
	EXPECT(!xattr_is_private(XATTR_NS_TRUSTED, "user.overlay.opaque"));
	EXPECT(!xattr_is_private(XATTR_NS_USER, "trusted.overlay.opaque"));
	EXPECT(!xattr_is_private(XATTR_NS_USER, ""));
}

TEST("a user's name in the active namespace is stored escaped and shown as it was given")
{
	static const char *const names[][2] = {
		{"trusted.overlay.opaque", "trusted.overlay.overlay.opaque"},
		{"trusted.overlay.overlay.opaque", "trusted.overlay.overlay.overlay.opaque"},
		{"trusted.overlay", "trusted.overlay"},
		{"user.overlay.opaque", "user.overlay.opaque"},
		{"user.a", "user.a"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		EXPECT_INT(xattr_escape(XATTR_NS_TRUSTED, names[i][0], buf), strlen(names[i][1]));
		EXPECT_STR(buf, names[i][1]);
		EXPECT(!xattr_is_private(XATTR_NS_TRUSTED, buf));
		EXPECT_INT(xattr_list_filter(XATTR_NS_TRUSTED, buf, strlen(buf) + 1), strlen(names[i][0]) + 1);
		EXPECT_STR(buf, names[i][0]);
	}
	EXPECT_INT(xattr_escape(XATTR_NS_USER, "user.overlay.redirect", buf), 29);
	EXPECT_STR(buf, "user.overlay.overlay.redirect");
	EXPECT_INT(xattr_escape(XATTR_NS_TRUSTED, "trusted.overlay.", buf), -EINVAL);
	EXPECT_INT(xattr_escape(XATTR_NS_USER, "trusted.overlay.", buf), 16);
}

TEST("names at and beyond the kernel's limit are told apart")
{
	char name[300];

	memset(name, 'a', sizeof(name));
	memcpy(name, "trusted.overlay.", 16);
	name[XATTR_NAME_LIMIT - 8] = '\0';
	EXPECT_INT(xattr_escape(XATTR_NS_TRUSTED, name, buf), XATTR_NAME_LIMIT);
	EXPECT_INT(strlen(buf), XATTR_NAME_LIMIT);
	memset(name, 'a', sizeof(name));
	memcpy(name, "trusted.overlay.", 16);
	name[XATTR_NAME_LIMIT - 7] = '\0';
	EXPECT_INT(xattr_escape(XATTR_NS_TRUSTED, name, buf), -EOPNOTSUPP);
	EXPECT_INT(xattr_escape(XATTR_NS_USER, name, buf), XATTR_NAME_LIMIT - 7);
	memset(name, 'a', sizeof(name));
	name[XATTR_NAME_LIMIT] = '\0';
	EXPECT_INT(xattr_escape(XATTR_NS_TRUSTED, name, buf), XATTR_NAME_LIMIT);
	name[XATTR_NAME_LIMIT] = 'a';
	name[XATTR_NAME_LIMIT + 1] = '\0';
	EXPECT_INT(xattr_escape(XATTR_NS_TRUSTED, name, buf), -ERANGE);
}

TEST("a list loses private names and shows escaped ones unescaped")
{
	char list[] = "trusted.overlay.origin\0user.a\0trusted.overlay.overlay.opaque\0user.overlay.x\0trusted.overlay."
		      "impure";
	static const char want[] = "user.a\0trusted.overlay.opaque\0user.overlay.x";

	ASSERT_INT(xattr_list_filter(XATTR_NS_TRUSTED, list, sizeof(list)), sizeof(want));
	EXPECT_MEM(list, want, sizeof(want));
}

TEST("a list without private names stays, an empty one too, one without its last NUL is refused")
{
	char plain[] = "user.a\0security.selinux", cut[] = {'u', 's', 'e', 'r', '.', 'a'};

	EXPECT_INT(xattr_list_filter(XATTR_NS_USER, plain, sizeof(plain)), sizeof(plain));
	EXPECT_MEM(plain, "user.a\0security.selinux", sizeof(plain));
	EXPECT_INT(xattr_list_filter(XATTR_NS_USER, plain, 0), 0);
	EXPECT_INT(xattr_list_filter(XATTR_NS_USER, cut, sizeof(cut)), -EIO);
}

TEST("aufs whiteouts name what they hide, and nothing else does")
{
	EXPECT_STR(aufs_whiteout_target(".wh.file"), "file");
	EXPECT_STR(aufs_whiteout_target(".wh..hidden"), ".hidden");
	EXPECT_STR(aufs_whiteout_target(".wh."), NULL);
	EXPECT_STR(aufs_whiteout_target(".wh.."), NULL);
	EXPECT_STR(aufs_whiteout_target(".wh..."), NULL);
	EXPECT_STR(aufs_whiteout_target(".wh...."), "...");
	EXPECT_STR(aufs_whiteout_target(AUFS_OPAQUE), NULL);
	EXPECT_STR(aufs_whiteout_target(".wh..wh.plnk"), NULL);
	EXPECT_STR(aufs_whiteout_target(".w"), NULL);
	EXPECT_STR(aufs_whiteout_target("wh.file"), NULL);
	EXPECT(aufs_is_reserved(AUFS_OPAQUE));
	EXPECT(aufs_is_reserved(".wh."));
	EXPECT(!aufs_is_reserved(".wh"));
}

TEST("an aufs whiteout of a name that is too long is refused")
{
	char name[NAME_LIMIT + 1], whiteout[NAME_SIZE];

	memset(name, 'n', sizeof(name));
	name[NAME_LIMIT - 4] = '\0';
	EXPECT_INT(aufs_whiteout_name(name, whiteout), NAME_LIMIT);
	EXPECT_STR(aufs_whiteout_target(whiteout), name);
	name[NAME_LIMIT - 4] = 'n';
	name[NAME_LIMIT - 3] = '\0';
	EXPECT_INT(aufs_whiteout_name(name, whiteout), -ENAMETOOLONG);
}

TEST("temporary names are a # and hexadecimal digits, as kernel overlayfs makes them")
{
	char name[TEMP_NAME_SIZE];

	temp_name_make(0, name);
	EXPECT_STR(name, "#0");
	temp_name_make(UINT64_MAX, name);
	EXPECT_STR(name, "#ffffffffffffffff");
}
