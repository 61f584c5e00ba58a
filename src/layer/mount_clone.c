/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount clones: private clones of the layers' mounts. A plain clone has no other mount below it, now or later: what is
 * mounted over a directory of the layer (our own mount above all) is not there, so access can neither leave the layer
 * nor wait for ourselves.
 *
 * A user namespace refuses the plain form with EINVAL where mounts below are locked, because it would uncover what they
 * hide. The recursive form is permitted then; it has those mounts, so access is confined by RESOLVE_NO_XDEV, but what
 * is mounted later doesn't reach it, and it can be read-only.
 *
 * Devices can't be opened in either: a node that takes a file's name while that is opened must not reach its driver.
 *
 * A detached mount is dissolved when the descriptor of open_tree() is closed: for lowers this descriptor is the root,
 * for the upper it is kept beside.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "os/fs.h"
#include "os/mount.h"

/* *ret_recursive tells which form it became; negative when neither is permitted. */
static int clone_mount(int fd, bool *ret_recursive)
{
	int clone = os_open_tree_clone(fd, false);

	*ret_recursive = false;
	if (clone != -EINVAL)
		return clone;
	*ret_recursive = true;
	return os_open_tree_clone(fd, true);
}

int mount_clone_read_only(int fd, const char *path, bool *ret_cloned)
{
	bool recursive;
	int clone = clone_mount(fd, &recursive), r;

	*ret_cloned = clone >= 0 && !recursive;
	if (layer_passing(clone))
		return clone;
	if (clone < 0) {
		log_debug("%s: no clone of the mount: %s", path, strerror(-clone));
		return os_openat(fd, ".", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	}
	r = os_mount_set_readonly(clone, recursive);
	if (layer_passing(r)) {
		os_close(clone);
		return r;
	}
	/* Nothing is written there in any case; but it is no longer the kernel's business that nothing is. */
	if (r < 0)
		log_limited(LOG_CAUSE_LAYER, LOG_NOTICE, "%s: clone of the mount stays writable: %s", path,
			    strerror(-r));
	return clone;
}

int mount_clone_lower(int fd, struct layer *l)
{
	(void)CHECK(l->root_fd < 0 && !l->upper);
	l->root_fd = mount_clone_read_only(fd, l->path, &l->cloned);
	return MIN(l->root_fd, 0);
}

/* --- upper and work, beneath one clone ---------------------------------------------------------------------------- */

/* Length of the deepest directory's path that holds both; 0 is the root directory. */
static size_t common_length(const char *a, const char *b)
{
	size_t len = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			len = i;
	return len;
}

/* The directory that holds both, if it lies in their mount, with the paths beneath it. */
static int open_ancestor(const struct layer_opening *lo, const char **ret_upper, const char **ret_work)
{
	const struct layer_location *upper = &lo->locations[0], *work = layer_work_location(lo);
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct statx stx;
	size_t len;
	int r;

	if (!upper->where || !work->where)
		return -ENOENT;
	len = common_length(upper->where, work->where);
	(void)CHECK(upper->where[len] == '/' && work->where[len] == '/');
	path = strndup(len ? upper->where : "/", len ? len : 1);
	if (!path)
		return -ENOMEM;
	fd = os_open_path(path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	r = fd < 0 ? fd : os_statx(fd, "", &stx);
	if (r < 0)
		return r;
	if (stx.stx_mnt_id != upper->mnt_id)
		return -EXDEV;
	*ret_upper = upper->where + len + 1;
	*ret_work = work->where + len + 1;
	return TAKE_FD(fd);
}

/* Opens `path` beneath the clone and makes sure that it is the directory that the option named. */
static int open_beneath(int clone, const char *path, const struct layer_location *location, int flags)
{
	_cleanup_close_ int fd = os_openat(clone, path, flags | O_DIRECTORY, 0, OS_NO_XDEV);
	struct statx stx;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	(void)CHECK(location->n_chain > 0);
	if (r < 0)
		return r;
	return layer_id_equal(layer_id_of(&stx), location->chain[0]) ? TAKE_FD(fd) : -ESTALE;
}

static void choose_atime(const struct layer_opening *lo, int clone)
{
	int r = lo->spec->atime ? os_mount_set_atime(clone, lo->spec->atime) : 0;

	if (r < 0)
		log_debug("%s: access times are set as its mount says: %s", lo->spec->upperdir, strerror(-r));
}

static int clone_upper(struct layer_opening *lo)
{
	const char *upper_path = NULL, *work_path = NULL;
	_cleanup_close_ int ancestor = open_ancestor(lo, &upper_path, &work_path);
	_cleanup_close_ int clone = -1;
	_cleanup_close_ int upper = -1;
	_cleanup_close_ int work = -1;
	bool recursive;

	(void)CHECK(lo->set->workdir_fd < 0 && lo->set->clone_fd < 0);
	if (ancestor < 0)
		return ancestor;
	clone = clone_mount(ancestor, &recursive);
	if (clone < 0)
		return clone;
	upper = open_beneath(clone, upper_path, &lo->locations[0], O_PATH);
	if (upper < 0)
		return upper;
	work = open_beneath(clone, work_path, layer_work_location(lo), O_RDONLY);
	if (work < 0)
		return work;
	choose_atime(lo, clone);
	(void)os_mount_set_nodev(clone, recursive);
	lo->set->clone_fd = TAKE_FD(clone);
	lo->set->layers[0].root_fd = TAKE_FD(upper);
	lo->set->layers[0].cloned = !recursive;
	lo->set->workdir_fd = TAKE_FD(work);
	return 0;
}

int mount_clone_upper(struct layer_opening *lo)
{
	struct layer *l = &lo->set->layers[0];
	int r = clone_upper(lo);

	(void)CHECK(lo->set->has_upper && lo->upper_fd >= 0);
	/* Another directory than the option's: its mount is shown in more ways than its path tells. */
	if (r != -ESTALE && layer_passing(r))
		return layer_refuse_errno(lo, r, "upperdir", l->path);
	if (r < 0) {
		log_debug("%s: no clone of the mount: %s", l->path, strerror(-r));
		l->root_fd = os_openat(lo->upper_fd, ".", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
		if (l->root_fd < 0)
			return layer_refuse_errno(lo, l->root_fd, "upperdir", l->path);
		lo->set->workdir_fd = TAKE_FD(lo->workdir_fd);
	}
	l->real_fd = os_openat(l->root_fd, ".", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	return l->real_fd < 0 ? layer_refuse_errno(lo, l->real_fd, "upperdir", l->path) : 0;
}
