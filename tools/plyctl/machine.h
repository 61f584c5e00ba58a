/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unions of a sandbox that shows a directory tree of the machine. The tree may have other file systems below it.
 * Each of those gets a union of its own, whose changes are in memory and go with the sandbox. So all of it is seen and
 * may be written, and only one directory's changes stay. File systems of the kernel are left out, and so is what lies
 * below /proc, /sys and /dev.
 */
#ifndef PLYCTL_MACHINE_H
#define PLYCTL_MACHINE_H

#include "sandbox.h"
#include "uppers.h"

#define MACHINE_FILES_MAX 16

struct machine {
	struct sandbox_union *unions; /* owned, sorted by target; the first is the root */
	size_t n, room;
	char *files[MACHINE_FILES_MAX]; /* owned */
	size_t n_files;
};

/* Gathers the tree at `root`. `inside` NULL: the upper is that of the root; else it is that of this directory. Files on
 * which others are mounted are added to `shown`, a list that ends with NULL and has room for MACHINE_FILES_MAX more.
 * EXIT_FAILED after one line: not all of it can be shown. */
int machine_gather(struct machine *m, const char *root, const char *inside, const struct upper *u, const char **shown);
void machine_finish(struct machine *m);

#endif
