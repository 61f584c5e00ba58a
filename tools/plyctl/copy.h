/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a stack for cat and cp: as the union shows them, or as a layer has them.
 */
#ifndef PLYCTL_COPY_H
#define PLYCTL_COPY_H

#include "plyctl.h"
#include "tree/walk.h"

/* The union to copy from: that of the stack, or of the layer `text` and all below it, of which the object must be the
 * topmost layer's. The caller puts it. NULL after one line. */
struct layer_set *copy_source(const struct view_stack *stack, const char *text, const char *path);
/* Opens the content of an entry: -errno. */
int copy_open(struct layer_set *set, const struct tree_walk_entry *e);
/* Writes all bytes, to a pipe too: -errno. */
int copy_write(int out, const void *data, size_t len);
/* Copies all bytes to `out`: -errno. */
int copy_bytes(int in, int out);

#endif
