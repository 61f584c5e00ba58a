/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying one object up, after its ancestors, one at a time from the top down.
 *
 * The copy is made complete without a lock: nameless (O_TMPFILE) where the file system can, else under a temp name of
 * the work directory. Then D of the parent and I of the object are taken, it is looked at again where the object is and
 * if it still has a name, and the copy gets that name without replacing anything: the one step that a crash can fall
 * before or after. The parent's times are put back, as for the user nothing changed in it.
 *
 * A file with several links in its layer is linked into the index, where there is one: that is the step that counts,
 * for the index leads all its names to it. The name in the upper follows, and may be missing after a crash.
 *
 * An object of a lower layer changes its place in one way only: it loses its name (a rename wants it in the upper
 * first). Then its copy gets none either and is held without one (tree/object/orphan.c).
 */
#include "copyup_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "nlink.h"
#include "base/array.h"
#include "base/counter.h"
#include "internal.h"
#include "layer/index.h"
#include "tree/listing.h"

#define COPYUP_TRIES 3
#define SYMLINK_MAX 4096

/* --- the source --------------------------------------------------------------------------------------------------- */

/* Access times of a layer are nobody's business; without the right to say so the file is read all the same. */
static int source_open_read(int src)
{
	int fd = reopen_at_once(src, O_RDONLY | O_NOATIME);

	return fd == -EPERM ? reopen_at_once(src, O_RDONLY) : fd;
}

/* An immutable object may be changed in nothing but its flags, and one for appending not be truncated. */
static int source_check(const struct copyup *c)
{
	uint64_t fixed = c->stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);

	if (!fixed || c->how == COPYUP_FLAGS)
		return 0;
	return (fixed & STATX_ATTR_IMMUTABLE) || c->how == COPYUP_NO_DATA ? -EPERM : 0;
}

/* erofs says of all that it is immutable, because nobody can write there: only what FS_IOC_GETFLAGS shows was said of
 * this file, and would be the copy's too. */
static int source_confirm_flags(struct copyup *c)
{
	uint64_t fixed = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
	bool has_flags = S_ISREG(c->stx.stx_mode) || S_ISDIR(c->stx.stx_mode);
	_cleanup_close_ int fd = -1;
	unsigned flags = 0;

	if (!(c->stx.stx_attributes & fixed))
		return 0;
	fd = has_flags ? source_open_read(c->src) : -1;
	if (fd < 0 || os_getflags(fd, &flags) < 0)
		c->stx.stx_attributes &= ~fixed;
	return fd == -MUST_WAIT ? fd : 0;
}

/* Its name in the index, by which its other names will be led to the copy. */
static int source_name_in_index(struct copyup *c)
{
	struct tree *tree = c->writer->tree;
	int r;

	if (!inode_is_counted(c->inode) || inode_index_name(tree, c->inode, c->index_name))
		return 0;
	r = index_name_of(c->writer->layers, c->layer, c->src, "", c->index_name);
	return r < 0 ? r : inode_set_index_name(tree, c->inode, c->index_name);
}

/* Whether the copy can do without the data. What is for appending alone couldn't get it later. */
static bool source_is_enough(const struct copyup *c)
{
	return c->how == COPYUP_META && c->writer->layers->make_metacopy && S_ISREG(c->stx.stx_mode) &&
	       !(c->stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND));
}

static int source_open_flags(struct copyup *c, int flags)
{
	return inode_open_seen(c->writer->tree, c->inode, flags, &c->layer, &c->stx);
}

/* A regular file that has its data itself is read through the descriptor by which it is known. */
static int source_open_object(struct copyup *c)
{
	if (S_ISREG(c->inode->type) && !inode_is_metacopy(c->inode)) {
		c->src = source_open_flags(c, O_RDONLY | O_NOATIME);
		if (c->src == -EPERM)
			c->src = source_open_flags(c, O_RDONLY);
		c->src_read = c->src >= 0 ? c->src : -1;
	} else {
		c->src = source_open_flags(c, O_PATH);
	}
	return c->src;
}

