/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of a union as one tar, without whiteouts. `podman export` writes the same of a container. Entries come in
 * the order of tree/walk.h, so the same union gives the same bytes. Hard links within a layer stay.
 */
#ifndef STORE_FLATTEN_H
#define STORE_FLATTEN_H

#include "archive/layer.h"
#include "layer/layer.h"

int store_flatten(struct layer_set *set, const struct archive_options *options, archive_sink sink, void *arg,
		  struct image_error *error);

#endif
