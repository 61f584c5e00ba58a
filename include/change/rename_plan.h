/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a rename: from what both names are to the steps on the upper, or the error. It is pure; rename.c gathers
 * the facts under the locks and carries the steps out. The rules are kernel overlayfs's (ovl_rename in
 * fs/overlayfs/dir.c).
 *
 * What a plan promises:
 *
 *	P1  The commit is one renameat2 of the old name to the new one; nothing that a user sees has changed before it,
 *	    but that what unlink_whiteout_new says shows.
 *	P2  Afterwards a whiteout stands at the old name if a lower layer shows that name, and only then.
 *	    Where whiteouts stand beside names (`.wh.NAME`), one hides the old name before the commit: the object itself
 *	    hid the same.
 *	P3  A directory that arrives where lower layers may hold its new name is opaque before it arrives.
 *	P4  Only objects of the upper move. A directory that lower layers have a part in moves where redirects are made,
 *	    and has one to where it is in the lower layers before it moves.
 */
#ifndef CHANGE_RENAME_PLAN_H
#define CHANGE_RENAME_PLAN_H

#include <stdbool.h>

#include "base/again.h"

/* What a name is. */
enum name_kind {
	NAME_ABSENT,	 /* nothing, and nothing in the upper */
	NAME_WHITEOUT,	 /* nothing, by a whiteout in the upper */
	NAME_FILE_UPPER, /* any non-directory */
	NAME_FILE_LOWER,
	NAME_DIR_PURE,	 /* in the upper alone: no lower layer has a part in it */
	NAME_DIR_MERGED, /* in the upper and in lower layers */
	NAME_DIR_LOWER,
};
#define NAME_KIND_COUNT (NAME_DIR_LOWER + 1)

struct rename_side {
	enum name_kind kind;
	bool lower_positive; /* a lower layer shows this name: it would appear if the upper had nothing there */
	bool opaque;	     /* a directory that is marked opaque already */
	bool overmounted;    /* the object is overmounted */
	bool parent_in_upper;
	bool parent_merged; /* lower layers have a part in the parent */
	bool no_whiteouts;  /* whiteouts of this upper's form would be files in the parent, which is opaque */
};

struct rename_facts {
	struct rename_side old, new;
	unsigned flags;		  /* RENAME_NOREPLACE or RENAME_EXCHANGE */
	bool same_object;	  /* both names are one object (hard links, or the very same name) */
	bool old_above_new;	  /* the new parent is the old object or lies in it */
	bool new_above_old;	  /* the old parent is the new object or lies in it */
	bool new_shows_entry;	  /* the new directory shows an entry */
	bool new_holds_whiteouts; /* its part in the upper isn't empty on disk */
	bool new_whiteout_fixed;  /* NAME_WHITEOUT, but in a form that wouldn't be one in another directory */
	bool has_rename_whiteout; /* RENAME_WHITEOUT leaves a whiteout of the form that this upper uses */
	bool has_xattr;		  /* the upper can hold xattrs */
	/* `.wh.NAME` beside a name hides what is below it, whatever the upper has of the name: it is whiteout and
	 * opaque in one */
	bool hides_beside;
	bool redirects; /* and redirects are made (redirect_dir=on) */
};

/* In the order of execution. */
struct rename_steps {
	bool nothing;  /* succeed without doing anything */
	bool hide_old; /* what is below each name, by `.wh.NAME` beside it */
	bool hide_new;
	bool set_old_opaque;
	bool set_new_opaque;
	bool redirect_old;
	bool redirect_new;
	bool clear_new; /* put an empty opaque directory in the place of the new one, which holds only whiteouts */
	bool renew_whiteout_new; /* replace the whiteout at the new name by one that can move */
	bool make_whiteout_new;	 /* make a whiteout at the new name, where nothing is: it changes places with the object
				  */
	/* the whiteout at the new name can't come to the old one; what it hides shows for a moment */
	bool unlink_whiteout_new;
	unsigned flags;		  /* of renameat2: 0, RENAME_EXCHANGE or RENAME_WHITEOUT */
	bool remove_whiteout_old; /* the whiteout that came to the old name hides nothing */
	bool make_whiteout_old; /* not in one step with the rename: the old name shows the lower object for a moment */
};

/* 0 and the steps, or -errno: -LOOK_AGAIN when an object or a parent has to be copied up first (all other errors come
 * before). */
int rename_plan(const struct rename_facts *facts, struct rename_steps *ret_steps);

static inline bool name_kind_exists(enum name_kind kind)
{
	return kind >= NAME_FILE_UPPER;
}
static inline bool name_kind_is_dir(enum name_kind kind)
{
	return kind >= NAME_DIR_PURE;
}

#endif
