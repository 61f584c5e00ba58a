/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data of regular files: a bounded cache of descriptors by inode, and the calls on them.
 *
 * The kernel asks by inode, without an open handle, so the daemon opens on demand. An entry belongs to one version of
 * the object, the lower or the upper; after a copy-up the next user finds the version stale and opens the upper. READ
 * and WRITE pin the entry they use: eviction closes at pin count 0 only, so a descriptor number can't be reused under a
 * running write.
 *
 * Durability. A file written since its last good sync keeps its descriptor, or is synced by the pool before eviction
 * with the result kept: a failed write-back stays with the inode and every later data_sync() fails until the inode is
 * forgotten.
 *
 * Locking: one LEAF lock over the entries' lists and inode->data; never held over a system call. With
 * data_keep_mtimes(), and of what was held back, a change of data takes I of the inode.
 */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/pool.h"
#include "tree/tree.h"

struct data;
struct data_entry;

struct data_options {
	unsigned max_fds;  /* descriptors kept open when nobody uses them */
	bool sync;	   /* false: volatile, nothing is ever synced */
	struct pool *pool; /* where dirty entries are synced before eviction; borrowed */
};

/* 0 or -ENOMEM; borrows the tree. */
int data_new(struct tree *tree, const struct data_options *opt, struct data **ret_data);
/* From now on no change of data changes a file's modification time: who has the data changed says it by attr_set()
 * (change/change.h). */
void data_keep_mtimes(struct data *data);
/* No entry may be pinned any more. Syncs nothing. */
void data_free(struct data *data);

/* A pinned descriptor. */
struct data_fd {
	int fd;
	bool append_only; /* writes go to the end of the file, whatever their offset */
	struct data_entry *entry;
};

/* For reading: any version. For writing: -LOOK_AGAIN while the object is in a lower layer. Other errors as open(2)
 * gives them. */
int data_get(struct data *data, struct inode *inode, bool write, struct data_fd *ret_fd);
/* Unpins; *fd has none afterwards. Also of one that data_get() didn't give, all zero. */
void data_put(struct data *data, struct data_fd *fd);
/* Gives a freshly created upper file's O_RDWR descriptor to the cache; takes ownership. */
void data_install(struct data *data, struct inode *inode, int fd);
/* Before a write through `fd` that the caller makes itself: the file needs a sync from now on. */
void data_set_dirty(struct data *data, struct data_fd *fd);
/* Data that the kernel held back for the inode couldn't be written and is lost: every later data_sync() fails with
 * `error`, as after a write-back that failed below. */
void data_write_back_failed(struct data *data, struct inode *inode, int error);
/* The inode is about to be freed: closes what it has. */
void data_evict(struct data *data, struct inode *inode);
/* The object's flags (append-only, immutable) changed: what the next writer may do, opening it anew shows. */
void data_flags_changed(struct data *data, struct inode *inode);
/* The file's modification time is about to be set: what the kernel may have held back by now doesn't change it. */
void data_time_set(struct data *data, struct inode *inode);
/* From now on what comes is younger than the time that was set last. */
void data_time_moved(struct inode *inode);
/* Closes what the inode has, as soon as the calls that run are done; that it is to be synced, and a failed write-back,
 * isn't forgotten. */
void data_let_go(struct data *data, struct inode *inode);
/* So many written files wait for their sync before eviction that a request that may open another one should queue
 * behind them, or the process's limit is met. */
bool data_is_crowded(struct data *data);

/* --- calls on the object; -LOOK_AGAIN where it must be copied up first -------------------------------------------- */

/* As data_get(), for a caller that reads by itself what the kernel then keeps. */
int data_get_to_read(struct data *data, struct inode *inode, struct data_fd *ret_fd);
/* Bytes read, fewer at the end of the file. */
ssize_t data_read(struct data *data, struct inode *inode, void *buf, size_t size, off_t off);
/* Lets the kernel begin to read a file, for a READ that is likely to come; doesn't wait. */
void data_read_ahead(struct data *data, struct inode *inode);
enum data_how {
	DATA_APPENDS = 1 << 0, /* the writer opened with O_APPEND; without it an append-only file answers -EPERM */
	/* the kernel has had it for some time: times that were set since stay, and so do setuid and capabilities */
	DATA_HELD_BACK = 1 << 1,
};
/* Bytes written. `how`: enum data_how. What was held back for an append-only file is put behind its end, as far as it
 * isn't there; -TOO_EARLY when it doesn't begin there yet, because the kernel's requests overtake each other. */
ssize_t data_write(struct data *data, struct inode *inode, const void *buf, size_t size, off_t off, unsigned how);
int data_fallocate(struct data *data, struct inode *inode, int mode, off_t off, off_t len);
/* SEEK_DATA and SEEK_HOLE. */
off_t data_seek(struct data *data, struct inode *inode, off_t off, int whence);
/* Copies until `len`, the source's end or an error; returns the bytes copied. */
ssize_t data_copy(struct data *data, struct inode *in, off_t off_in, struct inode *out, off_t off_out, size_t len);
/* fsync or fdatasync; 0 for a lower object; blocks. */
int data_sync(struct data *data, struct inode *inode, bool datasync);

#endif
