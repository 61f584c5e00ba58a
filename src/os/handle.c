/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File handles: a number of an object in its file system that outlives renames and remounts, see name_to_handle_at(2).
 */
#include "base/check.h"
#include "os/mount.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"
#include "os/fs.h"
#include "os/task.h"

_Static_assert(OS_HANDLE_MAX >= MAX_HANDLE_SZ, "a handle of any file system fits");

/* Linux 6.9, newer than many headers. */
struct fs_uuid {
	uint8_t len;
	uint8_t uuid[16];
};
#define IOC_GETFSUUID _IOR(0x15, 0, struct fs_uuid)

union handle_buffer {
	struct file_handle head;
	char room[sizeof(struct file_handle) + OS_HANDLE_MAX];
};

int os_name_to_handle(int dirfd, const char *name, struct os_handle *ret)
{
	union handle_buffer buf = {.head.handle_bytes = OS_HANDLE_MAX};
	int mount_id;

	if (!os_name_ok(name))
		return -EIO;
	int r = OS_LOOK(name_to_handle_at(dirfd, name, &buf.head, &mount_id, *name ? 0 : AT_EMPTY_PATH));

	/* EOVERFLOW with room for the largest: the file system has no handles for this object. */
	if (r < 0)
		return r == -EOVERFLOW ? -EOPNOTSUPP : r;
	if (!CHECK(buf.head.handle_bytes <= OS_HANDLE_MAX))
		return -EIO;
	ret->type = buf.head.handle_type;
	ret->len = buf.head.handle_bytes;
	ret->mount_id = mount_id;
	memcpy(ret->bytes, buf.head.f_handle, buf.head.handle_bytes);
	return 0;
}

/* ext4 says ENOMEM of a number that is just being given to a new file, for as long as that takes: it may wait for the
 * journal. */
#define HANDLE_TRIES 1000U
#define HANDLE_WAIT_US 100U

int os_open_by_handle(int mount_fd, const struct os_handle *h, int flags)
{
	union handle_buffer buf = {.head = {.handle_bytes = h->len, .handle_type = h->type}};
	int r = -ENOMEM;

	if (h->len > OS_HANDLE_MAX)
		return -EINVAL;
	memcpy(buf.head.f_handle, h->bytes, h->len);
	for (unsigned i = 0; i < HANDLE_TRIES; i++) {
		r = OS_LOOK(open_by_handle_at(mount_fd, &buf.head, flags | O_CLOEXEC));
		if (r != -ENOMEM)
			break;
		os_sleep_us(HANDLE_WAIT_US);
	}
	return r;
}

/* A handle of btrfs: the object's number, its subvolume's, the generation. */
#define BTRFS_HANDLE_FIRST 0x4d
#define BTRFS_HANDLE_LAST 0x4f
#define BTRFS_HANDLE_SUBVOLUME_AT 8

int os_subvolume(int dirfd, const char *name, uint64_t *ret)
{
	struct os_handle h;
	int r = os_name_to_handle(dirfd, name, &h);

	if (r < 0)
		return r;
	if (h.type < BTRFS_HANDLE_FIRST || h.type > BTRFS_HANDLE_LAST ||
	    h.len < BTRFS_HANDLE_SUBVOLUME_AT + sizeof(*ret))
		return -EOPNOTSUPP;
	memcpy(ret, h.bytes + BTRFS_HANDLE_SUBVOLUME_AT, sizeof(*ret));
	return 0;
}

/* btrfs, which has one, doesn't tell it in the common way. */
static int btrfs_uuid(int fd, uint8_t ret_uuid[16])
{
	struct btrfs_ioctl_fs_info_args info = {0};
	long type;
	int r = os_fs_type(fd, &type);

	if (!r)
		r = type == BTRFS_SUPER_MAGIC ? OS_LOOK(ioctl(fd, BTRFS_IOC_FS_INFO, &info)) : -ENOTTY;
	if (!r)
		memcpy(ret_uuid, info.fsid, 16);
	return r;
}

int os_fs_uuid(int fd, uint8_t ret_uuid[16])
{
	struct fs_uuid id = {0};
	int r = OS_LOOK(ioctl(fd, IOC_GETFSUUID, &id));

	memset(ret_uuid, 0, 16);
	if (r == -ENOTTY)
		r = btrfs_uuid(fd, ret_uuid);
	else if (!r)
		memcpy(ret_uuid, id.uuid, id.len < 16 ? id.len : 16);
	return r;
}
