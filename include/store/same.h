/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two objects of layers are the same to a user: type, mode, owner, xattrs, target, device and content. Sizes of
 * directories and numbers of links don't count.
 */
#ifndef STORE_SAME_H
#define STORE_SAME_H

#include <stdbool.h>
#include <linux/stat.h>

#include "layer/layer.h"

struct same_object {
	const struct layer *layer;
	int fd; /* O_PATH is enough; its content is its own (no metacopy) */
	const struct statx *stx;
};

/* `times`: modification times count too. 1: they are the same; 0, or -errno. */
int store_same(const struct same_object *a, const struct same_object *b, bool times);

#endif
