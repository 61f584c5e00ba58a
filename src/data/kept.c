/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change of data must leave as it was.
 *
 * Data that the kernel held back, of a mapping or with its write-back cache, was changed before it is written here. So
 * writing it changes neither a modification time that was set since nor setuid, setgid and capabilities, which a
 * write(2) takes away and a store doesn't.
 *
 * Without the write-back cache nobody says when a page was stored to. A time that is set is taken to be the younger of
 * the two for as long as the kernel leaves a page unwritten, if it may have had one at all; and once some have come,
 * for as long as it takes the others to follow. FSYNC comes behind them all.
 *
 * With it the kernel says what a file's modification time is, by a SETATTR, which may come before the data it speaks
 * of, and doesn't come at all for data that was written within the same tick of the kernel's clock as the file was made
 * in. So no change of data changes it.
 *
 * The inode's lock keeps a SETATTR from coming in between.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/macros.h"
#include "format/capability.h"
#include "os/fs.h"
#include "os/task.h"

/* vm.dirty_expire_centisecs and vm.dirty_writeback_centisecs as they are unless somebody changed them. */
#define UNWRITTEN_MS 35000
#define FOLLOWS_MS 3000

/* --- times that were set ------------------------------------------------------------------------------------------ */

void pages_known(struct inode *inode)
{
	if (!(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_PAGES))
		atomic_fetch_or_explicit(&inode->flags, INODE_PAGES, memory_order_relaxed);
}

void data_time_set(struct data *data, struct inode *inode)
{
	struct set_time *t;

	if (!(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_PAGES))
		return;
	LOCK_SCOPE(&data->lock);
	t = &data->set_times[data->next_set_time++ % SET_TIMES];
	*t = (struct set_time){.id = inode->id, .until = os_now_ms() + UNWRITTEN_MS};
	atomic_fetch_or_explicit(&inode->flags, INODE_TIME_SET, memory_order_relaxed);
}

void data_time_moved(struct inode *inode)
{
	if (atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_TIME_SET)
		atomic_fetch_and_explicit(&inode->flags, (uint16_t)~INODE_TIME_SET, memory_order_relaxed);
}

/* The youngest, if it isn't forgotten. */
static struct set_time *set_time_of_locked(struct data *data, const struct inode *inode)
{
	(void)CHECK(lock_held(&data->lock));
	for (unsigned i = 1; i <= SET_TIMES; i++) {
		struct set_time *t = &data->set_times[(data->next_set_time - i) % SET_TIMES];

		if (t->id == inode->id)
			return t;
	}
	return NULL;
}

/* Whether data that comes now may be older than the time that was set. */
static bool time_is_younger(struct data *data, struct inode *inode)
{
	uint64_t now = os_now_ms();
	struct set_time *t;

	if (!(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_TIME_SET))
		return false;
	LOCK_SCOPE(&data->lock);
	t = set_time_of_locked(data, inode);
	if (!t || t->until < now) {
		data_time_moved(inode);
		return false;
	}
	t->until = MIN(t->until, now + FOLLOWS_MS);
	return true;
}

/* --- a change ----------------------------------------------------------------------------------------------------- */

static void keep_privileges(const struct inode *inode, int fd, const struct statx *stx, struct kept *kept)
{
	if (stx->stx_mode & (S_ISUID | S_ISGID))
		kept->mode = stx->stx_mode & 07777;
	if (!inode_xattr_flags_known(inode) ||
	    (atomic_load_explicit(&inode->xattr_flags, memory_order_acquire) & XATTR_FLAG_CAPABILITY))
		kept->capability_size =
			os_getxattr(fd, "", CAPABILITY_XATTR, kept->capability, sizeof(kept->capability));
}

void kept_start(struct data *data, struct inode *inode, int fd, bool held_back, struct kept *ret)
{
	bool all = atomic_load_explicit(&data->keeps_mtime, memory_order_relaxed);
	struct statx stx;

	*ret = (struct kept){0};
	if (!held_back)
		data_time_moved(inode);
	if (!all && !held_back)
		return;
	ret->lock = inode_lock(data->tree, inode);
	lock_take(ret->lock);
	if (os_statx(fd, "", &stx) < 0)
		return;
	ret->mtime = (struct timespec){.tv_sec = stx.stx_mtime.tv_sec, .tv_nsec = stx.stx_mtime.tv_nsec};
	ret->time = all || time_is_younger(data, inode);
	if (held_back)
		keep_privileges(inode, fd, &stx, ret);
}

/* Where a time can't be put back (an append-only file) no SETATTR can set it either. */
void kept_end(struct kept *kept, int fd)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, kept->mtime};
	struct statx stx;

	if (!kept->lock)
		return;
	if (kept->capability_size > 0)
		(void)os_setxattr(fd, "", CAPABILITY_XATTR, kept->capability, (size_t)kept->capability_size, 0);
	if (kept->mode && os_statx(fd, "", &stx) == 0 && (stx.stx_mode & 07777) != kept->mode)
		(void)os_fchmod(fd, kept->mode);
	if (kept->time)
		(void)os_futimens(fd, times);
	(void)CHECK(lock_held(kept->lock));
	lock_drop(kept->lock);
}
