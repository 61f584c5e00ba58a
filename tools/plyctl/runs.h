/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What run and try share: a sandbox over a stack and an upper.
 */
#ifndef PLYCTL_RUNS_H
#define PLYCTL_RUNS_H

#include "plyctl.h"
#include "sandbox.h"
#include "uppers.h"

/* Runs s->argv with the stack and the upper as the root. The members env, argv, cwd, no_net, own_ids, hidden and shown
 * of `s` are the caller's. An exit status as of sandbox_run(). */
int run_over(const struct view_stack *stack, const struct upper *u, struct sandbox *s);
/* The same with the unions of `s`. */
int run_sandbox(const struct upper *u, struct sandbox *s);

#endif
