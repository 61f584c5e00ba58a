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
ssize_t sys_fuse_read(int fd, void *buf, size_t size);
ssize_t sys_fuse_writev(int fd, const struct iovec *iov, int count);
/* A further descriptor of the session, or -errno. */
int sys_fuse_clone(int fd);
/* It isn't mounted, or not any more. */
bool sys_fuse_is_broken(int fd);

#endif
