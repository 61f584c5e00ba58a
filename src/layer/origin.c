/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins: which lower object an upper one was copied from, in kernel overlayfs's format. What is needed of it is the
 * inode number that stat shows, so that it stays the same over copy-up and remount. Nothing is read through the handle:
 * a forged one can name any object of the lower's file system, and all that comes of it is a number.
 */
#include "base/check.h"
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/ino_xattr.h"
#include "format/ovl_fh.h"
#include "internal.h"
#include "layer/index.h"
#include "os/fs.h"
#include "os/mount.h"

ssize_t layer_make_origin(const struct layer_set *set, const struct layer *l, int fd, void *buf, size_t size)
{
	const struct layer_fs *fs = &set->fs[l->fs];
	uint8_t value[OVL_FH_MAX];
	struct os_handle handle;
	struct ovl_fh origin;
	size_t len;

	(void)CHECK(l->fs < set->n_fs);
	if (!fs->has_handles || os_name_to_handle(fd, "", &handle) < 0 ||
	    ovl_fh_make(handle.type, handle.bytes, handle.len, fs->uuid, false, &origin) < 0)
		return -EOPNOTSUPP;
	len = ovl_fh_encode(&origin, value);
	if (len > size)
		return -ERANGE;
	memcpy(buf, value, len);
	return (ssize_t)len;
}

/* Whether the upper object is the one copy of its origin that all names lead to. */
static bool is_indexed(const struct layer_set *set, int dirfd, const char *name)
{
	struct index_entry entry;
	struct statx stx;

	return set->index && layer_statx_unchecked(&set->layers[0], dirfd, name, &stx) == 0 &&
	       index_look_upper(set, dirfd, name, &stx, &entry) == 1;
}

/* The object whose number is asked for: `name` at dirfd, in the upper or not. */
struct copy {
	const struct layer_set *set;
	int dirfd;
	const char *name;
	bool may_be_indexed; /* it is of the layer that the index leads to */
	unsigned steps;	     /* origins that may still be followed */
};

static uint64_t origin_ino(const struct copy *copy);

/* The lower object may itself be a copy that an upper left behind when it became a layer: then the number is that of
 * its origin. */
static uint64_t ino_of_lower(const struct copy *copy, const struct layer *l, int fd, const struct statx *stx)
{
	struct copy next = {.set = copy->set, .dirfd = fd, .name = "", .steps = copy->steps - 1};
	struct object_id id;
	uint64_t first = 0;
	unsigned xattr_flags;

	(void)CHECK(copy->steps > 0 && !l->upper);
	if (next.steps && layer_read_xattr_flags(copy->set, l, fd, "", &xattr_flags) == 0 &&
	    (xattr_flags & XATTR_FLAG_ORIGIN))
		first = origin_ino(&next);
	if (first)
		return first;
	return layer_object(copy->set, l, fd, "", stx, &id) == 0 ? layer_union_ino(copy->set, id) : 0;
}

/* The inode number of the object in this file system, or 0. Kernel overlayfs keeps a hard-linked file's
 * number only with an index, because else each of its names may have been copied to an upper file of its own. */
static uint64_t ino_in_fs(const struct copy *copy, const struct layer_fs *fs, const struct ovl_fh *origin)
{
	struct os_handle handle = {.type = origin->type, .len = origin->fid_size};
	_cleanup_close_ int fd = -1;
	struct statx stx;

	if (!CHECK(fs->handle_fd >= 0 && origin->fid_size <= sizeof(handle.bytes)))
		return 0;
	memcpy(handle.bytes, origin->fid, origin->fid_size);
	fd = os_open_by_handle(fs->handle_fd, &handle, O_PATH);
	if (fd < 0 || os_statx(fd, "", &stx) < 0 || !stx.stx_nlink)
		return 0;
	if (!S_ISDIR(stx.stx_mode) && stx.stx_nlink != 1 &&
	    !(copy->may_be_indexed && is_indexed(copy->set, copy->dirfd, copy->name)))
		return 0;
	return ino_of_lower(copy, fs->lower, fd, &stx);
}

static uint64_t ino_of_origin(const struct copy *copy, const struct ovl_fh *origin)
{
	const struct layer_set *set = copy->set;

	for (unsigned i = 0; i < set->n_fs; i++) {
		const struct layer_fs *fs = &set->fs[i];
		uint64_t ino;

		if (!fs->lower || !fs->has_handles || memcmp(fs->uuid, origin->uuid, sizeof(fs->uuid)))
			continue;
		ino = ino_in_fs(copy, fs, origin);
		if (ino)
			return ino;
	}
	return 0;
}

bool layer_uuid_is_ambiguous(const struct layer_set *set, const uint8_t uuid[16])
{
	unsigned n = 0;

	for (unsigned i = 0; i < set->n_fs; i++)
		n += !memcmp(set->fs[i].uuid, uuid, sizeof(set->fs[i].uuid));
	return n > 1;
}

static uint64_t ino_of_handle(const struct copy *copy)
{
	const struct layer_set *set = copy->set;
	uint8_t value[OVL_FH_MAX];
	struct ovl_fh origin;
	ssize_t size = os_getxattr(copy->dirfd, copy->name, xattr_overlay_name(set->ns, XATTR_OVERLAY_ORIGIN), value,
				   sizeof(value));

	if (size <= 0 || ovl_fh_decode(value, (size_t)size, &origin) < 0 || (origin.flags & OVL_FH_FLAG_PATH_UPPER) ||
	    layer_uuid_is_ambiguous(set, origin.uuid))
		return 0;
	return ino_of_origin(copy, &origin);
}

static uint64_t origin_ino(const struct copy *copy)
{
	const struct layer_set *set = copy->set;
	uint64_t ino = ino_of_handle(copy);
	uint8_t value[INO_XATTR_SIZE];
	ssize_t size;

	if (ino)
		return ino;
	size = os_getxattr(copy->dirfd, copy->name, xattr_overlay_name(set->ns, XATTR_OVERLAY_PLYFS_INO), value,
			   sizeof(value));
	if (size <= 0)
		return 0;
	/* The number of a file with several links is the copy's only as long as all names lead to it. */
	if (os_getxattr(copy->dirfd, copy->name, xattr_overlay_name(set->ns, XATTR_OVERLAY_NLINK), NULL, 0) >= 0 &&
	    !(copy->may_be_indexed && is_indexed(set, copy->dirfd, copy->name)))
		return 0;
	return layer_shown_ino(set, ino_xattr_decode(value, (size_t)size));
}

uint64_t layer_origin_ino(const struct layer_set *set, const struct layer *l, int dirfd, const char *name)
{
	/* Each origin lies in a layer below, so that there can't be more steps than layers. */
	const struct copy copy = {
		.set = set, .dirfd = dirfd, .name = name, .may_be_indexed = layer_is_indexed(set, l), .steps = set->n};

	return origin_ino(&copy);
}
