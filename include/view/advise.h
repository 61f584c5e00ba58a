/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice about how stacks could be smaller, and builds faster. It is read from the layers' contents, from the commands
 * that made them, and from who shares them. Commands are known for images only.
 *
 *	MERGE	neighbouring layers that the same images, containers and unions have could be one, without losing any
 *		sharing; the bytes are what the upper ones hide of the lower ones
 *	CACHE	a layer holds caches or lists of a package manager, whether they show or not
 *	LATE	a step deletes what an earlier step has made, so it stays in that layer
 *	ORDER	a step installs what hardly changes, after a step that copies what often changes; the bytes are those
 *		of the layer that is made again each time
 *	JOIN	update, install and clean of a package manager are several steps
 *	MISS	of two builds: the first step with another result, and the bytes of those after it that have the same
 *		command and were run again
 *
 * Nothing here is certain: a command may need what comes before it.
 */
#ifndef VIEW_ADVISE_H
#define VIEW_ADVISE_H

#include <stddef.h>
#include <stdint.h>

#include "view/waste.h"

enum view_advice_kind {
	VIEW_ADVICE_MERGE,
	VIEW_ADVICE_CACHE,
	VIEW_ADVICE_LATE,
	VIEW_ADVICE_ORDER,
	VIEW_ADVICE_JOIN,
	VIEW_ADVICE_MISS,
	VIEW_ADVICE_KINDS,
};
/* "merge", "cache", .. */
const char *view_advice_kind_name(enum view_advice_kind kind);

struct view_advice {
	enum view_advice_kind kind;
	size_t stack; /* which of the stacks */
	size_t first,
		last; /* layers from the top; for ORDER, JOIN, LATE: the first and the last of those it is about */
	uint64_t bytes;
	char *what; /* a path, a tool or the other stack; owned */
	char *text; /* a sentence about what to do; owned */
};

struct view_advices {
	struct view_advice *list; /* by stack, most bytes first; owned */
	size_t n, room;
};

/* *ret is to be freed also after a failure. `failed` as for view_waste_find(), `ret_error` as in view/stack.h. */
int view_advise(struct view_stack *const *stacks, size_t n, view_waste_failed failed, void *arg,
		struct view_advices *ret, char **ret_error);
void view_advices_free(struct view_advices *advices);

#endif
