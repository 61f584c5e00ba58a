/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name is: the value that a lookup gives (tree/resolve.h) and that the inode table takes (inode_intern()).
 */
#ifndef TREE_RESOLVED_H
#define TREE_RESOLVED_H

#include "tree/tree.h"

/* Files that hold metadata alone (metacopy): the search goes on, by the same rules and along redirects of their own,
 * until a regular file with data is found. What the lowest layer still has to look for, along an absolute redirect,
 * lies in a data-only layer; those are asked when the data is needed. */
#define LOWERDATA_LAZY UINT16_MAX

/* What a name is. */
struct resolved {
	struct statx stx;     /* of the topmost object, as read (not the union's st_ino) */
	struct object_id id;  /* which that is */
	unsigned layer;	      /* of the topmost object */
	unsigned xattr_flags; /* enum xattr_flag of the topmost object */
	bool overmounted;     /* the topmost object is overmounted */
	uint64_t ino;	      /* st_ino of the union */
	bool has_origin;      /* ino comes from a lower object */
	/* the object is in the index, in the upper or the one that is shown (stx, xattr_flags and layer are its),
	 * whether or not that has the name, which in_upper tells of our own upper */
	bool indexed;
	uint32_t nlink;		   /* the union's count of names where it keeps one, else 0 */
	uint64_t index_generation; /* when it was asked; only where nlink is set and the object is a lower one */
	char *index_name;	   /* the object's name in the index, where it was asked for; owned */
	bool upper_whiteout;	   /* only with -ENOENT: a whiteout of this name is in the upper */
	unsigned n_lower;	   /* directories: lower refs, topmost first */
	bool in_upper;		   /* directories: upper_ref is valid; else: layer is the upper */
	struct dirref upper_ref;
	struct dirref *lower; /* owned, and the paths in them: resolved_finish() */

	/* A regular file that holds metadata alone: where its data is. */
	bool metacopy;
	unsigned data_layer;  /* LOWERDATA_LAZY: one of the data-only layers, which haven't been asked */
	uint64_t data_blocks; /* st_blocks of the data, unless lazy */
	bool lower_linked;    /* its topmost lower object is a hard link */
	char *data_path;      /* owned; from the layer's root */
};

#endif
