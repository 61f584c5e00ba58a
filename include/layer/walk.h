/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over one layer: every object below its root, as this layer has it, without a look at the other layers.
 * Whiteouts and opaque directories of all forms that the set reads (enum whiteout_form) are reported by their meaning.
 * Private names of the aufs dialect aren't reported as objects. The walk never leaves the layer: it follows no symbolic
 * link and enters no overmounted directory.
 *
 * Order. A directory is first reported as an entry of its parent. When all entries of the parent have been reported,
 * each of its directories is entered in turn: `begin`, its entries, `end`, then everything below it. So parents come
 * before children, and the entries of one directory come together. Without LAYER_WALK_SORTED entries come in the order
 * of the file system.
 *
 * A walk keeps one descriptor open, and a path for each directory that is still to be entered. Paths may be longer than
 * PATH_MAX.
 *
 * The layer may change meanwhile. Objects that go away during the walk are reported or not. `end` may ask for a second
 * reading.
 */
#ifndef LAYER_WALK_H
#define LAYER_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/stat.h>

#include "layer/layer.h"

enum layer_walk_flag {
	/* `stx` of each entry is complete; otherwise it has the type, and other fields only if they were needed */
	LAYER_WALK_STAT = 1 << 0,
	LAYER_WALK_XATTR_FLAGS = 1 << 1, /* `xattr_flags` of each entry; otherwise of directories only */
	LAYER_WALK_SORTED = 1 << 2,	 /* entries come sorted by the bytes of their names */
	LAYER_WALK_RAW = 1 << 3, /* names of the aufs dialect are reported like other objects, without a meaning */
};

/* Results of a call-back besides 0 and -errno. An errno ends the walk and is its result. */
enum {
	LAYER_WALK_SKIP = 1, /* entry, begin, end: the directory isn't entered, or nothing below it */
	/* end: the directory is read again, from `begin` on; all former reports of its entries are void */
	LAYER_WALK_AGAIN = 2,
};

/* One object. Valid during the call, except `tag`. */
struct layer_walk_entry {
	const struct layer *layer; /* the layer of the walk */
	const char *path;	   /* from the root of the layer, "" for the root itself, no slash at either end */
	const char *name;	   /* its last component; "" for the root */
	/* the directory that holds `name`; the directory itself for the root, and in begin and end */
	int dirfd;
	uint64_t ino; /* from readdir; 0 for the root */
	struct statx stx;
	unsigned xattr_flags; /* enum xattr_flag */
	bool whiteout; /* `path` is a whiteout: nothing of it shows from the layers below; it is no object itself */
	/* a whiteout `.wh.NAME` of the aufs dialect; an object NAME of this layer shows nevertheless */
	bool hides_below;
	bool opaque;	  /* a directory of which nothing shows from the layers below */
	bool overmounted; /* overmounted: it exists, has a type, and isn't entered */
	/* 0 at first; a value that `entry` sets for a directory is there again in its begin and end */
	uint64_t tag;
};

struct layer_walk_calls {
	/* Called for each object, the root first. */
	int (*entry)(void *arg, struct layer_walk_entry *e);
	/* Called before the first and after the last entry of a directory. May be NULL. */
	int (*begin)(void *arg, const struct layer_walk_entry *dir);
	int (*end)(void *arg, const struct layer_walk_entry *dir);
	/* Called for an object that can't be looked at, or a directory that can't be read, with -errno. 0 goes on
	 * without it. NULL: the walk ends with this error. A vanished object is no failure. */
	int (*failed)(void *arg, const struct layer_walk_entry *e, int err);
};

/* Walks layer `l` of the set with a combination of enum layer_walk_flag. 0, -errno, or the value that ended the
 * walk. */
int layer_walk(const struct layer_set *set, const struct layer *l, unsigned flags, const struct layer_walk_calls *calls,
	       void *arg);

#endif
