/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory beside a layer in which the layer's new objects are made, and how they get into it.
 *
 *	PARENT/.plyctl-deref-NAME/copies	new objects, later the old ones, by their paths
 *	PARENT/.plyctl-deref-NAME/pending	what must be set back: "1" or "0", struct deref_pending, its path,
 *						struct deref_file
 */
#ifndef STORE_DEREF_SWAP_H
#define STORE_DEREF_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/name.h"
#include "image/image.h"

struct deref_item {
	char kind;    /* 'R' a renamed directory, 'M' a metacopy file */
	char *path;   /* owned */
	uint64_t ino; /* in the layer */
	uint64_t bytes;
	bool in_place; /* a file with several names */
	unsigned data_layer;
	char *data_path; /* of such a file; owned; NULL: it is empty */
};

struct deref_stage {
	int layer_fd, parent_fd;
	int fd, copies_fd, pending_fd;
	char *name; /* in the parent; owned */
};

/* Opens it, empty, after the leavings of a killed run were put right. `dir` is the layer's absolute path without
 * links. */
int stage_open(struct deref_stage *ret, const char *dir, struct image_error *error);
/* The copy takes the place of the object. -EAGAIN: it is another object now. */
int stage_swap(struct deref_stage *s, const struct deref_item *item);
/* The file gets the data (`data` < 0: it is empty), and is no metacopy file any more. */
int stage_fill(struct deref_stage *s, const struct deref_item *item, int data, enum xattr_ns ns);
/* Syncs the layer, and removes the directory. */
void stage_close(struct deref_stage *s);

#endif
