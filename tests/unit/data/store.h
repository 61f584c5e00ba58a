/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A union with the data tier over it, and how many descriptors this process has open.
 */
#ifndef UNIT_DATA_STORE_H
#define UNIT_DATA_STORE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change/union.h"
#include "data/data.h"

#include "../../../src/data/internal.h"

struct store {
	struct uni u;
	struct pool *pool;
	struct data *data;
};

static inline void store_on_evict(struct inode *inode, void *arg)
{
	data_evict(((struct store *)arg)->data, inode);
}

/* Whether the inode has data that was not synced since it was written. */
static inline bool data_is_dirty(struct data *data, struct inode *inode)
{
	struct data_entry *e;
	bool dirty;

	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	dirty = e && atomic_load(&e->dirty);
	lock_drop(&data->lock);
	return dirty;
}

static inline bool store_open(struct store *s, unsigned max_fds, bool sync)
{
	struct data_options opt = {.max_fds = max_fds, .sync = sync};

	if (!uni_open(&s->u, UNI_LAYERS) || pool_new("test-sync", 2, 0, &s->pool) < 0)
		return false;
	opt.pool = s->pool;
	if (data_new(s->u.tree, &opt, &s->data) < 0)
		return false;
	s->u.tree->on_evict = store_on_evict;
	s->u.tree->on_evict_arg = s;
	return true;
}

static inline void store_finish(struct store *s)
{
	pool_free(s->pool);
	writer_free(s->u.writer);
	s->u.writer = NULL;
	if (s->u.tree)
		tree_free(s->u.tree);
	s->u.tree = NULL;
	data_free(s->data);
	uni_finish(&s->u);
}

/* A test's store over directories that are still empty; STORE_OPEN() when they have been filled. */
#define STORE(s)                                                                                                       \
	struct store s __attribute__((cleanup(store_finish))) = {.pool = NULL};                                        \
	NEEDS_ROOT();                                                                                                  \
	ASSERT(fixture_init(&s.u.f))
#define STORE_OPEN(s, max_fds) ASSERT(store_open(&(s), max_fds, true))

static inline unsigned open_descriptors(void)
{
	return (unsigned)count_entries("/proc/self/fd");
}

/* Whether the descriptor is open and of the file at `path`. */
static inline bool is_open_on(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

#endif
