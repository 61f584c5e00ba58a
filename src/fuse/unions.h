/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unions of a host.
 *
 * Owns host->unions, host->single, fs->scope and fs->ino_mix, and finds the union of a node id: fs_of() (state.h).
 */
#ifndef FUSE_UNIONS_H
#define FUSE_UNIONS_H

#include "state.h"

/* While the host doesn't serve. -EINVAL: the host has one union only, or the union has no name; -EEXIST: its name is
 * taken. -ENOMEM. */
int unions_enter(struct fs *fs);
/* One that hasn't entered is fine. */
void unions_leave(struct fs *fs);

#endif
