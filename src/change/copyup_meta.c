/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata of a copy, in the order in which no step undoes or forbids another: data is there; the owner (a chown takes
 * setuid bits and capabilities away); private and other extended attributes, for which a daemon without
 * CAP_DAC_OVERRIDE needs the owner's write permission; ACLs and the mode (an ACL changes it, and so may the owner),
 * which may take that permission away; times last.
 *
 * What has to come along and what may be left behind where the upper can't hold it is as in the kernel's
 * fs/overlayfs/copy_up.c.
 */
#include "copyup_internal.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "format/acl.h"
#include "format/ino_xattr.h"
#include "format/name.h"
#include "format/ovl_fh.h"
#include "format/source.h"
#include "internal.h"
#include "layer/index.h"

/* Flags that are copied to the upper object itself, and those that it can't carry while it is put into place. */
#define FLAGS_COPIED (FS_SYNC_FL | FS_NOATIME_FL)
#define FLAGS_PROTECTING (FS_IMMUTABLE_FL | FS_APPEND_FL)
#define LIST_TRIES 8

static bool copyup_has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* --- extended attributes ------------------------------------------------------------------------------------------ */

static bool copyup_is_acl(const char *name)
{
	return !strcmp(name, ACL_XATTR_ACCESS) || !strcmp(name, ACL_XATTR_DEFAULT);
}

/* The layer's own business, or made anew for the new file: the label it was created with, and the kernel's signature
 * over an inode. */
static bool stays_behind(const struct copyup *c, const char *name)
{
	return layer_reserves_xattr(c->writer->layers, name) || !strcmp(name, "security.evm") ||
	       !strcmp(name, "security.selinux") || copyup_has_prefix(name, "security.SMACK64");
}

/* Whether a copy without this attribute would permit or deny something else than the original. */
static bool must_copy(const struct copyup *c, const char *name)
{
	return copyup_is_acl(name) ? c->writer->acl : copyup_has_prefix(name, "security.");
}

