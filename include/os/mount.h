/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount objects and mountinfo: what the clones of the layers' mounts are made with. See open_tree(2), mount_setattr(2),
 * proc(5).
 */
#ifndef OS_MOUNT_H
#define OS_MOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/types.h>

/* A detached private clone of the mount at dirfd, rooted there. Plain: mounts below are left out; recursive: they come
 * along. -EINVAL: the plain form is refused in a user namespace with locked mounts below; -EPERM: no CAP_SYS_ADMIN. */
int os_open_tree_clone(int dirfd, bool recursive);
/* Makes the clone read-only, nodev and noatime as far as permitted; returns 0, or -errno when not even read-only can be
 * had. */
int os_mount_set_readonly(int mount_fd, bool recursive);
/* No device can be opened through it. */
int os_mount_set_nodev(int mount_fd, bool recursive);
/* Whether reading sets access times through this mount: MS_NOATIME, MS_RELATIME or MS_STRICTATIME. -EPERM in a user
 * namespace that got the mount with its mode locked. */
int os_mount_set_atime(int mount_fd, unsigned long mode);
/* Gives the mount at `path` those of MS_NODIRATIME, MS_STRICTATIME and MS_NOSYMFOLLOW that are in `flags`, and its file
 * system MS_LAZYTIME, before that has answered INIT: it is asked nothing. */
int os_mount_add_flags(const char *path, unsigned long flags);
/* Takes nosuid and nodev off the mount at `path`. */
int os_mount_allow(const char *path, bool suid, bool dev);
/* mount(2), with no symbolic link in `path`. */
int os_mount(const char *source, const char *path, const char *type, unsigned long flags, const char *data);
/* Unmounts what `fd`, which may be O_PATH, is the root of; in use it goes from sight (MNT_DETACH). -EINVAL: it is no
 * root. */
int os_umount_fd(int fd);
/* Whether the way to `path`, of which only the last component may be missing, leads through the directory `dir`: its
 * parents or, when it is a link, those of what it leads to. Another path to the same directory counts too. */
bool os_leads_through(const char *path, const char *dir);
/* The one that is sent over the socket (SCM_RIGHTS); -EIO when its other end is closed without. */
int os_receive_fd(int socket);

/* The ioctl by which the root of a mount of ours says which one it is, and the call of it: -ENOTTY of a root that isn't
 * one. */
#define OS_IOC_MOUNT_IDENTITY _IOR(229, 0x70, struct os_mount_identity)
struct os_mount_identity {
	uint8_t bytes[16];
};
int os_mount_identity(int fd, struct os_mount_identity *ret);

/* One line of /proc/self/mountinfo. */
struct os_mountinfo {
	int id;
	int parent_id;
	dev_t dev;
	const char *root;	/* unescaped */
	const char *mountpoint; /* unescaped */
	bool idmapped;
	const char *fstype;
	const char *source;
	const char *super_options;
};
/* Calls `each` for each mount until it returns non-zero, and returns that. */
int os_each_mount(int (*each)(void *arg, const struct os_mountinfo *m), void *arg);

/* How far the kernel reads ahead in the file system that is mounted at `mountpoint`, in KiB; asks that file system
 * nothing, so its own daemon may call it. -EACCES, -EROFS and the like where this isn't ours to say; -ENOENT for a file
 * system without such a setting. */
int os_set_read_ahead(const char *mountpoint, unsigned kib);

/* --- file handles ------------------------------------------------------------------------------------------------ */

#define OS_HANDLE_MAX 128

struct os_handle {
	int type;
	unsigned len;
	int mount_id;
	unsigned char bytes[OS_HANDLE_MAX];
};
/* name "" = dirfd itself. -EOPNOTSUPP where the file system has no handles. */
int os_name_to_handle(int dirfd, const char *name, struct os_handle *ret);
/* Opens what the handle names in the file system of mount_fd (not an O_PATH descriptor; needs CAP_DAC_READ_SEARCH);
 * -ESTALE when gone. */
int os_open_by_handle(int mount_fd, const struct os_handle *h, int flags);
/* The number of the btrfs subvolume that the object lies in, which stays as long as that exists; -EOPNOTSUPP on other
 * file systems. */
int os_subvolume(int dirfd, const char *name, uint64_t *ret);
/* FS_IOC_GETFSUUID or what btrfs has for it (16 bytes, zeros where a file system was made without); zeros and -errno
 * where the kernel or file system doesn't tell it. Not on an O_PATH descriptor. */
int os_fs_uuid(int fd, uint8_t ret_uuid[16]);

#endif
