/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor of a FUSE session.
 */
#include "os/fuse_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

ssize_t os_fuse_read(int fd, void *buf, size_t size)
{
	ssize_t n = read(fd, buf, size);

	return n < 0 ? -errno : n;
}

ssize_t os_fuse_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t n = writev(fd, iov, count);

	return n < 0 ? -errno : n;
}

ssize_t os_fuse_splice(int pipe, int fd, size_t size, unsigned flags)
{
	ssize_t n = splice(pipe, NULL, fd, NULL, size, flags);

	return n < 0 ? -errno : n;
}

int os_fuse_clone(int fd)
{
	_cleanup_close_ int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	uint32_t from = (uint32_t)fd;

	if (clone < 0 || ioctl(clone, FUSE_DEV_IOC_CLONE, &from) < 0)
		return -errno;
	return TAKE_FD(clone);
}

bool os_fuse_is_broken(int fd)
{
	struct pollfd fuse = {.fd = fd};

	return poll(&fuse, 1, 0) < 0 || (fuse.revents & POLLERR);
}
