/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of each operation, and requests that no kernel would send: they have an answer too, and the session goes
 * on.
 */
#include "device.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

static int call(struct device *d, uint32_t opcode, uint64_t node, struct device_part a, struct device_part b)
{
	return device_call(d, opcode, node, a, b, PART_NONE);
}

static int call_name(struct device *d, uint32_t opcode, uint64_t parent, const char *name)
{
	return call(d, opcode, parent, PART_NAME(name), PART_NONE);
}

static int call_mkdir(struct device *d, uint64_t parent, const char *name)
{
	struct fuse_mkdir_in in = {.mode = 0755};

	return call(d, FUSE_MKDIR, parent, PART(in), PART_NAME(name));
}

static int call_mknod(struct device *d, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev)
{
	struct fuse_mknod_in in = {.mode = mode, .rdev = rdev};

	return call(d, FUSE_MKNOD, parent, PART(in), PART_NAME(name));
}

static int call_create(struct device *d, uint64_t parent, const char *name)
{
	struct fuse_create_in in = {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = S_IFREG | 0644};

	return call(d, FUSE_CREATE, parent, PART(in), PART_NAME(name));
}

static int call_symlink(struct device *d, uint64_t parent, const char *name)
{
	return call(d, FUSE_SYMLINK, parent, PART_NAME(name), PART_NAME("target"));
}

static int call_link(struct device *d, uint64_t node, uint64_t parent, const char *name)
{
	struct fuse_link_in in = {.oldnodeid = node};

	return call(d, FUSE_LINK, parent, PART(in), PART_NAME(name));
}

static int call_rename(struct device *d, uint64_t from, const char *name, uint64_t to, const char *new_name)
{
	struct fuse_rename2_in in = {.newdir = to};

	return device_call(d, FUSE_RENAME2, from, PART(in), PART_NAME(name), PART_NAME(new_name));
}

static int call_truncate(struct device *d, uint64_t node)
{
	struct fuse_setattr_in in = {.valid = FATTR_SIZE};

	return call(d, FUSE_SETATTR, node, PART(in), PART_NONE);
}

static int call_fallocate(struct device *d, uint64_t node, uint32_t mode)
{
	struct fuse_fallocate_in in = {.length = 4096, .mode = mode};

	return call(d, FUSE_FALLOCATE, node, PART(in), PART_NONE);
}

static int call_lseek(struct device *d, uint64_t node, uint64_t off)
{
	struct fuse_lseek_in in = {.offset = off, .whence = SEEK_DATA};

	return call(d, FUSE_LSEEK, node, PART(in), PART_NONE);
}

static int call_copy(struct device *d, uint64_t from, uint64_t to, uint64_t flags)
{
	struct fuse_copy_file_range_in in = {.nodeid_out = to, .len = 10, .flags = flags};

	return call(d, FUSE_COPY_FILE_RANGE, from, PART(in), PART_NONE);
}

static int call_ioctl(struct device *d, uint64_t node, uint32_t cmd, uint32_t in_size)
{
	struct fuse_ioctl_in in = {.cmd = cmd, .in_size = in_size, .out_size = 8};
	char argument[64] = "";

	return call(d, FUSE_IOCTL, node, PART(in), PART_BYTES(argument, in_size));
}

static int call_setxattr(struct device *d, uint64_t node, const char *name, uint32_t flags)
{
	struct fuse_setxattr_in in = {.size = 1, .flags = flags};
	char name_value[64];
	size_t len = strlen(name) + 1;

	memcpy(name_value, name, len);
	name_value[len] = 'v';
	return call(d, FUSE_SETXATTR, node, PART_BYTES(&in, FUSE_COMPAT_SETXATTR_IN_SIZE),
		    PART_BYTES(name_value, len + 1));
}

static int call_getxattr(struct device *d, uint64_t node, const char *name, uint32_t size)
{
	struct fuse_getxattr_in in = {.size = size};

	return call(d, FUSE_GETXATTR, node, PART(in), PART_NAME(name));
}

static int call_read(struct device *d, uint32_t opcode, uint64_t node)
{
	struct fuse_read_in in = {.size = 4096};

	return call(d, opcode, node, PART(in), PART_NONE);
}

static int call_fsync(struct device *d, uint32_t opcode, uint64_t node)
{
	struct fuse_fsync_in in = {.fsync_flags = 0};

	return call(d, opcode, node, PART(in), PART_NONE);
}

struct nodes {
	uint64_t file, dir, link;
};

static bool find_nodes(struct device *d, struct nodes *n)
{
	n->file = device_lookup(d, FUSE_ROOT_ID, "file", NULL);
	n->dir = device_lookup(d, FUSE_ROOT_ID, "dir", NULL);
	n->link = device_lookup(d, FUSE_ROOT_ID, "link", NULL);
	return n->file && n->dir && n->link;
}

