/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes through O_PATH descriptors and by name, on this kernel's calls and on the older kernels' ways.
 */
#include <linux/fs.h>

#include "base/cleanup.h"
#include "scratch.h"
#include "unit.h"

static void change_modes(bool fchmodat2)
{
	SCRATCH(s);
	_cleanup_close_ int file = scratch_path(&s, "file");
	_cleanup_close_ int dir = scratch_path(&s, "dir");
	_cleanup_close_ int fifo = scratch_path(&s, "fifo");
	_cleanup_close_ int link = scratch_path(&s, "link");

	if (fchmodat2 && !os_kernel.fchmodat2)
		SKIP("the kernel has no fchmodat2");
	os_kernel.fchmodat2 = fchmodat2;
	EXPECT_INT(os_fchmod(file, 0604), 0);
	EXPECT_INT(scratch_stat(&s, "file").st_mode, S_IFREG | 0604);
	EXPECT_INT(os_fchmod(dir, 01750), 0);
	EXPECT_INT(scratch_stat(&s, "dir").st_mode, S_IFDIR | 01750);
	EXPECT_INT(os_fchmod(fifo, 0), 0);
	EXPECT_INT(scratch_stat(&s, "fifo").st_mode, S_IFIFO);
	EXPECT_INT(os_fchmod(fifo, 0640), 0);
	EXPECT_INT(os_fchmod(link, 0600), -EOPNOTSUPP);
	EXPECT_INT(os_fchmodat(s.fd, "file", 0640), 0);
	EXPECT_INT(scratch_stat(&s, "file").st_mode, S_IFREG | 0640);
	EXPECT_INT(os_fchmodat(s.fd, "link", 0600), -EOPNOTSUPP);
	EXPECT_INT(scratch_stat(&s, "file").st_mode, S_IFREG | 0640);
	EXPECT_INT(os_fchmodat(s.fd, "missing", 0600), -ENOENT);
}

TEST("the mode is changed through an O_PATH descriptor and by name, never a link's target's")
{
	change_modes(true);
}

TEST("the mode is changed through /proc where the kernel has no fchmodat2")
{
	change_modes(false);
}

TEST("times are set through an O_PATH descriptor, of a symlink its own")
{
	SCRATCH(s);
	_cleanup_close_ int file = scratch_path(&s, "file");
	_cleanup_close_ int link = scratch_path(&s, "link");
	const struct timespec times[2] = {{.tv_sec = 11, .tv_nsec = 1}, {.tv_sec = 22, .tv_nsec = 2}};
	const struct timespec wrong[2] = {{.tv_nsec = 2000000000}, {.tv_sec = 22}};

	EXPECT_INT(os_futimens(link, times), 0);
	EXPECT_INT(scratch_stat(&s, "link").st_mtim.tv_sec, 22);
	EXPECT_INT(scratch_stat(&s, "link").st_mtim.tv_nsec, 2);
	EXPECT(scratch_stat(&s, "file").st_mtim.tv_sec != 22);
	EXPECT_INT(os_futimens(file, times), 0);
	EXPECT_INT(scratch_stat(&s, "file").st_atim.tv_sec, 11);
	EXPECT_INT(os_futimens(file, wrong), -EINVAL);
}

TEST("the owner is changed through an O_PATH descriptor and by name, of a symlink its own")
{
	SCRATCH(s);
	_cleanup_close_ int link = scratch_path(&s, "link");

	EXPECT_INT(os_fchown(link, getuid(), getgid()), 0);
	if (geteuid())
		SKIP("only root gives files away");
	int ret = os_fchown(link, 12, 34);

	if (ret == -EINVAL)
		SKIP("a user namespace doesn't map these ids");
	EXPECT_INT(ret, 0);
	EXPECT_INT(scratch_stat(&s, "link").st_uid, 12);
	EXPECT_INT(scratch_stat(&s, "link").st_gid, 34);
	EXPECT_INT(scratch_stat(&s, "file").st_uid, 0);
	EXPECT_INT(os_fchownat(s.fd, "link", (uid_t)-1, 56), 0);
	EXPECT_INT(scratch_stat(&s, "link").st_uid, 12);
	EXPECT_INT(scratch_stat(&s, "link").st_gid, 56);
	EXPECT_INT(scratch_stat(&s, "file").st_gid, 0);
}

TEST("the size is changed through a descriptor open for writing")
{
	SCRATCH(s);
	_cleanup_close_ int fd = os_openat(s.fd, "file", O_WRONLY, 0, OS_CROSS_MOUNTS);
	_cleanup_close_ int readonly = os_openat(s.fd, "file", O_RDONLY, 0, OS_CROSS_MOUNTS);

	EXPECT_INT(os_ftruncate(fd, 3), 0);
	EXPECT_INT(scratch_stat(&s, "file").st_size, 3);
	EXPECT_INT(os_ftruncate(readonly, 0), -EINVAL);
}

TEST("flags that were read are set again")
{
	SCRATCH(s);
	_cleanup_close_ int fd = os_openat(s.fd, "file", O_RDONLY, 0, OS_CROSS_MOUNTS);
	unsigned flags, now;
	struct fsxattr xa;

	ASSERT(fd >= 0);
	int ret = os_getflags(fd, &flags);

	if (ret == -ENOTTY || ret == -EOPNOTSUPP)
		SKIP("the file system has no flags");
	ASSERT_INT(ret, 0);
	EXPECT_INT(os_setflags(fd, flags | FS_NODUMP_FL), 0);
	EXPECT_INT(os_getflags(fd, &now), 0);
	EXPECT(now & FS_NODUMP_FL);
	ASSERT_INT(os_fsgetxattr(fd, &xa), 0);
	EXPECT(xa.fsx_xflags & FS_XFLAG_NODUMP);
	xa.fsx_xflags &= ~(unsigned)FS_XFLAG_NODUMP;
	EXPECT_INT(os_fssetxattr(fd, &xa), 0);
	EXPECT_INT(os_getflags(fd, &now), 0);
	EXPECT(!(now & FS_NODUMP_FL));
}