/* 1: it is in the upper already. */
static int source_open(struct copyup *c)
{
	int r;

	(void)CHECK(c->src < 0 && c->src_read < 0 && c->fd < 0);
	r = source_open_object(c);
	if (r < 0)
		return r;
	if (c->layer->upper) {
		c->src_read = -1;
		return 1;
	}
	c->src_attrs = c->src;
	if (!layer_has_owner(&c->stx))
		return -EOVERFLOW;
	r = source_confirm_flags(c);
	if (r == 0)
		r = source_name_in_index(c);
	if (r == 0)
		r = source_check(c);
	if (r < 0 || !(S_ISREG(c->stx.stx_mode) || S_ISDIR(c->stx.stx_mode)))
		return r;
	c->meta_only = source_is_enough(c);
	if (c->src_read >= 0)
		return 0;
	if (inode_is_metacopy(c->inode) && !c->meta_only && c->how != COPYUP_NO_DATA)
		c->src_read = copyup_open_data(c);
	else
		c->src_read = c->src_attrs = source_open_read(c->src);
	return c->src_read < 0 ? c->src_read : 0;
}

bool copyup_is_below(struct writer *writer, struct inode *inode, enum copyup_how how, uint64_t size)
{
	struct statx stx;

	if (how == COPYUP_NO_DATA || !S_ISREG(inode->type) || copyup_is_done(inode, how))
		return true;
	if (how == COPYUP_META && writer->layers->make_metacopy)
		return true;
	return inode_statx(writer->tree, inode, &stx) < 0 || stx.stx_size < size;
}

/* --- the copy, empty ---------------------------------------------------------------------------------------------- */

static int temp_symlink(struct copyup *c)
{
	char target[SYMLINK_MAX + 1];
	ssize_t n = os_readlinkat(c->src, "", target, sizeof(target));

	if (n < 0)
		return (int)n;
	if (n > SYMLINK_MAX)
		return -ENAMETOOLONG;
	target[n] = '\0';
	return os_symlinkat(target, c->writer->layers->work_fd, c->temp);
}

/* Makes the object under its temp name; a regular file comes with its descriptor. Nobody but us may use it before it
 * has its owner. */
