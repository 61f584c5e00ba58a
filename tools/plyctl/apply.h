/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of an upper, into the directory below it. There are four steps, and a kill at any system call leaves one of
 * these states:
 *
 *	plan	both trees are compared (view/compare.h), and what changed below meanwhile is a conflict
 *	stage	all that is to be written is made in DIR/.plyctl-apply-N, with its attributes. Nobody sees it. Without
 *		the journal the next call begins anew
 *	journal	the list of the renames and removals that are left, synced
 *	commit	only these renames, removals and attributes of directories. The journal is carried out again from its
 *		beginning after a kill: what is done already is seen by what the stage lacks. A stage that is removed
 *		has another name
 *
 * So there is room for all of it before anything changes. Every path is looked up beneath DIR, without symbolic links
 * and without another file system.
 */
#ifndef PLYCTL_APPLY_H
#define PLYCTL_APPLY_H

#include "layer/layer.h"
#include "uppers.h"
#include "view/compare.h"

enum { APPLY_NO_LINK = -1 };
/* Behind the name of the stage when all of the journal is carried out. */
#define APPLY_DONE ".done"

struct apply_change {
	char *path; /* owned */
	enum view_change_kind kind;
	unsigned differs; /* enum view_differs */
	struct statx from, to;
	bool keeps_time; /* a directory that changed below meanwhile */
	bool is_copy;	 /* the upper's object was made of a lower one */
	/* The number of the first change that is the same file, or APPLY_NO_LINK. */
	long link;
};

struct apply_plan {
	struct apply_change *changes; /* owned, in the order of the paths */
	size_t n, room;
	size_t conflicts;
	struct timespec made; /* when it was begun */
	struct statx root_from, root_to;
	bool root_changes; /* names in the root */
};

struct apply {
	const struct upper *upper;
	char *dir;			/* the directory below; owned */
	const char *only;		/* path without slashes at its ends, or NULL: all */
	bool knows_time;		/* DIR is the layer over which the upper was made */
	struct view_stack *stack;	/* owned */
	struct layer_set *below, *both; /* `below` is owned; `both` is the stack's */
	int dir_fd;			/* readable; owned */
	struct apply_plan plan;
	char *journal; /* its path; owned */
	/* Its path; owned. The redirects of an upper lead astray when its changes are in the layer already. */
	char *applied;
	char stage[64]; /* name in DIR */
};

/* --- apply_plan.c --- */
int apply_make_plan(struct apply *a);
void apply_print_plan(const struct apply *a);
/* Prints conflicts to stderr. */
void apply_print_conflicts(const struct apply *a);

/* Whether anything of a directory that is to go changed. */
bool apply_tree_is_newer(const struct apply *a, const char *path, const struct timespec *since);
int apply_look(struct layer_set *set, const char *path, struct statx *ret);

/* --- apply_check.c --- */
/* EXIT_FOUND after one line: something of the plan changed below after it was made. */
int apply_look_again(const struct apply *a);
/* EXIT_FAILED after one line: the plan of a part would take away what the upper shows elsewhere. */
int apply_check_part(const struct apply *a);

/* --- apply_stage.c --- */
/* Makes the stage and writes the journal. -errno after one line. */
int apply_stage(struct apply *a);

/* --- apply_journal.c --- */
enum apply_op_kind {
	APPLY_MKDIR = 'm',
	APPLY_PLACE = 'p',
	APPLY_REMOVE = 'r',
	APPLY_ATTRIBUTES = 'a',
	APPLY_ROOT = 't'
};
struct apply_op {
	enum apply_op_kind kind;
	/* The name in the stage; of a removal the number of the object; of the root 1 for a whole upper */
	unsigned long long number;
	bool keeps_time;
	struct timespec mtime; /* APPLY_ROOT: of DIR, at the end */
	const char *path;
};
struct apply_writer;
int apply_journal_begin(const struct apply *a, struct apply_writer **ret);
void apply_journal_add(struct apply_writer *w, const struct apply_op *op);
/* Synced and in place; or nothing is left. Frees the writer. */
int apply_journal_end(const struct apply *a, struct apply_writer *w);
/* 1: there is a journal, and `each` was called for its operations. 0: there is none. -errno after one line, or the
 * first result of `each` that isn't 0. */
int apply_journal_each(const struct apply *a, int (*each)(void *arg, const struct apply_op *op), void *arg);
/* Whether the journal that is there does all that is wanted now: 1, or 0. -errno after one line: it is that of another
 * DIR, or can't be read. */
int apply_journal_check(const struct apply *a);
int apply_journal_remove(const struct apply *a);
/* Notes that all of the upper is in DIR. */
int apply_journal_note_applied(const struct apply *a);
/* All of the upper is in DIR already: 1; in another directory: 2, and the caller frees its path. 0: not yet. -errno
 * after one line. */
int apply_is_done(const struct apply *a, char **ret_where);

/* --- apply_commit.c --- */
/* Carries out the journal, and removes stage and journal. */
int apply_commit(struct apply *a);

/* --- apply_object.c --- */
/* Removes an object with all in it. */
int apply_remove_tree(int dirfd, const char *name);
/* Owner, mode and xattrs of an object that has no other xattrs, then its times. `from` is of set `set`. */
int apply_copy_attributes(const struct layer_set *set, int from, const struct statx *stx, int to);
/* The same from one plain directory to another: xattrs that `to` has and `from` lacks are removed. Those that are
 * private in `set` stay. */
int apply_move_attributes(const struct layer_set *set, int from, int to, bool keeps_time);
/* Owner and mode alone. */
int apply_move_owner(int from, int to);
int apply_copy_data(int in, int out, off_t size);

/* --- apply.c --- */
/* Opens all. EXIT_FINE, or an exit status after one line. `dir` NULL: the layer of the upper. */
int apply_open(struct apply *a, const struct upper *u, const char *dir, const char *only);
/* 1: a journal is there, and must be carried out first. */
int apply_is_begun(const struct apply *a);
/* Stage and commit. An exit status. */
int apply_carry_out(struct apply *a, bool is_begun);
void apply_finish(struct apply *a);

#endif
