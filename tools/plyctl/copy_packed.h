/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cp from layers that are packed.
 */
#ifndef PLYCTL_COPY_PACKED_H
#define PLYCTL_COPY_PACKED_H

#include "plyctl.h"

/* Copies what the union shows at `path`, or what the layer `layer` (NULL: none is named) holds there, to the name in a
 * directory. An exit status, after a line if it isn't EXIT_FINE. */
int copy_packed(const struct view_stack *stack, const char *layer, const char *path, int dirfd, const char *name);

#endif
