/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a union, as a value for layer_set_open(). It names directories and the policies for reading and writing
 * them. It knows nothing of the command line: cli/option.h makes one from it, tests fill one by hand.
 *
 * All pointers are borrowed, until layer_set_open() returns. A zeroed struct with `layers` set is a valid read-only
 * stack with the least policies: nothing is followed, no index, no dialect.
 */
#ifndef LAYER_STACK_H
#define LAYER_STACK_H

#include <stdbool.h>
#include <stddef.h>

#include "format/idmap.h"

/* AUTO: on with private xattrs in trusted.*, off with user.*. */
enum redirect_dir { REDIRECT_DIR_AUTO, REDIRECT_DIR_OFF, REDIRECT_DIR_NOFOLLOW, REDIRECT_DIR_FOLLOW, REDIRECT_DIR_ON };
/* ON needs private xattrs in trusted.*. FOLLOW: followed if they are there and redirects are followed, never made. */
enum metacopy_mode { METACOPY_OFF, METACOPY_ON, METACOPY_FOLLOW };
/* AUTO: on if it is possible. */
enum index_mode { INDEX_OFF, INDEX_ON, INDEX_AUTO };
enum uuid_mode { UUID_AUTO, UUID_ON, UUID_OFF, UUID_NULL };
/* AUFS and BOTH mean the same, because the kernel's forms are always read. AUTO is OVERLAY, and AUFS if nothing else
 * can be written. */
enum whiteouts { WHITEOUTS_OVERLAY, WHITEOUTS_AUFS, WHITEOUTS_BOTH, WHITEOUTS_AUTO };

struct stack_layer {
	char *path;
	bool data_only; /* gives data to metacopy files, and shows no name */
};

struct stack_spec {
	/* Directories, topmost first. Data-only layers are the last. */
	const struct stack_layer *layers;
	size_t layer_count;
	const char *upperdir, *workdir; /* both or neither, unless shows_upper */
	/* the first layer is the upper of another mount, and workdir is that of the other mount */
	bool shows_upper;
	bool read_only;	     /* nothing is changed through the union: it needs no upper of its own */
	unsigned long atime; /* access times of the upper, as for os_mount_set_atime(); 0: as its mount sets them */

	/* How private xattrs are read and written. */
	bool userxattr;		     /* in user.*; without privilege always */
	bool lenient;		     /* a policy that can't be had is reported and not refused */
	int whiteouts;		     /* enum whiteouts */
	int redirect_dir;	     /* enum redirect_dir */
	int uuid;		     /* enum uuid_mode */
	int index;		     /* enum index_mode */
	int metacopy;		     /* enum metacopy_mode */
	int xattr_permissions;	     /* 0, 1 or 2: format/stat_override.h */
	struct idmap uidmap, gidmap; /* of the mount; the ranges are borrowed */

	bool volatile_upper;	 /* nothing is synced */
	bool revalidate;	 /* layers may change beneath the mount, so nothing of them is kept in memory */
	bool may_repeat;	 /* a directory may be several lower layers: of images, which are only looked at */
	bool seek_xattrs;	 /* without an upper: it is found out whether there are any (layer/no_xattrs.h) */
	const char *layer_cache; /* directory of layer caches (layer/cache.h); NULL: none */
};

#endif
