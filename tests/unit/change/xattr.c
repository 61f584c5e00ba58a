/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: what users see of them, and what is known without looking.
 */
#include "change/union.h"
#include "format/acl.h"

/* user::rwx user:1000:r-- group::r-x mask::r-x other::--- */
static const unsigned char acl_value[] = {
	2, 0,	 0,    0,    1,	   0,	 7,    0, 0xff, 0xff, 0xff, 0xff, 2,	0,    4,
	0, 0xe8, 3,    0,    0,	   4,	 0,    5, 0,	0xff, 0xff, 0xff, 0xff, 0x10, 0,
	5, 0,	 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,	0,    0xff, 0xff, 0xff, 0xff,
};

static bool lists(const char *list, ssize_t n, const char *name)
{
	for (const char *at = list; at < list + n; at += strlen(at) + 1)
		if (!strcmp(at, name))
			return true;
	return false;
}

TEST("an attribute is set, read, listed and removed, with setxattr's flags")
{
	char value[8];
	UNI(u);
	ASSERT(make_file("u/file", "", 0644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	EXPECT_INT(xattr_list(u.writer, file, NULL, 0), 0);
	EXPECT_INT(xattr_get(u.writer, file, "user.a", NULL, 0), -ENODATA);
	EXPECT_INT(xattr_set(u.writer, file, "user.a", "12", 2, XATTR_REPLACE, false), -ENODATA);
	EXPECT_INT(xattr_set(u.writer, file, "user.a", "12", 2, XATTR_CREATE, false), 0);
	EXPECT_INT(xattr_set(u.writer, file, "user.a", "123", 3, XATTR_CREATE, false), -EEXIST);
	EXPECT_INT(xattr_get(u.writer, file, "user.a", value, sizeof(value)), 2);
	EXPECT_MEM(value, "12", 2);
	EXPECT_INT(xattr_get(u.writer, file, "user.a", value, 1), -ERANGE);
	EXPECT_INT(xattr_get(u.writer, file, "user.a", NULL, 0), 2);
	EXPECT_INT(xattr_list(u.writer, file, NULL, 0), 7);
	EXPECT_INT(xattr_list(u.writer, file, value, 6), -ERANGE);
	EXPECT_INT(xattr_list(u.writer, file, value, 7), 7);
	EXPECT_STR(value, "user.a");
	EXPECT_INT(xattr_remove(u.writer, file, "user.a", false), 0);
	EXPECT_INT(xattr_remove(u.writer, file, "user.a", false), -ENODATA);
	EXPECT_INT(xattr_list(u.writer, file, NULL, 0), 0);
}

TEST("private attributes are hidden, and a user's own of that name are stored escaped")
{
	char list[256], value[8];
	ssize_t n;
	UNI(u);
	ASSERT(!mkdir("l1/dir", 0755));
	ASSERT(!setxattr("l1/dir", "trusted.overlay.opaque", "y", 1, 0));
	ASSERT(!setxattr("l1/dir", "user.overlay.opaque", "u", 1, 0));
	UNI_OPEN(u);
	struct inode *dir = uni_find(&u, "dir");

	ASSERT(dir);
	EXPECT_INT(xattr_get(u.writer, dir, "trusted.overlay.opaque", NULL, 0), -ENODATA);
	EXPECT_INT(xattr_get(u.writer, dir, "user.overlay.opaque", NULL, 0), 1);
	ASSERT_INT(copyup_now(u.writer, dir, COPYUP_FULL), 0);
	EXPECT_INT(xattr_set(u.writer, dir, "trusted.overlay.opaque", "x", 1, 0, false), 0);
	EXPECT_INT(lgetxattr("u/dir", "trusted.overlay.opaque", NULL, 0), -1);
	EXPECT_INT(lgetxattr("u/dir", "trusted.overlay.overlay.opaque", value, 1), 1);
	EXPECT_INT(xattr_get(u.writer, dir, "trusted.overlay.opaque", value, sizeof(value)), 1);
	n = xattr_list(u.writer, dir, list, sizeof(list));
	ASSERT(n > 0);
	EXPECT(lists(list, n, "trusted.overlay.opaque"));
	EXPECT(lists(list, n, "user.overlay.opaque"));
	EXPECT(!lists(list, n, "trusted.overlay.origin"));
	EXPECT(!lists(list, n, "trusted.overlay.overlay.opaque"));
	EXPECT_INT(xattr_remove(u.writer, dir, "trusted.overlay.opaque", false), 0);
	EXPECT_INT(lgetxattr("u/dir", "trusted.overlay.overlay.opaque", NULL, 0), -1);
}

TEST("with the aufs dialect its attributes are hidden, can't be set and stay behind at a copy-up")
{
	char list[256];
	ssize_t n;
	UNI(u);
	ASSERT(!mkdir("l1/dir", 0755) && !mkdir("l2/dir", 0755) && !mkdir("l2/dir/below", 0755));
	ASSERT(!setxattr("l1/dir", "user.fuseoverlayfs.opaque", "n", 1, 0));
	ASSERT(!setxattr("l1/dir", "user.fuseoverlayfs.origin", "x", 1, 0));
	ASSERT(!setxattr("l1/dir", "user.mine", "m", 1, 0));
	ASSERT(uni_open(&u, UNI_LAYERS ",whiteouts=both"));
	struct inode *dir = uni_find(&u, "dir");

	ASSERT(dir);
	EXPECT_INT(xattr_get(u.writer, dir, "user.fuseoverlayfs.opaque", NULL, 0), -ENODATA);
	ASSERT_INT(copyup_now(u.writer, dir, COPYUP_FULL), 0);
	EXPECT_INT(xattr_set(u.writer, dir, "user.fuseoverlayfs.opaque", "y", 1, 0, false), -EPERM);
	EXPECT_INT(xattr_remove(u.writer, dir, "user.fuseoverlayfs.origin", false), -ENODATA);
	EXPECT_INT(lgetxattr("u/dir", "user.fuseoverlayfs.opaque", NULL, 0), -1);
	EXPECT_INT(lgetxattr("u/dir", "user.fuseoverlayfs.origin", NULL, 0), -1);
	n = xattr_list(u.writer, dir, list, sizeof(list));
	ASSERT(n > 0);
	EXPECT_INT(n, (ssize_t)sizeof("user.mine"));
	EXPECT(lists(list, n, "user.mine"));
}

TEST("the size that is asked for and the list that follows agree, whatever is hidden")
{
	char list[256];
	ssize_t n;
	UNI(u);
	ASSERT(make_file("l1/file", "", 0644) && !setxattr("l1/file", "user.b", "1", 1, 0));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	n = xattr_list(u.writer, file, NULL, 0);
	EXPECT_INT(n, 7);
	EXPECT_INT(xattr_list(u.writer, file, list, (size_t)n), n);
}

TEST("attributes of a lower file are read without copying it up")
{
	char value[8];
	UNI(u);
	ASSERT(make_file("l1/file", "", 0644) && !setxattr("l1/file", "user.b", "1", 1, 0));
	ASSERT(!symlink("x", "l2/link") && !lsetxattr("l2/link", "trusted.c", "2", 1, 0));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file"), *link = uni_find(&u, "link");

	ASSERT(file && link);
	EXPECT_INT(xattr_get(u.writer, file, "user.b", value, 8), 1);
	EXPECT_INT(xattr_get(u.writer, link, "trusted.c", value, 8), 1);
	EXPECT_INT(value[0], '2');
	EXPECT_INT(xattr_list(u.writer, link, NULL, 0), 10);
	EXPECT(!inode_in_upper(file) && !inode_in_upper(link));
}

TEST("a file that has no attributes is known to have none until it gets one")
{
	UNI(u);
	ASSERT(make_file("u/file", "", 0644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	EXPECT_INT(xattr_get(u.writer, file, ACL_XATTR_ACCESS, NULL, 0), -ENODATA);
	/* Behind its back, where plyfs doesn't look again. */
	ASSERT(!setxattr("u/file", "security.capability", "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0));
	EXPECT_INT(xattr_get(u.writer, file, "security.capability", NULL, 0), -ENODATA);
	EXPECT_INT(xattr_set(u.writer, file, "user.a", "", 0, 0, false), 0);
	EXPECT_INT(xattr_get(u.writer, file, "user.a", NULL, 0), 0);
	EXPECT_INT(xattr_set(u.writer, file, ACL_XATTR_ACCESS, acl_value, sizeof(acl_value), 0, false), 0);
	EXPECT_INT(xattr_get(u.writer, file, ACL_XATTR_ACCESS, NULL, 0), sizeof(acl_value));
	EXPECT_INT(xattr_remove(u.writer, file, ACL_XATTR_ACCESS, false), 0);
	EXPECT_INT(xattr_get(u.writer, file, ACL_XATTR_ACCESS, NULL, 0), -ENODATA);
}

TEST("a default ACL that is set holds for the next file, and one that is removed doesn't")
{
	const struct create_spec spec = {.mode = S_IFREG | 0666};
	const struct caller caller = {.umask = 077};
	struct inode *made;
	struct statx stx;
	int fd;
	UNI(u);
	ASSERT(!mkdir("u/dir", 0755));
	UNI_OPEN(u);
	struct inode *dir = uni_find(&u, "dir");

	ASSERT(dir);
	umask(0);
	ASSERT_INT(create_entry(u.writer, &caller, dir, "before", &spec, &made, &stx, &fd), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0600);
	ASSERT_INT(xattr_set(u.writer, dir, ACL_XATTR_DEFAULT, acl_value, sizeof(acl_value), 0, false), 0);
	ASSERT_INT(create_entry(u.writer, &caller, dir, "with", &spec, &made, &stx, &fd), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0640);
	EXPECT_INT(xattr_get(u.writer, made, ACL_XATTR_ACCESS, NULL, 0), sizeof(acl_value));
	ASSERT_INT(xattr_remove(u.writer, dir, ACL_XATTR_DEFAULT, false), 0);
	ASSERT_INT(create_entry(u.writer, &caller, dir, "after", &spec, &made, &stx, &fd), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0600);
}

TEST("an ACL set by somebody outside the group takes setgid away")
{
	struct statx stx;
	UNI(u);
	ASSERT(make_file("u/file", "", 0750) && !chmod("u/file", 02750));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(xattr_set(u.writer, file, ACL_XATTR_ACCESS, acl_value, sizeof(acl_value), 0, true), 0);
	ASSERT_INT(inode_statx(u.tree, file, &stx), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0750);
}

TEST("trusted attributes are not listed to those who can't read them")
{
	char list[256];
	UNI(u);
	ASSERT(make_file("u/file", "", 0640) && !setxattr("u/file", "user.a", "1", 1, 0));
	ASSERT(!setxattr("u/file", "trusted.b", "1", 1, 0));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	EXPECT_INT(xattr_list_untrusted(u.writer, file, NULL, 0), 7);
	EXPECT_INT(xattr_list_untrusted(u.writer, file, list, 7), 7);
	EXPECT_STR(list, "user.a");
	EXPECT_INT(xattr_list(u.writer, file, NULL, 0), 17);
}

TEST("with noacl there are no ACLs")
{
	char list[256];
	ssize_t n;
	UNI(u);
	ASSERT(make_file("u/file", "", 0640) && !setxattr("u/file", "user.a", "1", 1, 0));
	ASSERT(!setxattr("u/file", ACL_XATTR_ACCESS, acl_value, sizeof(acl_value), 0));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	u.writer->acl = false;
	EXPECT_INT(xattr_get(u.writer, file, ACL_XATTR_ACCESS, NULL, 0), -EOPNOTSUPP);
	EXPECT_INT(xattr_set(u.writer, file, ACL_XATTR_ACCESS, acl_value, sizeof(acl_value), 0, false), -EOPNOTSUPP);
	EXPECT_INT(xattr_remove(u.writer, file, ACL_XATTR_ACCESS, false), -EOPNOTSUPP);
	n = xattr_list(u.writer, file, list, sizeof(list));
	EXPECT_INT(n, 7);
	EXPECT(lists(list, n, "user.a"));
}
