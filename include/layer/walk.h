/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking one layer: every object below its root, as this layer has it, without a look at the layers beside it.
 * Whiteouts and opaque directories of all forms that the set reads (enum whiteout_form) are told as what they mean,
 * private names of the aufs dialect aren't told as objects, and nothing outside of the layer is reached: not through
 * symbolic links, and not where another mount covers a directory.
 *
 * Order. A directory is told as an entry of its parent first. When all entries of the parent have been told, each of
 * its directories is entered in turn: `begin`, its entries, `end`, then what lies below. So parents come before
 * children, and the entries of one directory come together. Without LAYER_WALK_SORTED entries come as the file system
 * gives them.
 *
 * A walk keeps one descriptor open and a path for each directory that is still to be entered. Paths may be longer than
 * PATH_MAX.
 *
 * The layer may change meanwhile. What goes away during the walk isn't told, or was; `end` may ask for a second
 * reading.
 */
#ifndef LAYER_WALK_H
#define LAYER_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/stat.h>

#include "layer/layer.h"

enum layer_walk_flag {
	/* `stx` of each entry is complete; else it has the type, and the rest only where it was needed */
	LAYER_WALK_STAT = 1 << 0,
	LAYER_WALK_MARKS = 1 << 1,  /* `xattr_flags` of each entry; else of directories alone */
	LAYER_WALK_SORTED = 1 << 2, /* entries come in the order of their names' bytes */
	LAYER_WALK_RAW = 1 << 3,    /* names of the aufs dialect are objects like others, and say nothing */
};

/* What a call-back returns besides 0 and -errno, which ends the walk and is its result. */
enum {
	LAYER_WALK_SKIP = 1, /* entry, begin, end: the directory isn't entered, or nothing below it */
	/* end: the directory is read again, from `begin` on; what was told of its entries is void */
	LAYER_WALK_AGAIN = 2,
};

/* One object; valid during the call, but for `tag`. */
struct layer_walk_entry {
	const struct layer *layer; /* that is walked */
	const char *path;	   /* from the layer's root, "" for the root itself, no slash at either end */
	const char *name;	   /* its last component; "" for the root */
	/* the directory that holds `name`: for the root, and in begin and end, the directory itself */
	int dirfd;
	uint64_t ino; /* as readdir gives it; 0 for the root */
	struct statx stx;
	unsigned xattr_flags; /* enum xattr_flag */
	bool whiteout; /* `path` is removed: nothing of it shows from the layers below; this is no object itself */
	/* whiteout: it is `.wh.NAME` of the aufs dialect, and an object NAME of this layer shows all the same */
	bool hides_below;
	bool opaque;	  /* a directory: nothing of it shows from the layers below */
	bool overmounted; /* another mount lies over it: it is there, has a type, and isn't entered */
	uint64_t tag;	  /* 0; what `entry` sets for a directory is there again in its begin and end */
};

struct layer_walk_calls {
	/* Each object, the root first. */
	int (*entry)(void *arg, struct layer_walk_entry *e);
	/* Before the first and after the last entry of a directory; may be NULL. */
	int (*begin)(void *arg, const struct layer_walk_entry *dir);
	int (*end)(void *arg, const struct layer_walk_entry *dir);
	/* An object that can't be looked at or a directory that can't be read, with -errno: 0 goes on without it. NULL:
	 * the walk ends with that error. What is gone is no failure. */
	int (*failed)(void *arg, const struct layer_walk_entry *e, int err);
};

/* Walks layer `l` of the set with a combination of enum layer_walk_flag. 0, -errno, or what ended it. */
int layer_walk(const struct layer_set *set, const struct layer *l, unsigned flags, const struct layer_walk_calls *calls,
	       void *arg);

#endif
