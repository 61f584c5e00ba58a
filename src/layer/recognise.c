/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What file systems, most of them on FUSE, do otherwise than others though they have the calls. Of the upper it is found out by doing it, in
 * the work directory; a lower layer can't be written to, so there the worst is assumed of a FUSE file system that isn't known.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"

#define LIST_LIMIT 65536 /* XATTR_LIST_MAX */

static bool is_fuse(int fd)
{
	long type;

	return sys_fs_type(fd, &type) == 0 && type == FUSE_SUPER_MAGIC;
}

/* --- what becomes of open objects that lose their name ------------------------------------------------------------ */

/* In a directory of its own, whose removal tells whether something is left in it. */
static enum removed_form try_removal(int dirfd, const char *dir)
{
	_cleanup_close_ int at = sys_openat(dirfd, dir, O_PATH | O_DIRECTORY, 0, SYS_NO_XDEV);
	_cleanup_close_ int fd = at < 0 ? at : sys_openat(at, "f", O_CREAT | O_EXCL | O_RDWR, 0600, SYS_NO_XDEV);
	_cleanup_close_ int path = fd < 0 ? fd : sys_openat(at, "f", O_PATH, 0, SYS_NO_XDEV);
	_cleanup_close_ int again = -1;

	if (path < 0 || sys_unlinkat(at, "f", 0) < 0)
		return REMOVED_STAYS;
	if (sys_unlinkat(dirfd, dir, AT_REMOVEDIR) < 0)
		return REMOVED_HIDES;
	/* What is open goes on in any case: an answer by the path alone is wanted. */
	cleanup_close(&fd);
	again = sys_reopen(path, O_RDONLY);
	return again < 0 ? REMOVED_GOES : REMOVED_STAYS;
}

enum removed_form recognise_removed(struct layer_set *set)
{
	enum removed_form form = REMOVED_STAYS;
	char dir[WORK_NAME_MAX];

	work_temp_name(set, dir);
	if (sys_mkdirat(set->work_fd, dir, 0700) == 0)
		form = try_removal(set->work_fd, dir);
	if (form == REMOVED_HIDES)
		(void)work_remove_tree(set->work_fd, dir);
	return form;
}

/* --- whether attributes are listed -------------------------------------------------------------------------------- */

/* One that has just been set. */
static bool is_listed(int dirfd, const char *name, const char *xattr)
{
	_cleanup_free_ char *list = malloc(LIST_LIMIT);
	ssize_t size = list ? sys_listxattr(dirfd, name, list, LIST_LIMIT) : -ENOMEM;

	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1)
		if (!strcmp(list + at, xattr))
			return true;
	return false;
}

bool recognise_lists_mark(const struct layer_set *set, const char *name)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE);
	char value[2];

	/* On a full file system it couldn't be set. */
	if (sys_getxattr(set->work_fd, name, xattr, value, sizeof(value)) < 0)
		return !is_fuse(set->work_fd);
	return is_listed(set->work_fd, name, xattr);
}

/* Those that many layers lie on, and that are known to list what is there. */
static bool is_known_to_list(const char *fs_type)
{
	static const char *const known[] = {"virtiofs", "fuse.plyfs", "fuse.fuse-overlayfs"};

	for (size_t i = 0; fs_type && i < ARRAY_SIZE(known); i++)
		if (!strcmp(fs_type, known[i]))
			return true;
	return false;
}

static bool lower_lists_marks(const struct layer_opening *lo, const struct layer *l)
{
	const struct layer_set *set = lo->set;
	const struct layer_place *place = &lo->places[l->index];

	if (set->ns != XATTR_NS_TRUSTED || !is_fuse(l->root_fd))
		return true;
	if (set->has_upper && place->chain[0].dev == lo->places[0].chain[0].dev)
		return atomic_load(&set->layers[0].lists_marks);
	return is_known_to_list(place->fs_type);
}

void recognise_lowers(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;

	for (unsigned i = set->has_upper; i < set->n + set->n_data; i++) {
		struct layer *l = &set->layers[i];

		atomic_init(&l->lists_marks, lower_lists_marks(lo, l));
	}
}
