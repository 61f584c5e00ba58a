/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directories are the same, while their file system is mounted.
 */
#include "internal.h"

bool layer_id_equal(struct layer_id a, struct layer_id b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

int layer_id_compare(struct layer_id a, struct layer_id b)
{
	if (a.dev != b.dev)
		return a.dev < b.dev ? -1 : 1;
	return a.ino < b.ino ? -1 : a.ino > b.ino;
}

struct layer_id layer_id_of(const struct statx *stx)
{
	return (struct layer_id){.dev = layer_dev_of(stx), .ino = stx->stx_ino};
}
