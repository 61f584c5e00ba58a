/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes: which ones change, on which objects, and what goes with them.
 */
#include <linux/fs.h>

#include "change/union.h"

/* The linker puts these in the place of the system call tier's. */
int __real_os_fchmod(int fd, mode_t mode);
int __real_os_ftruncate(int fd, off_t length);
int __wrap_os_fchmod(int fd, mode_t mode);
int __wrap_os_ftruncate(int fd, off_t length);

static int chmod_errors, truncate_errors; /* so many of the next calls fail */

int __wrap_os_fchmod(int fd, mode_t mode)
{
	return chmod_errors-- > 0 ? -EIO : __real_os_fchmod(fd, mode);
}

int __wrap_os_ftruncate(int fd, off_t length)
{
	return truncate_errors-- > 0 ? -EFBIG : __real_os_ftruncate(fd, length);
}

#define CAP_XATTR "security.capability"

static const unsigned char cap_value[20] = {0x01, 0, 0, 0x02, 0, 0x20};

TEST("size, owner, mode and times are set together")
{
	struct attr_change attr = {
		.valid = ATTR_SET_SIZE | ATTR_SET_UID | ATTR_SET_GID | ATTR_SET_MODE | ATTR_SET_ATIME | ATTR_SET_MTIME,
		.size = 7,
		.uid = 11,
		.gid = 22,
		.mode = S_IFREG | 06710,
		.atime = {.tv_sec = 100, .tv_nsec = 5},
		.mtime = {.tv_sec = 200, .tv_nsec = 6},
	};
	struct statx stx;
	UNI(u);
	ASSERT(uni_fill("u/file", 0, 100));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_size, 7);
	EXPECT_INT(stx.stx_uid, 11);
	EXPECT_INT(stx.stx_gid, 22);
	EXPECT_INT(stx.stx_mode, S_IFREG | 06710);
	EXPECT_INT(stx.stx_atime.tv_sec, 100);
	EXPECT_INT(stx.stx_mtime.tv_sec, 200);
	EXPECT_INT(stx.stx_mtime.tv_nsec, 6);
	EXPECT_INT(stx.stx_ino, file->ino);
}

