/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories that live unions have as layers.
 */
#ifndef PLYCTL_LIVE_LAYERS_H
#define PLYCTL_LIVE_LAYERS_H

#include <linux/stat.h>
#include <stdbool.h>
#include <stddef.h>

struct live_layers {
	struct statx *list; /* owned */
	size_t n;
	char *unknown; /* why the layers of a union aren't known; owned; NULL: all are */
};

/* 0 or -errno: live unions can't be told. */
int live_layers_gather(struct live_layers *ret);
/* Whether the directory is one of them, or can't be looked at. `arg` is a struct live_layers. */
bool live_layers_have(void *arg, const char *dir);
void live_layers_finish(struct live_layers *all);

#endif
