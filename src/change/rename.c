/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rename: looks at both names under the locks, has a plan made (change/rename_plan.h) and carries it out.
 *
 * Locks. Any rename between two directories holds R, so that what is above what doesn't change meanwhile; then D of
 * both parents, the ancestor first; then D of a directory that is to be replaced, which lies below them (or the plan
 * refuses); then I of both objects. R for files too: only with one holder of two unrelated directories at a time can
 * that third lock not close a circle. The kernel serialises renames between directories anyway.
 *
 * Crash safety. Before the one renameat2 only xattrs and `.wh.` names were written that change nothing where they are,
 * a directory that shows nothing may have got a stand-in that shows nothing either, and a whiteout may stand where
 * nothing was visible. After it, at the old name, a whiteout may be left that hides nothing. In one case alone the
 * whiteout comes after the rename: where the file system has no RENAME_WHITEOUT and the target exists, or can't be a
 * whiteout before. Between the two calls the old name shows the lower object again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "nlink.h"
#include "base/macros.h"
#include "change/change.h"
#include "change/rename_plan.h"
#include "create.h"
#include "format/name.h"
#include "redirect.h"
#include "target.h"

/* One of the two names. */
struct rename_name {
	struct inode *parent;
	const char *name;
	struct resolved resolved;
	bool exists;
	struct target known;
	struct change_dirfd dir; /* the parent in the upper */
};

struct rename {
	struct writer *writer;
	struct rename_name old, new;
	unsigned flags;
	struct rename_steps steps;
	char stood_in[WORK_NAME_MAX]; /* the replaced directory's name in the work directory; empty: none */
};

static void rename_name_finish(struct rename_name *n)
{
	change_dirfd_finish(&n->dir);
	resolved_finish(&n->resolved);
	target_finish(&n->known);
}

static void rename_finish(struct rename *x)
{
	rename_name_finish(&x->old);
	rename_name_finish(&x->new);
}
#define _cleanup_rename_ _cleanup_(rename_finish)

static int name_fd(const struct rename_name *n)
{
	return n->dir.dirfd.fd;
}

static bool name_is_dir(const struct rename_name *n)
{
	return n->exists && S_ISDIR(n->resolved.stx.stx_mode);
}

static bool replaces_dir(const struct rename *x)
{
	return !(x->flags & RENAME_EXCHANGE) && name_is_dir(&x->new);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static int look_at_name(struct writer *writer, struct rename_name *n)
{
	int r = change_resolve(writer, n->parent, n->name, &n->resolved);

	(void)CHECK(change_holds_dir(n->parent) && !n->known.inode);
	if (r == -ENOENT && !inode_is_unlinked(n->parent))
		return 0;
	if (r < 0)
		return r;
	n->exists = true;
	return target_find(writer, n->parent, n->name, &n->resolved, &n->known);
}

static enum name_kind kind_of(const struct rename_name *n)
{
	if (!n->exists)
		return n->resolved.upper_whiteout ? NAME_WHITEOUT : NAME_ABSENT;
	if (!name_is_dir(n))
		return n->resolved.in_upper ? NAME_FILE_UPPER : NAME_FILE_LOWER;
	if (!n->resolved.in_upper)
		return NAME_DIR_LOWER;
	return n->resolved.n_lower ? NAME_DIR_MERGED : NAME_DIR_PURE;
}

/* Whether whiteouts would be files in the parent; one that isn't in the upper yet comes there without an xattr. */
static int gather_parent(struct writer *writer, struct rename_name *n, struct rename_side *side)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	int r;

	if (writer->layers->whiteout_form != WHITEOUT_XATTR || !inode_in_upper(n->parent))
		return 0;
	r = change_dirfd_open(writer, n->parent, &dir);
	if (r == 0)
		r = work_takes_whiteouts(writer->layers, dir.dirfd.fd);
	side->no_whiteouts = r == 0;
	return MIN(r, 0);
}

static int gather_side(struct writer *writer, struct rename_name *n, struct rename_side *ret)
{
	int r = 0;

	*ret = (struct rename_side){
		.kind = kind_of(n),
		.opaque = n->exists && (n->resolved.xattr_flags & XATTR_FLAG_OPAQUE),
		.overmounted = n->exists && n->resolved.overmounted,
		.parent_in_upper = inode_in_upper(n->parent),
		.parent_merged = n->parent->dir->n_lower > 0,
	};
	if (n->exists)
		r = change_lower_positive(writer, n->parent, n->name, &n->resolved);
	else if (ret->kind == NAME_WHITEOUT)
		r = resolve_lower_positive(writer->tree, n->parent, n->name);
	ret->lower_positive = r > 0;
	return r < 0 ? r : gather_parent(writer, n, ret);
}

