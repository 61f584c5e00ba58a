/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data=passthrough: OPEN is answered with a backing file, which the kernel then reads and writes without us.
 *
 * What the kernel demands: all open files of a node id have one and the same backing, or all have none (they go through
 * the page cache of the mount, as with data=cached). So a node id that is open keeps what it was opened with; counted
 * are the OPENs that were answered minus the RELEASEs, which is never less than what the kernel counts.
 *
 * Copy-up while a lower file is open: who reads it keeps the lower file; the next OPEN is answered with ESTALE, upon
 * which the kernel looks the name up again and is given a new node id of the same inode (inode_add_node_id), which is
 * opened with the upper file. A lower file is registered for reading alone: an OPEN for writing has its file copied up
 * first, so no write ever reaches a layer.
 *
 * What the kernel writes by itself it doesn't tell us. A file that is open for writing is taken to be dirty and holds
 * one of our own descriptors, by which its fsync hears of failed write-back; and its attributes aren't cached, for a
 * store through a mapping changes times that the kernel's FUSE inode doesn't learn of.
 *
 * Files with setuid or setgid stay with the page cache of the mount: a write to a backing file is made with the
 * daemon's rights, which doesn't take the bits away. One that gets them while nobody has it open is looked at anew at
 * its next OPEN.
 */
#include "passthrough.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/backing.h"
#include "os/fs.h"

/* Ids of files that nobody has open: each holds its file in the kernel's memory and spares the next OPEN two calls. */
#define MAX_IDLE 4096U

/* How a node id's files are opened. */
struct backing {
	UT_hash_handle hh;
	uint64_t node;
	const struct inode *inode;
	int id;	    /* 0: none, through the mount's page cache */
	bool upper; /* the version that the id leads to */
	uint32_t opens;
	uint32_t writers;
	struct backing *prev, *next; /* of the idle ones */
};

enum probe { NOT_PROBED, USABLE, UNUSABLE };

struct passthrough {
	struct lock lock;	 /* leaf */
	int dev_fd;		 /* c */
	struct backing *by_node; /* lock */
	struct backing *idle;	 /* lock: the least recently used first */
	unsigned n_idle;	 /* lock */
	_Atomic enum probe probe;
};

int passthrough_new(int dev_fd, struct passthrough **ret)
{
	struct passthrough *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	lock_init(&p->lock, LOCK_LEAF);
	p->dev_fd = dev_fd;
	*ret = p;
	return 0;
}

void passthrough_free(struct passthrough *p)
{
	struct backing *b, *next;

	if (!p)
		return;
	/* The ids go with the connection. */
	HASH_ITER(hh, p->by_node, b, next) {
		HASH_DEL(p->by_node, b);
		free(b);
	}
	(void)CHECK(!p->by_node);
	lock_finish(&p->lock);
	free(p);
}

/* Whether there can be backing files at all: 0, or the reason as -errno. */
static int try_backing(int dev_fd)
{
	_cleanup_close_ int fd = os_memory_file("plyfs-probe");
	int id = fd < 0 ? fd : os_backing_open(dev_fd, fd);

	if (id < 0)
		return id;
	os_backing_close(dev_fd, id);
	return 0;
}

bool passthrough_usable(struct passthrough *p)
{
	enum probe probe = atomic_load_explicit(&p->probe, memory_order_relaxed);
	int r;

	if (probe != NOT_PROBED)
		return probe == USABLE;
	r = try_backing(p->dev_fd);
	if (r < 0)
		log_info("data=passthrough can't be had here (%s): data goes through the cache of the mount",
			 strerror(-r));
	atomic_store_explicit(&p->probe, r < 0 ? UNUSABLE : USABLE, memory_order_relaxed);
	return r == 0;
}

static struct backing *find_locked(struct passthrough *p, uint64_t node)
{
	struct backing *b;

	(void)CHECK(lock_held(&p->lock));
	HASH_FIND(hh, p->by_node, &node, sizeof(node), b);
	return b;
}

static void idle_leave_locked(struct passthrough *p, struct backing *b)
{
	(void)CHECK(lock_held(&p->lock) && p->n_idle > 0);
	DL_DELETE(p->idle, b);
	p->n_idle--;
}

static void idle_enter_locked(struct passthrough *p, struct backing *b)
{
	(void)CHECK(lock_held(&p->lock) && b->opens == 0 && b->writers == 0);
	DL_APPEND(p->idle, b);
	p->n_idle++;
}

/* Takes an idle one out; returns its id, for the caller to close once the lock is dropped. */
static int remove_idle_locked(struct passthrough *p, struct backing *b)
{
	int id = b->id;

	(void)CHECK(lock_held(&p->lock));
	idle_leave_locked(p, b);
	HASH_DEL(p->by_node, b);
	free(b);
	return id;
}

static void close_id(const struct passthrough *p, int id)
{
	(void)CHECK(id >= 0);
	if (id > 0)
		os_backing_close(p->dev_fd, id);
}

static void count_open_locked(struct passthrough *p, struct backing *b, bool write)
{
	(void)CHECK(lock_held(&p->lock) && b->writers <= b->opens);
	if (b->opens++ == 0)
		idle_leave_locked(p, b);
	b->writers += write;
}

/* What is known of the node and can be used as it is: 1, and the id. 0: nothing, `stale_id` is to be closed. -ESTALE:
 * what it is bound to is another version. */
static int open_known(struct passthrough *p, const struct inode *inode, uint64_t node, bool write, int *ret_id,
		      int *stale_id)
{
	struct backing *b;
	bool usable;

	*stale_id = 0;
	LOCK_SCOPE(&p->lock);
	b = find_locked(p, node);
	if (!b)
		return 0;
	usable = b->id > 0 ? b->upper == inode_data_in_upper(inode) : b->opens > 0;
	if (usable) {
		count_open_locked(p, b, write);
		*ret_id = b->id;
		return 1;
	}
	if (b->opens > 0)
		return -ESTALE;
	*stale_id = remove_idle_locked(p, b);
	return 0;
}

