/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number of descriptors that several caches share. Each may have what the others leave of it, and some in any case.
 * A cache that has more gives up its own, never those of another.
 *
 * With one cache its limit is the number.
 */
#ifndef BASE_FD_BUDGET_H
#define BASE_FD_BUDGET_H

#include <stdatomic.h>

#include "base/macros.h"

struct fd_budget {
	_Atomic unsigned max;  /* a of all caches */
	_Atomic unsigned used; /* a by all of them */
	unsigned least;	       /* c each cache may have so many */
};

/* How many a cache may have that has `own` of them. */
static inline unsigned fd_budget_limit(const struct fd_budget *budget, unsigned own)
{
	unsigned max = atomic_load_explicit(&budget->max, memory_order_relaxed);
	unsigned used = atomic_load_explicit(&budget->used, memory_order_relaxed);

	return MAX(own + max > used ? own + max - used : 0, budget->least);
}

static inline void fd_budget_take(struct fd_budget *budget, unsigned n)
{
	atomic_fetch_add_explicit(&budget->used, n, memory_order_relaxed);
}

static inline void fd_budget_give_back(struct fd_budget *budget, unsigned n)
{
	atomic_fetch_sub_explicit(&budget->used, n, memory_order_relaxed);
}

#endif
