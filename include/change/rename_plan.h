/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a rename: from the kinds of both names to the steps on the upper, or the error. It is pure. rename.c
 * gathers the facts under the locks and executes the steps. The rules are those of kernel overlayfs (ovl_rename in
 * fs/overlayfs/dir.c).
 *
 * A plan promises:
 *
 *	P1  The commit is one renameat2 of the old name to the new one. Users see no change before it, except the name
 *	    that unlink_whiteout_new shows.
 *	P2  Afterwards a whiteout is at the old name if a lower layer shows that name, and only then. If whiteouts are
 *	    names (`.wh.NAME`), one hides the old name before the commit: the object itself hid the same.
 *	P3  A directory is opaque before it arrives at a new name that lower layers may hold.
 *	P4  Only objects of the upper move. A directory with lower parts moves only if redirects are made. It gets a
 *	    redirect to its location in the lower layers before it moves.
 */
#ifndef CHANGE_RENAME_PLAN_H
#define CHANGE_RENAME_PLAN_H

#include <stdbool.h>

#include "base/again.h"

/* The kinds of a name. */
enum name_kind {
	NAME_ABSENT,	 /* no object, and nothing in the upper */
	NAME_WHITEOUT,	 /* no object, because of a whiteout in the upper */
	NAME_FILE_UPPER, /* any non-directory */
	NAME_FILE_LOWER,
	NAME_DIR_PURE,	 /* in the upper only */
	NAME_DIR_MERGED, /* in the upper and in lower layers */
	NAME_DIR_LOWER,
};
#define NAME_KIND_COUNT (NAME_DIR_LOWER + 1)

struct rename_side {
	enum name_kind kind;
	bool lower_positive; /* a lower layer shows this name: the name would appear if the upper had nothing there */
	bool opaque;	     /* a directory that is opaque already */
	bool overmounted;    /* the object is overmounted */
	bool parent_in_upper;
	bool parent_merged; /* the parent is merged */
	bool no_whiteouts;  /* whiteouts in this upper's form would be files in the parent, which is opaque */
};

struct rename_facts {
	struct rename_side old, new;
	unsigned flags;		  /* RENAME_NOREPLACE or RENAME_EXCHANGE */
	bool same_object;	  /* both names are one object (hard links, or the same name) */
	bool old_above_new;	  /* the new parent is the old object or lies in it */
	bool new_above_old;	  /* the old parent is the new object or lies in it */
	bool new_shows_entry;	  /* the new directory shows an entry */
	bool new_holds_whiteouts; /* its upper directory isn't empty on disk */
	bool new_whiteout_fixed;  /* NAME_WHITEOUT in a form that would be no whiteout in another directory */
	bool has_rename_whiteout; /* RENAME_WHITEOUT leaves a whiteout in the form that this upper uses */
	bool has_xattr;		  /* the upper can hold xattrs */
	/* `.wh.NAME` beside a name hides the name in lower layers, whatever the upper has of it: it is whiteout and
	 * opaque xattr in one */
	bool hides_beside;
	bool redirects; /* redirects are made (redirect_dir=on), and the upper can hold them */
};

/* In the order of execution. */
struct rename_steps {
	bool nothing;  /* success without a step */
	bool hide_old; /* hide each name in the lower layers, by `.wh.NAME` beside it */
	bool hide_new;
	bool set_old_opaque;
	bool set_new_opaque;
	bool redirect_old;
	bool redirect_new;
	bool clear_new;		 /* replace the new directory, which holds only whiteouts, by an empty opaque one */
	bool renew_whiteout_new; /* replace the whiteout at the new name by one that can move */
	bool make_whiteout_new;	 /* make a whiteout at the new name, which is free; it is exchanged with the object */
	/* remove the whiteout at the new name, which can't come to the old one; the name that it hides shows for a
	 * moment */
	bool unlink_whiteout_new;
	unsigned flags;		  /* of renameat2: 0, RENAME_EXCHANGE or RENAME_WHITEOUT */
	bool remove_whiteout_old; /* remove the whiteout at the old name, which hides nothing */
	/* make the whiteout after the rename: the old name shows the lower object for a moment */
	bool make_whiteout_old;
};

/* Returns 0 and the steps, or -errno. -LOOK_AGAIN: an object or a parent must be copied up first; all other errors come
 * before. */
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
