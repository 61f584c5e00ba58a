/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run --cache: what a command changed becomes a layer, or the layer of an equal step is taken.
 */
#ifndef PLYCTL_RUN_CACHE_H
#define PLYCTL_RUN_CACHE_H

#include "sandbox.h"
#include "step.h"

/* The parent is open. argv, env, cwd, no_net and inputs of `s` are parts of the key. The exit status of the command, 0
 * after a hit, or SANDBOX_FAILED after one line. */
int run_cached(struct step *step, struct sandbox *s);
/* The files that are named become inputs, which the caller frees. EXIT_FINE, or another exit status after one line. */
int run_inputs(const char *const *paths, size_t n, struct sandbox_input **ret, size_t *ret_n);
void run_inputs_free(struct sandbox_input *inputs, size_t n);

#endif
