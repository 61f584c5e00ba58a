/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of a file that was copied up without it, at the first change of its data.
 *
 * It is copied into the upper object itself, which shows none of it as long as it has the metacopy xattr, and is
 * synced. Taking the xattr away is the commit: before it a crash leaves the old file, after it the new one. So it is
 * for a truncation to nothing, which copies nothing: the object is truncated first, and an empty file with an xattr is
 * an empty file.
 *
 * Copying counts as writing: it changes the times and takes capabilities away, and setuid bits where the daemon lacks
 * CAP_FSETID. They are put back, unless somebody changed attributes meanwhile, who then has the last word.
 */
#include "copyup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "format/name.h"
#include "internal.h"

#define XATTR_CAPABILITY "security.capability"
#define CAPABILITY_MAX 64

/* What writing changes besides the data. */
struct late_attrs {
	struct statx stx;
	struct timespec times[2];
	char capability[CAPABILITY_MAX];
	ssize_t capability_size; /* 0: none */
};

static int attrs_save(struct copyup *c, struct late_attrs *a)
{
	int r;

	LOCK_SCOPE(inode_lock(c->writer->tree, c->inode));
	r = os_statx(c->fd, "", &a->stx);
	if (r < 0)
		return r;
	change_times_of(&a->stx, a->times);
	a->capability_size = os_getxattr(c->fd, "", XATTR_CAPABILITY, a->capability, sizeof(a->capability));
	if (a->capability_size == -ENODATA || a->capability_size == -EOPNOTSUPP)
		a->capability_size = 0;
	atomic_fetch_and_explicit(&c->inode->xattr_flags, ~CHANGE_FLAG_TOUCHED, memory_order_relaxed);
	return a->capability_size < 0 ? (int)a->capability_size : 0;
}

/* I is held. */
static int attrs_restore_locked(struct copyup *c, const struct late_attrs *a)
{
	struct statx now;
	int r = 0;

	(void)CHECK(change_holds_inode(c->writer, c->inode));
	if (atomic_load_explicit(&c->inode->xattr_flags, memory_order_relaxed) & CHANGE_FLAG_TOUCHED)
		return 0;
	if (a->capability_size)
		r = os_setxattr(c->fd, "", XATTR_CAPABILITY, a->capability, (size_t)a->capability_size, 0);
	if (r == 0)
		r = os_statx(c->fd, "", &now);
	if (r == 0 && now.stx_mode != a->stx.stx_mode)
		r = os_fchmod(c->fd, a->stx.stx_mode & 07777);
	return r == 0 ? os_futimens(c->fd, a->times) : r;
}

/* Whatever lies in the object would show in the holes of the data. */
static int late_clear(struct copyup *c)
{
	if (!c->stx.stx_size || !c->stx.stx_blocks)
		return 0;
	return os_fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)c->stx.stx_size);
}

static int late_copy(struct copyup *c)
{
	int r = late_clear(c);

	(void)CHECK(c->src_read >= 0 && c->fd >= 0);
	/* Zeros are written where nothing can be taken away. */
	c->fill_holes = r < 0;
	r = copyup_data(c);
	if (r == 0 && c->writer->sync)
		r = os_fsync(c->fd);
	return r;
}

/* Gives back the room that half a copy takes. */
static void late_abandon(struct copyup *c, const struct late_attrs *a)
{
	struct lock *lock = inode_lock(c->writer->tree, c->inode);

	if (c->stx.stx_size)
		(void)os_fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)c->stx.stx_size);
	lock_take(lock);
	(void)attrs_restore_locked(c, a);
	lock_drop(lock);
}

static int late_commit(struct copyup *c, const struct late_attrs *a)
{
	struct rwlock *gate __attribute__((cleanup(change_end), unused)) = change_start(c->writer);
	const char *xattr = xattr_overlay_name(c->writer->layers->ns, XATTR_OVERLAY_METACOPY);
	int r;

	LOCK_SCOPE(inode_lock(c->writer->tree, c->inode));
	if (!copyup_task_commit(c->task))
		return -EINTR;
	if (c->how == COPYUP_NO_DATA)
		r = os_ftruncate(c->fd, 0);
	else
		r = attrs_restore_locked(c, a);
	if (r == 0)
		r = os_removexattr(c->fd, "", xattr);
	if (r == 0 || r == -ENODATA) {
		inode_publish_data(c->writer->tree, c->inode);
		return 0;
	}
	if (c->how == COPYUP_NO_DATA)
		(void)os_ftruncate(c->fd, (off_t)a->stx.stx_size);
	return r;
}

static int late_steps(struct copyup *c)
{
	struct late_attrs attrs = {0};
	int r = attrs_save(c, &attrs);

	(void)CHECK(inode_in_upper(c->inode) && !c->meta_only);
	if (r < 0)
		return r;
	c->stx = attrs.stx;
	if (c->how != COPYUP_NO_DATA)
		r = late_copy(c);
	if (r == 0)
		r = late_commit(c, &attrs);
	if (r < 0)
		late_abandon(c, &attrs);
	return r;
}

int copyup_late(struct copyup *c)
{
	const struct layer *layer;

	if (c->how != COPYUP_NO_DATA) {
		c->src_read = copyup_open_data(c);
		if (c->src_read < 0)
			return c->src_read;
	}
	c->fd = inode_open(c->writer->tree, c->inode, O_WRONLY, &layer);
	if (c->fd < 0)
		return c->fd;
	return CHECK(layer->upper) ? late_steps(c) : -EIO;
}
