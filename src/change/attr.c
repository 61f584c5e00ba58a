/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of attributes, all on a descriptor of the upper object itself (O_PATH), so that symlinks, devices and files
 * without a name are no special cases.
 *
 * I is held over a change: two of them on one object don't interleave, and what is known of the object in memory (xattr
 * flags) stays true.
 */
#include "change/change.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "format/name.h"
#include "internal.h"

#define FLAGS_PROTECTING (FS_IMMUTABLE_FL | FS_APPEND_FL)

static void known_without(struct inode *inode, unsigned xattr_flags)
{
	atomic_fetch_and_explicit(&inode->xattr_flags, (uint16_t)~xattr_flags, memory_order_relaxed);
}

static void forget_no_priv(struct inode *inode)
{
	known_without(inode, CHANGE_FLAG_NO_PRIV);
}

/* --- the parts of a SETATTR --------------------------------------------------------------------------------------- */

static int set_size(struct inode *inode, int path, off_t size, int fd)
{
	_cleanup_close_ int own = -1;

	if (inode_is_dir(inode))
		return -EISDIR;
	if (!S_ISREG(inode->type))
		return -EINVAL;
	if (fd < 0)
		fd = own = os_reopen(path, O_WRONLY);
	return fd < 0 ? fd : os_ftruncate(fd, size);
}

/* Removes the bits that a change of data by another must not leave. 1: there were some, and *ret_before is the mode
 * with them. */
static int attr_remove_priv(struct writer *writer, struct inode *inode, int path, unsigned kill, mode_t *ret_before)
{
	struct statx stx;
	mode_t mode;
	int r;

	(void)CHECK((kill & ATTR_KILL_PRIV) && change_holds_inode(writer, inode));
	if (!S_ISREG(inode->type))
		return 0;
	r = change_statx(writer, path, &stx);
	if (r < 0)
		return r;
	*ret_before = stx.stx_mode & 07777;
	mode = stx.stx_mode & 07777 & ~(mode_t)S_ISUID;
	if ((mode & S_IXGRP) || (kill & ATTR_KILL_SGID))
		mode &= ~(mode_t)S_ISGID;
	r = mode == *ret_before ? 0 : change_set_mode(writer, path, mode);
	if (r < 0)
		return r;
	/* What is left stays for members of the group, and they may not be the next to write. */
	if (!(mode & S_ISGID))
		atomic_fetch_or_explicit(&inode->xattr_flags, CHANGE_FLAG_NO_PRIV, memory_order_release);
	return mode != *ret_before;
}

static int set_owner(struct writer *writer, struct inode *inode, int path, const struct attr_change *attr)
{
	uid_t uid = attr->valid & ATTR_SET_UID ? attr->uid : (uid_t)-1;
	gid_t gid = attr->valid & ATTR_SET_GID ? attr->gid : (gid_t)-1;
	int r = change_set_owner(writer, path, uid, gid);

	(void)CHECK(attr->valid & (ATTR_SET_UID | ATTR_SET_GID));
	/* The file system took it away with the setuid bit; where owners are kept aside the kernel asks for that by
	 * itself. */
	if (r == 0 && S_ISREG(inode->type) && !layer_overrides_stat(writer->layers))
		known_without(inode, XATTR_FLAG_CAPABILITY);
	return r;
}

static int set_mode(struct writer *writer, struct inode *inode, int path, mode_t mode)
{
	if (S_ISLNK(inode->type))
		return -EOPNOTSUPP;
	forget_no_priv(inode);
	return change_set_mode(writer, path, mode);
}

static int set_times(int path, const struct attr_change *attr)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
	int r;

	if (attr->valid & ATTR_SET_ATIME)
		times[0] = attr->atime;
	if (attr->valid & ATTR_SET_MTIME)
		times[1] = attr->mtime;
	r = os_futimens(path, times);
	if (r != -EPERM || attr->times == TIMES_GIVEN)
		return r;
	if (attr->times == TIMES_OF_DATA)
		return 0;
	times[0].tv_nsec = times[1].tv_nsec = UTIME_NOW;
	return os_futimens(path, times);
}

/* As the file system would do it; what is for appending alone may be touched, but not be given a time. */
static int check_dir_flags(struct writer *writer, struct inode *inode, int path, const struct attr_change *attr)
{
	unsigned flags = change_dir_flags(writer, inode, path);
	bool given = ((attr->valid & ATTR_SET_ATIME) && attr->atime.tv_nsec != UTIME_NOW) ||
		     ((attr->valid & ATTR_SET_MTIME) && attr->mtime.tv_nsec != UTIME_NOW);

	if ((flags & FS_APPEND_FL) && !(attr->valid & (ATTR_SET_MODE | ATTR_SET_UID | ATTR_SET_GID)) && !given)
		flags &= ~(unsigned)FS_APPEND_FL;
	return flags ? -EPERM : 0;
}

