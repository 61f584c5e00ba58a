/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of directories, as an LRU of O_PATH descriptors with pin counts. dirfd.c opens what isn't here.
 *
 * An entry that somebody has pinned is never closed, so its number can't come to mean another directory. Layer roots
 * are open always; an upper directory without a name lives by its pinned descriptor.
 *
 * The cache's lock is a leaf and never held over a system call: descriptors are closed after it was dropped.
 */
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/macros.h"
#include "os/fs.h"

struct dirfd_entry {
	struct dirref *ref;
	struct dirfd_entry *prev, *next;
	int fd;
	unsigned pins;
};

struct dirfd_cache {
	struct lock lock;
	struct fd_budget *budget; /* constant */
	struct fd_budget own;	  /* that of this cache alone */
	unsigned n;
	struct dirfd_entry *lru; /* least recently used first */
};

int dirfd_cache_new(struct tree *tree, unsigned max, struct fd_budget *budget)
{
	struct dirfd_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	lock_init(&cache->lock, LOCK_LEAF);
	cache->own.max = MAX(max, 2u);
	cache->budget = budget ? budget : &cache->own;
	tree->dirfds = cache;
	return 0;
}

void dirfd_cache_free(struct tree *tree)
{
	struct dirfd_cache *cache = tree->dirfds;

	if (!cache)
		return;
	(void)CHECK(!cache->lru);
	lock_finish(&cache->lock);
	free(cache);
	tree->dirfds = NULL;
}

unsigned dirfd_count(struct tree *tree)
{
	LOCK_SCOPE(&tree->dirfds->lock);
	return tree->dirfds->n;
}

/* Takes an entry out of the cache and puts it before *closing. */
static void entry_remove_locked(struct dirfd_cache *cache, struct dirfd_entry *e, struct dirfd_entry **closing)
{
	(void)CHECK(lock_held(&cache->lock));
	DL_DELETE(cache->lru, e);
	cache->n--;
	fd_budget_give_back(cache->budget, 1);
	e->ref->fd = NULL;
	LL_PREPEND(*closing, e);
}

static void entries_close(struct dirfd_entry *closing)
{
	struct dirfd_entry *e, *next;

	LL_FOREACH_SAFE(closing, e, next) {
		os_close(e->fd);
		free(e);
	}
}

/* Takes out unpinned entries, the oldest first, until at most `max` are left; returns how many went. */
static unsigned dirfd_cache_cache_trim_locked(struct dirfd_cache *cache, unsigned max, struct dirfd_entry **closing)
{
	struct dirfd_entry *e = cache->lru;
	unsigned gone = 0;

	(void)CHECK(lock_held(&cache->lock));
	while (e && cache->n > max) {
		struct dirfd_entry *next = e->next;

		if (!e->pins) {
			entry_remove_locked(cache, e, closing);
			gone++;
		}
		e = next;
	}
	return gone;
}

unsigned dirfd_shrink(struct tree *tree)
{
	struct dirfd_cache *cache = tree->dirfds;
	struct dirfd_entry *closing = NULL;
	unsigned gone;

	lock_take(&cache->lock);
	gone = dirfd_cache_cache_trim_locked(cache, cache->n - (cache->n + 3) / 4, &closing);
	lock_drop(&cache->lock);
	entries_close(closing);
	counter_add(COUNTER_DESCRIPTOR_EVICTED, gone);
	return gone;
}

static void ref_drop_locked(struct dirfd_cache *cache, struct dirref *ref, struct dirfd_entry **closing)
{
	(void)CHECK(lock_held(&cache->lock));
	if (!ref->fd)
		return;
	(void)CHECK(ref->fd->pins == 0);
	entry_remove_locked(cache, ref->fd, closing);
}

void dirfd_drop(struct tree *tree, struct dir *dir)
{
	struct dirfd_cache *cache = tree->dirfds;
	struct dirfd_entry *closing = NULL;

	if (!cache)
		return;
	lock_take(&cache->lock);
	ref_drop_locked(cache, &dir->upper, &closing);
	for (unsigned i = 0; i < dir->n_lower; i++)
		ref_drop_locked(cache, &dir->lower[i], &closing);
	lock_drop(&cache->lock);
	entries_close(closing);
}

static bool dirfd_cache_entry_pin_locked(struct dirfd_cache *cache, struct dirref *ref, struct dirfd *ret_fd)
{
	struct dirfd_entry *e = ref->fd;

	(void)CHECK(lock_held(&cache->lock));
	if (!e)
		return false;
	e->pins++;
	if (e->next) { /* not the youngest yet */
		DL_DELETE(cache->lru, e);
		DL_APPEND(cache->lru, e);
	}
	*ret_fd = (struct dirfd){.fd = e->fd, .entry = e};
	return true;
}

bool dirfd_get_open(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd)
{
	int pinned;
	bool found;

	if (dir == tree->root) {
		*ret_fd = (struct dirfd){.fd = tree->layers->layers[ref->layer].root_fd};
		return true;
	}
	lock_take(&tree->dirfds->lock);
	found = dirfd_cache_entry_pin_locked(tree->dirfds, ref, ret_fd);
	lock_drop(&tree->dirfds->lock);
	if (found)
		return true;
	pinned = atomic_load_explicit(&dir->pinned_fd, memory_order_acquire);
	if (ref != &dir->dir->upper || pinned < 0)
		return false;
	*ret_fd = (struct dirfd){.fd = pinned};
	return true;
}

void dirfd_put(struct tree *tree, struct dirfd *fd)
{
	struct dirfd_cache *cache = tree->dirfds;
	struct dirfd_entry *closing = NULL;
	unsigned limit;

	if (fd->entry) {
		lock_take(&cache->lock);
		if (CHECK(fd->entry->pins > 0))
			fd->entry->pins--;
		limit = fd_budget_limit(cache->budget, cache->n);
		if (cache->n > limit)
			dirfd_cache_cache_trim_locked(cache, limit, &closing);
		lock_drop(&cache->lock);
		entries_close(closing);
	}
	*fd = (struct dirfd){.fd = -1};
}

int dirfd_insert(struct tree *tree, struct dirref *ref, int fd, struct dirfd *ret_fd)
{
	struct dirfd_cache *cache = tree->dirfds;
	struct dirfd_entry *closing = NULL, *fresh = malloc(sizeof(*fresh));
	unsigned gone;

	if (!fresh) {
		os_close(fd);
		return -ENOMEM;
	}
	*fresh = (struct dirfd_entry){.ref = ref, .fd = fd, .pins = 1};
	lock_take(&cache->lock);
	if (dirfd_cache_entry_pin_locked(cache, ref, ret_fd)) { /* another thread was faster */
		LL_PREPEND(closing, fresh);
	} else {
		ref->fd = fresh;
		DL_APPEND(cache->lru, fresh);
		cache->n++;
		fd_budget_take(cache->budget, 1);
		*ret_fd = (struct dirfd){.fd = fd, .entry = fresh};
	}
	gone = dirfd_cache_cache_trim_locked(cache, fd_budget_limit(cache->budget, cache->n), &closing);
	lock_drop(&cache->lock);
	entries_close(closing);
	counter_add(COUNTER_DESCRIPTOR_EVICTED, gone);
	return 0;
}
