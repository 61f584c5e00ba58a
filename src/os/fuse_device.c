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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "internal.h"

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

int os_fuse_mounted(int fd, dev_t *ret_dev)
{
	static const char key[] = "fuse_connection:";
	_cleanup_close_ int info = -1;
	char name[OS_FD_NAME_MAX + 10], text[1024], *line;
	ssize_t n;

	/* By way of the descriptor of /proc: the union itself may cover the path. */
	snprintf(name, sizeof(name), "../fdinfo/%d", fd);
	info = openat(os_kernel.proc_fd, name, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	line = strstr(text, key);
	if (!line)
		return -ENODATA;
	/* In the kernel's own form: 12 bits and 20 bits. */
	unsigned long number = strtoul(line + strlen(key), NULL, 10);

	*ret_dev = makedev((unsigned)(number >> 20), (unsigned)(number & 0xfffff));
	return *ret_dev ? 0 : -ENODATA;
}

bool os_fuse_is_broken(int fd)
{
	struct pollfd fuse = {.fd = fd};

	return poll(&fuse, 1, 0) < 0 || (fuse.revents & POLLERR);
}
