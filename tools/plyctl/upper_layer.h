/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upper as the tar of a layer. A user's upper has files of his subordinate ids. It is read by a process that is root
 * in a namespace of these.
 */
#ifndef PLYCTL_UPPER_LAYER_H
#define PLYCTL_UPPER_LAYER_H

#include "archive/tar_writer.h"
#include "uppers.h"

struct upper_layer {
	const struct view_stack *below;
	const struct upper *u;
	int fd; /* of the tar from that process; -1: this process reads the upper */
	pid_t child;
	struct image_error *error; /* of that process, in shared memory */
};

/* Starts the process, before there are threads. 0, or -1 after one line. */
int upper_layer_start(struct upper_layer *l, const struct view_stack *below, const struct upper *u);
/* Writes the tar. `arg` is the struct. */
int upper_layer_write(void *arg, archive_sink sink, void *sink_arg, struct image_error *error);
void upper_layer_finish(struct upper_layer *l);

#endif
