/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: which layers hold a name. It takes a directory's stack and a name and returns a value; it knows no inode of the child
 * and takes no lock but the leaf ones of the descriptor and listing caches.
 *
 * Rules (kernel overlayfs): topmost first; a whiteout ends the search; a non-directory ends it and hides all below; directories merge
 * until an opaque one. A directory with a redirect changes the name, or the path from the layers' roots, by which the layers below it are
 * searched; so its lower refs may lie elsewhere and carry their path (tree/tree.h, I5). Where the directory's merged listing is known, a missing name costs no system call and a present one
 * starts at the layer that has it.
 */
#ifndef TREE_RESOLVE_H
#define TREE_RESOLVE_H

#include "tree/tree.h"

/* Files that hold metadata alone (metacopy): the search goes on, by the same rules and along redirects of their own, until a
 * regular file with data is found. What the lowest layer still has to look for, along an absolute redirect, lies in a data-only
 * layer; those are asked when the data is needed. */
#define LOWERDATA_LAZY UINT16_MAX

/* What a name is. */
struct resolved {
	struct statx stx;      /* of the topmost object, as read (not the union's st_ino) */
	struct object_id id;   /* which that is */
	unsigned layer;        /* of the topmost object */
	unsigned xattr_flags;  /* enum xattr_flag of the topmost object */
	bool overmounted;      /* the topmost object is overmounted */
	uint64_t ino;          /* st_ino of the union */
	bool has_origin;       /* ino comes from a lower object */
	bool indexed;          /* the object is in the index, in the upper or the one that is shown (stx, xattr_flags and layer are its), whether or
				* not that has the name, which in_upper tells of our own upper */
	uint32_t nlink;        /* the union's count of names where it keeps one, else 0 */
	uint64_t index_generation; /* when it was asked; only where nlink is set and the object is a lower one */
	char *index_name;      /* the object's name in the index, where it was asked for; owned */
	bool upper_whiteout;   /* only with -ENOENT: a whiteout of this name is in the upper */
	unsigned n_lower;      /* directories: lower refs, topmost first */
	bool in_upper;         /* directories: upper_ref is valid; else: layer is the upper */
	struct dirref upper_ref;
	struct dirref *lower;  /* owned, and the paths in them: resolved_finish() */

	/* A regular file that holds metadata alone: where its data is. */
	bool metacopy;
	unsigned data_layer;   /* LOWERDATA_LAZY: one of the data-only layers, which haven't been asked */
	uint64_t data_blocks;  /* st_blocks of the data, unless lazy */
	bool lower_linked;     /* its topmost lower object is a hard link */
	char *data_path;       /* owned; from the layer's root */
};

/* -ENOENT: nothing of this name (upper_whiteout is set even then); -ENAMETOOLONG; -EPERM: a redirect or metacopy object, which this
 * mount doesn't follow; -EINVAL: a redirect that climbs or is malformed; -EIO: also a metacopy object without data or with an xattr
 * that isn't valid; -ELOOP: the upper's or work's own root inside a lower layer;
 * -ENOMEM; -EIO. */
int resolve_child(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret);
void resolved_finish(struct resolved *resolved);

/* Whether a lower layer of the directory's stack shows `name` (an object that is no whiteout): what decides if removing the upper
 * object needs a whiteout. Returns 1, 0 or -errno. */
int resolve_lower_positive(struct tree *tree, struct inode *dir, const char *name);

#endif
