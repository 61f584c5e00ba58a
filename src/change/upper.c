/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all kinds of change do to objects of the upper: opening a directory, its times, its default ACL, private
 * attributes.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/acl.h"
#include "format/name.h"
#include "os/fs.h"
#include "tree/listing.h"

/* --- upper directories -------------------------------------------------------------------------------------------- */

int change_dirfd_open(struct writer *writer, struct inode *dir, struct change_dirfd *d)
{
	int r;

	(void)CHECK(!d->tree && inode_is_dir(dir));
	if (!inode_in_upper(dir))
		return -LOOK_AGAIN;
	r = dirfd_get_upper(writer->tree, dir, &d->dirfd);
	if (r < 0)
		return r;
	d->tree = writer->tree;
	return 0;
}

void change_dirfd_finish(struct change_dirfd *d)
{
	if (d->tree)
		dirfd_put(d->tree, &d->dirfd);
	d->tree = NULL;
}

int change_open_upper(struct writer *writer, struct inode *inode, int flags)
{
	const struct layer *layer;
	int fd;

	/* Once it is in the upper it stays there, so this look suffices. */
	if (!inode_in_upper(inode))
		return -LOOK_AGAIN;
	fd = inode_open(writer->tree, inode, flags, &layer);
	if (fd >= 0 && !CHECK(layer->upper)) {
		os_close(fd);
		return -EIO;
	}
	return fd;
}

int change_set_impure(struct writer *writer, struct inode *dir, int dirfd)
{
	const char *name = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_IMPURE);
	int r;

	(void)CHECK(dirfd >= 0 && change_holds_dir(dir));
	if (atomic_load_explicit(&dir->dir->impure_set, memory_order_relaxed))
		return 0;
	if (writer->layers->has_upper_xattr) {
		r = os_setxattr(dirfd, "", name, "y", 1, 0);
		if (r < 0 && r != -EOPNOTSUPP)
			return r;
		change_tell(writer, dir);
	}
	atomic_store_explicit(&dir->dir->impure_set, true, memory_order_relaxed);
	return 0;
}

void change_times_of(const struct statx *stx, struct timespec ret[2])
{
	ret[0] = (struct timespec){.tv_sec = stx->stx_atime.tv_sec, .tv_nsec = stx->stx_atime.tv_nsec};
	ret[1] = (struct timespec){.tv_sec = stx->stx_mtime.tv_sec, .tv_nsec = stx->stx_mtime.tv_nsec};
}

void change_found_empty(struct writer *writer, struct inode *dir)
{
	const char *name = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_IMPURE);
	_cleanup_dirfd_ struct change_dirfd d = CHANGE_DIRFD_INIT;
	int r;

	if (!atomic_load_explicit(&dir->dir->impure_set, memory_order_relaxed) || dir->dir->n_lower ||
	    !writer->layers->has_upper || !writer->layers->has_upper_xattr)
		return;
	/* It can be done another time, and a reader doesn't wait for who has frozen all changes. */
	if (!rwlock_try_read(&writer->gate))
		return;
	FAULT_SCOPE(FAULT_XATTR);
	struct rwlock *gate __attribute__((cleanup(change_end), unused)) = &writer->gate;

	LOCK_SCOPE(&dir->dir->lock);
	if (inode_is_unlinked(dir) || listing_is_empty_locked(writer->tree, dir) <= 0)
		return;
	if (change_dirfd_open(writer, dir, &d) < 0)
		return;
	r = os_removexattr(d.dirfd.fd, "", name);
	if (r == 0 || r == -ENODATA)
		atomic_store_explicit(&dir->dir->impure_set, false, memory_order_relaxed);
}

void change_times_save(int dirfd, struct change_times *ret)
{
	struct statx stx;

	ret->valid = os_statx(dirfd, "", &stx) == 0;
	if (!ret->valid)
		return;
	change_times_of(&stx, ret->ts);
}

void change_published(struct writer *writer, struct inode *dir, int dirfd, const struct change_times *times)
{
	if (times->valid)
		(void)os_futimens(dirfd, times->ts);
	change_tell(writer, dir);
}

void change_tell(struct writer *writer, struct inode *inode)
{
	if (writer->on_changed)
		writer->on_changed(inode, writer->arg);
}

void change_doubt(struct writer *writer, struct inode *dir, const char *name)
{
	(void)CHECK(change_holds_dir(dir));
	listing_drop(writer->tree, dir);
	if (writer->on_doubt)
		writer->on_doubt(dir, name, writer->arg);
}

/* --- ACLs --------------------------------------------------------------------------------------------------------- */

