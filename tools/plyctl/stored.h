/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands that name an image of the store.
 */
#ifndef PLYCTL_STORED_H
#define PLYCTL_STORED_H

#include <string.h>

/* The name without its transport, which may be left out. */
static inline const char *store_operand(const char *operand)
{
	return strncmp(operand, "store:", 6) ? operand : operand + 6;
}

#endif