static bool rename_is_same_object(const struct rename_name *a, const struct rename_name *b)
{
	if (!a->exists || !b->exists)
		return false;
	if (a->known.inode == b->known.inode)
		return true;
	return a->resolved.in_upper && b->resolved.in_upper && object_id_equal(a->resolved.id, b->resolved.id);
}

static int stop_at_first(void *arg, const struct os_dirent *entry)
{
	return 1;
}

/* Of the directory to be replaced: what it shows, and whether the upper's part of it can be replaced as it is. */
static int gather_replaced_dir(struct rename *x, struct rename_facts *f)
{
	_cleanup_close_ int fd = -1;
	int r = listing_is_empty_locked(x->writer->tree, x->new.known.inode);

	if (r < 0)
		return r;
	f->new_shows_entry = r == 0;
	if (f->new_shows_entry || !x->new.resolved.in_upper)
		return 0;
	fd = change_open_upper(x->writer, x->new.known.inode, O_PATH);
	if (fd < 0)
		return fd;
	r = os_read_dir(fd, stop_at_first, NULL);
	f->new_holds_whiteouts = r > 0;
	return r < 0 ? r : 0;
}

/* Whether the whiteout at the new name would still be one at the old name. */
static int gather_whiteout(struct rename *x, struct rename_facts *f)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	struct statx stx;
	int r = change_dirfd_open(x->writer, x->new.parent, &dir);

	if (r == 0)
		r = os_statx(dir.dirfd.fd, x->new.name, &stx);
	if (r == 0)
		f->new_whiteout_fixed = !layer_is_whiteout(&stx) && x->writer->layers->whiteout_form == WHITEOUT_DEVICE;
	return r;
}

static int gather_facts(struct rename *x, struct rename_facts *f)
{
	struct layer_set *set = x->writer->layers;
	struct tree *tree = x->writer->tree;
	int r = gather_side(x->writer, &x->old, &f->old);

	if (r == 0)
		r = gather_side(x->writer, &x->new, &f->new);
	if (r < 0)
		return r;
	f->flags = x->flags;
	f->same_object = rename_is_same_object(&x->old, &x->new);
	f->old_above_new = name_is_dir(&x->old) && inode_is_ancestor(tree, x->old.known.inode, x->new.parent);
	f->new_above_old = name_is_dir(&x->new) && inode_is_ancestor(tree, x->new.known.inode, x->old.parent);
	f->has_rename_whiteout = set->has_rename_whiteout && set->whiteout_form == WHITEOUT_DEVICE;
	f->has_xattr = set->has_upper_xattr;
	f->hides_beside = set->whiteout_form == WHITEOUT_AUFS;
	f->redirects = set->make_redirects;
	if (f->new.kind == NAME_WHITEOUT)
		return gather_whiteout(x, f);
	return 0;
}

/* --- doing -------------------------------------------------------------------------------------------------------- */

static int rename_set_opaque(struct writer *writer, const struct rename_name *n)
{
	const char *xattr = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_OPAQUE);
	/* In an opaque directory those of the xattr form would be files. They hide nothing: no layer below has a part
	 * in it. */
	int r = n->resolved.xattr_flags & XATTR_FLAG_XWHITEOUTS
			? work_drop_whiteouts(writer->layers, name_fd(n), n->name)
			: 0;

	if (r == 0)
		r = os_setxattr(name_fd(n), n->name, xattr, "y", 1, 0);
	/* As the kernel: the caller then copies, as between file systems. */
	if (r < 0)
		return r == -EOPNOTSUPP ? -EXDEV : r;
	atomic_fetch_or(&n->known.inode->xattr_flags, XATTR_FLAG_OPAQUE);
	return 0;
}

/* The redirect is there even if the move fails: it leads to where the directory is. */
static int set_redirect(struct rename *x, const struct rename_name *n)
{
	bool across = x->old.parent != x->new.parent;
	int r = dir_settle_lower(x->writer->tree, n->known.inode);

	if (r == 0)
		r = redirect_write(x->writer, n->parent, n->name, name_fd(n), across);
	if (r == 0)
		atomic_fetch_or(&n->known.inode->xattr_flags, XATTR_FLAG_REDIRECT);
	return r;
}

