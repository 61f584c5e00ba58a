/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All paths of a stack with their versions, as `report` shows them: a tree in memory. A version is what one layer has
 * at a path, and says whether the union shows it or what hides it.
 *
 * Memory is needed for each path and each version. Nothing recurses: paths may be as deep as they like.
 */
#ifndef PLYCTL_REPORT_H
#define PLYCTL_REPORT_H

#include <stdio.h>

#include "plyctl.h"

enum report_state {
	REPORT_SHOWN,
	REPORT_REPLACED, /* a layer above has the name */
	REPORT_DELETED,	 /* a whiteout or an opaque directory above */
	REPORT_WHITEOUT, /* no object: it hides the name below */
	REPORT_MOVED,	 /* a redirect or the index leads elsewhere */
	REPORT_UNREADABLE,
};
#define REPORT_NO_LAYER UINT32_MAX

struct report_version {
	uint32_t layer, state, by; /* by: the layer that hides it, or REPORT_NO_LAYER */
	bool directory, opaque;
	uint64_t bytes; /* on disk, of an archive of content; the first name of a file with several has them */
};

struct report_node {
	struct report_node *parent, *first, *last, *next;
	struct report_node *older; /* made before this one */
	char *name;		   /* owned */
	char kind;		   /* d, f, l, o; w: whiteouts only */
	bool folded;
	uint32_t n_versions, n_lost;
	/* Of what lies in it, versions of the layer `cut` and of those below are hidden, by the layer `cut` - 1. */
	uint32_t cut, cut_state;
	struct report_version *versions; /* owned; by rising layer */
	uint64_t total;			 /* bytes of all versions here and below */
	int64_t number;			 /* in the document */
	/* What was folded into it: numbers and bytes by layer and state. */
	uint64_t n_folded;
	struct report_version *lost; /* owned */
};

/* The sums of one layer. */
struct report_layer {
	uint64_t size, hides, hidden;
	uint64_t files, directories, links, others, whiteouts, opaque;
};

struct report {
	struct report_node *root, *newest;
	struct report_layer *layers; /* owned */
	size_t n_layers;
	uint64_t entries; /* nodes without the root */
	uint64_t size, shown, hidden;
	/* Nodes of fewer bytes were folded into their parents; 0: none. */
	uint64_t folded_below, folded;
};

/* Reads all layers of an open stack. 0 or -errno, with a line in *ret_error if there is more to say, which the caller
 * frees. What can't be looked at in a directory is told, and left out. */
int report_read(const struct view_stack *stack, struct report *ret, char **ret_error);
/* Folds the smallest nodes together until no more than `most` are left. */
int report_fold(struct report *report, size_t most);
void report_free(struct report *report);

/* Depth first: the next node after `n`, or NULL. With `skip` what is below `n` is passed over. */
struct report_node *report_next(const struct report_node *n, bool skip);

/* Writes the document "plyctl.report/1". No byte of it can end a script element of HTML. */
int report_write_json(FILE *out, const struct view_stack *stack, const struct report *report);
/* The page around it. */
int report_write_page(FILE *out, const struct view_stack *stack, const struct report *report);

#endif
