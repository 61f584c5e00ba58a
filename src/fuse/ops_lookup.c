/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LOOKUP and FORGET. What is known of (parent, name) is answered from the inode table and one statx; else the resolver
 * is asked.
 */
#include "ops.h"
#include "reply.h"
#include "root.h"

#include <malloc.h>

#include "base/check.h"

/* Each lost race is a whole copy-up of another name of the same file, and its inode forgotten. */
#define LOOKUP_TRIES 8

static int lookup_known(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
			struct statx *ret_stx)
{
	struct inode *inode = inode_lookup_known(fs->tree, parent, name);
	int r;

	if (!inode)
		return -ENOENT;
	r = inode_statx(fs->tree, inode, ret_stx);
	if (r < 0) {
		inode_forget(fs->tree, inode, 1);
		return r;
	}
	counter_add(COUNTER_LOOKUP_CACHED, 1);
	*ret_inode = inode;
	return 0;
}

/* Whether lower layers hold other parts of the directory than they did. That it is in the upper or not is no sign: a
 * copy-up may have come between looking and asking. */
static bool stack_changed(const struct dir *dir, const struct resolved *resolved)
{
	(void)CHECK(!resolved->n_lower || resolved->lower);
	if (dir->n_lower != resolved->n_lower)
		return true;
	for (unsigned i = 0; i < resolved->n_lower; i++)
		if (dir->lower[i].layer != resolved->lower[i].layer ||
		    !object_id_fits(dirref_object(&dir->lower[i]), dirref_object(&resolved->lower[i])))
			return true;
	return false;
}

/* timeout=0: what a name led to before the layers were asked again. */
struct known {
	struct inode *inode; /* referenced; NULL: nothing was known */
	unsigned layer;
	struct object_id object;
};

static void known_before(struct fs *fs, struct inode *parent, const char *name, struct known *ret)
{
	struct inode_location location;

	*ret = (struct known){.inode = inode_peek(fs->tree, parent, name)};
	if (!ret->inode)
		return;
	inode_locate(fs->tree, ret->inode, &location);
	ret->layer = location.layer;
	ret->object = location.object;
	inode_location_finish(fs->tree, &location);
}

/* Whether the upper shows a file that isn't the copy of the known lower one. A copy has its name before its inode knows
 * of it, and the copy-up is queued for longer than that: so this is looked at first. */
static bool upper_is_foreign(struct fs *fs, struct inode *inode, const struct resolved *resolved)
{
	bool copying = copyup_is_running(fs->writer, inode);
	struct inode_location now;
	bool foreign;

	inode_locate(fs->tree, inode, &now);
	foreign = now.layer == resolved->layer ? !object_id_fits(now.object, resolved->id) : !copying;
	inode_location_finish(fs->tree, &now);
	return foreign;
}

/* Whether somebody changed a layer, so that the name leads elsewhere; `r` NULL: nowhere. Compared is with what was
 * known before the layers were asked, for a copy-up may run meanwhile. */
static bool known_changed(struct fs *fs, const struct known *known, const struct resolved *resolved)
{
	(void)CHECK(known->inode);
	if (!resolved || known->inode->type != (resolved->stx.stx_mode & S_IFMT))
		return true;
	if (inode_is_dir(known->inode))
		return stack_changed(known->inode->dir, resolved);
	if (known->layer == resolved->layer)
		return !object_id_fits(known->object, resolved->id);
	return !(resolved->in_upper || resolved->indexed) || upper_is_foreign(fs, known->inode, resolved);
}

static int resolve_again(struct fs *fs, struct inode *parent, const char *name, struct resolved *ret)
{
	struct known known;
	int r;

	known_before(fs, parent, name, &known);
	r = resolve_child(fs->tree, parent, name, ret);
	if (known.inode && (r == 0 || r == -ENOENT) && known_changed(fs, &known, r == 0 ? ret : NULL))
		inode_name_removed(fs->tree, parent, name);
	inode_put(fs->tree, known.inode);
	return r;
}

static int resolve_and_intern(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
			      struct statx *ret_stx)
{
	struct resolved resolved;
	int r = fs->opt.revalidate ? resolve_again(fs, parent, name, &resolved)
				   : resolve_child(fs->tree, parent, name, &resolved);

	if (r < 0)
		return r;
	r = inode_intern(fs->tree, parent, name, &resolved, ret_inode);
	if (r == 0) {
		*ret_stx = resolved.stx;
		inode_fix_statx(fs->tree, *ret_inode, ret_stx);
	}
	resolved_finish(&resolved);
	return r;
}