/* The same of a file whose data is elsewhere: its new name would lead to other data, or to none. */
static int set_file_redirect(struct rename *x, const struct rename_name *n)
{
	bool samedir = x->old.parent == x->new.parent;
	_cleanup_close_ int fd = -1;

	if (!n->exists || name_is_dir(n) || !inode_is_metacopy(n->known.inode))
		return 0;
	fd = change_open_upper(x->writer, n->known.inode, O_PATH);
	return fd < 0 ? fd : redirect_write_file(x->writer, n->known.inode, fd, n->parent, n->name, samedir);
}

/* What writes nothing but xattrs that are true where they are. */
static int prepare_xattrs(struct rename *x)
{
	bool across = x->old.parent != x->new.parent;
	int r = 0;

	if (x->steps.hide_old)
		r = work_hide_below(name_fd(&x->old), x->old.name);
	if (r == 0 && x->steps.hide_new)
		r = work_hide_below(name_fd(&x->new), x->new.name);
	if (r == 0 && x->steps.set_old_opaque)
		r = rename_set_opaque(x->writer, &x->old);
	if (r == 0 && x->steps.set_new_opaque)
		r = rename_set_opaque(x->writer, &x->new);
	if (r == 0 && x->steps.redirect_old)
		r = set_redirect(x, &x->old);
	if (r == 0 && x->steps.redirect_new)
		r = set_redirect(x, &x->new);
	if (r == 0)
		r = set_file_redirect(x, &x->old);
	if (r == 0 && (x->flags & RENAME_EXCHANGE))
		r = set_file_redirect(x, &x->new);
	/* A redirected directory has its number from a lower one that its name doesn't lead to: readers must look. */
	if (r == 0 && ((across && x->old.resolved.has_origin) || x->steps.redirect_old))
		r = change_set_impure(x->writer, x->new.parent, name_fd(&x->new));
	if (r == 0 && (x->flags & RENAME_EXCHANGE) && ((across && x->new.resolved.has_origin) || x->steps.redirect_new))
		r = change_set_impure(x->writer, x->old.parent, name_fd(&x->old));
	return r;
}

/* A whiteout will come to the old name with the object's move away from it. */
static int prepare_whiteout(struct rename *x)
{
	bool comes = x->steps.flags == RENAME_EXCHANGE && !(x->flags & RENAME_EXCHANGE);
	int r = comes ? work_prepare_whiteouts(x->writer->layers, name_fd(&x->old)) : 0;

	if (r < 0)
		return r == -EOPNOTSUPP ? -EXDEV : r;
	if (x->steps.renew_whiteout_new)
		return work_replace_by_whiteout(x->writer->layers, name_fd(&x->new), x->new.name);
	if (x->steps.make_whiteout_new)
		return work_make_whiteout(x->writer->layers, name_fd(&x->new), x->new.name);
	return 0;
}

/* The directory that will be replaced is emptied of its `.wh.` names. */
static int clear_beside(struct rename *x)
{
	int r = work_hide_below(name_fd(&x->new), x->new.name);

	return r < 0 ? r : work_empty_dir(name_fd(&x->new), x->new.name);
}

/* The directory that will be replaced goes to the work directory, and an empty one like it takes its place. */
static int stand_in(struct rename *x)
{
	_cleanup_close_ int fd = change_open_upper(x->writer, x->new.known.inode, O_PATH);
	int r;

	(void)CHECK(!x->stood_in[0] && replaces_dir(x));
	if (fd < 0)
		return fd;
	r = create_stand_in(x->writer, fd, x->stood_in);
	if (r == 0) {
		r = work_exchange(x->writer->layers, x->stood_in, name_fd(&x->new), x->new.name);
		if (r < 0)
			change_drop_temp(x->writer, x->stood_in, true);
	}
	if (r < 0)
		x->stood_in[0] = '\0';
	return r;
}

/* For messages. */
static const char *name_shown(const struct rename *x, const struct rename_name *n, char buf[TREE_PATH_SHOWN])
{
	return tree_path(x->writer->tree, n->parent->id, n->name, buf);
}

