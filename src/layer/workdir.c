/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work directory at mount time, in kernel overlayfs's layout: WORKDIR/work for temp files, emptied at each mount,
 * and WORKDIR/index, left alone. An entry of work/incompat names a feature that whoever doesn't know it must not touch;
 * `volatile` is one: the upper was written without syncs, and after a crash it may be half-written.
 *
 * WORKDIR/plyfs.state is ours: see layer/work.h. Kernel overlayfs takes no notice of it.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "format/acl.h"
#include "os/fs.h"

#define INCOMPAT "incompat"
#define VOLATILE "volatile"
#define VOLATILE_DIRTY "dirty"
#define STATE_TEMP WORK_STATE_NAME ".new"
#define MAX_PASSES 8

/* --- the state file ----------------------------------------------------------------------------------------------- */

int workdir_read_state(int workdir_fd, struct work_state *ret)
{
	_cleanup_close_ int fd = os_openat(workdir_fd, WORK_STATE_NAME, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	uint8_t bytes[WORK_STATE_SIZE + 1];
	ssize_t size;

	if (fd < 0)
		return fd;
	size = os_pread(fd, bytes, sizeof(bytes), 0);
	return size < 0 ? (int)size : work_state_decode(bytes, (size_t)size, ret);
}

/* What is damaged can be a mount that crashed; what a later version wrote means more than we know, and what can't be
 * read may be that. */
static int check_state(struct layer_opening *lo)
{
	const char *path = layer_work_location(lo)->path;
	struct work_state state;
	int r = workdir_read_state(lo->set->workdir_fd, &state);

	switch (-r) {
	case 0:
	case ENOENT:
	case EINVAL:
	case EBADMSG:
	case ELOOP:
		return 0;
	case EPROTONOSUPPORT:
		return layer_refuse(lo, r, "workdir", path, WORK_STATE_NAME " was written by a later version of plyfs");
	default:
		return layer_refuse(lo, r, "workdir", path, WORK_STATE_NAME " can't be read: %s", strerror(-r));
	}
}

static int write_temp_state(int workdir_fd, const uint8_t bytes[static WORK_STATE_SIZE])
{
	_cleanup_close_ int fd = -1;
	ssize_t size;

	work_remove_tree(workdir_fd, STATE_TEMP);
	fd = os_openat(workdir_fd, STATE_TEMP, O_CREAT | O_EXCL | O_WRONLY, 0600, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	size = os_pwrite_all(fd, bytes, WORK_STATE_SIZE, 0);
	return size < 0 ? (int)size : size == WORK_STATE_SIZE ? 0 : -ENOSPC;
}

int workdir_write_state(struct layer_opening *lo)
{
	struct work_state state = {.version = WORK_STATE_VERSION};
	uint8_t bytes[WORK_STATE_SIZE];
	int fd = lo->set->workdir_fd, r;

	(void)CHECK(!lo->wrote_state && lo->set->work_fd >= 0);
	memcpy(state.uuid, lo->set->identity, sizeof(state.uuid));
	work_state_encode(&state, bytes);
	r = write_temp_state(fd, bytes);
	if (!r)
		r = os_renameat2(fd, STATE_TEMP, fd, WORK_STATE_NAME, 0);
	lo->wrote_state = !r;
	if (r < 0)
		os_unlinkat(fd, STATE_TEMP, 0);
	return r < 0 ? layer_refuse_errno(lo, r, "workdir", layer_work_location(lo)->path) : 0;
}

/* --- work/incompat ------------------------------------------------------------------------------------------------ */

static int refuse_feature(void *arg, const struct os_dirent *entry)
{
	struct layer_opening *lo = arg;
	const char *path = layer_work_location(lo)->path;

	if (!strcmp(entry->name, VOLATILE))
		return layer_refuse(
			lo, -EINVAL, "volatile", path,
			"an earlier mount did not sync the upper; if that may be lost, empty upperdir, else "
			"delete " WORK_DIR_NAME "/" INCOMPAT "/" VOLATILE " there");
	return layer_refuse(lo, -EINVAL, "workdir", path, "unknown feature " WORK_DIR_NAME "/" INCOMPAT "/%s",
			    entry->name);
}

static int check_incompat(struct layer_opening *lo)
{
	_cleanup_close_ int fd = os_openat(lo->set->work_fd, INCOMPAT, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	return fd < 0 ? fd : os_read_dir(fd, refuse_feature, lo);
}

/* Like kernel overlayfs: work/incompat/volatile/dirty. It stays after a clean unmount; who made the mount removes
 * it. */
static int make_volatile(struct layer_set *set)
{
	static const char *const dirs[] = {INCOMPAT, VOLATILE};
	_cleanup_close_ int at = os_dup(set->work_fd);
	_cleanup_close_ int file = -1;

	(void)CHECK(set->is_volatile);
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && at >= 0; i++) {
		int r = os_mkdirat(at, dirs[i], 0700);
		int next = r < 0 && r != -EEXIST ? r : os_openat(at, dirs[i], O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);

		os_close(at);
		at = next;
	}
	if (at < 0)
		return at;
	file = os_openat(at, VOLATILE_DIRTY, O_CREAT | O_WRONLY, 0600, OS_NO_XDEV);
	return file < 0 ? file : 0;
}

/* --- emptying ----------------------------------------------------------------------------------------------------- */

struct emptying {
	int work_fd;
	bool keep_incompat, seen;
};

static int remove_leftover(void *arg, const struct os_dirent *entry)
{
	struct emptying *e = arg;
	int r;

	if (e->keep_incompat && !strcmp(entry->name, INCOMPAT))
		return 0;
	e->seen = true;
	r = work_remove_tree(e->work_fd, entry->name);
	return r == -ENOENT ? 0 : r;
}

static int empty_work(int work_fd, bool keep_incompat)
{
	for (int pass = 0; pass < MAX_PASSES; pass++) {
		struct emptying e = {.work_fd = work_fd, .keep_incompat = keep_incompat};
		int r = os_read_dir(work_fd, remove_leftover, &e);

		if (r < 0 || !e.seen)
			return r;
	}
	return -ENOTEMPTY;
}

int workdir_empty(struct layer_set *set)
{
	(void)CHECK(set->has_upper && set->work_fd >= 0);
	return empty_work(set->work_fd, true);
}

/* --- preparing ---------------------------------------------------------------------------------------------------- */

static int open_work(struct layer_set *set)
{
	return set->work_fd = os_openat(set->workdir_fd, WORK_DIR_NAME, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
}

/* WORKDIR/work, made where it is missing; anything else of that name is a leftover. */
static int make_work(struct layer_set *set)
{
	int r = open_work(set);

	if (r >= 0)
		return 0;
	if (r == -ENOTDIR || r == -ELOOP)
		r = work_remove_tree(set->workdir_fd, WORK_DIR_NAME);
	if (r < 0 && r != -ENOENT)
		return r;
	r = os_mkdirat(set->workdir_fd, WORK_DIR_NAME, 0700);
	if (!r)
		r = open_work(set);
	return r < 0 ? r : 0;
}

/* As in kernel overlayfs nobody has any, where we don't need one; with xattrs in user.* its owner may be somebody who
 * wants to remove it. */
int workdir_reset_permissions(const struct layer_set *set, int fd)
{
	int r = os_fchmod(fd, set->can_reopen && set->ns == XATTR_NS_TRUSTED ? 0 : 0700);

	/* What can't have one, or has none, has said so. */
	if (!r)
		r = layer_passing(os_removexattr(fd, "", ACL_XATTR_DEFAULT));
	return r ? r : layer_passing(os_removexattr(fd, "", ACL_XATTR_ACCESS));
}

static int refuse_work(struct layer_opening *lo, int err)
{
	const struct layer_location *upper = &lo->locations[0], *work = layer_work_location(lo);

	(void)CHECK(err < 0);
	if (err == -EROFS)
		return layer_refuse_errno(lo, err, upper->option, upper->path);
	return layer_refuse(lo, err, work->option, work->path, WORK_DIR_NAME " can't be prepared: %s", strerror(-err));
}

int workdir_prepare(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	int r = check_state(lo);

	(void)CHECK(set->work_fd < 0 && !set->work);
	if (!r)
		r = make_work(set);
	if (!r)
		r = workdir_reset_permissions(set, set->work_fd);
	if (!r)
		r = check_incompat(lo);
	if (!r)
		r = empty_work(set->work_fd, false);
	if (!r)
		r = set->is_volatile ? make_volatile(set) : 0;
	if (!r)
		r = work_new(&set->work);
	return r < 0 ? refuse_work(lo, r) : 0;
}
