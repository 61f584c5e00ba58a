/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whiteouts and temp names. All whiteouts of a union are links to one inode, as kernel overlayfs makes them: a link
 * costs no inode and no block. When it has all the links that the file system permits, the next whiteout becomes the
 * shared one.
 *
 * The shared whiteout is known by its number alone; threads that see an old number find its name gone and look again,
 * so no lock is held over a system call.
 */
#include "layer/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/fs.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "internal.h"
#include "os/fs.h"
#include "os/task.h"

#define LINK_TRIES 4

_Static_assert(WORK_NAME_MAX >= TEMP_NAME_SIZE, "a temp name fits");

struct layer_work {
	_Atomic uint64_t next;	 /* a number of the next temp name */
	_Atomic uint64_t shared; /* a number of the shared whiteout's name, 0 without one */
};

int work_new(struct layer_work **ret_work)
{
	struct layer_work *work = calloc(1, sizeof(*work));

	if (!work)
		return -ENOMEM;
	/* The directory was emptied, so any start will do; a different one each time shows whose leftover it is. Bit 62
	 * keeps them apart from the names that removing a tree uses. */
	atomic_init(&work->next, UINT64_C(1) << 62 | (os_now_ms() & UINT32_MAX) << 24);
	*ret_work = work;
	return 0;
}

void work_free(struct layer_work *work)
{
	free(work);
}

static uint64_t next_number(struct layer_set *set)
{
	(void)CHECK(set->has_upper && set->work_fd >= 0);
	return atomic_fetch_add_explicit(&set->work->next, 1, memory_order_relaxed);
}

void work_temp_name(struct layer_set *set, char ret_name[WORK_NAME_MAX])
{
	char name[TEMP_NAME_SIZE];

	temp_name_make(next_number(set), name);
	memcpy(ret_name, name, sizeof(name));
}

void work_orphan_name(uint64_t id, char ret_name[WORK_NAME_MAX])
{
	char name[TEMP_NAME_SIZE];

	/* Bit 63 belongs to them alone. An id that has it itself comes to be after 2^31 uses of one slot; two such
	 * names at a time are told by EEXIST. */
	temp_name_make(id | UINT64_C(1) << 63, name);
	memcpy(ret_name, name, sizeof(name));
}

/* --- making whiteouts --------------------------------------------------------------------------------------------- */

/* An empty file with the xattr, made under a temp name: without the xattr it would be a file that hides the lower
 * one. */
static int create_xattr_whiteout(struct layer_set *set, int dirfd, const char *name)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_WHITEOUT);
	char temp[WORK_NAME_MAX];
	int fd, r;

	(void)CHECK(set->whiteout_form == WHITEOUT_XATTR);
	work_temp_name(set, temp);
	fd = os_openat(set->work_fd, temp, O_CREAT | O_EXCL | O_WRONLY, 0600, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	r = os_setxattr(fd, "", xattr, "y", 1, 0);
	os_close(fd);
	if (!r)
		r = work_publish(set, temp, dirfd, name);
	if (r < 0)
		os_unlinkat(set->work_fd, temp, 0);
	return r;
}

/* A whiteout of the set's form that shares its inode with no other. */
static int create_whiteout(struct layer_set *set, int dirfd, const char *name)
{
	(void)CHECK(set->whiteout_form != WHITEOUT_AUFS);
	if (set->whiteout_form == WHITEOUT_XATTR)
		return create_xattr_whiteout(set, dirfd, name);
	return os_mknodat(dirfd, name, S_IFCHR | 0, makedev(0, 0));
}

/* Makes a new shared whiteout in the place of `old`; loses quietly against another thread that does the same. */
static int renew_shared(struct layer_set *set, uint64_t old)
{
	char name[TEMP_NAME_SIZE];
	uint64_t number = next_number(set), expected = old;
	int r;

	(void)CHECK(number != old);
	temp_name_make(number, name);
	r = create_whiteout(set, set->work_fd, name);
	if (r < 0)
		return r;
	if (!atomic_compare_exchange_strong(&set->work->shared, &expected, number))
		return os_unlinkat(set->work_fd, name, 0);
	if (old) {
		temp_name_make(old, name);
		os_unlinkat(set->work_fd, name, 0);
	}
	return 0;
}

static int link_shared(struct layer_set *set, uint64_t shared, int dirfd, const char *name)
{
	char source[TEMP_NAME_SIZE];

	temp_name_make(shared, source);
	return os_linkat(set->work_fd, source, dirfd, name);
}