#define UNION(d, n)                                                                                                    \
	DEVICE(d);                                                                                                     \
	struct nodes n;                                                                                                \
	ASSERT(make_file("l1/file", "0123456789", 0644) && mkdir("l1/dir", 0755) == 0);                                \
	ASSERT(make_file("l1/dir/in", "", 0644) && symlink("file", "l1/link") == 0)

#define UNION_OPEN(d, n)                                                                                               \
	UNION(d, n);                                                                                                   \
	DEVICE_OPEN(d);                                                                                                \
	ASSERT(find_nodes(d, &n))

TEST("names that are there can't be made, and names that aren't can't go")
{
	UNION_OPEN(d, n);
	EXPECT_INT(call_mkdir(d, FUSE_ROOT_ID, "dir"), -EEXIST);
	EXPECT_INT(call_mknod(d, FUSE_ROOT_ID, "file", S_IFIFO | 0600, 0), -EEXIST);
	EXPECT_INT(call_create(d, FUSE_ROOT_ID, "file"), -EEXIST);
	EXPECT_INT(call_symlink(d, FUSE_ROOT_ID, "link"), -EEXIST);
	EXPECT_INT(call_link(d, n.file, FUSE_ROOT_ID, "dir"), -EEXIST);
	EXPECT_INT(call_name(d, FUSE_UNLINK, FUSE_ROOT_ID, "none"), -ENOENT);
	EXPECT_INT(call_name(d, FUSE_RMDIR, FUSE_ROOT_ID, "none"), -ENOENT);
	EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "none", FUSE_ROOT_ID, "other"), -ENOENT);
}

TEST("what is removed has to be of the right kind, and empty")
{
	UNION_OPEN(d, n);
	EXPECT_INT(call_name(d, FUSE_UNLINK, FUSE_ROOT_ID, "dir"), -EISDIR);
	EXPECT_INT(call_name(d, FUSE_RMDIR, FUSE_ROOT_ID, "file"), -ENOTDIR);
	EXPECT_INT(call_name(d, FUSE_RMDIR, FUSE_ROOT_ID, "dir"), -ENOTEMPTY);
	EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "file", FUSE_ROOT_ID, "dir"), -EISDIR);
	EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "dir", FUSE_ROOT_ID, "file"), -ENOTDIR);
	EXPECT_INT(call_link(d, n.dir, FUSE_ROOT_ID, "second"), -EPERM);
}

TEST("what would be a whiteout, and attributes that aren't there, are refused")
{
	UNION_OPEN(d, n);
	EXPECT_INT(call_mknod(d, FUSE_ROOT_ID, "whiteout", S_IFCHR | 0600, 0), -EPERM);
	EXPECT_INT(call_setxattr(d, n.file, "user.x", XATTR_REPLACE), -ENODATA);
	EXPECT_INT(call_getxattr(d, n.file, "user.none", 100), -ENODATA);
	EXPECT_INT(call_name(d, FUSE_REMOVEXATTR, n.file, "user.none"), -ENODATA);
	EXPECT(!exists("u/whiteout"));
}

TEST("data that can't be had says why")
{
	UNION_OPEN(d, n);
	EXPECT_INT(call_lseek(d, n.file, 100), -ENXIO);
	EXPECT_INT(call_copy(d, n.file, n.file, 1), -EINVAL);
	EXPECT_INT(call_ioctl(d, n.file, 0x1234, 0), -ENOTTY);
	EXPECT_INT(call_ioctl(d, n.file, (uint32_t)FS_IOC_SETFLAGS, 1), -EINVAL);
	EXPECT_INT(call_ioctl(d, n.file, (uint32_t)FS_IOC_FSSETXATTR, 4), -EINVAL);
	EXPECT_INT(call(d, FUSE_READLINK, n.file, PART_NONE, PART_NONE), -EINVAL);
	EXPECT(!exists("u/file"));
	EXPECT_INT(call_fallocate(d, n.file, 0x4000), -EOPNOTSUPP);
}

TEST("an attribute that is larger than the room for it says so, and its length is told")
{
	UNION(d, n);
	ASSERT(setxattr("l1/file", "user.x", "0123456789", 10, 0) == 0);
	DEVICE_OPEN(d);
	ASSERT(find_nodes(d, &n));
	EXPECT_INT(call_getxattr(d, n.file, "user.x", 4), -ERANGE);
	ASSERT_INT(call_getxattr(d, n.file, "user.x", 0), 0);
	EXPECT_INT(((struct fuse_getxattr_out *)(void *)d->body)->size, 10);
}