/* Back to what was before stand_in() and prepare_whiteout(). */
static void undo(struct rename *x)
{
	char shown[TREE_PATH_SHOWN];
	int r = 0;

	if (x->steps.make_whiteout_new)
		r = os_unlinkat(name_fd(&x->new), x->new.name, 0);
	if (r < 0) {
		log_limited(LOG_CAUSE_WHITEOUT, LOG_WARNING, "%s: a whiteout that hides nothing is left: %s",
			    name_shown(x, &x->new, shown), strerror(-r));
		listing_drop(x->writer->tree, x->new.parent);
	}
	if (!x->stood_in[0])
		return;
	r = work_exchange(x->writer->layers, x->stood_in, name_fd(&x->new), x->new.name);
	if (r == 0) {
		change_drop_temp(x->writer, x->stood_in, true);
		return;
	}
	/* The stand-in stays. The inode has lost its directory: the name is looked up anew. */
	inode_name_removed(x->writer->tree, x->new.parent, x->new.name);
	change_doubt(x->writer, x->new.parent, x->new.name);
	(void)work_remove_tree(x->writer->layers->work_fd, x->stood_in);
}

/* Nothing is at the old name, so a plain rename does where the file system has no other. */
static int take_back(struct rename *x)
{
	int r = os_renameat2(name_fd(&x->new), x->new.name, name_fd(&x->old), x->old.name, RENAME_NOREPLACE);

	(void)CHECK(!(x->flags & RENAME_EXCHANGE));
	return r == -EINVAL ? os_renameat2(name_fd(&x->new), x->new.name, name_fd(&x->old), x->old.name, 0) : r;
}

/* The whiteout for the old name could not come with the rename. If it can't be made, the rename is taken back if
 * nothing of the upper was replaced. */
static int make_late_whiteout(struct rename *x)
{
	bool replaced = x->new.exists && x->new.resolved.in_upper;
	char shown[TREE_PATH_SHOWN];
	int r = work_make_whiteout(x->writer->layers, name_fd(&x->old), x->old.name);

	if (r < 0 && !replaced && take_back(x) == 0)
		return r;
	if (r < 0) {
		log_limited(LOG_CAUSE_WHITEOUT, LOG_ERR, "%s: a moved object shows again at its old name: %s",
			    name_shown(x, &x->old, shown), strerror(-r));
		change_doubt(x->writer, x->old.parent, x->old.name);
	}
	return 0;
}

/* An object can't change places with a whiteout where there is no RENAME_EXCHANGE (some network and FUSE file systems),
 * or the whiteout would be a file at the old name. A crash in between shows what the whiteouts hide. */
static int rename_exchange_in_two_steps(struct rename *x)
{
	int r = name_is_dir(&x->old) ? os_unlinkat(name_fd(&x->new), x->new.name, 0) : 0;

	if (r < 0)
		return r;
	r = os_renameat2(name_fd(&x->old), x->old.name, name_fd(&x->new), x->new.name, 0);
	if (r < 0 && name_is_dir(&x->old) && work_make_whiteout(x->writer->layers, name_fd(&x->new), x->new.name) < 0)
		change_doubt(x->writer, x->new.parent, x->new.name);
	if (r < 0)
		return r;
	x->steps.make_whiteout_old = !x->steps.remove_whiteout_old;
	x->steps.remove_whiteout_old = false;
	return 0;
}

/* A rename of one link over another of the same file does nothing. Where numbers don't tell that they were that, the
 * old name is still there. */
static int commit_links(struct rename *x)
{
	struct statx stx;

	if (!layer_upper_is_vague(x->writer->layers) || (x->flags & RENAME_EXCHANGE) || !x->new.exists ||
	    x->steps.flags == RENAME_WHITEOUT || name_is_dir(&x->old))
		return 0;
	if (os_statx(name_fd(&x->old), x->old.name, &stx) < 0)
		return 0;
	return os_unlinkat(name_fd(&x->old), x->old.name, 0);
}

static int commit(struct rename *x)
{
	int r;

	(void)CHECK(!x->steps.nothing && name_fd(&x->old) >= 0 && name_fd(&x->new) >= 0);
	if (x->steps.unlink_whiteout_new)
		return rename_exchange_in_two_steps(x);
	r = os_renameat2(name_fd(&x->old), x->old.name, name_fd(&x->new), x->new.name, x->steps.flags);
	if (r == -EINVAL && x->steps.flags == RENAME_EXCHANGE && !(x->flags & RENAME_EXCHANGE))
		r = rename_exchange_in_two_steps(x);
	if (r == 0)
		r = commit_links(x);
	return r == 0 && x->steps.make_whiteout_old ? make_late_whiteout(x) : r;
}

