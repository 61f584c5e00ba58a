/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLYCTL_DF_WASTE_H
#define PLYCTL_DF_WASTE_H

#include <stdint.h>

struct view_stack;

/* The bytes of what the layers of an open stack hide; 0 of packed layers, of which it isn't known. */
uint64_t df_wasted(const struct view_stack *stack);

#endif
