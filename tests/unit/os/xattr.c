/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes by name and by descriptor, through the *xattrat calls and through /proc.
 */
#include <linux/capability.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "os/task.h"
#include "scratch.h"
#include "unit.h"

/* Whether attribute `xattr` is in the list of `size` bytes. */
static bool has_name(const char *list, ssize_t size, const char *xattr)
{
	for (const char *name = list; name < list + size; name += strlen(name) + 1)
		if (!strcmp(name, xattr))
			return true;
	return false;
}

static bool may_set_trusted(void)
{
	return os_has_cap(CAP_SYS_ADMIN) && os_in_init_userns();
}

/* One object, addressed by descriptor and name; `xattr` is of a name space that it may have. */
static void check_object(int dirfd, const char *name, const char *xattr)
{
	char buf[256];

	EXPECT_INT(os_getxattr(dirfd, name, xattr, buf, sizeof(buf)), -ENODATA);
	EXPECT_INT(os_removexattr(dirfd, name, xattr), -ENODATA);
	EXPECT_INT(os_setxattr(dirfd, name, xattr, "x", 1, XATTR_REPLACE), -ENODATA);
	EXPECT_INT(os_setxattr(dirfd, name, xattr, "value", 5, XATTR_CREATE), 0);
	EXPECT_INT(os_setxattr(dirfd, name, xattr, "value", 5, XATTR_CREATE), -EEXIST);
	EXPECT_INT(os_getxattr(dirfd, name, xattr, NULL, 0), 5);
	EXPECT_INT(os_getxattr(dirfd, name, xattr, buf, 4), -ERANGE);
	ASSERT_INT(os_getxattr(dirfd, name, xattr, buf, sizeof(buf)), 5);
	EXPECT_MEM(buf, "value", 5);
	ssize_t size = os_listxattr(dirfd, name, buf, sizeof(buf));

	EXPECT(has_name(buf, size, xattr));
	EXPECT_INT(os_listxattr(dirfd, name, NULL, 0), size);
	EXPECT_INT(os_listxattr(dirfd, name, buf, 1), -ERANGE);
	EXPECT_INT(os_setxattr(dirfd, name, xattr, "", 0, 0), 0);
	EXPECT_INT(os_getxattr(dirfd, name, xattr, buf, sizeof(buf)), 0);
	EXPECT_INT(os_removexattr(dirfd, name, xattr), 0);
	size = os_listxattr(dirfd, name, buf, sizeof(buf));
	EXPECT(!has_name(buf, size, xattr));
}

static void check_both_ways(struct scratch *s, const char *name, const char *xattr)
{
	_cleanup_close_ int fd = scratch_path(s, name);

	check_object(s->fd, name, xattr);
	check_object(fd, "", xattr);
}

static void check_objects(struct scratch *s)
{
	char buf[16];

	check_both_ways(s, "file", "user.plyfs");
	check_both_ways(s, "dir", "user.plyfs");
	EXPECT_INT(os_getxattr(s->fd, "missing", "user.plyfs", buf, sizeof(buf)), -ENOENT);
	EXPECT_INT(os_listxattr(s->fd, "missing", buf, sizeof(buf)), -ENOENT);
	EXPECT_INT(os_setxattr(s->fd, "missing", "user.plyfs", "x", 1, 0), -ENOENT);
	EXPECT_INT(os_removexattr(s->fd, "missing", "user.plyfs"), -ENOENT);
	if (!may_set_trusted())
		return;
	check_both_ways(s, "file", "trusted.plyfs");
	check_both_ways(s, "link", "trusted.plyfs");
	check_both_ways(s, "fifo", "trusted.plyfs");
}

/* A link's attributes are its own, although its target has one of the same name. */
static void check_link(struct scratch *s)
{
	_cleanup_close_ int link = scratch_path(s, "link");
	char buf[16];

	ASSERT_INT(os_setxattr(s->fd, "file", "trusted.plyfs", "target", 6, 0), 0);
	EXPECT_INT(os_getxattr(s->fd, "link", "trusted.plyfs", buf, sizeof(buf)), -ENODATA);
	EXPECT_INT(os_getxattr(link, "", "trusted.plyfs", buf, sizeof(buf)), -ENODATA);
	EXPECT_INT(os_setxattr(link, "", "trusted.plyfs", "link", 4, 0), 0);
	EXPECT_INT(os_getxattr(s->fd, "file", "trusted.plyfs", buf, sizeof(buf)), 6);
	EXPECT_INT(os_getxattr(s->fd, "link", "trusted.plyfs", buf, sizeof(buf)), 4);
	EXPECT_INT(os_removexattr(s->fd, "link", "trusted.plyfs"), 0);
	EXPECT_INT(os_removexattr(s->fd, "file", "trusted.plyfs"), 0);
}

static bool has_user_xattrs(struct scratch *s)
{
	int ret = os_setxattr(s->fd, "file", "user.probe", "", 0, 0);

	if (ret == 0)
		os_removexattr(s->fd, "file", "user.probe");
	return ret == 0;
}

TEST("attributes are set, read, listed and removed by name and by O_PATH descriptor of any kind of object")
{
	SCRATCH(s);
	if (!os_kernel.xattrat)
		SKIP("the kernel has no *xattrat calls");
	if (!has_user_xattrs(&s))
		SKIP("the file system has no user attributes");
	check_objects(&s);
}

TEST("the same holds through /proc on kernels without the *xattrat calls")
{
	SCRATCH(s);
	os_kernel.xattrat = false;
	if (!has_user_xattrs(&s))
		SKIP("the file system has no user attributes");
	check_objects(&s);
}

TEST("a symlink's attributes are its own, by either way")
{
	SCRATCH(s);
	if (!may_set_trusted())
		SKIP("only root sets attributes of a symlink");
	check_link(&s);
	os_kernel.xattrat = false;
	check_link(&s);
}

TEST("the longest name an object can have is long enough for both ways")
{
	SCRATCH(s);
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	ASSERT(scratch_file(s.fd, name, ""));
	if (!has_user_xattrs(&s))
		SKIP("the file system has no user attributes");
	check_object(s.fd, name, "user.plyfs");
	os_kernel.xattrat = false;
	check_object(s.fd, name, "user.plyfs");
}