/* What is left to do behind the commit; errors leave nothing that a user sees. */
static void clean_up(struct rename *x)
{
	char shown[TREE_PATH_SHOWN];
	int r;

	if (x->steps.remove_whiteout_old) {
		r = os_unlinkat(name_fd(&x->old), x->old.name, 0);
		if (r < 0)
			log_limited(LOG_CAUSE_WHITEOUT, LOG_WARNING, "%s: a whiteout that hides nothing is left: %s",
				    name_shown(x, &x->old, shown), strerror(-r));
	}
	if (x->stood_in[0]) {
		r = work_remove_tree(x->writer->layers->work_fd, x->stood_in);
		if (r < 0)
			log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING, "work directory: %s not removed: %s", x->stood_in,
				    strerror(-r));
	}
}

/* What leaves both names as they are, for who looks at them. */
static int rename_prepare(struct rename *x)
{
	int r = prepare_xattrs(x);

	if (r == 0 && !(x->flags & RENAME_EXCHANGE) && x->new.exists)
		r = target_hold(x->writer, &x->new.known, &x->new.resolved, name_fd(&x->new), x->new.name,
				TARGET_REPLACED);
	if (r == 0)
		r = prepare_whiteout(x);
	if (r < 0 || !x->steps.clear_new)
		return r;
	r = x->writer->layers->whiteout_form == WHITEOUT_AUFS ? clear_beside(x) : stand_in(x);
	if (r < 0)
		undo(x);
	return r;
}

/* --- telling the tree --------------------------------------------------------------------------------------------- */

/* The number is the inode's: that of the origin may be another object's. */
static void tell_listing(struct rename *x, const struct rename_name *from, const struct rename_name *to)
{
	unsigned char type = change_dtype(&from->resolved.stx);
	uint64_t ino = inode_ino(from->known.inode);

	(void)CHECK(from->exists && change_holds_dir(to->parent));
	if (to->exists)
		listing_update(x->writer->tree, to->parent, to->name, type, ino, from->resolved.layer);
	else
		listing_add(x->writer->tree, to->parent, to->name, type, ino, from->resolved.layer);
}

static void rename_tell(struct rename *x)
{
	bool exchange = x->flags & RENAME_EXCHANGE;

	if (!exchange && x->new.exists)
		nlink_removed(x->writer, x->new.known.inode, x->new.resolved.in_upper);
	inode_name_moved(x->writer->tree, x->old.parent, x->old.name, x->new.parent, x->new.name, exchange);
	tell_listing(x, &x->old, &x->new);
	if (exchange)
		tell_listing(x, &x->new, &x->old);
	else
		listing_remove(x->writer->tree, x->old.parent, x->old.name);
}

/* --- entry -------------------------------------------------------------------------------------------------------- */

static int rename_do(struct rename *x)
{
	_cleanup_tree_names_ struct rwlock *names = tree_names_write(x->writer->tree);
	int r = target_move(&x->new.known);

	if (r == 0)
		r = commit(x);
	if (r < 0) {
		undo(x);
		return r;
	}
	clean_up(x);
	rename_tell(x);
	return 0;
}

static int open_parents(struct rename *x)
{
	int r = change_dirfd_open(x->writer, x->old.parent, &x->old.dir);

	return r < 0 ? r : change_dirfd_open(x->writer, x->new.parent, &x->new.dir);
}

/* Both objects can't be changed or removed by anybody else now. */
static int rename_with_objects(struct rename *x)
{
	struct tree *tree = x->writer->tree;
	struct inode *a = x->old.known.inode, *b = x->new.known.inode;
	int r = open_parents(x);

	if (r < 0)
		return r;
	(void)CHECK(a && (b || !x->new.exists));
	inode_lock_pair(tree, a, b);
	r = rename_prepare(x);
	if (r == 0)
		r = rename_do(x);
	if (r == 0)
		target_gone(&x->new.known);
	else
		target_let_go(&x->new.known);
	inode_unlock_pair(tree, a, b);
	return r;
}

/* replaced_locked: D of the directory that is to be replaced is held as well. */
static int rename_planned(struct rename *x, struct rename_facts *f, bool replaced_locked)
{
	int r = replaced_locked && !f->new.overmounted ? gather_replaced_dir(x, f) : 0;

	if (r == 0)
		r = rename_plan(f, &x->steps);
	if (r < 0 || x->steps.nothing)
		return r;
	return rename_with_objects(x);
}

/* What comes to such a name would be a whiteout and be seen no more. For an exchange the name is just missing. */
static bool is_reserved_target(const struct rename *x)
{
	return !(x->flags & RENAME_EXCHANGE) && layer_reserves_name(x->writer->layers, x->new.name);
}