static int temp_make(struct copyup *c)
{
	int work = c->writer->layers->work_fd;
	mode_t type = change_real_type(c->writer, c->stx.stx_mode);

	(void)CHECK(c->temp[0] && c->fd < 0);
	switch (type) {
	case S_IFREG:
		c->fd = os_openat(work, c->temp, O_RDWR | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
		return c->fd < 0 ? c->fd : 0;
	case S_IFDIR:
		return os_mkdirat(work, c->temp, 0700);
	case S_IFLNK:
		return temp_symlink(c);
	default:
		return os_mknodat(work, c->temp, type | 0600, makedev(c->stx.stx_rdev_major, c->stx.stx_rdev_minor));
	}
}

static int temp_open(struct copyup *c)
{
	int flags = S_ISDIR(c->stx.stx_mode) ? O_RDONLY | O_DIRECTORY : O_PATH;

	if (c->fd >= 0)
		return 0;
	c->fd = os_openat(c->writer->layers->work_fd, c->temp, flags, 0, OS_NO_XDEV);
	return c->fd < 0 ? c->fd : 0;
}

static void temp_drop(struct copyup *c)
{
	if (c->temp[0])
		change_drop_temp(c->writer, c->temp, S_ISDIR(c->stx.stx_mode));
	c->temp[0] = '\0';
}

/* With a name only if it must have one: a crash leaves nothing of a nameless file. */
static int temp_new(struct copyup *c)
{
	int r;

	(void)CHECK(c->fd < 0 && !c->temp[0]);
	c->temp[0] = '\0';
	if (S_ISREG(c->stx.stx_mode) && c->writer->layers->has_tmpfile) {
		c->fd = os_open_tmpfile(c->writer->layers->work_fd, O_RDWR, 0600);
		return c->fd < 0 ? c->fd : 0;
	}
	work_temp_name(c->writer->layers, c->temp);
	r = temp_make(c);
	if (r < 0) {
		c->temp[0] = '\0';
		return r;
	}
	r = temp_open(c);
	if (r < 0)
		temp_drop(c);
	return r;
}

/* --- the copy, filled --------------------------------------------------------------------------------------------- */

/* One sync at the end brings data, owner, attributes and times to the disk before the name shows them. With metacopy,
 * as in the kernel, what has no data is left to the file system, which keeps its own changes in their order: a chown -R
 * must not sync each file. fsync=strict is for those that don't (ubifs). */
static bool copyup_wants_sync(const struct copyup *c)
{
	/* A special file that is a regular one on disk is nothing but its attribute. */
	mode_t type = change_real_type(c->writer, c->stx.stx_mode);

	if (!c->writer->sync)
		return false;
	if (c->writer->sync_strictly)
		return S_ISREG(type) || S_ISDIR(type);
	if (c->meta_only)
		return false;
	return S_ISREG(type) || (S_ISDIR(type) && !c->writer->layers->make_metacopy);
}

static int copyup_sync(struct copyup *c)
{
	int r = 0;

	(void)CHECK(c->fd >= 0);
	if (copyup_task_cancelled(c->task))
		return -EINTR;
	if (copyup_wants_sync(c))
		r = os_fsync(c->fd);
	return r == 0 && copyup_task_cancelled(c->task) ? -EINTR : r;
}

static int copyup_fill(struct copyup *c)
{
	int r = 0;

	if (S_ISREG(c->stx.stx_mode) && c->how != COPYUP_NO_DATA && !c->meta_only)
		r = copyup_data(c);
	if (r == 0)
		r = copyup_meta(c);
	return r == 0 ? copyup_sync(c) : r;
}

/* --- publishing --------------------------------------------------------------------------------------------------- */

/* Users' attributes came along; of the private ones only those that a copy-up writes. */
static void publish_xattr_flags(const struct copyup *c, bool persistent_ino)
{
	const uint64_t fixed = c->stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
	const unsigned own = (persistent_ino ? XATTR_FLAG_ORIGIN : 0U) | (c->meta_only ? XATTR_FLAG_METACOPY : 0U) |
			     (fixed ? XATTR_FLAG_PROTATTR : 0U);
	const unsigned users = XATTR_FLAG_ACL | XATTR_FLAG_DEFAULT_ACL | XATTR_FLAG_CAPABILITY | XATTR_FLAG_OTHER_XATTR;
	unsigned xattr_flags = atomic_load_explicit(&c->inode->xattr_flags, memory_order_relaxed);

	atomic_store_explicit(&c->inode->xattr_flags, (uint16_t)((xattr_flags & users) | own), memory_order_relaxed);
}

/* A file of metadata has data of its own now. */
static void publish_data(struct copyup *c)
{
	if (inode_is_metacopy(c->inode) && !c->meta_only)
		inode_publish_data(c->writer->tree, c->inode);
}

/* The tree learns where the object is now. I is held, D of its parent where it has a name. */
static void publish_tell(struct copyup *c)
{
	(void)CHECK(change_holds_inode(c->writer, c->inode) && !inode_in_upper(c->inode));
	publish_xattr_flags(c, c->persistent_ino);
	if (inode_is_dir(c->inode))
		dir_publish_upper(c->writer->tree, c->inode, c->id);
	else
		inode_publish_upper(c->writer->tree, c->inode, c->id, c->persistent_ino);
	publish_data(c);
}

/* It lost its last name: the copy is held without one. */
static int publish_nameless(struct copyup *c)
{
	int r;

	(void)CHECK(change_holds_inode(c->writer, c->inode));
	if (inode_is_dir(c->inode))
		return -ENOENT;
	if (c->temp[0] && c->writer->layers->removed != REMOVED_STAYS) {
		r = orphan_moved(c->writer->tree, c->inode, c->writer->layers->work_fd, c->temp);
		c->temp[0] = r < 0 ? c->temp[0] : '\0';
	} else {
		r = orphan_hold_fd(c->writer->tree, c->inode, c->fd);
	}
	if (r < 0)
		return r;
	temp_drop(c);
	publish_tell(c);
	return 0;
}

static int publish_link(struct copyup *c, int dirfd, const char *name)
{
	int r;

	if (!c->temp[0])
		return os_link_fd(c->fd, dirfd, name);
	r = work_publish(c->writer->layers, c->temp, dirfd, name);
	if (r == 0)
		c->temp[0] = '\0';
	return r;
}

static void publish_listing(struct copyup *c, const struct inode_location *location)
{
	unsigned char type = IFTODT(c->inode->type);

	listing_update(c->writer->tree, location->parent, location->name, type, inode_ino(c->inode),
		       layer_upper(c->writer->layers)->index);
}

/* Gives the copy its name. D of the parent and I are held. */
static int publish_named(struct copyup *c, const struct inode_location *location)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	struct change_times times;
	int r = change_dirfd_open(c->writer, location->parent, &dir);

	(void)CHECK(change_holds_dir(location->parent) && change_holds_inode(c->writer, c->inode));
	if (r < 0)
		return r;
	r = change_set_impure(c->writer, location->parent, dir.dirfd.fd);
	if (r < 0)
		return r;
	change_times_save(dir.dirfd.fd, &times);
	r = publish_link(c, dir.dirfd.fd, location->name);
	if (r < 0)
		return r;
	change_published(c->writer, location->parent, dir.dirfd.fd, &times);
	publish_tell(c);
	publish_listing(c, location);
	/* Of what a request asked for, its answer tells the attributes; a directory came along. */
	if (inode_is_dir(c->inode))
		change_tell(c->writer, c->inode);
	return 0;
}

