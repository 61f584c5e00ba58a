/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing names. What only the upper has is unlinked; what a lower layer shows is hidden by a whiteout, in one step
 * with the removal of the upper's own object. Nothing is ever copied up for it but the parent, which has to hold the
 * whiteout.
 *
 * The whiteout is the commit point in all cases; an upper directory that was replaced by one is taken apart in the work
 * directory afterwards.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "nlink.h"
#include "change/change.h"
#include "target.h"

/* A name to remove, under D of its parent. */
struct removal {
	struct writer *writer;
	struct inode *parent;
	const char *name;
	struct resolved resolved;
	bool lower_positive;
	int dirfd; /* the parent in the upper */
	struct target target;
};

static void removal_finish(struct removal *m)
{
	resolved_finish(&m->resolved);
	target_finish(&m->target);
}
#define _cleanup_removal_ _cleanup_(removal_finish)

/* Looks at the name; nothing is touched yet. */
static int removal_look(struct removal *m, bool want_dir)
{
	int r = change_resolve(m->writer, m->parent, m->name, &m->resolved);

	(void)CHECK(change_holds_dir(m->parent));
	if (r < 0)
		return r;
	if (S_ISDIR(m->resolved.stx.stx_mode) != want_dir)
		return want_dir ? -ENOTDIR : -EISDIR;
	if (m->resolved.overmounted)
		return -EBUSY;
	r = change_lower_positive(m->writer, m->parent, m->name, &m->resolved);
	if (r < 0)
		return r;
	m->lower_positive = r;
	r = change_check_names(m->writer, m->parent, true);
	if (r == 0)
		r = target_find(m->writer, m->parent, m->name, &m->resolved, &m->target);
	return r < 0 ? r : target_check_flags(m->writer, &m->target, &m->resolved);
}

/* The tree learns that the name is gone. */
static void removal_tell(struct removal *m)
{
	(void)CHECK(change_holds_dir(m->parent) && change_holds_inode(m->writer, m->target.inode));
	inode_name_removed(m->writer->tree, m->parent, m->name);
	listing_remove(m->writer->tree, m->parent, m->name);
}

/* Runs `steps` with I of the target, the parent open in the upper, and tells the tree if they succeeded. */
static int removal_run(struct removal *m, int (*steps)(struct removal *m))
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	struct lock *lock = inode_lock(m->writer->tree, m->target.inode);
	/* A directory's steps look for what is in it; until the table is told nobody can get its name. */
	bool is_dir = inode_is_dir(m->target.inode);
	struct rwlock *names = NULL;
	int r = change_dirfd_open(m->writer, m->parent, &dir);

	if (r < 0)
		return r;
	m->dirfd = dir.dirfd.fd;
	lock_take(lock);
	r = target_hold(m->writer, &m->target, &m->resolved, m->dirfd, m->name,
			m->lower_positive ? TARGET_REPLACED : TARGET_UNLINKED);
	if (!is_dir)
		names = tree_names_write(m->writer->tree);
	if (r == 0)
		r = steps(m);
	if (is_dir)
		names = tree_names_write(m->writer->tree);
	if (r == 0) {
		nlink_removed(m->writer, m->target.inode, m->resolved.in_upper);
		removal_tell(m);
		target_gone(&m->target);
	} else {
		target_let_go(&m->target);
	}
	tree_names_end(&names);
	lock_drop(lock);
	return r;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int remove_file_steps(struct removal *m)
{
	struct layer_set *set = m->writer->layers;
	int r = 0;

	if (!m->lower_positive)
		return target_unlink(&m->target);
	if (!m->resolved.in_upper)
		return work_make_whiteout(set, m->dirfd, m->name);
	/* `.wh.NAME` comes before NAME goes. */
	if (set->whiteout_form == WHITEOUT_AUFS)
		r = work_hide_below(m->dirfd, m->name);
	if (r == 0)
		r = target_move(&m->target);
	if (r < 0)
		return r;
	return m->target.moved ? work_make_whiteout(set, m->dirfd, m->name)
			       : work_replace_by_whiteout(set, m->dirfd, m->name);
}

int remove_file(struct writer *writer, struct inode *parent, const char *name)
{
	CHANGE_SCOPE(writer, FAULT_REMOVE);
	_cleanup_removal_ struct removal m = {.writer = writer, .parent = parent, .name = name};
	LOCK_SCOPE(&parent->dir->lock);
	int r = removal_look(&m, false);

	return r < 0 ? r : removal_run(&m, remove_file_steps);
}

/* --- directories -------------------------------------------------------------------------------------------------- */

static int check_shows_nothing(struct removal *m)
{
	int empty = listing_is_empty_locked(m->writer->tree, m->target.inode);

	if (empty < 0)
		return empty;
	return empty ? 0 : -ENOTEMPTY;
}

/* Nothing below shows this name. Whiteouts may be left inside: they hide nothing now. */
static int remove_upper_dir(struct removal *m)
{
	int r = os_unlinkat(m->dirfd, m->name, AT_REMOVEDIR);

	(void)CHECK(m->dirfd >= 0 && !m->lower_positive);
	if (r != -ENOTEMPTY && r != -EEXIST)
		return r;
	r = check_shows_nothing(m);
	return r < 0 ? r : work_retire_dir(m->writer->layers, m->dirfd, m->name, false);
}

static int remove_dir_steps(struct removal *m)
{
	if (!m->lower_positive)
		return remove_upper_dir(m);
	if (!m->resolved.in_upper)
		return work_make_whiteout(m->writer->layers, m->dirfd, m->name);
	return work_retire_dir(m->writer->layers, m->dirfd, m->name, true);
}

/* With D of the target too: nothing is created in it between the look and its removal. */
static int remove_dir_locked(struct removal *m)
{
	int r = 0;

	(void)CHECK(change_holds_dir(m->parent) && inode_is_dir(m->target.inode));
	lock_take_below(&m->target.inode->dir->lock);
	/* What the upper alone has is asked by trying: most directories that are removed are empty. A redirected
	 * directory may have lower parts though nothing below has its name. */
	if (m->lower_positive || m->resolved.n_lower)
		r = check_shows_nothing(m);
	if (r == 0)
		r = removal_run(m, remove_dir_steps);
	lock_drop(&m->target.inode->dir->lock);
	return r;
}

int remove_dir(struct writer *writer, struct inode *parent, const char *name)
{
	CHANGE_SCOPE(writer, FAULT_REMOVE);
	_cleanup_removal_ struct removal m = {.writer = writer, .parent = parent, .name = name};
	LOCK_SCOPE(&parent->dir->lock);
	int r = removal_look(&m, true);

	return r < 0 ? r : remove_dir_locked(&m);
}
