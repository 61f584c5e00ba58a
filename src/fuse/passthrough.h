/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data=passthrough: files that the kernel reads by itself.
 *
 * Owns struct passthrough, host->passthrough, from INIT on: the backing files of the nodes that are open, and its lock.
 */
#ifndef FUSE_PASSTHROUGH_H
#define FUSE_PASSTHROUGH_H

#include "state.h"

/* `dev_fd`, the session's, outlives it. */
int passthrough_new(int dev_fd, struct passthrough **ret);
void passthrough_free(struct passthrough *p);
/* Whether the kernel lets us have backing files; asked at the first OPEN. */
bool passthrough_usable(struct passthrough *p);
/* An OPEN or CREATE of the node, which leads to the inode, is about to be answered; `write`: not read-only. Returns the
 * backing id for the answer, or 0: without; each is ended by passthrough_release(). -ESTALE: the kernel shall look the
 * name up again. `known_to_kernel`: it has attributes of the node already. */
int passthrough_open(struct fs *fs, struct inode *inode, uint64_t node, bool write, bool known_to_kernel);
void passthrough_release(struct fs *fs, uint64_t node, bool write);
/* Whether the attributes may change without us. */
bool passthrough_is_written(struct fs *fs, const struct inode *inode);
/* The inode's mode changed: how it is opened is decided anew, unless it is open. */
void passthrough_drop_idle(struct fs *fs, const struct inode *inode);
/* The inode is about to be freed. */
void passthrough_evict(struct fs *fs, const struct inode *inode);

#endif
