/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unions of a host.
 *
 * Owns host->unions and host->single, and finds the union of a node id: fs_of() (state.h).
 */
#ifndef FUSE_UNIONS_H
#define FUSE_UNIONS_H

#include "state.h"

/* While the host doesn't serve. */
void unions_enter(struct fs *fs);
void unions_leave(struct fs *fs);

#endif
