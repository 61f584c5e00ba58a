/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of a name: the value that a lookup returns (tree/resolve.h) and that the inode table takes
 * (inode_intern()).
 */
#ifndef TREE_RESOLVED_H
#define TREE_RESOLVED_H

#include "tree/tree.h"

/* For metacopy files the search goes on, by the same rules and along redirects of their own, until a regular file with
 * data is found. The lowest layer may leave the search open with an absolute redirect. The data then lies in a
 * data-only layer; these are asked when the data is needed. */
#define LOWERDATA_LAZY UINT16_MAX

/* The meaning of a name. */
struct resolved {
	struct statx stx;     /* of the topmost object, as read (not with the union's st_ino) */
	struct object_id id;  /* the topmost object */
	unsigned layer;	      /* of the topmost object */
	unsigned xattr_flags; /* enum xattr_flag of the topmost object */
	bool overmounted;     /* the topmost object is overmounted */
	uint64_t ino;	      /* st_ino of the union */
	bool has_origin;      /* ino comes from a lower object */
	/* The object is in the index, in the upper or in the one that is shown; stx, xattr_flags and layer are those of
	 * this object. The upper may lack the name itself: in_upper tells this of the mount's own upper. */
	bool indexed;
	bool through_index; /* such an object was found by a name in a lower layer: the upper, or the one that is shown,
			     * lacks the name */
	uint32_t nlink;	    /* the union's count of names, if it keeps one; else 0 */
	uint64_t index_generation; /* the index generation of the lookup; only with nlink and a lower object */
	char *index_name;	   /* the object's name in the index, if it was asked for; owned */
	bool upper_whiteout;	   /* only with -ENOENT: the upper has a whiteout of this name */
	unsigned n_lower;	   /* directories: lower refs, topmost first */
	bool in_upper;		   /* directories: upper_ref is valid; others: layer is the upper */
	struct dirref upper_ref;
	struct dirref *lower; /* owned, with the paths in them: resolved_finish() */

	/* A metacopy file: where its data is. */
	bool metacopy;
	unsigned data_layer;  /* LOWERDATA_LAZY: a data-only layer; they haven't been asked */
	uint64_t data_blocks; /* st_blocks of the data, unless lazy */
	bool lower_linked;    /* its topmost lower object has several links */
	char *data_path;      /* owned; from the layer's root */
};

#endif
