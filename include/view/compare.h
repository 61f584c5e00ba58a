/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference between two unions, old and new: paths that were added, changed or deleted. Only the content that the
 * unions show counts. So a directory that was removed and made again has lost its former entries, also where an opaque
 * directory says so and no whiteout. A renamed directory is deleted in one place and added in another.
 *
 * Two files are the same if their attributes and xattrs are equal, and their modification times. VIEW_COMPARE_BYTES
 * reads two files in addition if they are equal so far and not one object. VIEW_COMPARE_CONTENT leaves out times: then
 * bytes decide. Times of symbolic links and sizes of directories never count.
 *
 * A directory with a change in it is a change itself, as podman tells it. The root is never told.
 *
 * Order: by path, component by component; a directory comes before its entries. Nothing below a deleted object is told.
 * Memory is needed for the names of the directories between the root and the present path.
 */
#ifndef VIEW_COMPARE_H
#define VIEW_COMPARE_H

#include <linux/stat.h>

#include "layer/layer.h"

enum view_compare_flag {
	/* The old union has the layers of the new one but the first: what the first layer doesn't hold is the same. */
	VIEW_COMPARE_TOP = 1 << 0,
	VIEW_COMPARE_BYTES = 1 << 1,
	VIEW_COMPARE_CONTENT = 1 << 2,
	VIEW_COMPARE_RAW = 1 << 3, /* with TOP: every object of the first layer is told, though it changed nothing */
};

enum view_change_kind { VIEW_ADDED = 'A', VIEW_CHANGED = 'C', VIEW_DELETED = 'D' };

/* The parts of two objects that differ. */
enum view_differs {
	VIEW_DIFFERS_TYPE = 1 << 0,
	VIEW_DIFFERS_MODE = 1 << 1,
	VIEW_DIFFERS_OWNER = 1 << 2,
	VIEW_DIFFERS_SIZE = 1 << 3,
	VIEW_DIFFERS_MTIME = 1 << 4,
	VIEW_DIFFERS_XATTRS = 1 << 5,
	VIEW_DIFFERS_TARGET = 1 << 6, /* of a symbolic link */
	VIEW_DIFFERS_DEVICE = 1 << 7,
	VIEW_DIFFERS_BYTES = 1 << 8,
};

/* Valid during the call. */
struct view_change {
	enum view_change_kind kind;
	const char *path;  /* from the root, no slash at either end */
	unsigned differs;  /* enum view_differs, of a change; 0: something in the directory */
	struct statx from; /* not of what was added */
	struct statx to;   /* not of what was deleted */
};

struct view_compare_calls {
	int (*change)(void *arg, const struct view_change *change);
	/* Something can't be looked at. 0 goes on without it. */
	int (*failed)(void *arg, const char *path, int err);
};

/* NULL is a union without anything. 0, -errno, or the value that ended the comparison. */
int view_compare(struct layer_set *old, struct layer_set *new, unsigned flags, const struct view_compare_calls *calls,
		 void *arg);

#endif
