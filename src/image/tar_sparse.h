/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps of sparse files in tars: GNU tar's manual, "Storing Sparse Files".
 */
#ifndef IMAGE_TAR_SPARSE_H
#define IMAGE_TAR_SPARSE_H

#include "image/tar.h"

/* False: there are more than TAR_EXTENTS_MAX, or a negative number, or no memory. */
bool tar_add_extent(struct tar_pax *pax, int64_t offset, int64_t size);

#endif
