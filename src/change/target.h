/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by create, remove and rename: looking at a name under D of its parent, and the inode that is about to lose a
 * name.
 */
#ifndef CHANGE_TARGET_H
#define CHANGE_TARGET_H

#include "internal.h"
#include "tree/listing.h"
#include "tree/resolve.h"

#define _cleanup_resolved_ _cleanup_(resolved_finish)

/* Resolves a name for a change. -EROFS without an upper, -ENOENT when the parent was removed or nothing has this name
 * (a whiteout in the upper is told even then). *ret is to be finished in any case; it must have been zeroed. Caller
 * holds D of `parent`. */
int change_resolve(struct writer *writer, struct inode *parent, const char *name, struct resolved *ret);

/* 1 when a lower layer would show the name if the upper had nothing there, 0, or -errno. `r` is what the name is
 * now. */
int change_lower_positive(struct writer *writer, struct inode *parent, const char *name,
			  const struct resolved *resolved);

/* The type for a listing. */
static inline unsigned char change_dtype(const struct statx *stx)
{
	return (unsigned char)((stx->stx_mode & 0170000) >> 12);
}

/* The inode behind a name, kept alive by a lookup count until the end of the scope: declare it before the locks. */
struct target {
	struct tree *tree;
	struct inode *inode; /* NULL before target_find() */
	bool held;	     /* target_hold() made a name for it in the work directory */
	bool moves;	     /* or its name has to be moved there, see target_move() */
	bool moved;
	int dirfd; /* the name's directory, and the name: of target_hold() */
	const char *name;
	char temp[WORK_NAME_MAX]; /* where it moved to, if other names are left; else empty */
};

/* How a name goes. */
enum target_end {
	TARGET_UNLINKED, /* it is unlinked, and nothing comes in its place in the same step */
	TARGET_REPLACED, /* by a whiteout or another object, whose rename takes it away */
};

/* Finds it, and makes it known if it wasn't: whoever looks the name up until it is gone gets this very inode, so its
 * locks and its descriptor are the right ones. Also replaces what is known by what is there, should a layer have been
 * changed underneath. Caller holds D of `parent`. */
int target_find(struct writer *writer, struct inode *parent, const char *name, const struct resolved *resolved,
		struct target *ret);
void target_finish(struct target *t);

/* -EPERM where chattr(1) forbids that it loses its name, as the file system would say if there was no other object to
 * look at. */
int target_check_flags(struct writer *writer, const struct target *t, const struct resolved *resolved);

/* Before the name at dirfd goes, which `r` was found of: if no name will be left that leads to an object in the upper,
 * sees to it that the inode can live on without it (orphan_hold()). Caller holds I. Both dirfd and name stay valid. */
int target_hold(struct writer *writer, struct target *t, const struct resolved *resolved, int dirfd, const char *name,
		enum target_end end);
/* On a file system that doesn't keep what is removed while it is open, or hides it in its directory: moves the object
 * away if it must. Nothing has the name then. With TARGET_REPLACED just before the step that would take the name
 * away. */
int target_move(struct target *t);
/* With TARGET_UNLINKED: takes the name away, by unlink(2) or by target_move(). */
int target_unlink(struct target *t);
/* The name has gone, or has stayed and is put back. Caller holds I. */
void target_gone(struct target *t);
void target_let_go(struct target *t);

#endif