/* The bits first, for with other data nobody may have them; they come back when the data can't be changed. */
static int set_bits_and_size(struct writer *writer, struct inode *inode, int path, const struct attr_change *attr,
			     int fd)
{
	mode_t before;
	int killed = attr->valid & ATTR_KILL_PRIV ? attr_remove_priv(writer, inode, path, attr->valid, &before) : 0;
	int r = killed >= 0 && (attr->valid & ATTR_SET_SIZE) ? set_size(inode, path, attr->size, fd) : 0;

	if (r < 0 && killed > 0) {
		forget_no_priv(inode);
		(void)change_set_mode(writer, path, before);
	}
	return killed < 0 ? killed : r;
}

static int set_all(struct writer *writer, struct inode *inode, int path, const struct attr_change *attr, int fd)
{
	int r = check_dir_flags(writer, inode, path, attr);

	(void)CHECK(change_holds_inode(writer, inode));
	if (r == 0)
		r = set_bits_and_size(writer, inode, path, attr, fd);
	if (r == 0 && (attr->valid & (ATTR_SET_UID | ATTR_SET_GID)))
		r = set_owner(writer, inode, path, attr);
	if (r == 0 && (attr->valid & ATTR_SET_MODE))
		r = set_mode(writer, inode, path, attr->mode);
	if (r == 0 && (attr->valid & (ATTR_SET_ATIME | ATTR_SET_MTIME)))
		r = set_times(path, attr);
	return r;
}

int attr_set(struct writer *writer, struct inode *inode, const struct attr_change *attr, int fd, struct statx *ret_stx)
{
	CHANGE_SCOPE(writer, FAULT_ATTR);
	_cleanup_close_ int path = -1;
	struct statx stx;
	int r;

	LOCK_SCOPE(inode_lock(writer->tree, inode));
	if ((attr->valid & ATTR_SET_SIZE) && inode_is_metacopy(inode))
		return -LOOK_AGAIN;
	path = change_open_upper(writer, inode, O_PATH);
	if (path < 0)
		return path;
	r = set_all(writer, inode, path, attr, fd);
	if (r == 0)
		r = change_statx(writer, path, &stx);
	if (r < 0)
		return r;
	inode_fix_statx(writer->tree, inode, &stx);
	*ret_stx = stx;
	return 0;
}

bool attr_may_have_priv(const struct inode *inode)
{
	return S_ISREG(inode->type) &&
	       !(atomic_load_explicit(&inode->xattr_flags, memory_order_acquire) & CHANGE_FLAG_NO_PRIV);
}

int attr_kill_priv(struct writer *writer, struct inode *inode, unsigned kill)
{
	if (!attr_may_have_priv(inode))
		return 0;
	CHANGE_SCOPE(writer, FAULT_ATTR);
	_cleanup_close_ int path = -1;
	mode_t before;

	LOCK_SCOPE(inode_lock(writer->tree, inode));
	path = change_open_upper(writer, inode, O_PATH);
	return path < 0 ? path : attr_remove_priv(writer, inode, path, kill, &before);
}

/* --- flags -------------------------------------------------------------------------------------------------------- */

/* Only these have flags, and only they can be opened without a side effect. */
static bool has_flags(const struct inode *inode)
{
	return S_ISREG(inode->type) || inode_is_dir(inode);
}

/* What an object was protected by before a change of its flags. */
struct protection {
	bool changed;
	unsigned flags;	   /* its own, all of them */
	unsigned protattr; /* as overlay.protattr has them */
};

/* Makes overlay.protattr say what `flags` will: the kernel reads it there. An object that is protected already must be
 * unprotected for that; its other flags stay. */
static int protection_change(struct writer *writer, int fd, unsigned flags, struct protection *before)
{
	int r;

	flags &= FLAGS_PROTECTING;
	*before = (struct protection){.protattr = change_protattr_flags(writer, fd)};
	if (before->protattr == flags)
		return 0;
	r = os_getflags(fd, &before->flags);
	if (r < 0)
		return r;
	before->changed = true;
	if (before->flags & FLAGS_PROTECTING)
		r = os_setflags(fd, before->flags & ~(unsigned)FLAGS_PROTECTING);
	return r < 0 ? r : change_set_protattr(writer, fd, flags);
}

