/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the kernel reads and writes by itself for a FUSE connection (passthrough). `dev_fd` is the connection's
 * descriptor of /dev/fuse.
 */
#ifndef OS_BACKING_H
#define OS_BACKING_H

/* Registers the regular file that is open at `fd`, O_PATH suffices; it is opened with the caller's present rights each
 * time a user opens. Returns its id, which holds the file until it is closed, whatever becomes of `fd`. -EPERM: not
 * permitted in this user namespace; -ELOOP: the file's file system is itself stacked on another. */
int os_backing_open(int dev_fd, int fd);
/* Files that are open by the id stay so. */
void os_backing_close(int dev_fd, int id);
/* Whether backing files can be had at all: 0, or why not. */
int os_backing_probe(int dev_fd);

#endif
