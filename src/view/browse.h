/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's memory. browse.c adds names, browse_view.c makes views of them.
 *
 * A node is made after its parent, so parents have lower numbers: what goes down the tree is a loop over the numbers,
 * and what goes up is one from the end. No depth of a tree costs stack.
 */
#ifndef VIEW_BROWSE_INTERNAL_H
#define VIEW_BROWSE_INTERNAL_H

#include "view/browse.h"

enum version_flag {
	VERSION_WHITEOUT = 1 << 0,
	VERSION_OPAQUE = 1 << 1,
	VERSION_HARDLINK = 1 << 2,
	VERSION_IMPLIED = 1 << 3,
	VERSION_REDIRECT = 1 << 4,
	VERSION_METACOPY = 1 << 5,
};

/* The object that one layer has at a name, or its whiteout. */
struct version {
	uint64_t size;
	int64_t mtime;
	uint32_t next; /* of a layer below; BROWSE_NONE: none */
	uint32_t link; /* in the texts; BROWSE_NONE: none */
	uint32_t mode, uid, gid;
	uint16_t layer;
	uint8_t flags;
};

enum node_flag {
	NODE_OPEN = 1 << 0,
	NODE_SHOWN = 1 << 1,	 /* in the view */
	NODE_PARENT = 1 << 2,	 /* shown, with something in it */
	NODE_MATCHES = 1 << 3,	 /* the filter */
	NODE_LEADS = 1 << 4,	 /* to a node that matches */
	NODE_DIRECTORY = 1 << 5, /* as the view shows it */
};

struct node {
	uint32_t name; /* in the texts */
	uint32_t parent, child, next;
	uint32_t versions; /* topmost first */
};

/* Of a node in a view. `reach`: the lowest layer that has a part of a directory. */
struct seen {
	uint64_t bytes;
	uint32_t version; /* which is shown */
	uint16_t old_reach, new_reach;
	uint8_t change; /* enum browse_change */
	uint8_t old_state, new_state;
	uint8_t flags;
};

/* The directory that the present object lies in, and the entry after which the next one may be. */
struct level {
	uint32_t node, after;
};

struct browse {
	struct node *nodes; /* owned, as are the next ones */
	struct seen *seen;  /* as many as there is room for nodes */
	struct version *versions;
	char *texts;
	uint32_t *rows;
	struct level *levels; /* from the root to the present directory */
	struct browse_layer *layers;
	size_t n, room, seen_room, n_versions, versions_room, n_texts, texts_room, n_rows, rows_room, depth,
		levels_room;
	size_t n_layers, layer;
	/* Of the last view. */
	struct browse_view view;
	char *filter; /* owned */
	size_t n_seen;
	bool is_by_size;
};

static inline const char *browse_name(const struct browse *b, uint32_t node)
{
	return b->texts + b->nodes[node].name;
}

#endif
