/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the sandbox.
 */
#ifndef PLYCTL_SANDBOX_INTERNAL_H
#define PLYCTL_SANDBOX_INTERNAL_H

#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include "sandbox.h"

/* The exit status of the keeper if a daemon failed: what the kernel had to write then may be lost. */
#define SANDBOX_LOST 124

/* From init to plyctl. */
enum sandbox_event { SANDBOX_EXITED = 1, SANDBOX_KILLED, SANDBOX_STOPPED };
struct sandbox_told {
	int event, value; /* exit status, or signal */
};

/* What the processes share. */
struct sandbox_run {
	const struct sandbox *s;
	int alive[2];	/* its writing end is plyctl's alone: when it is closed, plyctl is gone */
	int control[2]; /* [0] is plyctl's, [1] is init's */
	sigset_t mask;	/* of signals as the caller had it */
	uid_t uid;	/* of the caller */
	gid_t gid;
	mode_t umask;
	bool has_userns;
	bool has_ranges;
};

/* Signals that are handed on. */
void sandbox_passed_signals(sigset_t *ret);

/* sandbox_user.c: the ids of the user namespace of `pid`. 0, or -errno after one line. */
int sandbox_map_ids(struct sandbox_run *run, pid_t pid);
/* A user namespace in which the caller's ids are what they were. 0 or -errno. */
int sandbox_take_own_ids(const struct sandbox_run *run);

/* sandbox_keeper.c: the first process of the sandbox. It returns an exit status. */
int sandbox_keep(struct sandbox_run *run);
/* sandbox_root.c: makes what the command sees, with the union at `mountpoint` as its root. 0, or -errno after one
 * line. */
int sandbox_enter_root(const struct sandbox_run *run);
/* Directories and files of the root on which something is mounted. Those that aren't there are made, and removed
 * at the end. */
#define SANDBOX_POINTS_MAX 64
struct sandbox_point {
	const char *path;
	struct timespec before[2], after; /* times of its directory before it was made, and mtime after that */
};
struct sandbox_points {
	struct sandbox_point all[SANDBOX_POINTS_MAX];
	size_t n;
};
void sandbox_make_points(const struct sandbox_run *run, struct sandbox_points *ret_made);
void sandbox_remove_points(const struct sandbox_run *run, const struct sandbox_points *made);
/* sandbox_init.c: process 1 of the command. It returns an exit status. */
int sandbox_init(struct sandbox_run *run);

#endif