/* `from` is the source's name for it. */
static int copyup_copy_xattr(struct copyup *c, const char *from, const char *name, void *value)
{
	ssize_t n = os_getxattr(c->src_attrs, "", from, value, XATTR_SIZE_MAX);
	char to[XATTR_NAME_SIZE];
	int r;

	/* It went in between, or is listed by a security module that doesn't tell it. */
	if (n == -ENODATA || n == -EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;
	layer_unmap_xattr(c->layer, name, value, (size_t)n);
	r = xattr_override_encode(layer_upper(c->writer->layers)->override, name, to);
	if (r >= 0)
		r = index_setxattr(c->writer->layers, c->fd, to, value, (size_t)n, 0);
	if ((r == -EOPNOTSUPP || r == -EPERM) && !must_copy(c, name))
		return 0;
	return r;
}

/* All names; *ret_list is the caller's. Returns the length. */
static ssize_t list_xattrs(int fd, char **ret_list)
{
	for (unsigned i = 0; i < LIST_TRIES; i++) {
		_cleanup_free_ char *list = NULL;
		ssize_t n = os_listxattr(fd, "", NULL, 0);

		if (n <= 0)
			return n == -EOPNOTSUPP ? 0 : n;
		list = malloc((size_t)n);
		if (!list)
			return -ENOMEM;
		n = os_listxattr(fd, "", list, (size_t)n);
		if (n == -ERANGE)
			continue;
		if (n > 0)
			*ret_list = TAKE_PTR(list);
		return n;
	}
	return -EIO;
}

/* What an attribute of the source is called, or NULL where it is the layer's own business. ACLs say nothing where modes
 * are kept aside. */
static const char *known_as(const struct copyup *c, const char *from)
{
	const struct layer_set *set = c->writer->layers;
	const char *name;

	if (!set->override_forms)
		return from;
	name = xattr_override_decode(c->layer->override, from);
	return name && !xattr_is_override(set->override_forms, name) && !copyup_is_acl(name) ? name : NULL;
}

/* Those of the names that are ACLs, or those that are not. */
static int copy_some_xattrs(struct copyup *c, bool acls)
{
	_cleanup_free_ void *value = NULL;

	for (const char *from = c->xattrs; c->xattrs && from < c->xattrs + c->xattrs_size; from += strlen(from) + 1) {
		const char *name = known_as(c, from);
		int r;

		if (!name || copyup_is_acl(name) != acls || stays_behind(c, name))
			continue;
		if (!value)
			value = malloc(XATTR_SIZE_MAX);
		if (!value)
			return -ENOMEM;
		r = copyup_copy_xattr(c, from, name, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_xattrs(struct copyup *c)
{
	c->xattrs_size = list_xattrs(c->src_attrs, &c->xattrs);
	return (int)MIN(c->xattrs_size, 0);
}

static int copyup_copy_xattrs(struct copyup *c)
{
	return copy_some_xattrs(c, false);
}

static int copy_acls(struct copyup *c)
{
	return copy_some_xattrs(c, true);
}

/* --- flags -------------------------------------------------------------------------------------------------------- */

/* File systems without flags are none of our concern, and one that refuses SYNC or NOATIME loses nothing that
 * matters. */
static void copy_flags(struct copyup *c)
{
	unsigned from, to;

	if (c->src_read < 0 || os_getflags(c->src_read, &from) < 0 || !(from & FLAGS_COPIED))
		return;
	if (os_getflags(c->fd, &to) == 0)
		(void)os_setflags(c->fd, (to & ~(unsigned)FLAGS_COPIED) | (from & FLAGS_COPIED));
}

static int set_protattr(struct copyup *c)
{
	unsigned flags = (c->stx.stx_attributes & STATX_ATTR_APPEND ? (unsigned)FS_APPEND_FL : 0U) |
			 (c->stx.stx_attributes & STATX_ATTR_IMMUTABLE ? (unsigned)FS_IMMUTABLE_FL : 0U);

	if (!flags || c->src_read < 0)
		return 0;
	return change_set_protattr(c->writer, c->fd, flags);
}

void copyup_meta_published(struct copyup *c)
{
	unsigned add = 0, flags;

	(void)CHECK(inode_in_upper(c->inode));
	/* A directory is not protected by the file system itself: things below it have to be copied up nevertheless. */
	if (!S_ISREG(c->stx.stx_mode))
		return;
	if (c->stx.stx_attributes & STATX_ATTR_APPEND)
		add |= FS_APPEND_FL;
	if (c->stx.stx_attributes & STATX_ATTR_IMMUTABLE)
		add |= FS_IMMUTABLE_FL;
	if (add && os_getflags(c->fd, &flags) == 0)
		(void)os_setflags(c->fd, flags | add);
}

/* --- where it comes from ------------------------------------------------------------------------------------------ */

/* Without an index copying breaks the association of a file that has other links in its layer: they can't all have the
 * same number. */
static bool keeps_ino(const struct copyup *c)
{
	return S_ISDIR(c->stx.stx_mode) || c->stx.stx_nlink == 1 || c->index_name[0];
}

/* An attribute that is a help and no need: user.* can't be set on symlinks, and nothing where there are no attributes.
 * Returns 1 when it was set. */
static int set_private_xattr(struct copyup *c, enum xattr_overlay which, const void *value, size_t size)
{
	int r = os_setxattr(c->fd, "", xattr_overlay_name(c->writer->layers->ns, which), value, size, 0);

	if (r == -EPERM || r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? r : 1;
}

/* st_ino itself, where no handle leads back to it. */
static int set_ino_xattr(struct copyup *c)
{
	uint8_t value[INO_XATTR_SIZE];

	ino_xattr_encode(layer_lasting_ino(c->writer->layers, inode_ino(c->inode)), value);
	return set_private_xattr(c, XATTR_OVERLAY_PLYFS_INO, value, sizeof(value));
}

/* Whether its handle goes on leading to the lower object. One of a file system without uuid (squashfs) leads nowhere as
 * soon as a second such one is among the layers. */
static bool handle_lasts(const struct copyup *c)
{
	const struct layer_set *set = c->writer->layers;
	const struct layer_fs *fs = &set->fs[c->layer->fs];

	return fs->has_uuid && !layer_uuid_is_ambiguous(set, fs->uuid);
}

/* An origin without a handle says "copied up from somewhere". */
static int set_origin(struct copyup *c)
{
	struct layer_set *set = c->writer->layers;
	uint8_t value[OVL_FH_MAX];
	struct ovl_fh origin;
	bool opens;
	ssize_t n;
	int r;

	if (!set->has_upper_xattr || !keeps_ino(c))
		return 0;
	n = layer_make_origin(set, c->layer, c->src, value, sizeof(value));
	opens = n > 0;
	if (c->index_name[0]) {
		r = ovl_fh_from_index_name(c->index_name, &origin);
		if (r < 0)
			return r;
		n = (ssize_t)ovl_fh_encode(&origin, value);
	}
	r = set_private_xattr(c, XATTR_OVERLAY_ORIGIN, value, n > 0 ? (size_t)n : 0);
	/* An entry of the index without it would be taken for another's. */
	if (r == 0 && c->index_name[0])
		return -EIO;
	if (r > 0 && (!opens || !handle_lasts(c)))
		r = set_ino_xattr(c);
	c->persistent_ino = r > 0;
	return r < 0 ? r : 0;
}

/* Where the index finds its origin when the layers were copied elsewhere. A help: it goes without where the file system
 * has no room. */
static int set_source(struct copyup *c)
{
	_cleanup_free_ char *path = NULL;
	uint8_t value[SOURCE_MAX];
	struct source source = {
		.layers = c->writer->layers->n - 1,
		.nlink = c->stx.stx_nlink,
		.size = c->stx.stx_size,
		.mtime = c->stx.stx_mtime.tv_sec,
	};
	int r;

	if (!c->index_name[0])
		return 0;
	r = inode_lower_path(c->writer->tree, c->inode, &source.layer, &path);
	if (r < 0 || source.layer != c->layer->index || strlen(path) > SOURCE_PATH_MAX)
		return r == -ENOMEM ? r : 0;
	strcpy(source.path, path);
	r = set_private_xattr(c, XATTR_OVERLAY_PLYFS_SOURCE, value, source_encode(&source, value));
	return r == -ENOSPC || r == -ERANGE || r == -E2BIG ? 0 : MIN(r, 0);
}

/* The copy has no data: a size, and the xattr that says so. */
static int set_metacopy(struct copyup *c)
{
	const char *name = xattr_overlay_name(c->writer->layers->ns, XATTR_OVERLAY_METACOPY);
	int r;

	(void)CHECK(!c->meta_only || c->how == COPYUP_META);
	if (!c->meta_only)
		return 0;
	r = os_ftruncate(c->fd, (off_t)c->stx.stx_size);
	return r < 0 ? r : os_setxattr(c->fd, "", name, "", 0, 0);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int copy_owner(struct copyup *c)
{
	const struct change_new_attrs id = {
		.uid = c->stx.stx_uid,
		.gid = c->stx.stx_gid,
		.mode = c->stx.stx_mode,
		.rdev = makedev(c->stx.stx_rdev_major, c->stx.stx_rdev_minor),
	};
	int r;

	/* The mode with it, which then takes no permission away. */
	if (layer_overrides_stat(c->writer->layers))
		return change_set_new_attrs(c->writer, c->fd, &id);
	r = change_set_owner(c->writer, c->fd, id.uid, id.gid);

	/* An owner that this user namespace has no number for. */
	return r == -EINVAL ? -EOVERFLOW : r;
}

static int copy_mode(struct copyup *c)
{
	if (S_ISLNK(c->stx.stx_mode) || layer_overrides_stat(c->writer->layers))
		return 0;
	return os_fchmod(c->fd, c->stx.stx_mode & 07777);
}

static int copy_times(struct copyup *c)
{
	struct timespec times[2];

	change_times_of(&c->stx, times);
	return os_futimens(c->fd, times);
}

int copyup_meta(struct copyup *c)
{
	int (*const steps[])(struct copyup *) = {
		copy_owner,	    set_protattr, set_origin, set_metacopy, find_xattrs,
		copyup_copy_xattrs, set_source,	  copy_acls,  copy_mode,    copy_times,
	};
	int r = 0;

	(void)CHECK(c->fd >= 0 && c->src_attrs >= 0);
	copy_flags(c);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](c);
	return r;
}