/* --- publishing in the index -------------------------------------------------------------------------------------- */

/* The one step. */
static int publish_entry(struct copyup *c)
{
	struct tree *tree = c->writer->tree;
	struct layer_set *set = c->writer->layers;
	/* It will have one link of its own, the entry. */
	int r = index_write_nlink(set, c->fd, inode_nlink(tree, c->inode), 1);

	(void)CHECK(c->index_name[0]);
	if (r == 0)
		r = inode_prepare_indexed(tree, c->inode, c->id);
	if (r < 0)
		return r;
	r = index_insert(set, c->fd, c->temp[0] ? c->temp : NULL, c->index_name);
	if (r < 0) {
		inode_forget_prepared(tree, c->inode, c->id);
		return r;
	}
	c->temp[0] = '\0';
	publish_xattr_flags(c, true);
	inode_publish_indexed(tree, c->inode, c->id);
	publish_data(c);
	return 0;
}

/* I is held, and D of the parent where it has a name. */
static int publish_indexed(struct copyup *c, const struct inode_location *location)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	char shown[TREE_PATH_SHOWN];
	int r = location->unlinked ? 0 : change_dirfd_open(c->writer, location->parent, &dir);

	(void)CHECK(change_holds_inode(c->writer, c->inode) &&
		    (location->unlinked || change_holds_dir(location->parent)));
	if (r == 0)
		r = publish_entry(c);
	if (r < 0)
		return r;
	/* The entry has the count now; what is noted besides isn't looked at any more. */
	r = index_write_gone(c->writer->layers, c->index_name, 0);
	if (r < 0)
		log_limited(LOG_CAUSE_COPY_UP, LOG_INFO, "index: %s: an old count stays: %s", c->index_name,
			    strerror(-r));
	if (location->unlinked)
		return 0;
	r = nlink_link_up(c->writer, c->inode, location->parent, dir.dirfd.fd, location->name);
	/* Every name leads to the copy all the same. */
	if (r < 0)
		log_limited(LOG_CAUSE_COPY_UP, LOG_INFO, "index: %s: the copy got no name in the upper: %s",
			    tree_path(c->writer->tree, c->inode->id, NULL, shown), strerror(-r));
	else
		publish_listing(c, location);
	return 0;
}

