/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What create, remove and rename share: looking at a name under D of its parent, and the inode that is about to lose a
 * name.
 */
#ifndef CHANGE_VICTIM_H
#define CHANGE_VICTIM_H

#include "internal.h"
#include "tree/listing.h"
#include "tree/resolve.h"

#define _cleanup_resolved_ _cleanup_(resolved_finish)

/* Resolves a name for a change. -EROFS without an upper, -ENOENT when the parent was removed or nothing has this name
 * (a whiteout in the upper is told even then). *ret is to be finished in any case; it must have been zeroed. Caller
 * holds D of `parent`. */
int change_resolve(struct change *change, struct inode *parent, const char *name, struct resolved *ret);

/* 1 when a lower layer would show the name if the upper had nothing there, 0, or -errno. `r` is what the name is now. */
int change_lower_positive(struct change *change, struct inode *parent, const char *name, const struct resolved *r);

/* The type for a listing. */
static inline unsigned char change_dtype(const struct statx *stx)
{
	return (unsigned char)((stx->stx_mode & 0170000) >> 12);
}

/* The inode behind a name, kept alive by a lookup count until the end of the scope: declare it before the locks. */
struct victim {
	struct tree *tree;
	struct inode *inode; /* NULL before victim_find() */
	bool kept;           /* victim_keep() made a name for it in the work directory */
	bool moves;	     /* or its name has to be moved there, see victim_remove() */
	bool moved;
	int dirfd;	     /* the name's directory, and the name: of victim_keep() */
	const char *name;
	char temp[WORK_NAME_MAX]; /* where it moved to, if other names are left; else empty */
};

/* How a name goes. */
enum victim_end {
	VICTIM_UNLINKED, /* it is unlinked, and nothing comes in its place in the same step */
	VICTIM_REPLACED, /* by a whiteout or another object, whose rename takes it away */
};

/* Finds it, and makes it known if it wasn't: whoever looks the name up until it is gone gets this very inode, so its
 * locks and its descriptor are the right ones. Also replaces what is known by what is there, should a layer have been
 * changed underneath. Caller holds D of `parent`. */
int victim_find(struct change *change, struct inode *parent, const char *name, const struct resolved *r,
		struct victim *ret);
void victim_finish(struct victim *v);

/* -EPERM where chattr(1) forbids that it loses its name, as the file system would say if there was no other object to look at. */
int victim_check_flags(struct change *change, const struct victim *v, const struct resolved *r);

/* Before the name at dirfd goes, which `r` was found of: if no name will be left that leads to an object in the upper, sees to it that the
 * inode can live on without it (inode_keep_name()). Caller holds I. Both dirfd and name stay valid. */
int victim_keep(struct change *change, struct victim *v, const struct resolved *r, int dirfd, const char *name, enum victim_end end);
/* On a file system that doesn't keep what is removed while it is open, or hides it in its directory: moves the object away if it must. Nothing
 * has the name then. With VICTIM_REPLACED just before the step that would take the name away. */
int victim_move(struct victim *v);
/* With VICTIM_UNLINKED: takes the name away, by unlink(2) or by victim_move(). */
int victim_unlink(struct victim *v);
/* The name has gone, or has stayed and is put back. Caller holds I. */
void victim_gone(struct victim *v);
void victim_unkeep(struct victim *v);

#endif
