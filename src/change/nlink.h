/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files that the union counts (inode_is_counted()): keeping the count in memory, in overlay.nlink of an
 * indexed object and in WORKDIR/nlink of one that is in no upper yet. A crash leaves a count too high and never too
 * low, for with the last name the entry goes. All of it under I of the inode.
 */
#ifndef CHANGE_NLINK_H
#define CHANGE_NLINK_H

#include "internal.h"

/* Before a link of the object itself comes or goes in the upper: overlay.nlink is relative to their number, so that the
 * change keeps it right. Nothing to do for what isn't indexed. */
int nlink_prepare(struct writer *writer, struct inode *inode);
/* Before one of its names is removed: as above where the upper has the name; and the object is held if no name will be
 * left. As orphan_hold(). */
int nlink_prepare_removal(struct writer *writer, struct inode *inode, bool in_upper);
/* A name was removed; `in_upper`: and with it a link in the upper. Errors are logged: the count stays too high. */
void nlink_removed(struct writer *writer, struct inode *inode, bool in_upper);
/* A link was made in the upper. */
void nlink_added(struct writer *writer, struct inode *inode);

/* Gives the upper the name that a lower layer alone has of an indexed object, open at dirfd, the directory's. For the
 * user nothing changes. 0 where it has the name now: that it couldn't be counted is logged. Caller holds D of `dir`. */
int nlink_link_up(struct writer *writer, struct inode *inode, struct inode *dir, int dirfd, const char *name);

#endif
