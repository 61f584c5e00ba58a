/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uppers that plyctl makes: STORE/uppers/ID with
 *
 *	upper, work	directories for a mount
 *	stack		JSON: the layers below, when the upper was made, and the command that ran over it
 *	apply/		journal of `plyctl apply`, while there is one
 *
 * The mount locks both directories, so what is in use can be told.
 */
#ifndef PLYCTL_UPPERS_H
#define PLYCTL_UPPERS_H

#include "plyctl.h"

struct upper {
	char *id;	      /* NULL: a directory outside of the store; owned */
	char *base;	      /* STORE/uppers/ID, or NULL; owned */
	char *dir, *work;     /* owned */
	struct timespec made; /* what changes later in a layer has a later ctime; 0: not known */
	char **layers;	      /* directories, topmost first; NULL: not known; owned */
	size_t n_layers;
	char *command; /* NULL: none; owned */
};

/* Makes an upper over a stack that is open, with the attributes of the topmost root. `parent` is the directory in which
 * it is made; NULL: the store. `argv` may be NULL. EXIT_FINE, or EXIT_FAILED after one line. */
int upper_new(const char *parent, const struct view_stack *stack, char *const *argv, struct upper *ret);
/* The upper of an id, of the beginning of an id (4 digits), or of a directory. */
int upper_find(const char *text, struct upper *ret);
/* The stack of an upper of the store, by its id or the beginning of it: its directory and those below, as a name
 * (view/stack.h). The caller frees it. NULL: there is no such upper, or there are several. */
char *upper_stack(const char *id);
/* Calls `each` for all uppers of the store. */
int upper_each(void (*each)(void *arg, const struct upper *u), void *arg);
/* The same of the store in a directory, which isn't made. */
int upper_each_in(const char *store, void (*each)(void *arg, const struct upper *u), void *arg);
/* A descriptor of `dir` with its lock, which the caller closes. -1 after one line: it is mounted. */
int upper_lock(const struct upper *u);
/* Removes an upper of the store with all that is in it. */
int upper_drop(const struct upper *u);
/* Removes what a killed upper_drop() has left in the store. */
void upper_sweep(void);
void upper_finish(struct upper *u);
#define _cleanup_upper_ _cleanup_(upper_finish)

#endif
