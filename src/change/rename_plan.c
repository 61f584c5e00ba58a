/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are found in the order in which the kernel finds them (do_renameat2, vfs_rename, ovl_rename), so that a caller
 * sees the same one where several apply. What needs a copy-up comes last: nothing is copied for a rename that can't
 * succeed.
 */
#include "change/rename_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/check.h"

static int check_existence(const struct rename_facts *f)
{
	if (!name_kind_exists(f->old.kind))
		return -ENOENT;
	if ((f->flags & RENAME_NOREPLACE) && name_kind_exists(f->new.kind))
		return -EEXIST;
	if ((f->flags & RENAME_EXCHANGE) && !name_kind_exists(f->new.kind))
		return -ENOENT;
	return 0;
}

static int check_ancestry(const struct rename_facts *f)
{
	if (f->old_above_new)
		return -EINVAL;
	if (f->new_above_old)
		return f->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static bool can_move(const struct rename_facts *f, enum name_kind kind)
{
	return f->redirects || (kind != NAME_DIR_MERGED && kind != NAME_DIR_LOWER);
}

/* Types, mounts, and directories that can't move. */
static int check_objects(const struct rename_facts *f)
{
	bool exchange = f->flags & RENAME_EXCHANGE;

	if (!exchange && name_kind_exists(f->new.kind)) {
		if (name_kind_is_dir(f->old.kind) && !name_kind_is_dir(f->new.kind))
			return -ENOTDIR;
		if (!name_kind_is_dir(f->old.kind) && name_kind_is_dir(f->new.kind))
			return -EISDIR;
	}
	if (f->old.overmounted || f->new.overmounted)
		return -EBUSY;
	if (!can_move(f, f->old.kind) || (exchange && !can_move(f, f->new.kind)))
		return -EXDEV;
	if (!exchange && name_kind_is_dir(f->new.kind) && f->new_shows_entry)
		return -ENOTEMPTY;
	return 0;
}

static bool is_lower(enum name_kind kind)
{
	return kind == NAME_FILE_LOWER || kind == NAME_DIR_LOWER;
}

static bool needs_copy_up(const struct rename_facts *f)
{
	return !f->old.parent_in_upper || !f->new.parent_in_upper || is_lower(f->old.kind) ||
	       ((f->flags & RENAME_EXCHANGE) && is_lower(f->new.kind));
}

/*
 * Whether the directory `moved` needs overlay.opaque before it comes to `target`; a merged one gets a redirect, which
 * keeps what has its new name from it as well. Where the upper can't hold xattrs the move
 * is still sound if no lower layer shows the name; else it is answered as between file systems, and the caller copies.
 * Returns 1, 0 or -EXDEV.
 */
static int plan_opaque(const struct rename_facts *f, const struct rename_side *moved, const struct rename_side *target)
{
	if (moved->kind != NAME_DIR_PURE || moved->opaque || !target->parent_merged)
		return 0;
	if (f->hides_beside)
		return target->lower_positive;
	if (f->has_xattr)
		return 1;
	return target->lower_positive ? -EXDEV : 0;
}

static int plan_exchange(const struct rename_facts *f, struct rename_steps *steps)
{
	int old_opaque = plan_opaque(f, &f->old, &f->new);
	int new_opaque = plan_opaque(f, &f->new, &f->old);

	if (old_opaque < 0 || new_opaque < 0)
		return -EXDEV;
	steps->hide_new = old_opaque && f->hides_beside;
	steps->hide_old = new_opaque && f->hides_beside;
	steps->set_old_opaque = old_opaque && !f->hides_beside;
	steps->set_new_opaque = new_opaque && !f->hides_beside;
	steps->redirect_old = f->old.kind == NAME_DIR_MERGED;
	steps->redirect_new = f->new.kind == NAME_DIR_MERGED;
	steps->flags = RENAME_EXCHANGE;
	return 0;
}

/* The new name is a whiteout, which hides what may lie below. A directory can't replace it, only change places with
 * it. */
static void plan_onto_whiteout(const struct rename_facts *f, struct rename_steps *steps)
{
	(void)CHECK(f->new.kind == NAME_WHITEOUT && !(f->flags & RENAME_EXCHANGE));
	if (f->hides_beside) {
		steps->hide_old = f->old.lower_positive;
		/* A device from elsewhere. */
		steps->flags = name_kind_is_dir(f->old.kind) ? RENAME_EXCHANGE : 0;
		steps->remove_whiteout_old = name_kind_is_dir(f->old.kind);
		return;
	}
	if (!f->old.lower_positive && !name_kind_is_dir(f->old.kind))
		return;
	if (f->old.no_whiteouts) {
		steps->unlink_whiteout_new = true;
		return;
	}
	steps->renew_whiteout_new = f->new_whiteout_fixed;
	steps->flags = RENAME_EXCHANGE;
	steps->remove_whiteout_old = !f->old.lower_positive;
}

/* Something has to hide what lower layers show at the old name. */
static void plan_hide_old(const struct rename_facts *f, struct rename_steps *steps)
{
	(void)CHECK(f->old.lower_positive && !steps->flags);
	if (f->hides_beside) {
		steps->hide_old = true;
	} else if (f->has_rename_whiteout) {
		steps->flags = RENAME_WHITEOUT;
	} else if (f->new.kind == NAME_ABSENT && !f->new.no_whiteouts) {
		steps->make_whiteout_new = true;
		steps->flags = RENAME_EXCHANGE;
	} else {
		steps->make_whiteout_old = true;
	}
}

static int plan_move(const struct rename_facts *f, struct rename_steps *steps)
{
	int opaque = plan_opaque(f, &f->old, &f->new);

	if (opaque < 0)
		return opaque;
	steps->hide_new = opaque && f->hides_beside;
	steps->set_old_opaque = opaque && !f->hides_beside;
	steps->redirect_old = f->old.kind == NAME_DIR_MERGED;
	if (f->new.kind == NAME_WHITEOUT) {
		plan_onto_whiteout(f, steps);
		return 0;
	}
	if (f->new.kind == NAME_DIR_PURE || f->new.kind == NAME_DIR_MERGED)
		steps->clear_new = f->new_holds_whiteouts;
	/* Without xattrs the empty directory in its place could not be told from a merged one. */
	if (steps->clear_new && f->new.kind == NAME_DIR_MERGED && !f->has_xattr && !f->hides_beside)
		return -EXDEV;
	if (f->old.lower_positive)
		plan_hide_old(f, steps);
	return 0;
}

int rename_plan(const struct rename_facts *facts, struct rename_steps *ret_steps)
{
	struct rename_steps steps = {0};
	int r = check_existence(facts);

	if (!r)
		r = check_ancestry(facts);
	if (!r && facts->same_object) {
		*ret_steps = (struct rename_steps){.nothing = true};
		return 0;
	}
	if (!r)
		r = check_objects(facts);
	if (!r && needs_copy_up(facts))
		r = -LOOK_AGAIN;
	if (!r)
		r = facts->flags & RENAME_EXCHANGE ? plan_exchange(facts, &steps) : plan_move(facts, &steps);
	/* A whiteout at one name comes in one way only. */
	(void)CHECK(steps.make_whiteout_new + steps.renew_whiteout_new + steps.unlink_whiteout_new <= 1);
	(void)CHECK(steps.make_whiteout_old + steps.remove_whiteout_old + (steps.flags == RENAME_WHITEOUT) <= 1);
	if (!r)
		*ret_steps = steps;
	return r;
}
