/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands that name an image of the store.
 */
#ifndef PLYCTL_STORED_H
#define PLYCTL_STORED_H

#include <errno.h>
#include <string.h>

#include "image/error.h"
#include "store/store.h"

/* The name without its transport, which may be left out. */
static inline const char *store_operand(const char *operand)
{
	return strncmp(operand, "store:", 6) ? operand : operand + 6;
}

/* The user's store with a shared lock, before a stack of it is opened, so that nothing of the stack is removed
 * meanwhile. NULL: there is none that can be locked. */
static inline struct store *store_hold(void)
{
	struct image_error error;
	struct store *s = NULL;

	if (store_open(NULL, false, &s, &error) < 0)
		return NULL;
	if (store_lock(s, false, &error) < 0) {
		store_close(s);
		return NULL;
	}
	return s;
}

/* The name of an image that is made of another one: `name`, or without it that of the operand, which leads to the new
 * image then. NULL after an error: the operand isn't a whole name. */
static inline const char *store_new_name(const struct store *s, const char *operand, const char *name,
					 struct image_error *error)
{
	char id[DIGEST_SIZE];

	if (name || store_find_name(s, operand, id) == 0)
		return name ? name : operand;
	image_fail(error, -EINVAL, "it isn't the whole name of an image: give the new one --name");
	return NULL;
}

#endif
