/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases of a stack's layers in a store (store/store.h). gc may run where nobody sees the union.
 */
#ifndef PLYCTL_LEASE_H
#define PLYCTL_LEASE_H

#include "plyctl.h"

/* *ret_path: the lease, or NULL if none of the layers is in a store; the caller frees it. This process and those that
 * it forks have it until they end. `is_inherited`: so have the programs that they become. EXIT_FINE, or EXIT_FAILED
 * after one line. */
int lease_take(const struct view_stack *stack, bool is_inherited, char **ret_path);

#endif
