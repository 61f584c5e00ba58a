/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union that a thread works for, where a process has several. Log lines begin with the name of the scope. Counters
 * and latencies count for it. Each scope has budgets of its own for rate-limited messages. A task of a pool runs in
 * the scope of who submitted it. Without a scope all of that is the process's: so it is with a single union.
 *
 * Entering a scope is one store. A scope outlives the work in it.
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/latency.h"
#include "base/log.h"

struct scope {
	char prefix[LOG_PREFIX_MAX];			     /* c of log lines */
	_Atomic uint64_t counted[COUNTER_MAX];		     /* a */
	struct latency_counts latencies[LATENCY_OPERATIONS]; /* a */
	struct log_budget budgets[LOG_CAUSE_MAX];	     /* a */
};

/* See scope_current(). */
extern _Thread_local struct scope *scope_of_thread;

/* 0 or -ENOMEM. `prefix`: of log_make_prefix(). */
int scope_new(const char prefix[static LOG_PREFIX_MAX], struct scope **ret_scope);
/* No thread is in it. NULL is fine. */
void scope_free(struct scope *scope);
/* From now on this thread works for it; NULL: for the process. */
static inline void scope_enter(struct scope *scope)
{
	scope_of_thread = scope;
}
static inline struct scope *scope_current(void)
{
	return scope_of_thread;
}

#endif
