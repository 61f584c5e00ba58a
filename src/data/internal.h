/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What data.c (the cache) and io.c (the calls) share.
 */
#ifndef DATA_INTERNAL_H
#define DATA_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "data/data.h"

/* legend: L data.lock, a atomic, c constant */
struct data_entry {
	struct data *data;                /* c */
	struct inode *inode;              /* L NULL once detached: freed at the last unpin */
	struct data_entry *newer, *older; /* L LRU list, only while linked */
	bool linked;                      /* L */
	bool upper;                       /* c which version the descriptors are of */
	int rfd;                          /* L for reading; -1 */
	int wfd;                          /* L for writing, often equal to rfd; -1 */
	bool append_only;                 /* L wfd writes at the end, whatever the offset (chattr +a) */
	unsigned pins;                    /* L */
	int evict_fd;                     /* L what a sync before eviction runs on */
	_Atomic bool dirty;               /* a written since the last good sync */
	_Atomic int error;                /* a negative errno of a failed write-back; sticky */
	struct pool_task task;            /* sync before eviction */
	/* One sync at a time: of two that run together the kernel tells only one of a failed write-back. Held over the call, after
	 * which `error` is final; no other lock is taken under it. */
	pthread_mutex_t sync;
};

struct data {
	struct tree *tree;
	struct data_options opt;
	struct lock lock;                  /* L, class LOCK_LEAF */
	struct data_entry *newest, *oldest; /* L */
	_Atomic unsigned open_fds;         /* written under L */
	_Atomic bool keeps_mtime;          /* a set once, before data is written */
};

/* The entry of the inode's current version; NULL without one, and for directories, which have none. Caller holds L. */
struct data_entry *data_entry_of_locked(const struct inode *inode);
/* Syncs through a descriptor of the pinned entry and keeps the result: 0, or the error of this or any earlier sync. */
int data_sync_entry(struct data_entry *entry, int fd, bool datasync);
/* A pinned descriptor of the inode's current version if one is cached, without opening; the one that wrote, if it is there. */
bool data_peek(struct data *data, struct inode *inode, struct data_fd *ret_fd);

#endif