/* All locks are held. 1: somebody else brought it up. -LOOK_AGAIN: it isn't where `seen` says any more. */
static int copyup_publish_locked(struct copyup *c, const struct inode_location *seen)
{
	struct inode_location now;
	int r;

	(void)CHECK(change_holds_inode(c->writer, c->inode) &&
		    (seen->unlinked || !seen->parent || change_holds_dir(seen->parent)));
	if (inode_in_upper(c->inode))
		return 1;
	if (c->meta_only) {
		r = inode_note_lowerdata(c->writer->tree, c->inode, &c->stx);
		if (r < 0)
			return r;
	}
	inode_locate(c->writer->tree, c->inode, &now);
	if (!now.unlinked && (now.parent != seen->parent || seen->unlinked))
		r = -LOOK_AGAIN;
	else if (!copyup_task_commit(c->task))
		r = -EINTR;
	else if (c->index_name[0] && inode_nlink(c->writer->tree, c->inode))
		r = publish_indexed(c, &now);
	else
		r = now.unlinked ? publish_nameless(c) : publish_named(c, &now);
	inode_location_finish(c->writer->tree, &now);
	return r;
}

static int publish_once(struct copyup *c)
{
	struct rwlock *gate __attribute__((cleanup(change_end), unused)) = change_start(c->writer);
	struct inode_location seen;
	struct lock *dir;
	int r;

	inode_locate(c->writer->tree, c->inode, &seen);
	dir = !seen.unlinked && seen.parent ? &seen.parent->dir->lock : NULL;
	if (dir)
		lock_take(dir);
	lock_take(inode_lock(c->writer->tree, c->inode));
	r = copyup_publish_locked(c, &seen);
	lock_drop(inode_lock(c->writer->tree, c->inode));
	if (dir)
		lock_drop(dir);
	inode_location_finish(c->writer->tree, &seen);
	return r;
}

static int copyup_publish(struct copyup *c)
{
	struct statx stx;
	int r = os_statx(c->fd, "", &stx);

	(void)CHECK(c->fd >= 0 && c->writer->layers->has_upper);
	if (r == 0)
		r = layer_object(c->writer->layers, layer_upper(c->writer->layers), c->fd, "", &stx, &c->id);
	if (r < 0)
		return r;
	r = -LOOK_AGAIN;
	for (unsigned i = 0; i < COPYUP_TRIES && r == -LOOK_AGAIN; i++)
		r = publish_once(c);
	return r;
}

/* --- one object --------------------------------------------------------------------------------------------------- */

/* 1: another thread was first. */
static int copyup_steps(struct copyup *c)
{
	int r = temp_new(c);

	if (r < 0)
		return r;
	r = copyup_fill(c);
	if (r < 0)
		goto drop;
	r = copyup_publish(c);
	if (r != 0)
		goto drop;
	copyup_meta_published(c);
	return 0;
drop:
	temp_drop(c);
	return r;
}

static void copyup_finish(struct copyup *c)
{
	free(c->xattrs);
	if (c->src_read != c->src)
		cleanup_close(&c->src_read);
	cleanup_close(&c->src);
	cleanup_close(&c->fd);
}

static void copyup_count(const struct copyup *c)
{
	counter_add(COUNTER_COPY_UP, 1);
	if (c->how != COPYUP_NO_DATA && !c->meta_only && S_ISREG(c->inode->type))
		counter_add(COUNTER_COPY_UP_BYTES, c->stx.stx_size);
}

static int copyup_one(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_task *task,
		      struct error *ret_error)
{
	_cleanup_(copyup_finish) struct copyup c = {
		.writer = writer,
		.task = task,
		.error = ret_error,
		.inode = inode,
		.how = how,
		.src = -1,
		.src_attrs = -1,
		.src_read = -1,
		.fd = -1,
	};
	int r = inode_in_upper(inode) ? 1 : source_open(&c);

