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
 * CAP_FSETID. So each piece of the data is a change of its own: it passes the gate, holds I, and puts all that back.
 * Between two pieces the object is what it was, whoever freezes changes or looks at its times.
 *
 * A copy that nobody wants any more ends after its piece, or after the thaw. The next one waits for that: they would
 * write into the same object.
 */
#include "copyup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "format/name.h"
#include "internal.h"
#include "os/task.h"

#define XATTR_CAPABILITY "security.capability"
#define CAPABILITY_MAX 64

/* What writing changes besides the data. */
struct late_attrs {
	struct statx stx;
	struct timespec times[2];
	char capability[CAPABILITY_MAX];
	ssize_t capability_size; /* 0: none */
};

/* I is held. */
static int attrs_save_locked(struct copyup *c, struct late_attrs *a)
{
	int r = os_statx(c->fd, "", &a->stx);

	(void)CHECK(change_holds_inode(c->writer, c->inode));
	if (r < 0)
		return r;
	change_times_of(&a->stx, a->times);
	a->capability_size = os_getxattr(c->fd, "", XATTR_CAPABILITY, a->capability, sizeof(a->capability));
	if (a->capability_size == -ENODATA || a->capability_size == -EOPNOTSUPP)
		a->capability_size = 0;
	return a->capability_size < 0 ? (int)a->capability_size : 0;
}

/* I is held. */
static int attrs_restore_locked(struct copyup *c, const struct late_attrs *a)
{
	struct statx now;
	int r = 0;

	(void)CHECK(change_holds_inode(c->writer, c->inode));
	if (a->capability_size)
		r = os_setxattr(c->fd, "", XATTR_CAPABILITY, a->capability, (size_t)a->capability_size, 0);
	if (r == 0)
		r = os_statx(c->fd, "", &now);
	if (r == 0 && now.stx_mode != a->stx.stx_mode)
		r = os_fchmod(c->fd, a->stx.stx_mode & 07777);
	return r == 0 ? os_futimens(c->fd, a->times) : r;
}

static void leave_piece(struct copyup *c)
{
	lock_drop(inode_lock(c->writer->tree, c->inode));
	rwlock_drop(&c->writer->gate);
}

static int late_begin_piece(struct copyup *c)
{
	int r;

	/* Pieces follow each other closely: whoever freezes would hardly find the gate between two of them. */
	while (atomic_load(&c->writer->freezes))
		os_sleep_us(CHANGE_FREEZE_LOOK_US);
	rwlock_read(&c->writer->gate);
	lock_take(inode_lock(c->writer->tree, c->inode));
	r = attrs_save_locked(c, c->piece);
	if (r < 0)
		leave_piece(c);
	return r;
}

/* A write that failed has changed them, too. */
static int late_end_piece(struct copyup *c, int r)
{
	int restored = attrs_restore_locked(c, c->piece);

	leave_piece(c);
	return r < 0 ? r : (restored < 0 ? restored : r);
}

static int punch(struct copyup *c)
{
	int r = late_begin_piece(c);

	if (r < 0)
		return r;
	r = os_fallocate(c->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)c->stx.stx_size);
	return late_end_piece(c, r);
}

/* Whatever lies in the object would show in the holes of the data. */
static int late_clear(struct copyup *c)
{
	return c->stx.stx_size && c->stx.stx_blocks ? punch(c) : 0;
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

/* Whether the object certainly shows none of its data. */
static bool late_is_hidden(const struct copyup *c)
{
	const char *xattr = xattr_overlay_name(c->writer->layers->ns, XATTR_OVERLAY_METACOPY);

	return os_getxattr(c->fd, "", xattr, NULL, 0) >= 0;
}

/* Gives back the room that half a copy takes. */
static void late_abandon(struct copyup *c)
{
	if (c->stx.stx_size && late_is_hidden(c))
		(void)punch(c);
}

/* An upper of another file system may have taken the xattr away, and answer an error nevertheless. */
static int take_xattr_away(struct copyup *c, const char *xattr)
{
	int r = os_removexattr(c->fd, "", xattr);

	return r < 0 && os_getxattr(c->fd, "", xattr, NULL, 0) == -ENODATA ? 0 : r;
}

static void undo_truncate_locked(struct copyup *c, const struct late_attrs *a)
{
	(void)CHECK(change_holds_inode(c->writer, c->inode));
	(void)os_ftruncate(c->fd, (off_t)a->stx.stx_size);
	(void)attrs_restore_locked(c, a);
}

static int late_commit(struct copyup *c)
{
	struct rwlock *gate __attribute__((cleanup(change_end), unused)) = change_start(c->writer);
	const char *xattr = xattr_overlay_name(c->writer->layers->ns, XATTR_OVERLAY_METACOPY);
	bool truncates = c->how == COPYUP_NO_DATA;
	struct late_attrs attrs;
	int r = 0;

	LOCK_SCOPE(inode_lock(c->writer->tree, c->inode));
	if (!copyup_task_commit(c->task))
		return -EINTR;
	if (truncates)
		r = attrs_save_locked(c, &attrs);
	if (r == 0 && truncates)
		r = os_ftruncate(c->fd, 0);
	if (r < 0)
		return r;
	r = take_xattr_away(c, xattr);
	if (r == 0) {
		inode_publish_data(c->writer->tree, c->inode);
		return 0;
	}
	if (truncates)
		undo_truncate_locked(c, &attrs);
	return r;
}

static int late_steps(struct copyup *c)
{
	struct late_attrs attrs;
	int r = os_statx(c->fd, "", &c->stx);

	(void)CHECK(inode_in_upper(c->inode) && !c->meta_only);
	if (r < 0)
		return r;
	c->begin_piece = late_begin_piece;
	c->end_piece = late_end_piece;
	c->piece = &attrs;
	if (c->how != COPYUP_NO_DATA)
		r = late_copy(c);
	if (r == 0)
		r = late_commit(c);
	if (r < 0)
		late_abandon(c);
	return r;
}

int copyup_late(struct copyup *c)
{
	const struct layer *layer;

	if (!copyup_task_begin_late(c->task))
		return -MUST_WAIT;
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
