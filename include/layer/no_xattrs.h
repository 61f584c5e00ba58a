/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out whether no object of a read-only union has an xattr that users could see, if stack_spec.seek_xattrs says
 * so. A thread looks at all layers once there were so many requests for xattrs that more are to be expected.
 *
 * It relies on layers that don't change. With stack_spec.revalidate they are not looked at.
 */
#ifndef LAYER_NO_XATTRS_H
#define LAYER_NO_XATTRS_H

#include <stdbool.h>

#include "layer/layer.h"

/* Number of requests for xattrs before the layers are looked at. */
#define LAYER_NO_XATTRS_ASKS 64

/* Called for each such request, on any thread. True: there are certainly no xattrs, from now on. */
bool layer_has_no_xattrs(const struct layer_set *set);
/* Stops the thread, finished or not. */
void layer_no_xattrs_stop(const struct layer_set *set);

#endif