/* Behind a change of flags that was refused. */
static void protection_restore(struct writer *writer, const struct inode *inode, int fd,
			       const struct protection *before)
{
	char shown[TREE_PATH_SHOWN];
	int r;

	if (!before->changed)
		return;
	r = change_set_protattr(writer, fd, before->protattr);
	if (r == 0 && (before->flags & FLAGS_PROTECTING))
		r = os_setflags(fd, before->flags);
	if (r < 0)
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "%s: flags that protect it could not be put back: %s",
			    tree_path(writer->tree, inode->id, NULL, shown), strerror(-r));
}

static int open_for_flags(struct writer *writer, struct inode *inode, const struct layer **ret_layer)
{
	if (!has_flags(inode))
		return -ENOTTY;
	return inode_open(writer->tree, inode, O_RDONLY, ret_layer);
}

int attr_get_flags(struct writer *writer, struct inode *inode, unsigned *ret_flags)
{
	const struct layer *layer = NULL;
	_cleanup_close_ int fd = open_for_flags(writer, inode, &layer);
	unsigned flags;
	int r = fd < 0 ? fd : os_getflags(fd, &flags);

	if (r < 0)
		return r;
	*ret_flags = flags | (layer->upper ? change_protattr_flags(writer, fd) : 0);
	return 0;
}

/* What statx(2) says isn't enough: of an image all is immutable. */
int attr_protection(struct writer *writer, struct inode *inode, unsigned *ret_flags)
{
	unsigned flags = 0;
	struct statx stx;
	int r = inode_statx(writer->tree, inode, &stx);

	if (r == 0 && has_flags(inode) &&
	    ((stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) ||
	     change_may_have(inode, XATTR_FLAG_PROTATTR)))
		r = attr_get_flags(writer, inode, &flags);
	/* A file system without them. */
	if (r == -ENOTTY || r == -EOPNOTSUPP)
		r = 0;
	if (r == 0)
		*ret_flags = flags & FLAGS_PROTECTING;
	return r;
}

static unsigned xflags_of(unsigned flags)
{
	return (flags & FS_IMMUTABLE_FL ? (unsigned)FS_XFLAG_IMMUTABLE : 0U) |
	       (flags & FS_APPEND_FL ? (unsigned)FS_XFLAG_APPEND : 0U);
}

int attr_get_fsxattr(struct writer *writer, struct inode *inode, struct fsxattr *ret)
{
	const struct layer *layer = NULL;
	_cleanup_close_ int fd = open_for_flags(writer, inode, &layer);
	struct fsxattr xa;
	int r = fd < 0 ? fd : os_fsgetxattr(fd, &xa);

	if (r < 0)
		return r;
	if (layer->upper)
		xa.fsx_xflags |= xflags_of(change_protattr_flags(writer, fd));
	*ret = xa;
	return 0;
}

/* For a change of flags: `set` sets them all through the descriptor, of which `flags` are those that the upper can't
 * carry. */
static int set_flags(struct writer *writer, struct inode *inode, unsigned flags, int (*set)(int fd, const void *arg),
		     const void *arg)
{
	struct protection before;
	_cleanup_close_ int fd = -1;
	int r;

	LOCK_SCOPE(inode_lock(writer->tree, inode));
	fd = has_flags(inode) ? change_open_upper(writer, inode, O_RDONLY) : -ENOTTY;
	if (fd < 0)
		return fd;
	r = protection_change(writer, fd, flags, &before);
	if (r == 0)
		r = set(fd, arg);
	if (r < 0)
		protection_restore(writer, inode, fd, &before);
	return r;
}

static int set_plain(int fd, const void *arg)
{
	return os_setflags(fd, *(const unsigned *)arg);
}

static int set_extended(int fd, const void *arg)
{
	return os_fssetxattr(fd, arg);
}

int attr_set_flags(struct writer *writer, struct inode *inode, unsigned flags)
{
	CHANGE_SCOPE(writer, FAULT_ATTR);
	return set_flags(writer, inode, flags, set_plain, &flags);
}

static unsigned flags_of(unsigned xflags)
{
	return (xflags & FS_XFLAG_IMMUTABLE ? (unsigned)FS_IMMUTABLE_FL : 0U) |
	       (xflags & FS_XFLAG_APPEND ? (unsigned)FS_APPEND_FL : 0U);
}

int attr_set_fsxattr(struct writer *writer, struct inode *inode, const struct fsxattr *xa)
{
	CHANGE_SCOPE(writer, FAULT_ATTR);
	return set_flags(writer, inode, flags_of(xa->fsx_xflags), set_extended, xa);
}
