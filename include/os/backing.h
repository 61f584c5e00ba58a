/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backing files: files that the kernel reads and writes by itself for a FUSE connection (passthrough). `dev_fd` is the
 * descriptor of /dev/fuse of the connection.
 */
#ifndef OS_BACKING_H
#define OS_BACKING_H

/* Registers the regular file that is open at `fd` (O_PATH is enough). At each open by a user the kernel opens it with
 * the caller's present rights. Returns its id. The id holds the file until it is closed, even if `fd` is closed.
 * -EPERM: not permitted in this user namespace. -ELOOP: the file system of the file is itself stacked on another. */
int os_backing_open(int dev_fd, int fd);
/* Files that are open by the id stay open. */
void os_backing_close(int dev_fd, int id);

#endif
