/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of directories for what can't look at packed layers: their layers are put into the store.
 */
#ifndef PLYCTL_UNPACKED_H
#define PLYCTL_UNPACKED_H

#include "plyctl.h"
#include "store/store.h"

/* As stack_open(), also of an image that is packed. That is imported without a name, so gc removes it when nothing uses
 * its layers. A line says what was done. *ret_hold has the store's shared lock then, so that nobody removes it before
 * it is used; else it is NULL. */
struct view_stack *stack_open_unpacked(const char *name, struct store **ret_hold);
/* Whether a directory has the name that realpath() says; also if there is none. */
bool name_is_here(const char *name);
/* Whether its layers have names here, as whoever mounts or replaces them needs. Else a line says why. */
bool stack_is_here(const struct view_stack *stack);

#endif
