/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner, mode, times, size and flags. fchmodat2 is the only call that changes the mode of what an O_PATH descriptor
 * refers to; older kernels get there by the descriptor's magic link in /proc/self/fd, which leads to the object and no
 * further.
 */
#include "os/fs.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "internal.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

int sys_fchown(int fd, uid_t uid, gid_t gid)
{
	return SYS_CHANGE(fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

int sys_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid)
{
	return sys_name_ok(name) ? SYS_CHANGE(fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW)) : -EIO;
}

static int chmod_by_proc(int fd, mode_t mode)
{
	char name[SYS_FD_NAME_MAX];

	sys_fd_name(fd, name);
	return SYS_CHANGE(fchmodat(sys_kernel.proc_fd, name, mode, 0));
}

int sys_fchmod(int fd, mode_t mode)
{
	if (!sys_kernel.fchmodat2)
		return chmod_by_proc(fd, mode);
	return (int)SYS_CHANGE(syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

int sys_fchmodat(int dirfd, const char *name, mode_t mode)
{
	if (!sys_name_ok(name))
		return -EIO;
	if (sys_kernel.fchmodat2)
		return (int)SYS_CHANGE(syscall(SYS_fchmodat2, dirfd, name, mode, AT_SYMLINK_NOFOLLOW));
	_cleanup_close_ int fd = sys_openat(dirfd, name, O_PATH, 0, SYS_CROSS_MOUNTS);

	return fd < 0 ? fd : chmod_by_proc(fd, mode);
}

int sys_futimens(int fd, const struct timespec times[2])
{
	char name[SYS_FD_NAME_MAX];
	int ret = SYS_CHANGE(utimensat(fd, "", times, AT_EMPTY_PATH));

	/* Kernels before 5.8 don't know the flag. */
	return ret == -EINVAL ? SYS_CHANGE(utimensat(sys_kernel.proc_fd, sys_fd_name(fd, name), times, 0)) : ret;
}

int sys_ftruncate(int fd, off_t length)
{
	return SYS_CHANGE(ftruncate(fd, length));
}

/* The kernel reads and writes an int, although the number of the request says long. */
int sys_getflags(int fd, unsigned *ret_flags)
{
	unsigned flags = 0;
	int ret = SYS_LOOK(ioctl(fd, FS_IOC_GETFLAGS, &flags));

	if (!ret)
		*ret_flags = flags;
	return ret;
}

int sys_setflags(int fd, unsigned flags)
{
	return SYS_CHANGE(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

int sys_fsgetxattr(int fd, struct fsxattr *ret)
{
	return SYS_LOOK(ioctl(fd, FS_IOC_FSGETXATTR, ret));
}

int sys_fssetxattr(int fd, const struct fsxattr *xa)
{
	return SYS_CHANGE(ioctl(fd, FS_IOC_FSSETXATTR, xa));
}
