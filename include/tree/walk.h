/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a union that isn't mounted: what each path shows, from which layer, and what is hidden below it. There are no
 * inodes, lookup counts or locks. The code that decides for a mount what a name is (tree/resolve.h) decides here, too:
 * about whiteouts and opaque directories of all forms, redirects, metacopy files and data-only layers.
 *
 * The layers come from layer_set_open() (layer/stack.h) without a mountpoint; an ordinary user may open them. The set
 * should have no upper of its own, because opening one locks and empties its work directory. The upper of a mount is
 * given as the topmost layer instead, with stack_spec.shows_upper and the mount's work directory where hard links are
 * to be followed to their copies in the index.
 *
 * Order. The start comes first. The entries of a directory come in the order of their names' bytes. A directory is
 * followed by what lies in it, then by `leave`.
 *
 * Nothing outside of the layers is reached: not through symbolic links, and not where another mount lies over a
 * directory. Redirects can show one directory of a layer in many places, and those of layers made for that in more than
 * anybody can walk. Below redirects a directory is entered TREE_WALK_REPEATS times at most, and told by `failed` with
 * -ELOOP each time after that.
 *
 * A walk keeps at most TREE_WALK_FDS descriptors open beside those of the set, and memory for the directories between
 * the start and the place where it is. Paths may be longer than PATH_MAX. Names are bytes. Several walks may use one
 * set at the same time, in a thread each. The program calls os_init() and hash_seed_init() before.
 */
#ifndef TREE_WALK_H
#define TREE_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/stat.h>

#include "layer/layer.h"

#define TREE_WALK_REPEATS 64
#define TREE_WALK_FDS 64
#define TREE_WALK_NO_LAYER UINT_MAX

enum tree_walk_flag {
	/* attributes, flags and data of each entry; without it non-directories have a type and a layer alone */
	TREE_WALK_STAT = 1 << 0,
	/* with `says`; names of which nothing shows are told and entered as well. STAT is included */
	TREE_WALK_HIDDEN = 1 << 1,
};

/* What a call-back returns besides 0. Any other value ends the walk and is its result. */
enum {
	TREE_WALK_PRUNE = 1, /* entry: the directory isn't entered, and has no `leave` */
};

/* What an object of a layer is to the path. */
enum tree_say_role {
	TREE_SAY_HIDDEN, /* nothing; or what was met is no object */
	TREE_SAY_TOP,	 /* the object that is shown */
	TREE_SAY_PART,	 /* a directory that merges with those above */
	TREE_SAY_DATA,	 /* a file that gives its data to the metadata above */
};

/* Why an object of a layer doesn't show. */
enum tree_say_why {
	TREE_WHY_SHOWN,	   /* it does */
	TREE_WHY_OBJECT,   /* an object above takes the name: one of the two is no directory */
	TREE_WHY_WHITEOUT, /* a whiteout above, or `.wh.NAME` of a layer above */
	TREE_WHY_OPAQUE,   /* an opaque directory above */
	TREE_WHY_REDIRECT, /* a directory above says that the layers below know it elsewhere */
	TREE_WHY_INDEX,	   /* its copy, to which the index leads, shows in its place */
	TREE_WHY_ERROR,	   /* the path can't be shown, see `err` of the entry */
};

/* What one layer has at a path. A layer that has nothing there says nothing. */
struct tree_say {
	unsigned layer;
	enum tree_say_role role;
	enum tree_say_why why; /* of an object; below a hidden directory that of the directory */
	unsigned by;	       /* the layer that hides it; TREE_WALK_NO_LAYER where it shows */
	bool object;	       /* there is one; `stx` is valid. Else a whiteout, or an error */
	/* the layer hides what the layers below have of the name. With `object` it is `.wh.NAME` beside that */
	bool whiteout;
	int err;	      /* what the layer has can't be looked at: -errno, else 0 */
	struct statx stx;     /* as the layer has it */
	unsigned xattr_flags; /* enum xattr_flag as far as they were read: XATTR_FLAG_OPAQUE, XATTR_FLAG_REDIRECT,
				* XATTR_FLAG_METACOPY, .. */
	char *path;	      /* from the layer's root */
};

/* One path; valid during the call. */
struct tree_walk_entry {
	const char *path; /* from the union's root, "" for the root itself, no slash at either end */
	const char *name; /* its last component */
	unsigned depth;	  /* components of the path */
	bool shown;	  /* the union has it; the members down to `data_path` are valid */
	bool indexed;	  /* the object is in the index of the upper, and has no path in a layer */
	bool metacopy;	  /* a file with metadata alone */
	bool overmounted; /* another mount lies over it: it is there, has a type, and isn't entered */
	/* as the union shows it: st_ino and nlink as well. Without STAT of non-directories stx_mode & S_IFMT alone. Ids
	 * are the layers'; uidmapping and gidmapping are a mount's business */
	struct statx stx;
	unsigned xattr_flags;  /* enum xattr_flag of the topmost object */
	unsigned layer;	       /* of the topmost object */
	unsigned n_parts;      /* directories: layers that merge in it */
	unsigned data_layer;   /* files: that has the data; TREE_WALK_NO_LAYER: none has, reading gives EIO */
	const char *data_path; /* files: of the data, from that layer's root; NULL: the topmost object itself has it */

	int err;		     /* tree_explain() alone: why the union can't show the path, -errno; else 0 */
	const struct tree_say *says; /* with TREE_WALK_HIDDEN, and of tree_explain(): by rising layer */
	unsigned n_says;
	const void *dir; /* walk.c's own */
};

struct tree_walk_calls {
	int (*entry)(void *arg, const struct tree_walk_entry *e);
	/* After what lies in a directory that was entered; may be NULL. */
	int (*leave)(void *arg, const char *path, unsigned depth);
	/* A path that can't be looked at or a directory that can't be read, and in which layer, as far as that is
	 * known, with -errno: 0 goes on without it. NULL: the walk ends with that error. What goes away meanwhile is no
	 * failure. */
	int (*failed)(void *arg, const char *path, unsigned layer, int err);
};

/* Walks what lies at `path`, "" is all, with a combination of enum tree_walk_flag. 0, -errno, or what ended it.
 * -ENOENT: there is no such path; -EINVAL: it has a component "..". */
int tree_walk(struct layer_set *set, const char *path, unsigned flags, const struct tree_walk_calls *calls, void *arg);

/* Looks at one path: `step` gets the root and each component of the path with what every layer says of it, also below
 * directories that are hidden. It ends where no layer knows more. 0, -errno, or what `step` returned; -ENOENT: no layer
 * has anything at the path. */
int tree_explain(struct layer_set *set, const char *path, int (*step)(void *arg, const struct tree_walk_entry *e),
		 void *arg);

/* The path of the shown object from the root of e->layer; the caller frees it. -ENOENT: it isn't shown, or is in the
 * index. */
int tree_walk_layer_path(const struct tree_walk_entry *e, char **ret_path);

#endif
