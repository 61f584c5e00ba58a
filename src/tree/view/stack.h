/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of the union as resolving and merging see it: the layers that hold it, and how its part in one of them is
 * reached. A stack is a value for the time of one search or reading. It doesn't say who keeps the directory: a mount
 * has inodes (inode_stack.c), a walk has the chain of directories down to where it is (walk.c). So the same code
 * decides for both what a name is.
 *
 * The number of layers is that of the start: the upper may come to hold the directory meanwhile.
 */
#ifndef TREE_STACK_H
#define TREE_STACK_H

#include <stdbool.h>

#include "tree/tree.h"

struct dir_stack;

struct stack_calls {
	/* A descriptor (O_PATH or better) of the part `ref`, until `put`; as dirfd_get(). */
	int (*get)(struct dir_stack *ds, struct dirref *ref, struct dirfd *ret_fd);
	void (*put)(struct dir_stack *ds, struct dirfd *fd);
	/* Attributes of the part, as dirfd_statx(). */
	int (*statx)(struct dir_stack *ds, struct dirref *ref, struct statx *ret_stx);
	/* A descriptor to read the part once, as dirfd_open_to_read(). */
	int (*open_to_read)(struct dir_stack *ds, struct dirref *ref);
	/* The path of `name` in that layer's part, from the layer's root, as layer_path_compose(). */
	int (*compose)(struct dir_stack *ds, unsigned layer, const char *name, char **ret_path);
	/* For messages: where the union shows `name`, as tree_path(). Without it messages have the name alone. */
	const char *(*shown)(struct dir_stack *ds, const char *name, char buf[TREE_PATH_SHOWN]);
	/* Closes descriptors that nobody uses, as dirfd_shrink(). */
	unsigned (*shrink)(struct dir_stack *ds);
};

struct dir_stack {
	const struct stack_calls *calls;
	struct layer_set *layers;
	struct dirref *upper; /* NULL: the upper doesn't hold the directory */
	struct dirref *lower; /* topmost first */
	unsigned n_lower;
	/* the last layer whose root is part of the union's: those below are hidden, and no path leads into them */
	unsigned last_root;
	bool impure; /* the upper's part is known to be impure */
};

static inline unsigned stack_depth(const struct dir_stack *ds)
{
	return ds->n_lower + (ds->upper != NULL);
}
/* The part number i, 0 is the topmost. */
static inline struct dirref *stack_ref(const struct dir_stack *ds, unsigned i)
{
	if (!ds->upper)
		return &ds->lower[i];
	return i ? &ds->lower[i - 1] : ds->upper;
}

/* Opens a name as a directory (O_PATH); where descriptors have run out others are closed. */
int stack_open_name(struct dir_stack *ds, const struct layer *l, int dirfd, const char *name);

/* A directory of a mount as a stack, for as long as the inode is held. */
struct inode_stack {
	struct dir_stack stack;
	struct tree *tree;
	struct inode *dir;
};
void inode_stack_init(struct inode_stack *v, struct tree *tree, struct inode *dir);

#endif
