/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens directories as layers that are read as images' layers are: whiteouts of all forms, redirects and metacopy files
 * followed.
 */
#ifndef ARCHIVE_OPEN_H
#define ARCHIVE_OPEN_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"
#include "layer/layer.h"

/* `dirs` are the directories, topmost first. `userxattr`: private xattrs are in user.*. */
int archive_open_layers(const char *const *dirs, size_t n, bool userxattr, struct layer_set **ret,
			struct image_error *error);

#endif
