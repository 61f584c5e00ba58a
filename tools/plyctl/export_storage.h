/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports into containers-storage. The layers of that store are written by the program that owns its format.
 */
#ifndef PLYCTL_EXPORT_STORAGE_H
#define PLYCTL_EXPORT_STORAGE_H

#include "image/error.h"

/* A new directory for a layout, below $TMPDIR or /var/tmp; *ret is owned by the caller. */
int storage_stage(char **ret, struct image_error *error);
/* skopeo copies the layout to TARGET, which begins with containers-storage:. skopeo writes the cause of a failure. */
int storage_copy(const char *layout, const char *target, struct image_error *error);
/* Removes the layout, and frees the path. */
void storage_unstage(char **layout);

#endif
