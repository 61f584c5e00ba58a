/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the index at run time (index.c) and at mount time (index_mount.c).
 */
#ifndef LAYER_INDEX_INTERNAL_H
#define LAYER_INDEX_INTERNAL_H

#include <stdatomic.h>

#include "base/lock.h"
#include "layer/index.h"
#include "layer/work.h"

#define INDEX_DIR_NAME "index"
#define INDEX_GONE_NAME "nlink"

/* Hashes of names; open addressing, 0 = free. It only grows. */
struct nameset {
	uint64_t *hashes;
	size_t n, room; /* room is a power of two, or 0 */
};

struct layer_index {
	/* c another mount's: both sets stay empty, what is there is asked each time, and nothing is written */
	bool foreign;
	struct lock lock;	   /* leaf: both sets */
	struct lock making;	   /* leaf: who makes a directory */
	struct nameset entries;	   /* of WORKDIR/index */
	struct nameset gone;	   /* of WORKDIR/nlink */
	_Atomic size_t known;	   /* names in both */
	_Atomic uint64_t inserted; /* entries that were made */
	_Atomic int fd;		   /* WORKDIR/index; -1: not made yet, as far as known */
	_Atomic int gone_fd;	   /* WORKDIR/nlink; likewise */
	struct ovl_fh top_lower;   /* c the root of the topmost lower layer: overlay.origin of the upper's root */
	struct ovl_fh upper;	   /* c the root of the upper: overlay.upper of WORKDIR/index */
};

int nameset_add(struct layer_index *index, struct nameset *s, const char *name);
/* The form of an object's handle in xattrs. A handle of the upper has the flag that says so. -EOPNOTSUPP. */
int index_fh_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name, struct ovl_fh *ret);
/* The union's count of an entry that has `links` links in the upper, and `lower` in its layer (0: to be found out), as
 * its xattr says it; -ENODATA or -EINVAL when that isn't known. */
int64_t index_read_nlink(const struct layer_set *set, const char *name, uint32_t links, uint32_t lower);
/* Whether the xattr that says which object the directory at fd belongs to is there and names `origin`: 0, -ENODATA
 * without one, -ESTALE when it says something else, or -errno. */
int index_check_fh(const struct layer_set *set, int fd, enum xattr_overlay which, const struct ovl_fh *origin);
/* Writes such an xattr anew if nothing is wrong with it but that it has no uuid: it was made where that couldn't be
 * told. */
int index_renew_xattr(const struct layer_set *set, int fd, enum xattr_overlay which, const struct ovl_fh *origin);
/* index_rebuild.c: makes the index, whose directory is open at `dir`, one of these layers. They must certainly be a
 * copy of those that it was of. -ESTALE: they aren't, and nothing was changed. The text of *ret_error, if any, says
 * what is in the way. */
int index_rebuild(struct layer_set *set, int dir, struct error *ret_error);
/* Makes WORKDIR/index. */
int index_make(struct layer_set *set);
/* Makes WORKDIR/nlink and returns its descriptor, which stays the index's. */
int index_make_gone(struct layer_set *set);

#endif
