/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sharing of a stack's layers with other images and containers of its source, and with other live unions. A
 * container that runs is one of them and not two, though its union is mounted.
 */
#ifndef VIEW_SHARING_H
#define VIEW_SHARING_H

#include "view/stack.h"

/* Counts for each layer of an open stack; `ret_counts` has view_layer_count() elements. Unions that can't be looked at
 * don't count. 0 or -errno, with one line that the caller frees. */
int view_layers_shared(const struct view_stack *stack, unsigned *ret_counts, char **ret_error);

#endif
