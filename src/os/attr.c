/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner, mode, times, size and flags. fchmodat2 is the only call that changes the mode of what an O_PATH descriptor
 * refers to; older kernels get there by the descriptor's magic link in /proc/self/fd, which leads to the object and no
 * further.
 */
#include "base/check.h"
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

int os_fchown(int fd, uid_t uid, gid_t gid)
{
	(void)CHECK(fd >= 0);
	return OS_CHANGE(fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

int os_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid)
{
	return os_name_ok(name) ? OS_CHANGE(fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW)) : -EIO;
}

static int chmod_by_proc(int fd, mode_t mode)
{
	char name[OS_FD_NAME_MAX];

	(void)CHECK(os_kernel.proc_fd >= 0);
	os_fd_name(fd, name);
	return OS_CHANGE(fchmodat(os_kernel.proc_fd, name, mode, 0));
}

int os_fchmod(int fd, mode_t mode)
{
	(void)CHECK(fd >= 0 && !(mode & ~(mode_t)07777));
	if (!os_kernel.fchmodat2)
		return chmod_by_proc(fd, mode);
	return (int)OS_CHANGE(syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

int os_fchmodat(int dirfd, const char *name, mode_t mode)
{
	if (!os_name_ok(name))
		return -EIO;
	if (os_kernel.fchmodat2)
		return (int)OS_CHANGE(syscall(SYS_fchmodat2, dirfd, name, mode, AT_SYMLINK_NOFOLLOW));
	_cleanup_close_ int fd = os_openat(dirfd, name, O_PATH, 0, OS_CROSS_MOUNTS);

	return fd < 0 ? fd : chmod_by_proc(fd, mode);
}

int os_futimens(int fd, const struct timespec times[2])
{
	char name[OS_FD_NAME_MAX];
	int r = OS_CHANGE(utimensat(fd, "", times, AT_EMPTY_PATH));

	/* Kernels before 5.8 don't know the flag. */
	return r == -EINVAL ? OS_CHANGE(utimensat(os_kernel.proc_fd, os_fd_name(fd, name), times, 0)) : r;
}

int os_ftruncate(int fd, off_t length)
{
	(void)CHECK(fd >= 0);
	return OS_CHANGE(ftruncate(fd, length));
}

/* The kernel reads and writes an int, although the number of the request says long. */
int os_getflags(int fd, unsigned *ret_flags)
{
	unsigned flags = 0;
	int r = OS_LOOK(ioctl(fd, FS_IOC_GETFLAGS, &flags));

	if (!r)
		*ret_flags = flags;
	return r;
}

int os_setflags(int fd, unsigned flags)
{
	return OS_CHANGE(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

int os_fsgetxattr(int fd, struct fsxattr *ret)
{
	return OS_LOOK(ioctl(fd, FS_IOC_FSGETXATTR, ret));
}

int os_fssetxattr(int fd, const struct fsxattr *xa)
{
	return OS_CHANGE(ioctl(fd, FS_IOC_FSSETXATTR, xa));
}

int os_ioctl_read(int fd, unsigned long request, void *ret)
{
	(void)CHECK(_IOC_DIR(request) == _IOC_READ);
	return OS_LOOK(ioctl(fd, request, ret));
}
