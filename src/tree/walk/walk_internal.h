/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the walker: a directory on the way down, and the state of a walk. walk_dir.c opens a
 * directory's parts in the layers, walk_look.c looks at one name, walk.c goes through the names.
 */
#ifndef TREE_WALK_INTERNAL_H
#define TREE_WALK_INTERNAL_H

#include "../view/view.h"
#include "tree/walk.h"

struct walk;

/* The descriptor of a part. */
struct walk_part {
	int fd;	       /* or -1; owned */
	unsigned slot; /* of walk.slots, when there is one */
	bool fresh;    /* open for reading, and nobody has read */
};

/* Why a part doesn't show, as in struct tree_say. */
struct walk_hidden {
	enum tree_say_why why;
	unsigned by;
};

/* A directory between the start and where the walk is. */
struct walk_dir {
	struct dir_stack stack; /* the parts that show */
	struct walk *walk;
	struct walk_dir *parent; /* NULL: the root */
	char *name;		 /* owned */
	size_t path_len;	 /* of its path in walk.path */
	unsigned depth;
	/* owned, and their paths: n_shown that show, topmost first, then those that don't, each with its path */
	struct dirref *refs;
	struct walk_part *parts;    /* owned; of the refs */
	struct walk_hidden *hidden; /* owned; of the refs behind n_shown */
	unsigned n_shown, n_refs;
	bool redirected; /* it or a directory above it has a part elsewhere */

	/* Its content, once it is read; walk.c. */
	struct listing *listing;     /* owned; NULL with TREE_WALK_HIDDEN */
	const struct listed **order; /* owned; its names in order */
	char *bytes;		     /* owned; names with TREE_WALK_HIDDEN */
	struct walk_held *held;	     /* owned; in the order of names, then parts */
	bool unsure;		     /* a part that shows couldn't be read */
	size_t n, next;
};

/* A name in one part, as an object or by its `.wh.` name. */
struct walk_held {
	size_t name; /* in walk_dir.bytes */
	unsigned part;
};

struct walk {
	struct layer_set *layers;
	unsigned flags;
	const struct tree_walk_calls *calls;
	void *arg;
	char *path; /* owned; of where the walk is */
	size_t path_size;

	struct {
		struct walk_dir *dir; /* NULL: free */
		unsigned part;
	} slots[TREE_WALK_FDS];
	unsigned hand;		      /* where the next one to make way is looked for */
	unsigned in_use;	      /* a slot that mustn't; TREE_WALK_FDS: none */
	unsigned asked_layer;	      /* the last one a part of which was opened */
	struct walk_entered *entered; /* owned uthash: directories below redirects */
	bool single;		      /* single paths are looked at: their length bounds the depth */
};

/* --- walk_dir.c --------------------------------------------------------------------------------------------------- */

/* A directory as it was resolved (NULL: nothing of it shows), whose paths are taken over. `refs` are hidden parts,
 * taken over too. -ENOMEM. */
int walk_dir_new(struct walk *w, struct walk_dir *parent, const char *name, struct resolved *resolved,
		 struct dirref *refs, const struct walk_hidden *hidden, unsigned n_hidden, struct walk_dir **ret);
void walk_dir_free(struct walk_dir *d);
/* The path of `name` ("": of the directory itself) in a part, from the layer's root. Caller frees it. -ENOMEM. */
int walk_dir_compose(const struct walk_dir *d, const struct dirref *ref, const char *name, char **ret_path);
/* The part in a layer, among those that show. */
struct dirref *walk_dir_part(const struct walk_dir *d, unsigned layer);

/* --- walk_look.c -------------------------------------------------------------------------------------------------- */

/* The meaning of a name. */
struct walk_found {
	struct resolved resolved; /* when `err` is 0 */
	int err;		  /* of the resolver, or 0; -ENOENT also where nothing of the directory shows */
	unsigned data_layer;
	struct tree_say *says; /* owned */
	unsigned n_says;
	struct dirref *hidden_dirs; /* owned; directories that don't show */
	struct walk_hidden *hidden; /* owned; of these */
	unsigned n_hidden;
};

/* Looks at a name; with TREE_WALK_HIDDEN at each part that has it: `held` names them, NULL: any may. 0, or -errno that
 * ends the walk. */
int walk_look(struct walk_dir *d, const char *name, unsigned first, unsigned last, const struct walk_held *held,
	      size_t n_held, struct walk_found *ret);
/* The same of the root. */
int walk_look_at_root(struct walk *w, struct walk_found *ret);
void walk_found_finish(struct walk_found *f);
/* Fills the entry that the walk tells of; `path` and `name` are set by the caller. */
void walk_describe(const struct walk_dir *d, const struct walk_found *f, struct tree_walk_entry *e);

#endif
