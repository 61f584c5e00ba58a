/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference between two unions, old and new: paths that were added, changed or deleted. Only the content that the
 * unions show counts. So a directory that was removed and made again has lost its former entries, also where an opaque
 * directory says so and no whiteout. A renamed directory is deleted in one place and added in another.
 *
 * Two files are the same if their attributes and xattrs are equal, and their modification times. VIEW_COMPARE_BYTES
 * reads two files in addition if they are equal so far and not one object. VIEW_COMPARE_CONTENT leaves out times: then
 * bytes decide. Times of symbolic links and sizes of directories never count. Archives don't say all: where one of the
 * two sides is of an archive, only xattrs user.* and file capabilities count, and a time without nanoseconds is
 * compared by its second.
 *
 * A directory in which something was added or deleted is a change itself, at any depth, as podman tells it. The root is
 * never told.
 *
 * Order: by path, component by component; a directory comes before its entries. Nothing below a deleted object is told.
 * Memory is needed for the names of the directories between the root and the present path.
 *
 * With VIEW_COMPARE_TOP only the directories of the topmost layer are read, and each name in them is looked at in the
 * layers below. The size of these layers doesn't matter then. It is done where the topmost layer says all: not in
 * renamed and opaque directories, and not if an index leads names of the layers below to other files.
 */
#ifndef VIEW_COMPARE_H
#define VIEW_COMPARE_H

#include <linux/stat.h>

#include "view/union.h"

enum view_compare_flag {
	/* The old union has the layers of the new one but the first: what the first layer doesn't hold is the same. */
	VIEW_COMPARE_TOP = 1 << 0,
	VIEW_COMPARE_BYTES = 1 << 1,
	VIEW_COMPARE_CONTENT = 1 << 2,
	/* With TOP, what the first layer says by itself, as podman tells it: every object of it is told, though it
	 * changed nothing. A directory that takes the place of another object is deleted, and its entries are
	 * added. */
	VIEW_COMPARE_RAW = 1 << 3,
	/* With TOP, the first layer is that of a container of podman. Files and directories to which podman mounts
	 * something are never told. A directory is told if its own size differs, as podman does. */
	VIEW_COMPARE_CONTAINER = 1 << 4,
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
	unsigned differs;  /* enum view_differs, of a change; 0: something in the directory, or a copy */
	struct statx from; /* not of what was added */
	struct statx to;   /* not of what was deleted */
};

struct view_compare_calls {
	int (*change)(void *arg, const struct view_change *change);
	/* Something can't be looked at. 0 goes on without it. */
	int (*failed)(void *arg, const char *path, int err);
};

/* 0, -errno, or the value that ended the comparison. */
int view_compare(struct view_union *old, struct view_union *new, unsigned flags, const struct view_compare_calls *calls,
		 void *arg);

#endif