/* Makes `id` what the node is opened with, open once; false when the inode changed versions, or another one came first,
 * or without memory. */
static bool passthrough_enter(struct passthrough *p, const struct inode *inode, uint64_t node, int id, bool upper,
			      bool write)
{
	struct backing *b = calloc(1, sizeof(*b));

	(void)CHECK(id >= 0 && (upper || !write));
	if (!b)
		return false;
	*b = (struct backing){.node = node, .inode = inode, .id = id, .upper = upper, .opens = 1, .writers = write};
	lock_take(&p->lock);
	if (!find_locked(p, node) && upper == inode_data_in_upper(inode)) {
		HASH_ADD(hh, p->by_node, node, sizeof(b->node), b);
		if (b->hh.tbl)
			b = NULL;
	}
	lock_drop(&p->lock);
	if (!b)
		return true;
	free(b);
	return false;
}

/* The id of a new backing for the object as it is now; 0: it goes without. */
static int register_object(struct fs *fs, struct inode *inode, bool *ret_upper)
{
	_cleanup_close_ int fd = inode_open_data(fs->tree, inode, O_PATH, ret_upper);
	struct statx stx;
	int id;

	if (fd < 0) {
		*ret_upper = inode_data_in_upper(inode);
		return 0;
	}
	if (os_statx(fd, "", &stx) < 0 || !S_ISREG(stx.stx_mode) || (stx.stx_mode & (S_ISUID | S_ISGID)))
		return 0;
	id = os_backing_open(fs->host->passthrough->dev_fd, fd);
	return MAX(id, 0);
}

/* From now on the attributes change without the kernel's FUSE inode knowing, by a store through a mapping or by another
 * node id: what it has cached goes. */
static void attributes_change_below(struct fs *fs, uint64_t node)
{
	(void)fuse_lowlevel_notify_inval_inode(fs->host->session, node, -1, 0);
}

/* What a kernel inode holds open from before the copy-up stays with its node; the name gets another. */
static int renumber(struct fs *fs, struct inode *inode, uint64_t node)
{
	int r;

	if (inode_id_is_current(fs->tree, inode, node)) {
		r = inode_add_node_id(fs->tree, inode);
		if (r < 0)
			return r;
		attributes_change_below(fs, node);
	}
	return -ESTALE;
}

#define OPEN_TRIES 64

int passthrough_open(struct fs *fs, struct inode *inode, uint64_t node, bool write, bool known_to_kernel)
{
	struct passthrough *p = fs->host->passthrough;

	for (unsigned i = 0; i < OPEN_TRIES; i++) {
		bool upper = false;
		int id, stale_id, r = open_known(p, inode, node, write, &id, &stale_id);

		close_id(p, stale_id);
		if (r == -ESTALE)
			return renumber(fs, inode, node);
		if (r == 0) {
			id = register_object(fs, inode, &upper);
			r = !(write && !upper) && passthrough_enter(p, inode, node, id, upper, write);
			if (!r)
				close_id(p, id);
		}
		if (r && write && known_to_kernel)
			attributes_change_below(fs, node);
		if (r)
			return id;
	}
	return -EIO;
}

void passthrough_release(struct fs *fs, uint64_t node, bool write)
{
	struct passthrough *p = fs->host->passthrough;
	struct backing *b;
	int id = 0;

	lock_take(&p->lock);
	b = find_locked(p, node);
	if (b && b->opens > 0) {
		b->writers -= write && b->writers > 0;
		if (--b->opens == 0) {
			b->writers = 0;
			idle_enter_locked(p, b);
		}
	}
	if (p->n_idle > MAX_IDLE)
		id = remove_idle_locked(p, p->idle);
	lock_drop(&p->lock);
	close_id(p, id);
}

bool passthrough_is_written(struct fs *fs, const struct inode *inode)
{
	struct passthrough *p = fs->host->passthrough;
	struct backing *b;

	if (inode_has_node_ids(inode))
		return true;
	LOCK_SCOPE(&p->lock);
	b = find_locked(p, inode->id);
	return b && b->writers > 0;
}

/* One of the inode's entries, by whatever node id; `idle`: that nobody has open. */
static struct backing *find_of_inode_locked(struct passthrough *p, const struct inode *inode, bool idle)
{
	struct backing *b = find_locked(p, inode->id), *next;

	(void)CHECK(lock_held(&p->lock));
	if (b && !(idle && b->opens > 0))
		return b;
	if (!inode_has_node_ids(inode))
		return NULL;
	HASH_ITER(hh, p->by_node, b, next) {
		if (b->inode == inode && !(idle && b->opens > 0))
			return b;
	}
	return NULL;
}

/* Takes the inode's entries out, or those alone that nobody has open. */
static void remove_of_inode(struct passthrough *p, const struct inode *inode, bool idle)
{
	struct backing *b;

	do {
		int id = 0;

		lock_take(&p->lock);
		b = find_of_inode_locked(p, inode, idle);
		if (b && b->opens > 0) {
			b->opens = b->writers = 0;
			idle_enter_locked(p, b);
		}
		if (b)
			id = remove_idle_locked(p, b);
		lock_drop(&p->lock);
		close_id(p, id);
	} while (b);
}

void passthrough_drop_idle(struct fs *fs, const struct inode *inode)
{
	remove_of_inode(fs->host->passthrough, inode, true);
}

void passthrough_evict(struct fs *fs, const struct inode *inode)
{
	remove_of_inode(fs->host->passthrough, inode, false);
}