/* What has its copy in the index alone gets the name in the upper that is to be moved. */
static int link_up(struct rename *x, struct rename_name *n)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	struct lock *lock;
	int r;

	(void)CHECK(change_holds_dir(n->parent));
	if (!n->exists || !n->resolved.indexed || n->resolved.in_upper || !inode_in_upper(n->parent))
		return 0;
	r = change_dirfd_open(x->writer, n->parent, &dir);
	if (r < 0)
		return r;
	lock = inode_lock(x->writer->tree, n->known.inode);
	lock_take(lock);
	r = nlink_link_up(x->writer, n->known.inode, n->parent, dir.dirfd.fd, n->name);
	lock_drop(lock);
	if (r < 0)
		return r;
	n->resolved.in_upper = true;
	listing_update(x->writer->tree, n->parent, n->name, change_dtype(&n->resolved.stx), n->resolved.ino,
		       n->resolved.layer);
	return 0;
}

static int link_up_names(struct rename *x)
{
	int r = 0;

	if (!x->old.exists || rename_is_same_object(&x->old, &x->new))
		return 0;
	if (!x->new.exists || !(x->flags & RENAME_NOREPLACE))
		r = link_up(x, &x->old);
	return r == 0 && (x->flags & RENAME_EXCHANGE) ? link_up(x, &x->new) : r;
}

static int rename_check_flags(struct rename *x)
{
	int r;

	if (!x->old.exists || rename_is_same_object(&x->old, &x->new) ||
	    (x->new.exists && (x->flags & RENAME_NOREPLACE)))
		return 0;
	r = change_check_names(x->writer, x->old.parent, true);
	if (r == 0)
		r = target_check_flags(x->writer, &x->old.known, &x->old.resolved);
	if (r == 0)
		r = change_check_names(x->writer, x->new.parent, x->new.exists);
	if (r == 0 && x->new.exists)
		r = target_check_flags(x->writer, &x->new.known, &x->new.resolved);
	return r;
}

/* The parents are locked. */
static int rename_locked(struct rename *x)
{
	struct rename_facts f = {0};
	struct lock *third;
	int r = look_at_name(x->writer, &x->old);

	(void)CHECK(change_holds_dir(x->old.parent) && change_holds_dir(x->new.parent));
	if (r == 0)
		r = look_at_name(x->writer, &x->new);
	if (r == 0 && x->old.exists && is_reserved_target(x))
		r = -EPERM;
	if (r == 0)
		r = rename_check_flags(x);
	if (r == 0)
		r = link_up_names(x);
	if (r == 0)
		r = gather_facts(x, &f);
	if (r < 0)
		return r;
	/* A directory that is one of the parents, or lies above one, is held already or out of order; the plan refuses
	 * it. */
	if (!replaces_dir(x) || f.same_object || f.old_above_new || f.new_above_old)
		return rename_planned(x, &f, false);
	third = &x->new.known.inode->dir->lock;
	lock_take_below(third);
	r = rename_planned(x, &f, true);
	lock_drop(third);
	return r;
}

/* Caller holds R if they differ. */
static void order_parents(struct rename *x, struct lock **ret_first, struct lock **ret_second)
{
	struct inode *a = x->old.parent, *b = x->new.parent;
	bool swap = inode_is_ancestor(x->writer->tree, b, a) ||
		    (!inode_is_ancestor(x->writer->tree, a, b) && b->id < a->id);

	(void)CHECK(a == b || lock_held(&x->writer->tree->rename));
	*ret_first = swap ? &b->dir->lock : &a->dir->lock;
	*ret_second = swap ? &a->dir->lock : &b->dir->lock;
}

static int rename_with_parents(struct rename *x)
{
	struct lock *first, *second;
	int r;

	order_parents(x, &first, &second);
	lock_take_pair(first, second);
	r = rename_locked(x);
	lock_drop_pair(first, second);
	return r;
}

int rename_entry(struct writer *writer, struct inode *oldparent, const char *oldname, struct inode *newparent,
		 const char *newname, unsigned flags)
{
	_cleanup_rename_ struct rename x = {
		.writer = writer,
		.old = {.parent = oldparent, .name = oldname, .dir = CHANGE_DIRFD_INIT},
		.new = {.parent = newparent, .name = newname, .dir = CHANGE_DIRFD_INIT},
		.flags = flags,
	};
	int r;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	CHANGE_SCOPE(writer, FAULT_RENAME);
	if (oldparent == newparent)
		return rename_with_parents(&x);
	lock_take(&writer->tree->rename);
	r = rename_with_parents(&x);
	lock_drop(&writer->tree->rename);
	return r;
}
