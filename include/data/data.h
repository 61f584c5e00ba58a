/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data of regular files: a bounded cache of descriptors by inode, and the calls on them.
 *
 * The kernel asks by inode, without an open handle, so the daemon opens on demand. An entry belongs to one version of
 * the object, the lower or the upper. After a copy-up the next user finds the version stale and opens the upper. READ
 * and WRITE pin their entry. Eviction closes entries without pins only, so a descriptor number can't be reused under a
 * running write.
 *
 * Durability. A file that was written since its last good sync keeps its descriptor, or the pool syncs it before
 * eviction and the result is kept. A failed write-back stays with the inode. Every later data_sync() fails until the
 * inode is forgotten.
 *
 * Locking: one LEAF lock over the lists of entries and inode->data, never held over a system call. With
 * data_keep_mtimes(), and for data that was held back, a change of data takes I of the inode.
 */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/fd_budget.h"
#include "base/pool.h"
#include "tree/tree.h"

struct data;
struct data_entry;

struct data_options {
	unsigned max_fds;      /* unused descriptors that are kept open, */
	struct fd_budget *fds; /* or the budget that they share with those of other unions */
	bool sync;	       /* false: volatile, nothing is synced */
	struct pool *pool;     /* where dirty entries are synced before eviction; borrowed */
};

/* 0 or -ENOMEM; borrows the tree. */
int data_new(struct tree *tree, const struct data_options *opt, struct data **ret_data);
/* From now on no change of data changes a file's modification time. The process whose data it is changes the time by
 * attr_set() (change/change.h). */
void data_keep_mtimes(struct data *data);
/* No entry may be pinned. Syncs nothing. */
void data_free(struct data *data);

/* A pinned descriptor. */
struct data_fd {
	int fd;
	bool append_only; /* writes go to the end of the file, at any offset */
	struct data_entry *entry;
};

/* For reading: any version. For writing: -LOOK_AGAIN while the object is in a lower layer. Other errors are those of
 * open(2). */
int data_get(struct data *data, struct inode *inode, bool write, struct data_fd *ret_fd);
/* Unpins the entry; *fd has none afterwards. A zeroed struct is accepted and ignored. */
void data_put(struct data *data, struct data_fd *fd);
/* Gives the O_RDWR descriptor of a new upper file to the cache, which owns it then. */
void data_install(struct data *data, struct inode *inode, int fd);
/* Called before the caller itself writes through `fd`: the file needs a sync from now on. */
void data_set_dirty(struct data *data, struct data_fd *fd);
/* Data of the inode that the kernel held back couldn't be written and is lost. Every later data_sync() fails with
 * `error`, as after a failed write-back of the upper's file system. */
void data_write_back_failed(struct data *data, struct inode *inode, int error);
/* The inode is about to be freed: closes its descriptors. */
void data_evict(struct data *data, struct inode *inode);
/* The object's flags (append-only, immutable) changed. The next writer opens the object anew, which shows the permitted
 * calls. */
void data_flags_changed(struct data *data, struct inode *inode);
/* The file's modification time is about to be set. Data that the kernel may be holding back now doesn't change it. */
void data_time_set(struct data *data, struct inode *inode);
/* From now on new data is younger than the time that was set last. */
void data_time_moved(struct inode *inode);
/* Closes the inode's descriptors after the running calls. A necessary sync and a failed write-back are not
 * forgotten. */
void data_let_go(struct data *data, struct inode *inode);
/* How many descriptors are open. */
unsigned data_count(struct data *data);
/* Whether very many written files wait for their sync before eviction. A request that may open another file then queues
 * behind them; otherwise the limit of the process would be reached. */
bool data_is_crowded(struct data *data);

/* --- calls on the object; -LOOK_AGAIN where it must be copied up first -------------------------------------------- */

/* As data_get(), for a caller that reads by itself what the kernel then keeps. */
int data_get_to_read(struct data *data, struct inode *inode, struct data_fd *ret_fd);
/* Returns the bytes read, fewer than `size` only at the end of the file. */
ssize_t data_read(struct data *data, struct inode *inode, void *buf, size_t size, off_t off);
/* Lets the kernel begin to read a file, for a likely READ. Doesn't wait. */
void data_read_ahead(struct data *data, struct inode *inode);
enum data_how {
	DATA_APPENDS = 1 << 0, /* the writer opened with O_APPEND; without it an append-only file answers -EPERM */
	/* the kernel has held the data back: times that were set since stay, and so do setuid and capabilities */
	DATA_HELD_BACK = 1 << 1,
};
/* Returns the bytes written. `how` is of enum data_how. Data that was held back is written whole, or it is an
 * error. For an append-only file it is written behind the end, as far as it isn't there. -TOO_EARLY: the data doesn't
 * begin there yet, because requests of the kernel overtake each other. */
ssize_t data_write(struct data *data, struct inode *inode, const void *buf, size_t size, off_t off, unsigned how);
int data_fallocate(struct data *data, struct inode *inode, int mode, off_t off, off_t len);
/* SEEK_DATA and SEEK_HOLE. */
off_t data_seek(struct data *data, struct inode *inode, off_t off, int whence);
/* Copies up to `len` bytes, the end of the source, or an error. Returns the bytes copied. */
ssize_t data_copy(struct data *data, struct inode *in, off_t off_in, struct inode *out, off_t off_out, size_t len);
/* fsync or fdatasync; 0 for a lower object; blocks. */
int data_sync(struct data *data, struct inode *inode, bool datasync);

#endif