TEST("a directory has no data, and a file no entries")
{
	UNION_OPEN(d, n);
	EXPECT_INT(call_read(d, FUSE_READ, n.dir), -EISDIR);
	EXPECT_INT(device_write(d, n.dir, 0, "x", 0), -EISDIR);
	EXPECT_INT(call_truncate(d, n.dir), -EISDIR);
	EXPECT_INT(call_fallocate(d, n.dir, 0), -EISDIR);
	EXPECT_INT(call_lseek(d, n.dir, 0), -EISDIR);
	EXPECT_INT(call_copy(d, n.dir, n.file, 0), -EISDIR);
	EXPECT_INT(call_copy(d, n.file, n.dir, 0), -EISDIR);
	EXPECT_INT(call_fsync(d, FUSE_FSYNC, n.dir), -EISDIR);
	EXPECT_INT(call_read(d, FUSE_READDIR, n.file), -ENOTDIR);
	EXPECT_INT(call_read(d, FUSE_READDIRPLUS, n.link), -ENOTDIR);
	EXPECT_INT(call_fsync(d, FUSE_FSYNCDIR, n.file), -ENOTDIR);
}

TEST("a parent that is no directory holds no names")
{
	UNION_OPEN(d, n);
	EXPECT_INT(call_name(d, FUSE_LOOKUP, n.file, "x"), -ENOTDIR);
	EXPECT_INT(call_mkdir(d, n.file, "x"), -ENOTDIR);
	EXPECT_INT(call_mknod(d, n.file, "x", S_IFIFO | 0600, 0), -ENOTDIR);
	EXPECT_INT(call_create(d, n.link, "x"), -ENOTDIR);
	EXPECT_INT(call_symlink(d, n.file, "x"), -ENOTDIR);
	EXPECT_INT(call_link(d, n.file, n.file, "x"), -ENOTDIR);
	EXPECT_INT(call_name(d, FUSE_UNLINK, n.file, "x"), -ENOTDIR);
	EXPECT_INT(call_name(d, FUSE_RMDIR, n.file, "x"), -ENOTDIR);
	EXPECT_INT(call_rename(d, n.file, "x", FUSE_ROOT_ID, "y"), -ENOTDIR);
	EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "file", n.file, "y"), -ENOTDIR);
}

TEST("what is no name is refused wherever one is needed")
{
	static const char *const names[] = {"", ".", "..", "dir/in", "/", "../l2"};

	UNION_OPEN(d, n);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_INT(call_name(d, FUSE_LOOKUP, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_mkdir(d, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_create(d, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_symlink(d, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_link(d, n.file, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_name(d, FUSE_UNLINK, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_name(d, FUSE_RMDIR, FUSE_ROOT_ID, names[i]), -EINVAL);
		EXPECT_INT(call_rename(d, FUSE_ROOT_ID, names[i], FUSE_ROOT_ID, "new"), -EINVAL);
		EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "file", FUSE_ROOT_ID, names[i]), -EINVAL);
	}
	EXPECT_INT(count_entries("u"), 0);
}

TEST("a name that is too long is no name anywhere")
{
	char name[400];

	UNION_OPEN(d, n);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	EXPECT_INT(call_name(d, FUSE_LOOKUP, FUSE_ROOT_ID, name), -ENAMETOOLONG);
	EXPECT_INT(call_mkdir(d, FUSE_ROOT_ID, name), -ENAMETOOLONG);
	EXPECT_INT(call_create(d, FUSE_ROOT_ID, name), -ENAMETOOLONG);
	EXPECT_INT(call_link(d, n.file, FUSE_ROOT_ID, name), -ENAMETOOLONG);
	EXPECT_INT(call_name(d, FUSE_UNLINK, FUSE_ROOT_ID, name), -ENAMETOOLONG);
	EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "file", FUSE_ROOT_ID, name), -ENAMETOOLONG);
}

TEST("without an upper nothing changes")
{
	UNION(d, n);
	ASSERT(device_open_with(d, "lowerdir=l1:l2", NULL));
	ASSERT_INT(device_init(d, DEVICE_FLAGS), 0);
	ASSERT(find_nodes(d, &n));
	EXPECT_INT(device_write(d, n.file, 0, "x", 0), -EROFS);
	EXPECT_INT(call_truncate(d, n.file), -EROFS);
	EXPECT_INT(call_mkdir(d, FUSE_ROOT_ID, "new"), -EROFS);
	EXPECT_INT(call_create(d, FUSE_ROOT_ID, "new"), -EROFS);
	EXPECT_INT(call_symlink(d, FUSE_ROOT_ID, "new"), -EROFS);
	EXPECT_INT(call_link(d, n.file, FUSE_ROOT_ID, "new"), -EROFS);
	EXPECT_INT(call_name(d, FUSE_UNLINK, FUSE_ROOT_ID, "file"), -EROFS);
	EXPECT_INT(call_name(d, FUSE_RMDIR, FUSE_ROOT_ID, "dir"), -EROFS);
	EXPECT_INT(call_rename(d, FUSE_ROOT_ID, "file", FUSE_ROOT_ID, "new"), -EROFS);
	EXPECT_INT(call_setxattr(d, n.file, "user.x", 0), -EROFS);
	EXPECT_INT(call_fallocate(d, n.file, 0), -EROFS);
	EXPECT_INT(call_copy(d, n.file, n.file, 0), -EROFS);
}
