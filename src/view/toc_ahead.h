/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of contents that threads read before they are asked for.
 */
#ifndef VIEW_TOC_AHEAD_H
#define VIEW_TOC_AHEAD_H

#include "image/image.h"
#include "image/toc.h"

struct toc_ahead;

/* Begins to read the table of a layer of the image, counted from the lowest. NULL: it can't be begun, which does no
 * harm. Meanwhile nobody changes the image. */
struct toc_ahead *toc_ahead_start(const struct image *image, size_t layer);
/* Waits for the table, which is the caller's, and frees the rest; as image_toc_read(). */
int toc_ahead_finish(struct toc_ahead *a, struct image_toc **ret, struct image_error *error);

#endif
