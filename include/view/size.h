/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sizes of stacks on disk: the bytes that are allocated for the objects of their layers. A layer that several
 * stacks have is there once, and so is a file with several links, in one layer or in several. Two layers are one if
 * they are the same directory, or the same blob of one layout or archive. A packed layer has the bytes of its blob.
 *
 * For each stack: unique + shared == bytes. Over all: on_disk is each byte once, and unshared is the sum of the stacks'
 * bytes, which they would take without sharing.
 *
 * Memory is needed for each layer, and for each file with several links.
 */
#ifndef VIEW_SIZE_H
#define VIEW_SIZE_H

#include <stddef.h>
#include <stdint.h>

#include "layer/layer.h"
#include "view/stack.h"

/* The objects of one layer. */
struct view_layer_size {
	uint64_t allocated; /* bytes on disk, files with several links once */
	uint64_t apparent;  /* bytes of files and links, those with several links once */
	uint64_t files, dirs, links, others, whiteouts, opaque;
};

/* Something can't be looked at: 0 goes on without it. */
typedef int (*view_size_failed)(void *arg, const struct layer *l, const char *path, int err);

int view_layer_measure(const struct layer_set *set, const struct layer *l, view_size_failed failed, void *arg,
		       struct view_layer_size *ret);

struct view_stack_size {
	uint64_t bytes, shared, unique;
	uint64_t upper; /* of the first layer, with links to other layers */
};

struct view_total_size {
	uint64_t on_disk, unshared;
};

/* Open stacks, n of them: ret_sizes has an element for each. An error has one line that the caller frees. */
int view_stacks_measure(const struct view_stack *const *stacks, size_t n, view_size_failed failed, void *arg,
			struct view_stack_size *ret_sizes, struct view_total_size *ret_total, char **ret_error);

#endif
