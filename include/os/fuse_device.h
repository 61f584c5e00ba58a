/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a FUSE session, over its descriptor of /dev/fuse. None is tried again: a signal's EINTR is the caller's.
 */
#ifndef OS_FUSE_DEVICE_H
#define OS_FUSE_DEVICE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The next request, or an answer: bytes, or -errno. */
ssize_t os_fuse_read(int fd, void *buf, size_t size);
ssize_t os_fuse_writev(int fd, const struct iovec *iov, int count);
/* An answer that a pipe holds: splice(2) with these flags. */
ssize_t os_fuse_splice(int pipe, int fd, size_t size, unsigned flags);
/* A further descriptor of the session, or -errno. */
int os_fuse_clone(int fd);
/* The device number (st_dev) of the mount that was made by this descriptor. -ENODATA: the kernel doesn't tell it, or
 * there is no mount. */
int os_fuse_mounted(int fd, dev_t *ret_dev);
/* It isn't mounted, or not any more. */
bool os_fuse_is_broken(int fd);

#endif
