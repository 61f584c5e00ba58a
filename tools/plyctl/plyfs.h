/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon, as plyctl starts it.
 */
#ifndef PLYCTL_PLYFS_H
#define PLYCTL_PLYFS_H

#include "plyctl.h"

/* The text for plyfs -o of a stack that is open or not, with an upper unless that is NULL. The caller frees it. */
char *plyfs_options(const struct view_stack *stack, const char *upperdir, const char *workdir);
/* Adds OPTION and a path with escapes to a text. Colons get one too if it is a list of layers. */
void plyfs_append(char **text, const char *option, const char *path, bool is_list);
/* Executes the plyfs that lies beside this program, else that of PATH. Returns EXIT_FAILED after one line. */
int plyfs_exec(const char *options, const char *mountpoint);

#endif
