/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union of layers that have no directories, as one tree in memory. Nodes are numbers: the root is 0, and 0 as a
 * child or a sibling means none. Children are sorted by the bytes of their names.
 */
#ifndef VIEW_MERGED_H
#define VIEW_MERGED_H

#include <xxhash.h>

#include "view/stack.h"

#define MERGED_NONE UINT32_MAX

struct merged_node {
	uint32_t name, parent, child, next; /* `name`: where in `names` */
	/* A symlink's target, or the path of the entry with the content of a hard link; 0: none. */
	uint32_t text;
	uint32_t mode, uid, gid, major, minor, mtime_nsec;
	uint16_t layer;	     /* of the topmost entry, counted from the top of the stack */
	uint16_t data_layer; /* with the content of a file; MERGED_NO_LAYER: it isn't known */
	int64_t mtime;
	uint64_t size, xattrs;
};
#define MERGED_NO_LAYER UINT16_MAX

struct merged {
	const struct view_stack *stack;
	size_t first;
	struct merged_node *nodes; /* owned */
	size_t n, room;
	char *names; /* owned; strings one after the other, the first one empty */
	size_t names_len, names_room;
	XXH128_hash_t *hashes; /* owned; of contents, by node; NULL: no layer was read */
	bool *hashed;	       /* owned; by node */
	bool *layers_read;     /* owned; by layer */
};

int merged_read(const struct view_stack *stack, size_t first, struct merged **ret, char **ret_error);
/* A copy with one layer more on top. */
int merged_read_above(const struct merged *below, struct merged **ret, char **ret_error);
void merged_free(struct merged *m);
static inline const char *merged_text(const struct merged *m, uint32_t at)
{
	return m->names + at;
}
/* The node of a path, or MERGED_NONE. */
uint32_t merged_find(const struct merged *m, const char *path);
/* The node after `node` in the order of paths, within `top`; MERGED_NONE at the end. */
uint32_t merged_next(const struct merged *m, uint32_t top, uint32_t node);
/* The path of a node; the caller frees it. NULL without memory. */
char *merged_path(const struct merged *m, uint32_t node);

/* --- merged_hash.c ------------------------------------------------------------------------------------------------ */

/* The hash of a file's content. The first one of a layer costs one pass over the layer, for all of its files. */
int merged_hash(struct merged *m, uint32_t node, XXH128_hash_t *ret);

#endif
