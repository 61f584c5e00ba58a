/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of objects: from an inode to what lies in a layer. Descriptors of directories, opening objects and their
 * data, and orphans, which are held though they have no name. It uses the table below; names that aren't known are the
 * view's, above.
 */
#ifndef TREE_OBJECT_H
#define TREE_OBJECT_H

#include "../table/table.h"

/* --- dirfd_cache.c ------------------------------------------------------------------------------------------------ */

int dirfd_cache_new(struct tree *tree, unsigned max, struct fd_budget *budget);
void dirfd_cache_free(struct tree *tree);
/* Closes the descriptors of a directory that is being freed. */
void dirfd_drop(struct tree *tree, struct dir *dir);
/* A descriptor that is there already: the layer's root, the cache's, or a pinned one. Makes no system call, so T may be
 * held. */
bool dirfd_get_open(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd);
/* Puts a freshly opened descriptor into the cache, pinned; takes ownership of fd. -ENOMEM. */
int dirfd_insert(struct tree *tree, struct dirref *ref, int fd, struct dirfd *ret_fd);

/* --- dirfd.c ------------------------------------------------------------------------------------------------------ */

/* Between tries to open what a rename is moving: on disk first and in the table after, and its thread may not be
 * running. At once for the first tries, then longer and longer, 15 ms in all. */
#define OPEN_REAL_TRIES 16
void open_real_pause(unsigned attempt);

/* dirfd_get() for who holds N, where it is needed. */
int dirfd_get_held(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd);
/* Attributes of the directory in one layer, of its descriptor where it is open, else by its name in the parent.
 * -ESTALE: it isn't there. */
int dirfd_statx(struct tree *tree, struct inode *dir, struct dirref *ref, struct statx *ret_stx);
/* A descriptor to read the directory once, checked to be that one, which the caller closes: two calls less than
 * opening the cache's again. Only for a directory that isn't open, lies by its name in its parent and may be read
 * without touching its access time; any errno means that dirfd_get() is to be asked. */
int dirfd_open_to_read(struct tree *tree, struct inode *dir, struct dirref *ref);
/* Opens the directory (O_PATH) at a path that was composed. */
int layer_path_open(struct tree *tree, const struct layer *l, const char *path);

/* --- orphan.c ----------------------------------------------------------------------------------------------------- */

/* Gives the inode a descriptor of its object (takes ownership). */
void inode_pin(struct tree *tree, struct inode *inode, int fd);
/* Lets go of what held an inode that is being freed. */
void orphan_finish(struct tree *tree, struct inode *inode);

/* --- open_real.c -------------------------------------------------------------------------------------------------- */

/* The attributes that an overmounted object of this type shows: that it exists, and no more. */
void statx_of_overmounted(uint16_t type, struct statx *ret_stx);

#endif
