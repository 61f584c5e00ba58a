/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long work is: a line on standard error that is written anew, if that is a terminal; nothing otherwise. It
 * shows the process's meter (base/meter.h) from the start of the work on: objects and bytes, and with what is expected
 * of them the time that is left.
 */
#ifndef PLYCTL_PROGRESS_H
#define PLYCTL_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct view_stack;

/* What is counted of a directory that will be read. */
enum { PROGRESS_OBJECTS = 1, PROGRESS_BYTES = 2 };

/* One work at a time. */
void progress_start(const char *what);
/* Nothing is on the line afterwards. It may be called at any time, also twice. */
void progress_end(void);

/* Before anything else is written to the terminal: a message, while the work goes on. */
void progress_clear(void);

/* Before the start: the objects of a directory, or the bytes of its files, will be dealt with `times` times. They are
 * counted while the work goes on. A path that comes again is counted once. */
void progress_expect_dir(const char *path, int what, unsigned times);
/* The same for all layers of a stack, from number `from` to number `to`. Of a packed layer the bytes of its blob. */
void progress_expect_layers(const struct view_stack *stack, size_t from, size_t to, int what, unsigned times);

#endif
