/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount objects and mountinfo, for the mount clones of the layers. See open_tree(2), mount_setattr(2), proc(5).
 */
#ifndef OS_MOUNT_H
#define OS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A detached private clone of the mount at dirfd, rooted there. A non-recursive clone leaves out the mounts below; a
 * recursive one has them. -EINVAL: a non-recursive clone is refused in a user namespace with locked mounts below.
 * -EPERM: no CAP_SYS_ADMIN. */
int os_open_tree_clone(int dirfd, bool recursive);
/* Makes the clone read-only, and nodev and noatime as far as permitted. Returns 0, or -errno if it can't even be
 * read-only. */
int os_mount_set_readonly(int mount_fd, bool recursive);
/* No device can be opened through it. */
int os_mount_set_nodev(int mount_fd, bool recursive);
/* Sets whether reads through this mount set access times: MS_NOATIME, MS_RELATIME or MS_STRICTATIME. -EPERM in a user
 * namespace that got the mount with its mode locked. */
int os_mount_set_atime(int mount_fd, unsigned long mode);
/* Gives the mount at `path` the flags MS_NODIRATIME, MS_STRICTATIME and MS_NOSYMFOLLOW that are in `flags`, and its
 * file system MS_LAZYTIME. It is called before the file system has answered INIT: no request is sent to it. */
int os_mount_add_flags(const char *path, unsigned long flags);
/* Removes nosuid and nodev from the mount at `path`. */
int os_mount_allow(const char *path, bool suid, bool dev);
/* mount(2), with no symbolic link in `path`. */
int os_mount(const char *source, const char *path, const char *type, unsigned long flags, const char *data);
/* Unmounts the mount whose root is `fd` (may be O_PATH). A mount in use is detached (MNT_DETACH). -EINVAL: `fd` is no
 * root. */
int os_umount_fd(int fd);
/* Whether the way to `path` leads through the directory `dir`. Only the last component of `path` may be missing. The
 * way has the parents of `path`, and for a link those of its target. Another path to the same directory counts too. */
bool os_leads_through(const char *path, const char *dir);
/* Whether `path` is in the file system with the number `dev` (st_dev), or the way there leads into it. This file system
 * is asked nothing: it may not answer. A missing path is in no file system. */
bool os_path_enters(const char *path, dev_t dev);
/* The rest of `path` behind the directory `dir`: "" or "/...". The path of `dir` is absolute and has no symbolic
 * links. NULL: `path` doesn't lead there, or memory is short. The rest needn't exist. The caller frees it. */
char *os_path_behind(const char *path, const char *dir);
/* Receives a descriptor that is sent over the socket (SCM_RIGHTS). -EIO if the other end is closed without sending
 * one. */
int os_receive_fd(int socket);

/* One line of /proc/self/mountinfo. */
struct os_mountinfo {
	int id;
	int parent_id;
	dev_t dev;
	const char *root;	/* unescaped */
	const char *mountpoint; /* unescaped */
	const char *options;	/* of the mount: "rw,nosuid,relatime" */
	bool idmapped;
	const char *fstype;
	const char *source;
	const char *super_options; /* as it is printed: each value is escaped by itself */
};
/* Decodes a field of mountinfo, in place. Space, tab, newline, backslash and # are a backslash and three octal digits
 * there, in super options commas and equal signs too. */
void os_mountinfo_unescape(char *text);
/* Calls `each` for each mount until it returns non-zero, and returns this value. */
int os_each_mount(int (*each)(void *arg, const struct os_mountinfo *m), void *arg);
/* The same for the mount namespace and the root of another process, whose directory in /proc is `pid_fd`. */
int os_each_mount_of(int pid_fd, int (*each)(void *arg, const struct os_mountinfo *m), void *arg);

/* Sets how far the kernel reads ahead in the file system mounted at `mountpoint`, in KiB. It sends no request to the
 * file system, so its own daemon may call it. -EACCES, -EROFS and others: not permitted. -ENOENT: the file system has
 * no such setting. */
int os_set_read_ahead(const char *mountpoint, unsigned kib);

/* --- file handles ------------------------------------------------------------------------------------------------ */

#define OS_HANDLE_MAX 128

struct os_handle {
	int type;
	unsigned len;
	int mount_id;
	unsigned char bytes[OS_HANDLE_MAX];
};
/* Name "" is dirfd itself. -EOPNOTSUPP if the file system has no handles. */
int os_name_to_handle(int dirfd, const char *name, struct os_handle *ret);
/* Opens the object of the handle in the file system of mount_fd, which must not be O_PATH. Needs CAP_DAC_READ_SEARCH.
 * -ESTALE: the object is gone. */
int os_open_by_handle(int mount_fd, const struct os_handle *h, int flags);
/* The number of the btrfs subvolume of the object. It stays the same as long as the subvolume exists. -EOPNOTSUPP on
 * other file systems. */
int os_subvolume(int dirfd, const char *name, uint64_t *ret);
/* FS_IOC_GETFSUUID, or btrfs's own ioctl: 16 bytes, zeros if the file system was made without a uuid. Zeros and -errno
 * if the kernel or file system doesn't tell it. Not on an O_PATH descriptor. */
int os_fs_uuid(int fd, uint8_t ret_uuid[16]);

#endif
