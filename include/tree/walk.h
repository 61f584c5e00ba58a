/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over a union that isn't mounted: what each path shows, from which layer, and what is hidden below it. There
 * are no inodes, lookup counts or locks. The code that resolves names for a mount (tree/resolve.h) decides here too:
 * about whiteouts and opaque directories of all forms, redirects, metacopy files and data-only layers.
 *
 * The layers come from layer_set_open() (layer/stack.h) without a mountpoint; an ordinary user may open them. The set
 * should have no upper of its own, because opening one locks and empties its work directory. The upper of a mount is
 * given as the topmost layer instead, with stack_spec.shows_upper. The mount's work directory is given too if hard
 * links are to be followed to their copies in the index.
 *
 * Order. The start comes first. The entries of a directory come sorted by the bytes of their names. A directory is
 * followed by everything in it, then by `leave`.
 *
 * The walk never leaves the layers: it follows no symbolic link and enters no overmounted directory. Redirects can show
 * one directory of a layer in many places, and malicious redirects in more places than a walk can visit. Below
 * redirects a directory is entered TREE_WALK_REPEATS times at most. After that `failed` is called for it with -ELOOP
 * each time.
 *
 * A walk keeps at most TREE_WALK_FDS descriptors open beside those of the set, and memory for the directories between
 * the start and its present place. Paths may be longer than PATH_MAX. Names are bytes. Several threads may walk one set
 * at the same time.
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
	/* attributes, flags and data of each entry; without it non-directories have a type and a layer only */
	TREE_WALK_STAT = 1 << 0,
	/* with `says`; names of which nothing shows are reported and entered too; includes STAT */
	TREE_WALK_HIDDEN = 1 << 1,
};

/* Results of a call-back besides 0. Any other value ends the walk and is its result. */
enum {
	TREE_WALK_PRUNE = 1, /* entry: the directory isn't entered, and has no `leave` */
};

/* The role of a layer's object at a path. */
enum tree_say_role {
	TREE_SAY_HIDDEN, /* none; or the entry is no object */
	TREE_SAY_TOP,	 /* the object that is shown */
	TREE_SAY_PART,	 /* a directory that merges with the directories above */
	TREE_SAY_DATA,	 /* a file that gives its data to the metacopy file above */
};

/* Why an object of a layer doesn't show. */
enum tree_say_why {
	TREE_WHY_SHOWN,	   /* the object shows */
	TREE_WHY_OBJECT,   /* an object above takes the name: one of the two is no directory */
	TREE_WHY_WHITEOUT, /* a whiteout above, or `.wh.NAME` of a layer above */
	TREE_WHY_OPAQUE,   /* an opaque directory above */
	TREE_WHY_REDIRECT, /* a redirect of a directory above leads elsewhere */
	TREE_WHY_INDEX,	   /* its copy, to which the index leads, shows instead */
	TREE_WHY_ERROR,	   /* the path can't be shown, see `err` of the entry */
};

/* The entry of one layer at a path. A layer without an entry there says nothing. */
struct tree_say {
	unsigned layer;
	enum tree_say_role role;
	enum tree_say_why why; /* of an object; below a hidden directory the reason of the directory */
	unsigned by;	       /* the layer that hides it; TREE_WALK_NO_LAYER if it shows */
	bool object;	       /* there is an object and `stx` is valid; otherwise a whiteout, or an error */
	/* The layer hides the name in the layers below. With `object` it is `.wh.NAME` beside the object. */
	bool whiteout;
	int err;	      /* -errno if the layer's entry can't be looked at, else 0 */
	struct statx stx;     /* the object's attributes in the layer */
	unsigned xattr_flags; /* enum xattr_flag as far as they were read: XATTR_FLAG_OPAQUE, XATTR_FLAG_REDIRECT,
				* XATTR_FLAG_METACOPY, .. */
	char *path;	      /* from the layer's root */
};

/* One path; valid during the call. */
struct tree_walk_entry {
	const char *path;	/* from the union's root, "" for the root itself, no slash at either end */
	const char *name;	/* its last component */
	unsigned depth;		/* components of the path */
	bool shown;		/* the union has it; the members down to `data_path` are valid */
	bool indexed;		/* the object is in the index of the upper, and has no path in a layer */
	const char *index_name; /* of such an object: its name in WORKDIR/index */
	bool metacopy;		/* a file with metadata only */
	bool overmounted;	/* overmounted: it exists, has a type, and isn't entered */
	/* As the union shows it, with st_ino and nlink. Without STAT non-directories have stx_mode & S_IFMT only. Ids
	 * are those of the layers: uidmapping and gidmapping belong to a mount. */
	struct statx stx;
	unsigned xattr_flags; /* enum xattr_flag of the topmost object */
	unsigned layer;	      /* of the topmost object */
	unsigned n_parts;     /* directories: layers that merge in it */
	unsigned data_layer;  /* files: the layer with the data; TREE_WALK_NO_LAYER: none, reads give EIO */
	/* files: path of the data from the root of that layer; NULL: the data is in the topmost object */
	const char *data_path;

	int err;		     /* tree_explain() only: -errno if the union can't show the path, else 0 */
	const struct tree_say *says; /* with TREE_WALK_HIDDEN, and in tree_explain(): by rising layer */
	unsigned n_says;
	const void *dir; /* walk.c's own */
};

struct tree_walk_calls {
	int (*entry)(void *arg, const struct tree_walk_entry *e);
	/* Called after everything in a directory that was entered. May be NULL. */
	int (*leave)(void *arg, const char *path, unsigned depth);
	/* Called for a path that can't be looked at, or a directory that can't be read, with -errno and the layer if it
	 * is known. 0 goes on without it. NULL: the walk ends with this error. A vanished object is no failure. */
	int (*failed)(void *arg, const char *path, unsigned layer, int err);
};

/* Walks everything at `path` ("" is all), with a combination of enum tree_walk_flag. 0, -errno, or the value that ended
 * the walk. -ENOENT: there is no such path. -EINVAL: it has a component "..". */
int tree_walk(struct layer_set *set, const char *path, unsigned flags, const struct tree_walk_calls *calls, void *arg);

/* Looks at one path. `step` gets the root and each component of the path with the entries of all layers, below hidden
 * directories too. It ends where no layer has an entry. 0, -errno, or the result of `step`. -ENOENT: no layer has an
 * entry at the path. */
int tree_explain(struct layer_set *set, const char *path, int (*step)(void *arg, const struct tree_walk_entry *e),
		 void *arg);

/* Looks at single paths, without reading a directory. The directories on the way to the last path stay open: another
 * path in the same directory costs the look at one name. One thread uses it at a time. */
struct tree_looks;
int tree_looks_new(struct layer_set *set, struct tree_looks **ret);
/* Calls `each` with the entry of a path that shows, and returns its result. `path` has no `.`, no doubled slash, and no
 * slash at either end. -ENOENT: nothing shows there. */
int tree_looks_at(struct tree_looks *looks, const char *path, int (*each)(void *arg, const struct tree_walk_entry *e),
		  void *arg);
void tree_looks_free(struct tree_looks *looks);

/* The path of the shown object from the root of e->layer. The caller frees it. -ENOENT: the object isn't shown, or is
 * in the index. */
int tree_walk_layer_path(const struct tree_walk_entry *e, char **ret_path);

#endif
