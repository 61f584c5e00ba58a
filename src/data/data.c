/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor cache. inode->data points to the entry of the current version; a stale entry (the file was copied up)
 * is detached and goes when its last user unpins it. An entry with a sticky error stays attached without descriptors.
 */
#include "data/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "internal.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/macros.h"
#include "os/fs.h"

/* Descriptors to be closed after the lock was dropped. */
struct closing {
	int fds[2];
};

static void closing_init(struct closing *c)
{
	c->fds[0] = c->fds[1] = -1;
}

static void closing_run(struct closing *c)
{
	for (unsigned i = 0; i < 2; i++)
		if (c->fds[i] >= 0)
			os_close(c->fds[i]);
}

static void lru_unlink_locked(struct data *data, struct data_entry *e)
{
	(void)CHECK(lock_held(&data->lock));
	if (!e->linked)
		return;
	DL_DELETE2(data->oldest, e, older, newer);
	e->newer = e->older = NULL;
	e->linked = false;
}

static void lru_push_locked(struct data *data, struct data_entry *e)
{
	(void)CHECK(lock_held(&data->lock) && !e->linked);
	DL_APPEND2(data->oldest, e, older, newer);
	e->linked = true;
}

static void data_entry_pin_locked(struct data *data, struct data_entry *e)
{
	(void)CHECK(lock_held(&data->lock) && e->data == data);
	e->pins++;
	lru_unlink_locked(data, e);
	lru_push_locked(data, e);
}

static unsigned entry_fds(const struct data_entry *e)
{
	return (e->rfd >= 0) + (e->wfd >= 0 && e->wfd != e->rfd);
}

/* Moves the entry's descriptors to `c`. */
static void entry_take_fds_locked(struct data *data, struct data_entry *e, struct closing *c)
{
	(void)CHECK(lock_held(&data->lock) && data->open_fds >= entry_fds(e));
	data->open_fds -= entry_fds(e);
	fd_budget_give_back(data->opt.fds, entry_fds(e));
	c->fds[0] = e->rfd;
	c->fds[1] = e->wfd != e->rfd ? e->wfd : -1;
	e->rfd = e->wfd = -1;
}

static void entry_free(struct data_entry *e)
{
	(void)CHECK(!e->linked && !e->inode && e->rfd < 0 && e->wfd < 0);
	pthread_mutex_destroy(&e->sync);
	free(e);
}

/* Frees an entry that nobody uses and no inode points to. True when freed. */
static bool entry_reap_locked(struct data *data, struct data_entry *e, struct closing *c)
{
	(void)CHECK(lock_held(&data->lock));
	if (e->pins > 0 || e->inode)
		return false;
	lru_unlink_locked(data, e);
	entry_take_fds_locked(data, e, c);
	entry_free(e);
	return true;
}

static void entry_detach_locked(struct data *data, struct data_entry *e)
{
	(void)CHECK(lock_held(&data->lock) && (!e->inode || data_entry_of_locked(e->inode) == e));
	lru_unlink_locked(data, e);
	if (e->inode)
		atomic_store_explicit(&e->inode->data, NULL, memory_order_release);
	e->inode = NULL;
}

struct data_entry *data_entry_of_locked(const struct inode *inode)
{
	return inode_is_dir(inode) ? NULL : atomic_load_explicit(&inode->data, memory_order_acquire);
}

static struct data_entry *entry_new(struct data *data, struct inode *inode, bool upper)
{
	struct data_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->data = data;
	e->id = inode->id;
	e->inode = inode;
	e->upper = upper;
	e->rfd = e->wfd = -1;
	pthread_mutex_init(&e->sync, NULL);
	return e;
}

int data_new(struct tree *tree, const struct data_options *opt, struct data **ret_data)
{
	struct data *data = calloc(1, sizeof(*data));

	if (!data)
		return -ENOMEM;
	data->tree = tree;
	data->opt = *opt;
	data->own.max = opt->max_fds;
	if (!opt->fds)
		data->opt.fds = &data->own;
	lock_init(&data->lock, LOCK_LEAF);
	*ret_data = data;
	return 0;
}

void data_keep_mtimes(struct data *data)
{
	atomic_store(&data->keeps_mtime, true);
}

void data_free(struct data *data)
{
	if (!data)
		return;
	while (data->oldest) {
		struct data_entry *e = data->oldest;
		struct closing c;

		closing_init(&c);
		lock_take(&data->lock);
		entry_detach_locked(data, e);
		entry_take_fds_locked(data, e, &c);
		lock_drop(&data->lock);
		closing_run(&c);
		entry_free(e);
	}
	(void)CHECK(!data->open_fds);
	lock_finish(&data->lock);
	free(data);
}