ssize_t change_default_acl(struct writer *writer, struct inode *dir, int dirfd, void **ret_acl)
{
	_cleanup_free_ void *acl = NULL;
	ssize_t n;

	(void)CHECK(dirfd >= 0 && change_holds_dir(dir));
	*ret_acl = NULL;
	if (!writer->acl || atomic_load_explicit(&dir->dir->default_acl, memory_order_relaxed) == DIR_ACL_NONE)
		return 0;
	n = os_getxattr(dirfd, "", ACL_XATTR_DEFAULT, NULL, 0);
	if (n == -ENODATA || n == -EOPNOTSUPP || n == 0) {
		atomic_store_explicit(&dir->dir->default_acl, DIR_ACL_NONE, memory_order_relaxed);
		return 0;
	}
	if (n < 0)
		return n;
	acl = malloc((size_t)n);
	if (!acl)
		return -ENOMEM;
	/* D keeps plyfs itself from changing it in between. */
	n = os_getxattr(dirfd, "", ACL_XATTR_DEFAULT, acl, (size_t)n);
	if (n <= 0)
		return n == 0 || n == -ENODATA ? 0 : n;
	atomic_store_explicit(&dir->dir->default_acl, DIR_ACL_PRESENT, memory_order_relaxed);
	*ret_acl = TAKE_PTR(acl);
	return n;
}

int change_set_acl(int fd, const char *which, const void *acl, size_t size)
{
	return os_setxattr(fd, "", which, acl, size, 0);
}

/* --- the work directory ------------------------------------------------------------------------------------------- */

void change_drop_temp(struct writer *writer, const char *name, bool dir)
{
	int r = os_unlinkat(writer->layers->work_fd, name, dir ? AT_REMOVEDIR : 0);

	if (r < 0 && r != -ENOENT)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING, "work directory: can't remove %s: %s", name, strerror(-r));
}

/* --- xattr flags -------------------------------------------------------------------------------------------------- */

int change_xattr_flags_locked(struct writer *writer, struct inode *inode, unsigned *ret_flags)
{
	_cleanup_close_ int fd = -1;
	const struct layer *layer;
	unsigned xattr_flags;
	int r;

	(void)CHECK(change_holds_inode(writer, inode));
	if (inode_xattr_flags_known(inode)) {
		*ret_flags = atomic_load_explicit(&inode->xattr_flags, memory_order_relaxed);
		return 0;
	}
	fd = inode_open(writer->tree, inode, O_PATH, &layer);
	if (fd < 0)
		return fd;
	r = layer_read_xattr_flags(writer->layers, layer, fd, "", &xattr_flags);
	if (r < 0)
		return r;
	atomic_store_explicit(&inode->xattr_flags, (uint16_t)xattr_flags, memory_order_relaxed);
	atomic_fetch_or_explicit(&inode->flags, INODE_XATTR_FLAGS_KNOWN, memory_order_release);
	*ret_flags = xattr_flags;
	return 0;
}

int change_set_protattr(struct writer *writer, int fd, unsigned flags)
{
	const char *name = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_PROTATTR);
	char value[2];
	size_t n = 0;
	int r;

	if (flags & FS_APPEND_FL)
		value[n++] = 'a';
	if (flags & FS_IMMUTABLE_FL)
		value[n++] = 'i';
	r = n ? os_setxattr(fd, "", name, value, n, 0) : os_removexattr(fd, "", name);
	return r == -EOPNOTSUPP || r == -ENODATA ? 0 : r;
}

unsigned change_protattr_flags(struct writer *writer, int fd)
{
	const char *name = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_PROTATTR);
	char value[8];
	ssize_t n = os_getxattr(fd, "", name, value, sizeof(value));
	unsigned flags = 0;

	if (n > 0 && memchr(value, 'i', (size_t)n))
		flags |= FS_IMMUTABLE_FL;
	if (n > 0 && memchr(value, 'a', (size_t)n))
		flags |= FS_APPEND_FL;
	return flags;
}

unsigned change_dir_flags(struct writer *writer, struct inode *inode, int fd)
{
	return inode_is_dir(inode) && change_may_have(inode, XATTR_FLAG_PROTATTR) ? change_protattr_flags(writer, fd)
										  : 0;
}

int change_check_names(struct writer *writer, struct inode *dir, bool removes)
{
	_cleanup_dirfd_ struct change_dirfd d = CHANGE_DIRFD_INIT;
	unsigned refusing = FS_IMMUTABLE_FL | (removes ? (unsigned)FS_APPEND_FL : 0U);
	int r;

	if (!change_may_have(dir, XATTR_FLAG_PROTATTR))
		return 0;
	r = change_dirfd_open(writer, dir, &d);
	if (r < 0)
		return r;
	return change_protattr_flags(writer, d.dirfd.fd) & refusing ? -EPERM : 0;
}
