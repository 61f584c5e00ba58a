/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exports into containers-storage. The layers of that store are written by the program that owns its format.
 */
#ifndef PLYCTL_EXPORT_STORAGE_H
#define PLYCTL_EXPORT_STORAGE_H

#include <sys/types.h>

#include "image/error.h"

struct storage_stage {
	char *dir;     /* owned */
	int fd;	       /* of it, which locks it; owned; -1: there is none */
	char *layout;  /* in there, not yet made; owned */
	pid_t sweeper; /* removes both when plyctl has ended */
	int end;       /* tells that to it, by being closed */
};
#define STORAGE_NO_STAGE ((struct storage_stage){.fd = -1, .end = -1})

/* A new directory for a layout, below $TMPDIR or /var/tmp, where those are removed that nobody uses any more. *ret is
 * STORAGE_NO_STAGE before. */
int storage_stage(struct storage_stage *ret, struct image_error *error);
/* skopeo copies the layout to TARGET, which begins with containers-storage:. skopeo writes the cause of a failure. */
int storage_copy(const char *layout, const char *target, struct image_error *error);
/* Removes the layout. */
void storage_unstage(struct storage_stage *stage);

#endif