static void entry_unpin(struct data *data, struct data_entry *e)
{
	struct closing c;

	closing_init(&c);
	lock_take(&data->lock);
	(void)CHECK(e->pins > 0);
	e->pins--;
	entry_reap_locked(data, e, &c);
	lock_drop(&data->lock);
	closing_run(&c);
}

void data_put(struct data *data, struct data_fd *fd)
{
	if (fd->entry)
		entry_unpin(data, fd->entry);
	fd->entry = NULL;
	fd->fd = -1;
}

/* --- eviction ----------------------------------------------------------------------------------------------------- */

int data_sync_entry(struct data_entry *e, int fd, bool datasync)
{
	char shown[TREE_PATH_SHOWN];
	bool first;
	int r;

	(void)CHECK(fd >= 0);
	pthread_mutex_lock(&e->sync);
	r = atomic_load(&e->error);
	if (r == 0) {
		/* Before the call: what is written while it runs needs another one. */
		atomic_store(&e->dirty, false);
		r = datasync ? os_fdatasync(fd) : os_fsync(fd);
	}
	first = r < 0 && r != -EINVAL && r != -EROFS && atomic_exchange(&e->error, r) == 0;
	pthread_mutex_unlock(&e->sync);
	if (first)
		log_limited(LOG_CAUSE_WRITE_BACK, LOG_ERR,
			    "%s: write-back failed: %s; every fsync of this file will fail",
			    tree_path(e->data->tree, e->id, NULL, shown), strerror(-r));
	return r;
}

/* Closes what an unpinned entry has. One with an error stays for the inode's next sync to see. */
static void evict_entry_locked(struct data *data, struct data_entry *e, struct closing *c)
{
	(void)CHECK(lock_held(&data->lock) && e->pins == 0);
	if (e->inode && atomic_load(&e->error) != 0) {
		entry_take_fds_locked(data, e, c);
		lru_unlink_locked(data, e);
		return;
	}
	entry_detach_locked(data, e);
	entry_reap_locked(data, e, c);
}

/* Pool: a dirty entry is synced, its result kept, and then closed if nobody used it meanwhile. */
static void evict_dirty(struct pool_task *task)
{
	struct data_entry *e = container_of(task, struct data_entry, task);
	struct data *data = e->data;
	struct closing c;

	closing_init(&c);
	data_sync_entry(e, e->evict_fd, true);
	lock_take(&data->lock);
	(void)CHECK(e->pins > 0);
	e->pins--;
	/* Written again meanwhile it stays, unless the inode is gone and nobody can ask any more. */
	if (e->pins == 0 && (!e->inode || !atomic_load(&e->dirty) || atomic_load(&e->error) != 0))
		evict_entry_locked(data, e, &c);
	lock_drop(&data->lock);
	closing_run(&c);
	counter_add(COUNTER_DESCRIPTOR_EVICTED, 1);
}

/* How many dirty entries are passed over in search of a clean one: it has been of no use for long, but the lock is
 * everybody's. */
#define EVICT_LOOK 64

/*
 * Picks what to give up: a clean entry is closed at once (returned in *c); a dirty one comes back, pinned, for the
 * caller to hand to the pool once the lock is dropped: the pool's lock is a leaf too. It goes to the other end of the
 * list, out of the next one's way.
 */
static bool evict_one_locked(struct data *data, struct closing *c, struct data_entry **ret_dirty)
{
	struct data_entry *dirty = NULL;
	unsigned looked = 0;

	(void)CHECK(lock_held(&data->lock));
	for (struct data_entry *e = data->oldest; e && looked < EVICT_LOOK; e = e->newer) {
		if (e->pins > 0)
			continue;
		/* What failed once is never synced again: it would stay dirty and keep its descriptors for ever. */
		if (data->opt.sync && atomic_load(&e->dirty) && atomic_load(&e->error) == 0) {
			dirty = dirty ? dirty : e;
			looked++;
			continue;
		}
		evict_entry_locked(data, e, c);
		counter_add(COUNTER_DESCRIPTOR_EVICTED, 1);
		return true;
	}
	if (dirty) {
		data_entry_pin_locked(data, dirty);
		dirty->evict_fd = dirty->wfd >= 0 ? dirty->wfd : dirty->rfd;
		dirty->task.run = evict_dirty;
		*ret_dirty = dirty;
	}
	return false;
}

/* Gives up one entry, or only one beyond the limit. True when descriptors were closed; false also where a dirty one is
 * on its way to be. */