static int make_whiteout(struct layer_set *set, int dirfd, const char *name)
{
	for (int i = 0; i < LINK_TRIES; i++) {
		uint64_t shared = atomic_load(&set->work->shared);
		int r = shared ? link_shared(set, shared, dirfd, name) : -ENOENT;

		if (!r || r == -EEXIST || r == -EROFS || r == -ENOSPC || r == -EDQUOT)
			return r;
		/* ENOENT: not made yet, renewed meanwhile, or the directory itself has gone: then linking fails
		 * again. */
		if (r != -ENOENT && r != -EMLINK)
			break;
		if (atomic_load(&set->work->shared) == shared && renew_shared(set, shared) < 0)
			break;
	}
	return create_whiteout(set, dirfd, name);
}

/* The value of overlay.opaque: 'x', 'y', or 0 without one that means anything. */
static int work_read_opaque(const struct layer_set *set, int dirfd)
{
	char value[2];
	ssize_t size = os_getxattr(dirfd, "", xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE), value, sizeof(value));

	if (size < 0 && size != -ENODATA && size != -ERANGE)
		return (int)size;
	return size == 1 && (value[0] == 'x' || value[0] == 'y') ? value[0] : 0;
}

int work_takes_whiteouts(const struct layer_set *set, int dirfd)
{
	int opaque = set->whiteout_form == WHITEOUT_XATTR ? work_read_opaque(set, dirfd) : 0;

	return opaque < 0 ? opaque : opaque != 'y';
}

int work_prepare_whiteouts(struct layer_set *set, int dirfd)
{
	int opaque;

	if (set->whiteout_form != WHITEOUT_XATTR)
		return 0;
	opaque = work_read_opaque(set, dirfd);
	if (opaque == 'x')
		return 0;
	if (opaque)
		return opaque < 0 ? opaque : -EOPNOTSUPP;
	return os_setxattr(dirfd, "", xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE), "x", 1, 0);
}

