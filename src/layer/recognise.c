/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What file systems, most of them on FUSE, do otherwise than others though they have the calls. Of the upper it is found out by doing it, in
 * the work directory; a lower layer can't be written to, so there the worst is assumed of a FUSE file system that isn't known.
 */
#include "internal.h"

#include <errno.h>
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