static bool evict_one(struct data *data, bool only_surplus)
{
	struct data_entry *dirty = NULL;
	struct closing c;
	bool freed;

	closing_init(&c);
	lock_take(&data->lock);
	freed = (!only_surplus || data->open_fds > fd_budget_limit(data->opt.fds, data->open_fds)) &&
		evict_one_locked(data, &c, &dirty);
	lock_drop(&data->lock);
	closing_run(&c);
	if (dirty)
		pool_submit(data->opt.pool, &dirty->task);
	return freed;
}

static void evict_surplus(struct data *data)
{
	for (unsigned i = 0; i < 4 && evict_one(data, true); i++)
		;
}

/* --- getting one -------------------------------------------------------------------------------------------------- */

bool data_peek(struct data *data, struct inode *inode, struct data_fd *ret)
{
	struct data_entry *e;

	LOCK_SCOPE(&data->lock);
	e = data_entry_of_locked(inode);
	if (!e || e->upper != inode_data_in_upper(inode) || (e->wfd < 0 && e->rfd < 0))
		return false;
	data_entry_pin_locked(data, e);
	*ret = (struct data_fd){.fd = e->wfd >= 0 ? e->wfd : e->rfd, .entry = e};
	return true;
}

static bool data_get_cached(struct data *data, struct inode *inode, bool write, struct data_fd *ret)
{
	struct data_entry *e;
	bool append_only = false;
	int fd = -1;

	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	if (e && e->upper == inode_data_in_upper(inode)) {
		fd = write ? e->wfd : e->rfd;
		append_only = e->append_only;
		if (fd >= 0)
			data_entry_pin_locked(data, e);
	}
	lock_drop(&data->lock);
	if (fd < 0)
		return false;
	*ret = (struct data_fd){.fd = fd, .append_only = write && append_only, .entry = e};
	return true;
}

/* What was opened of a file. */
struct opened {
	int fd;
	bool upper;
	bool write;	  /* for writing, */
	bool both;	  /* and for reading too */
	bool append_only; /* it can be written at its end alone */
};

/* Opens what the call needs. Writers read as well where they may: without CAP_DAC_OVERRIDE a file that its owner can
 * only write says EACCES. One for appending alone says EPERM to everybody else. */
static int open_version(struct data *data, struct inode *inode, bool write, struct opened *ret)
{
	static const int ways[] = {O_RDWR, O_WRONLY, O_WRONLY | O_APPEND};
	int fd = -EACCES;

	*ret = (struct opened){.write = write};
	if (!write)
		fd = inode_open_data(data->tree, inode, O_RDONLY, &ret->upper);
	for (unsigned i = 0; write && i < ARRAY_SIZE(ways) && (fd == -EACCES || fd == -EPERM); i++) {
		fd = inode_open_data(data->tree, inode, ways[i], &ret->upper);
		ret->both = ways[i] == O_RDWR;
		ret->append_only = ways[i] & O_APPEND;
	}
	ret->fd = fd;
	return MIN(fd, 0);
}

/* Puts a fresh descriptor into the inode's entry. Takes ownership of it in any case; another thread's may win. */
static int entry_adopt(struct data *data, struct inode *inode, const struct opened *opened, struct data_fd *ret)
{
	_cleanup_free_ struct data_entry *fresh = entry_new(data, inode, opened->upper);
	const bool upper = opened->upper, write = opened->write;
	struct data_entry *e;
	struct closing c;
	int fd = opened->fd, spare = -1;

	if (!CHECK(!inode_is_dir(inode)) || !fresh) {
		os_close(fd);
		return fresh ? -EIO : -ENOMEM;
	}
	closing_init(&c);
	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	if (e && e->upper && !upper) {
		/* Copied up between our open and now: what was opened is the old version. */
		lock_drop(&data->lock);
		os_close(fd);
		return -ESTALE;
	}
	if (e && e->upper != upper) {
		/* A lower entry is never dirty: readers in flight keep theirs until they unpin it. */
		atomic_store(&fresh->error, atomic_load(&e->error));
		entry_detach_locked(data, e);
		entry_reap_locked(data, e, &c);
		e = NULL;
	}
	if (!e) {
		e = TAKE_PTR(fresh);
		atomic_store_explicit(&inode->data, e, memory_order_release);
	}
	if ((write ? e->wfd : e->rfd) >= 0) {
		spare = fd;
	} else {
		data->open_fds++;
		fd_budget_take(data->opt.fds, 1);
		if (write) {
			e->wfd = fd;
			e->append_only = opened->append_only;
			if (opened->both && e->rfd < 0)
				e->rfd = fd;
		} else {
			e->rfd = fd;
		}
	}
	data_entry_pin_locked(data, e);
	*ret = (struct data_fd){.fd = write ? e->wfd : e->rfd, .append_only = write && e->append_only, .entry = e};
	lock_drop(&data->lock);
	closing_run(&c);
	if (spare >= 0)
		os_close(spare);
	return 0;
}