int work_hide_below(int dirfd, const char *name)
{
	char whiteout[NAME_SIZE];
	int fd, r = aufs_whiteout_name(name, whiteout);

	if (r < 0)
		return r;
	fd = os_openat(dirfd, whiteout, O_CREAT | O_EXCL | O_WRONLY, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd == -EEXIST ? 0 : fd;
	return os_close(fd);
}

int work_make_whiteout(struct layer_set *set, int dirfd, const char *name)
{
	int r;

	if (set->whiteout_form == WHITEOUT_AUFS)
		return work_hide_below(dirfd, name);
	r = dirfd == set->work_fd ? 0 : work_prepare_whiteouts(set, dirfd);

	return r < 0 ? r : make_whiteout(set, dirfd, name);
}

void work_drop_shared_whiteout(struct layer_set *set)
{
	uint64_t shared = atomic_exchange(&set->work->shared, 0);
	char name[TEMP_NAME_SIZE];

	if (!shared)
		return;
	temp_name_make(shared, name);
	os_unlinkat(set->work_fd, name, 0);
}

/* --- putting whiteouts in a place --------------------------------------------------------------------------------- */

static int make_temp_whiteout(struct layer_set *set, int dirfd, char ret_temp[WORK_NAME_MAX])
{
	int r = work_prepare_whiteouts(set, dirfd);

	if (r < 0)
		return r;
	work_temp_name(set, ret_temp);
	return make_whiteout(set, set->work_fd, ret_temp);
}

int work_replace_by_whiteout(struct layer_set *set, int dirfd, const char *name)
{
	char temp[WORK_NAME_MAX];
	int r;

	(void)CHECK(dirfd != set->work_fd);
	if (set->whiteout_form == WHITEOUT_AUFS) {
		r = work_hide_below(dirfd, name);
		return r < 0 ? r : os_unlinkat(dirfd, name, 0);
	}
	r = make_temp_whiteout(set, dirfd, temp);
	if (r < 0)
		return r;
	r = os_renameat2(set->work_fd, temp, dirfd, name, 0);
	if (r < 0)
		os_unlinkat(set->work_fd, temp, 0);
	return r;
}

static void remove_retired(struct layer_set *set, const char *temp)
{
	int r = work_remove_tree(set->work_fd, temp);

	(void)CHECK(*temp == '#');
	if (r < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING, "work directory: %s not removed: %s", temp, strerror(-r));
}

/* Without RENAME_EXCHANGE (some network and FUSE file systems); a crash in between shows what is below. */
static int work_exchange_in_two_steps(struct layer_set *set, const char *temp, int dirfd, const char *name)
{
	char aside[WORK_NAME_MAX];
	int r;

	work_temp_name(set, aside);
	r = os_renameat2(set->work_fd, temp, set->work_fd, aside, 0);
	if (r < 0)
		return r;
	r = os_renameat2(dirfd, name, set->work_fd, temp, 0);
	if (r < 0)
		goto put_back;
	r = os_renameat2(set->work_fd, aside, dirfd, name, 0);
	if (!r)
		return 0;
	os_renameat2(set->work_fd, temp, dirfd, name, 0);
put_back:
	os_renameat2(set->work_fd, aside, set->work_fd, temp, 0);
	return r;
}

int work_exchange(struct layer_set *set, const char *temp, int dirfd, const char *name)
{
	int r = os_renameat2(set->work_fd, temp, dirfd, name, RENAME_EXCHANGE);

	(void)CHECK(*temp == '#' && dirfd != set->work_fd);
	return r == -EINVAL ? work_exchange_in_two_steps(set, temp, dirfd, name) : r;
}

static int exchange_for_whiteout(struct layer_set *set, int dirfd, const char *name, char ret_temp[WORK_NAME_MAX])
{
	int r = make_temp_whiteout(set, dirfd, ret_temp);

	if (r < 0)
		return r;
	r = work_exchange(set, ret_temp, dirfd, name);
	if (r < 0)
		os_unlinkat(set->work_fd, ret_temp, 0);
	return r;
}

int work_retire_dir(struct layer_set *set, int dirfd, const char *name, bool whiteout)
{
	char temp[WORK_NAME_MAX];
	int r;

	(void)CHECK(dirfd != set->work_fd);
	if (whiteout && set->whiteout_form != WHITEOUT_AUFS) {
		r = exchange_for_whiteout(set, dirfd, name, temp);
	} else {
		r = whiteout ? work_hide_below(dirfd, name) : 0;
		work_temp_name(set, temp);
		if (!r)
			r = os_renameat2(dirfd, name, set->work_fd, temp, 0);
	}
	if (r < 0)
		return r;
	remove_retired(set, temp);
	return 0;
}

static int remove_held(void *arg, const struct os_dirent *entry)
{
	return work_remove_tree(*(int *)arg, entry->name);
}

int work_empty_dir(int dirfd, const char *name)
{
	_cleanup_close_ int fd = os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);

	return fd < 0 ? fd : os_read_dir(fd, remove_held, &fd);
}

struct dropping {
	const struct layer_set *set;
	int fd;
};

static int drop_whiteout(void *arg, const struct os_dirent *entry)
{
	const struct dropping *d = arg;
	unsigned xattr_flags;
	int r;

	if (entry->type != DT_REG && entry->type != DT_UNKNOWN)
		return 0;
	r = layer_read_xattr_flags(d->set, &d->set->layers[0], d->fd, entry->name, &xattr_flags);
	return r < 0 || !(xattr_flags & XATTR_FLAG_WHITEOUT) ? r : os_unlinkat(d->fd, entry->name, 0);
}

int work_drop_whiteouts(struct layer_set *set, int dirfd, const char *name)
{
	_cleanup_close_ int fd = os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct dropping d = {.set = set, .fd = fd};

	return fd < 0 ? fd : os_read_dir(fd, drop_whiteout, &d);
}

/* --- publishing --------------------------------------------------------------------------------------------------- */

/* Without RENAME_NOREPLACE (some network and FUSE file systems) a rename replaces what comes to stand there between the
 * two calls; the upper is nobody's but ours. A link wouldn't, but not all have links, and on some it is another file
 * than what it is a link of. */
static int publish_plainly(struct layer_set *set, const char *temp, int dirfd, const char *name)
{
	struct statx stx;
	int r = os_statx(dirfd, name, &stx);

	if (r != -ENOENT)
		return r < 0 ? r : -EEXIST;
	return os_renameat2(set->work_fd, temp, dirfd, name, 0);
}

int work_publish(struct layer_set *set, const char *temp, int dirfd, const char *name)
{
	int r = os_renameat2(set->work_fd, temp, dirfd, name, RENAME_NOREPLACE);

	(void)CHECK(*temp == '#');
	return r == -EINVAL ? publish_plainly(set, temp, dirfd, name) : r;
}
