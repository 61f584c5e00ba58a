/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by data.c (the cache) and io.c (the calls).
 */
#ifndef DATA_INTERNAL_H
#define DATA_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "data/data.h"
#include "format/capability.h"

/* legend: L data.lock, a atomic, c constant */
struct data_entry {
	struct data *data;		  /* c */
	uint64_t id;			  /* c of the inode */
	struct inode *inode;		  /* L NULL once detached: freed at the last unpin */
	struct data_entry *newer, *older; /* L LRU list, only while linked */
	bool linked;			  /* L */
	bool upper;			  /* c which version the descriptors are of */
	int rfd;			  /* L for reading; -1 */
	int wfd;			  /* L for writing, often equal to rfd; -1 */
	bool append_only;		  /* L wfd writes at the end, whatever the offset (chattr +a) */
	unsigned pins;			  /* L */
	int evict_fd;			  /* L what a sync before eviction runs on */
	_Atomic bool dirty;		  /* a written since the last good sync */
	_Atomic int error;		  /* a negative errno of a failed write-back; sticky */
	struct pool_task task;		  /* sync before eviction */
	/* One sync at a time: of two that run together the kernel tells only one of a failed write-back. Held over the
	 * call, after which `error` is final; no other lock is taken under it. */
	pthread_mutex_t sync;
};

/* A modification time that was set, and until when pages may come that were stored to before. */
struct set_time {
	uint64_t id;	/* of the inode */
	uint64_t until; /* os_now_ms() */
};
#define SET_TIMES 1024U

struct data {
	struct tree *tree;
	struct data_options opt;
	struct fd_budget own;		      /* of this data alone */
	struct lock lock;		      /* L, class LOCK_LEAF */
	struct data_entry *oldest;	      /* L the head of the LRU list */
	_Atomic unsigned open_fds;	      /* written under L */
	_Atomic bool keeps_mtime;	      /* a set once, before data is written */
	struct set_time set_times[SET_TIMES]; /* L the last ones */
	unsigned next_set_time;		      /* L */
};

/* The entry of the inode's current version; NULL without one, and for directories, which have none. Caller holds L. */
struct data_entry *data_entry_of_locked(const struct inode *inode);
/* Syncs through a descriptor of the pinned entry and keeps the result: 0, or the error of this or any earlier sync. */
int data_sync_entry(struct data_entry *entry, int fd, bool datasync);
/* A pinned descriptor of the inode's current version if one is cached, without opening; the one that wrote, if it is
 * there. */
bool data_peek(struct data *data, struct inode *inode, struct data_fd *ret_fd);

/* --- kept.c ------------------------------------------------------------------------------------------------------- */

/* Attributes that are put back after a change of data. */
struct kept {
	struct lock *lock; /* held; NULL: nothing is kept */
	bool time;
	struct timespec mtime;
	mode_t mode; /* 0: it stays by itself */
	char capability[CAPABILITY_MAX];
	ssize_t capability_size; /* <= 0: none */
};

/* Around a change of data through `fd`. `held_back`: the kernel has had the data for some time. */
void kept_start(struct data *data, struct inode *inode, int fd, bool held_back, struct kept *ret);
void kept_end(struct kept *kept, int fd);
/* From now on the kernel may have pages of the inode that can be stored to. */
void pages_known(struct inode *inode);

#endif