/* The kernel lets nobody look up a name while it is changed, but for one that it asks about again because its time is
 * up. What was found before a rename would then take the name from the inode that the rename gave it to. */
static int lookup_once(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
		       struct statx *ret_stx)
{
	struct lock *lock = fs->opt.names_expire ? &parent->dir->lock : NULL;
	int r;

	(void)CHECK(inode_is_dir(parent));
	if (lock)
		lock_take(lock);
	r = resolve_and_intern(fs, parent, name, ret_inode, ret_stx);
	if (lock)
		lock_drop(lock);
	return r;
}

static int lookup_resolve(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
			  struct statx *ret_stx)
{
	int r = -LOOK_AGAIN;

	for (unsigned i = 0; i < LOOKUP_TRIES && r == -LOOK_AGAIN; i++)
		r = lookup_once(fs, parent, name, ret_inode, ret_stx);
	return r == -LOOK_AGAIN ? -ESTALE : r;
}

int lookup_child(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode, struct statx *ret_stx)
{
	int r;

	if (strlen(name) > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!is_name(name))
		return -EINVAL;
	if (!inode_is_dir(parent))
		return -ENOTDIR;
	if (inode_is_unlinked(parent))
		return -ENOENT;
	if (!fs->opt.revalidate) {
		r = lookup_known(fs, parent, name, ret_inode, ret_stx);
		if (r == 0)
			return 0;
	}
	return lookup_resolve(fs, parent, name, ret_inode, ret_stx);
}

/* False: the listing of the directory is known, and lacks the name. A missing name costs a look at the names of one
 * directory then, and none at the table of all. */
static bool may_be_there(struct fs *fs, struct inode *parent, const char *name)
{
	return fs->opt.revalidate || !inode_is_dir(parent) || !is_name(name) || strlen(name) > TREE_NAME_MAX ||
	       listing_find(fs->tree, parent, name, NULL) != LISTING_ABSENT;
}

void op_lookup(fuse_req_t req, fuse_ino_t parent_id, const char *name)
{
	struct inode *parent, *inode;
	struct statx stx;
	struct fs *fs;
	int r;

	if (is_host_root(req, parent_id)) {
		root_lookup(req, name);
		return;
	}
	parent = inode_or_reply(req, parent_id);
	if (!parent)
		return;
	fs = fs_of(req, parent_id);
	counter_add(COUNTER_LOOKUP, 1);
	r = may_be_there(fs, parent, name) ? lookup_child(fs, parent, name, &inode, &stx) : -ENOENT;
	if (r == -ENOENT) {
		reply_negative(fs, req);
	} else if (r < 0) {
		reply_result(req, r);
	} else {
		walk_note_lookup(fs, parent, &stx, name);
		walk_file_found(fs, inode, &stx);
		reply_entry(fs, req, inode, &stx);
	}
}

/* Lookups forgotten before the allocator is asked to give free memory back. */
#define TRIM_AFTER 50000U

static void run_trim(struct pool_task *task)
{
	struct host *host = container_of(task, struct host, trim);

	(void)CHECK(atomic_load(&host->trimming));
	malloc_trim(0);
	atomic_store(&host->trimming, false);
}

/* Of a tree that was walked once and forgotten much memory is free, in pieces that the allocator would keep. */
static void count_forgotten(struct host *host, size_t n)
{
	if (atomic_fetch_add_explicit(&host->forgotten, n, memory_order_relaxed) + n < TRIM_AFTER)
		return;
	if (atomic_exchange(&host->trimming, true))
		return;
	atomic_store_explicit(&host->forgotten, 0, memory_order_relaxed);
	host->trim.run = run_trim;
	pool_submit(host->sync, &host->trim);
}

static void forget(fuse_req_t req, fuse_ino_t id, uint64_t n)
{
	struct fs *fs = fs_of(req, id);

	if (fs)
		inode_forget_id(fs->tree, id, n);
}

void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t n)
{
	counter_add(COUNTER_FORGET, 1);
	forget(req, id, n);
	count_forgotten(host_of(req), 1);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	counter_add(COUNTER_FORGET, count);
	for (size_t i = 0; i < count; i++)
		forget(req, forgets[i].ino, forgets[i].nlookup);
	count_forgotten(host_of(req), count);
	fuse_reply_none(req);
}