int data_get(struct data *data, struct inode *inode, bool write, struct data_fd *ret_fd)
{
	struct opened opened;
	int r = -ESTALE;

	if (write && !inode_data_in_upper(inode))
		return -LOOK_AGAIN;
	if (data_get_cached(data, inode, write, ret_fd))
		return 0;
	evict_surplus(data);
	for (unsigned tries = 0; tries < 64; tries++) {
		r = open_version(data, inode, write, &opened);
		if ((r == -EMFILE || r == -ENFILE) && evict_one(data, false))
			continue;
		if (r < 0)
			return r;
		r = entry_adopt(data, inode, &opened, ret_fd);
		if (r != -ESTALE)
			return r;
	}
	return r;
}

void data_install(struct data *data, struct inode *inode, int fd)
{
	const struct opened opened = {.fd = fd, .upper = true, .write = true, .both = true};
	struct data_fd got;

	if (entry_adopt(data, inode, &opened, &got) == 0)
		data_put(data, &got);
	evict_surplus(data);
}

void data_evict(struct data *data, struct inode *inode)
{
	struct data_entry *e;
	struct closing c;

	closing_init(&c);
	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	if (e) {
		entry_detach_locked(data, e);
		entry_reap_locked(data, e, &c);
	}
	lock_drop(&data->lock);
	closing_run(&c);
}

void data_set_dirty(struct data *data, struct data_fd *fd)
{
	(void)CHECK(fd->entry && fd->fd >= 0);
	if (data->opt.sync && !atomic_load_explicit(&fd->entry->dirty, memory_order_relaxed))
		atomic_store(&fd->entry->dirty, true);
}

unsigned data_count(struct data *data)
{
	return atomic_load(&data->open_fds);
}

bool data_is_crowded(struct data *data)
{
	unsigned open = atomic_load_explicit(&data->open_fds, memory_order_relaxed);
	unsigned limit = fd_budget_limit(data->opt.fds, open);

	return open > limit + limit / 2;
}

void data_write_back_failed(struct data *data, struct inode *inode, int error)
{
	_cleanup_free_ struct data_entry *fresh = entry_new(data, inode, inode_data_in_upper(inode));
	char shown[TREE_PATH_SHOWN];
	struct data_entry *e;
	int before = 0;

	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	if (!e && fresh && CHECK(!inode_is_dir(inode))) {
		e = TAKE_PTR(fresh);
		atomic_store_explicit(&inode->data, e, memory_order_release);
	}
	if (e)
		atomic_compare_exchange_strong(&e->error, &before, error);
	lock_drop(&data->lock);
	if (before == 0)
		log_limited(LOG_CAUSE_WRITE_BACK, LOG_ERR,
			    "%s: what the kernel held back can't be written: %s; every fsync of this file will fail",
			    tree_path(data->tree, inode->id, NULL, shown), strerror(-error));
}

/* The descriptor for reading keeps the file open, and with it the memory of a failed write-back. Where there is none
 * besides, the entry gives way to a fresh one. */
void data_flags_changed(struct data *data, struct inode *inode)
{
	_cleanup_free_ struct data_entry *fresh = entry_new(data, inode, true);
	struct data_entry *e;
	struct closing c;

	closing_init(&c);
	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	if (e && e->upper && e->wfd >= 0) {
		if (e->wfd == e->rfd) {
			e->wfd = -1;
		} else if (fresh) {
			atomic_store(&fresh->dirty, atomic_load(&e->dirty));
			atomic_store(&fresh->error, atomic_load(&e->error));
			entry_detach_locked(data, e);
			entry_reap_locked(data, e, &c);
			atomic_store_explicit(&inode->data, TAKE_PTR(fresh), memory_order_release);
		}
	}
	lock_drop(&data->lock);
	closing_run(&c);
}

void data_let_go(struct data *data, struct inode *inode)
{
	_cleanup_free_ struct data_entry *fresh = entry_new(data, inode, true);
	struct data_entry *e;
	struct closing c;

	closing_init(&c);
	lock_take(&data->lock);
	e = data_entry_of_locked(inode);
	if (e && e->upper && fresh && entry_fds(e)) {
		atomic_store(&fresh->dirty, atomic_load(&e->dirty));
		atomic_store(&fresh->error, atomic_load(&e->error));
		entry_detach_locked(data, e);
		entry_reap_locked(data, e, &c);
		if (atomic_load(&fresh->dirty) || atomic_load(&fresh->error))
			atomic_store_explicit(&inode->data, TAKE_PTR(fresh), memory_order_release);
	}
	lock_drop(&data->lock);
	closing_run(&c);
}
