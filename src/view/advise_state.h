/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the parts of view/advise.h share.
 */
#ifndef VIEW_ADVISE_STATE_H
#define VIEW_ADVISE_STATE_H

#include <stdbool.h>

#include "base/macros.h"
#include "view/advise.h"

#define ADVISE_CACHES 32
#define ADVISE_TOOLS 32

/* One layer. */
struct advised_layer {
	uint64_t caches[ADVISE_CACHES]; /* bytes, by kind of cache */
	unsigned manifests;		/* 1 << tool, if it has a file that says what the tool installs */
	uint32_t others;		/* files that aren't such */
	char *command;			/* of the step, without what builders add; "" if it isn't known; owned */
	bool copies;			/* the step is COPY or ADD */
};

struct advising {
	struct view_stack *const *stacks;
	size_t n_stacks;
	struct view_advices *advices;
	view_waste_failed failed;
	void *arg;

	/* the stack that is looked at */
	size_t stack;
	const struct view_stack *now;
	size_t n;
	struct advised_layer *layers; /* topmost first; owned */
	struct view_waste waste;
};

/* Takes `what`, which may be NULL. */
int advise_add(struct advising *a, enum view_advice_kind kind, size_t first, size_t last, uint64_t bytes, char *what,
	       const char *fmt, ...) PRINTF_FORMAT(7, 8);

/* Notes caches and manifests of a layer. */
int advise_contents(struct advising *a, size_t layer, char **ret_error);
int advise_caches(struct advising *a);

/* The tools that a command installs with, 1 << tool. */
unsigned advise_installs(const char *command);
/* Whether the file, by its last component, says what the tool installs. */
unsigned advise_manifest(const char *name);
/* The command of a step as it was written. The caller frees it. *ret_copies: COPY or ADD. */
char *advise_command(const char *created_by, bool *ret_copies);
int advise_steps(struct advising *a);
/* Compares a stack with the one before it. */
int advise_misses(struct advising *a, const struct view_stack *before);

#endif