	if (r == 0)
		r = copyup_steps(&c);
	else if (r > 0 && !copyup_is_done(inode, how))
		r = copyup_late(&c);
	if (r == 0)
		copyup_count(&c);
	return r < 0 ? r : 0;
}

/* --- ancestors ---------------------------------------------------------------------------------------------------- */

/* Directories to copy up, referenced, the lowest first. A chain can be longer than any stack. */
struct chain {
	struct tree *tree;
	struct inode **dirs;
	size_t n;
};

static void chain_finish(struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		inode_put(chain->tree, chain->dirs[i]);
	free(chain->dirs);
}

static int copyup_chain_add(struct chain *chain, struct inode *dir)
{
	(void)CHECK(inode_is_dir(dir));
	if (!ARRAY_NEXT(chain->dirs, chain->n))
		return -ENOMEM;
	chain->dirs[chain->n++] = dir;
	return 0;
}

/* The ancestors that are not in the upper yet. An object without a name needs none. */
static int chain_collect(struct chain *chain, struct inode *inode)
{
	for (;;) {
		struct inode_location location;
		int r;

		inode_locate(chain->tree, inode, &location);
		if (location.unlinked || !location.parent || inode_in_upper(location.parent)) {
			inode_location_finish(chain->tree, &location);
			return 0;
		}
		r = copyup_chain_add(chain, location.parent);
		if (r < 0) {
			inode_location_finish(chain->tree, &location);
			return r;
		}
		/* The chain has taken the reference over. */
		inode = location.parent;
	}
}

static int copyup_ancestors(struct writer *writer, struct inode *inode, struct copyup_task *task,
			    struct error *ret_error)
{
	_cleanup_(chain_finish) struct chain chain = {.tree = writer->tree};
	int r = chain_collect(&chain, inode);

	for (size_t i = chain.n; r == 0 && i > 0; i--) {
		if (copyup_task_cancelled(task))
			return -EINTR;
		/* Without the task: to leave a parent copied up is no harm, and publishing it is not the point of no
		 * return. What changes is below it, so it may be immutable itself. */
		r = copyup_one(writer, chain.dirs[i - 1], COPYUP_FLAGS, NULL, ret_error);
	}
	return r;
}

static int copyup_try(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_task *task,
		      struct error *ret_error)
{
	int r;

	if (copyup_is_done(inode, how))
		return 0;
	if (copyup_task_cancelled(task))
		return -EINTR;
	r = copyup_ancestors(writer, inode, task, ret_error);
	return r < 0 ? r : copyup_one(writer, inode, how, task, ret_error);
}

/* What the user will be told, for whoever reads the log; refusals are not failures. */
static void copyup_failed(const struct writer *writer, const struct inode *inode, int err, const struct error *error)
{
	char shown[TREE_PATH_SHOWN];

	if (err == -EINTR || err == -EPERM || err == -MUST_WAIT)
		return;
	counter_add(COUNTER_COPY_UP_FAILED, 1);
	log_limited(LOG_CAUSE_COPY_UP, LOG_WARNING, "%s: copy-up failed: %s",
		    tree_path(writer->tree, inode->id, NULL, shown), error->text ? error->text : strerror(-err));
}

int copyup_run(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_task *task)
{
	FAULT_SCOPE(FAULT_COPYUP);
	_cleanup_error_ struct error error = {0};
	int r = -LOOK_AGAIN;

	if (!writer->layers->has_upper)
		return -EROFS;
	/* The name is taken, or the place changed: look at it anew. */
	for (unsigned i = 0; i < COPYUP_TRIES && (r == -LOOK_AGAIN || r == -EEXIST); i++)
		r = copyup_try(writer, inode, how, task, &error);
	/* What stands there was not made through this mount. */
	if (r == -LOOK_AGAIN || r == -EEXIST)
		r = -ESTALE;
	(void)CHECK(r < 0 || inode_in_upper(inode));
	if (r < 0)
		copyup_failed(writer, inode, r, &error);
	return r;
}