TEST("an object of a lower layer is not touched")
{
	struct attr_change attr = {.valid = ATTR_SET_MODE, .mode = 0600};
	struct statx stx;
	struct stat st;
	UNI(u);
	ASSERT(make_file("l1/file", "", 0644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	EXPECT_INT(attr_set(u.writer, file, &attr, -1, &stx), -LOOK_AGAIN);
	EXPECT_INT(xattr_set(u.writer, file, "user.a", "1", 1, 0, false), -LOOK_AGAIN);
	EXPECT_INT(xattr_remove(u.writer, file, "user.a", false), -LOOK_AGAIN);
	EXPECT_INT(attr_set_flags(u.writer, file, 0), -LOOK_AGAIN);
	EXPECT_INT(attr_kill_priv(u.writer, file, ATTR_KILL_PRIV), -LOOK_AGAIN);
	ASSERT(!stat("l1/file", &st));
	EXPECT_INT(st.st_mode, S_IFREG | 0644);
}

TEST("only one of the times is set, or set to now")
{
	struct attr_change attr = {.valid = ATTR_SET_MTIME, .mtime = {.tv_sec = 1000}};
	struct statx before, stx;
	UNI(u);
	ASSERT(make_file("u/file", "", 0644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(inode_statx(u.tree, file, &before), 0);
	ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_mtime.tv_sec, 1000);
	EXPECT_INT(stx.stx_atime.tv_sec, before.stx_atime.tv_sec);
	EXPECT_INT(stx.stx_atime.tv_nsec, before.stx_atime.tv_nsec);
	attr.mtime = (struct timespec){.tv_nsec = UTIME_NOW};
	ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT(stx.stx_mtime.tv_sec >= before.stx_mtime.tv_sec);
}

TEST("a symlink has an owner and times of its own, and no mode")
{
	struct attr_change attr = {
		.valid = ATTR_SET_UID | ATTR_SET_GID | ATTR_SET_MTIME, .uid = 4, .gid = 5, .mtime = {.tv_sec = 9}};
	struct statx stx;
	struct stat st;
	UNI(u);
	ASSERT(make_file("u/target", "", 0644) && !symlink("target", "u/link"));
	UNI_OPEN(u);
	struct inode *link = uni_find(&u, "link");

	ASSERT(link);
	ASSERT_INT(attr_set(u.writer, link, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_uid, 4);
	EXPECT_INT(stx.stx_mtime.tv_sec, 9);
	ASSERT(!stat("u/target", &st));
	EXPECT_INT(st.st_uid, 0);
	attr.valid = ATTR_SET_MODE;
	EXPECT_INT(attr_set(u.writer, link, &attr, -1, &stx), -EOPNOTSUPP);
	attr.valid = ATTR_SET_SIZE;
	EXPECT_INT(attr_set(u.writer, link, &attr, -1, &stx), -EINVAL);
}

TEST("a fifo and a device change without being opened")
{
	struct attr_change attr = {.valid = ATTR_SET_MODE | ATTR_SET_UID, .mode = 0604, .uid = 9};
	struct statx stx;
	unsigned flags;
	UNI(u);
	ASSERT(!mkfifo("u/fifo", 0600) && !mknod("u/dev", S_IFBLK | 0600, makedev(7, 200)));
	UNI_OPEN(u);
	static const char *const names[] = {"fifo", "dev"};

	for (int i = 0; i < 2; i++) {
		struct inode *inode = uni_find(&u, names[i]);

		ASSERT(inode);
		ASSERT_INT(attr_set(u.writer, inode, &attr, -1, &stx), 0);
		EXPECT_INT(stx.stx_mode & 07777, 0604);
		EXPECT_INT(stx.stx_uid, 9);
		EXPECT_INT(attr_get_flags(u.writer, inode, &flags), -ENOTTY);
		EXPECT_INT(attr_set_flags(u.writer, inode, 0), -ENOTTY);
	}
}

TEST("a directory is not truncated")
{
	struct attr_change attr = {.valid = ATTR_SET_SIZE};
	struct statx stx;
	UNI(u);
	ASSERT(!mkdir("u/dir", 0755));
	UNI_OPEN(u);
	EXPECT_INT(attr_set(u.writer, uni_find(&u, "dir"), &attr, -1, &stx), -EISDIR);
}

TEST("a change of owner takes setuid and capabilities away, and that is known")
{
	struct attr_change attr = {.valid = ATTR_SET_UID, .uid = 9};
	struct statx stx;
	UNI(u);
	ASSERT(make_file("u/file", "", 0755));
	ASSERT(!setxattr("u/file", CAP_XATTR, cap_value, sizeof(cap_value), 0) && !chmod("u/file", 06755));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	EXPECT_INT(xattr_get(u.writer, file, CAP_XATTR, NULL, 0), sizeof(cap_value));
	ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0755);
	EXPECT_INT(xattr_get(u.writer, file, CAP_XATTR, NULL, 0), -ENODATA);
}

TEST("a write by others takes setuid and setgid of an executable away, as often as they come back")
{
	struct attr_change attr = {.valid = ATTR_SET_MODE, .mode = 06755};
	struct statx stx;
	UNI(u);
	ASSERT(make_file("u/file", "", 0644) && !chmod("u/file", 02644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	/* Setgid without group execution stays for the members of the group, and is still looked at when a stranger
	 * writes. */
	EXPECT_INT(attr_kill_priv(u.writer, file, ATTR_KILL_PRIV), 0);
	ASSERT_INT(inode_statx(u.tree, file, &stx), 0);
	EXPECT_INT(stx.stx_mode & 07777, 02644);
	EXPECT(attr_may_have_priv(file));
	EXPECT_INT(attr_kill_priv(u.writer, file, ATTR_KILL_PRIV | ATTR_KILL_SGID), 1);
	ASSERT_INT(inode_statx(u.tree, file, &stx), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0644);
	EXPECT(!attr_may_have_priv(file));
	for (int i = 0; i < 2; i++) {
		ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
		EXPECT_INT(attr_kill_priv(u.writer, file, ATTR_KILL_PRIV), 1);
		ASSERT_INT(inode_statx(u.tree, file, &stx), 0);
		EXPECT_INT(stx.stx_mode & 07777, 0755);
		EXPECT_INT(attr_kill_priv(u.writer, file, ATTR_KILL_PRIV), 0);
	}
}

TEST("a truncation by others takes setuid away")
{
	struct attr_change attr = {.valid = ATTR_SET_SIZE | ATTR_KILL_PRIV, .size = 1};
	struct statx stx;
	UNI(u);
	ASSERT(make_file("u/file", "abc", 0755) && !chmod("u/file", 04755));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0755);
	EXPECT_INT(stx.stx_size, 1);
}

TEST("an unlinked file still changes")
{
	struct attr_change attr = {.valid = ATTR_SET_MODE | ATTR_SET_SIZE, .mode = 0400, .size = 2};
	struct statx stx;
	UNI(u);
	ASSERT(make_file("u/file", "abc", 0644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(remove_file(u.writer, u.tree->root, "file"), 0);
	ASSERT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_mode & 07777, 0400);
	EXPECT_INT(stx.stx_size, 2);
	EXPECT_INT(stx.stx_nlink, 0);
	EXPECT_INT(xattr_set(u.writer, file, "user.a", "1", 1, 0, false), 0);
	EXPECT_INT(xattr_get(u.writer, file, "user.a", NULL, 0), 1);
}

TEST("flags are read on any layer and set in the upper")
{
	unsigned flags = 0;
	struct fsxattr xa = {0};
	UNI(u);
	ASSERT(make_file("l1/low", "", 0644) && make_file("u/file", "", 0644) && !mkdir("u/dir", 0755));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file"), *dir = uni_find(&u, "dir"), *low = uni_find(&u, "low");

	ASSERT(file && dir && low);
	if (attr_get_flags(u.writer, file, &flags) < 0)
		SKIP("no flags here");
	EXPECT_INT(attr_get_flags(u.writer, low, &flags), 0);
	EXPECT_INT(attr_get_flags(u.writer, dir, &flags), 0);
	EXPECT_INT(attr_set_flags(u.writer, dir, flags | FS_NODUMP_FL), 0);
	EXPECT_INT(attr_get_flags(u.writer, dir, &flags), 0);
	EXPECT(flags & FS_NODUMP_FL);
	EXPECT_INT(attr_get_fsxattr(u.writer, dir, &xa), 0);
	EXPECT(xa.fsx_xflags & FS_XFLAG_NODUMP);
	xa.fsx_xflags &= ~(unsigned)FS_XFLAG_NODUMP;
	EXPECT_INT(attr_set_fsxattr(u.writer, dir, &xa), 0);
	EXPECT_INT(attr_get_flags(u.writer, dir, &flags), 0);
	EXPECT(!(flags & FS_NODUMP_FL));
}

TEST("a truncation by another takes the bits and the data, or neither")
{
	struct attr_change attr = {.valid = ATTR_SET_SIZE | ATTR_KILL_PRIV, .size = 7};
	struct statx stx;
	struct stat st;
	UNI(u);
	ASSERT(uni_fill("u/file", 0, 100) && !chmod("u/file", 04777));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	chmod_errors = 1;
	EXPECT_INT(attr_set(u.writer, file, &attr, -1, &stx), -EIO);
	ASSERT(!stat("u/file", &st));
	EXPECT_INT(st.st_mode, S_IFREG | 04777);
	EXPECT_INT(st.st_size, 100);
	EXPECT(attr_may_have_priv(file));
	chmod_errors = 0;
	truncate_errors = 1;
	EXPECT_INT(attr_set(u.writer, file, &attr, -1, &stx), -EFBIG);
	ASSERT(!stat("u/file", &st));
	EXPECT_INT(st.st_mode, S_IFREG | 04777);
	EXPECT_INT(st.st_size, 100);
	EXPECT(attr_may_have_priv(file));
	truncate_errors = 0;
	EXPECT_INT(attr_set(u.writer, file, &attr, -1, &stx), 0);
	EXPECT_INT(stx.stx_mode, S_IFREG | 0777);
	EXPECT_INT(stx.stx_size, 7);
}
