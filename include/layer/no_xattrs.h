/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether no object of a read-only union has an attribute that users could see. The kernel asks a FUSE file system
 * about attributes each time, and can be told only for the whole mount that there are none. Container engines ask of
 * every file of an image, twice, when they compare it with another one; so for their read-only mounts, and for no
 * others, it is found out: a thread looks at all the layers, once so many have asked that more are to be expected.
 *
 * That layers don't change beneath a mount is relied on: with timeout=0 it isn't asked.
 */
#ifndef LAYER_NO_XATTRS_H
#define LAYER_NO_XATTRS_H

#include <stdbool.h>

#include "layer/layer.h"

/* Requests about attributes before the layers are looked at. */
#define LAYER_NO_XATTRS_ASKS 64

/* To be asked at each such request, on any thread. True: there are none, for certain, from now on. */
bool layer_has_no_xattrs(const struct layer_set *set);
/* Ends the looking, finished or not. */
void layer_no_xattrs_stop(const struct layer_set *set);

#endif
