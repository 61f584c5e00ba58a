/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command in namespaces of its own, with unions as its root and below it. Three processes besides the command take
 * part:
 *
 *	plyctl		outside; hands signals on, stops with the command, and waits
 *	keeper		process 1 of the first pid namespace, in the first mount namespace: it starts the daemons of the
 *			unions, and unmounts them when all others have gone
 *	init		process 1 of the second pid namespace, in the second mount namespace: it makes the root of the
 *			command, starts the command and reaps orphans
 *
 * So the command sees and reaches neither daemons nor keeper. The kernel ends what is left. When init dies, all
 * processes of the command do. When the keeper dies, init and the daemons do. When plyctl dies, the keeper does. The
 * mounts go with the last process of their namespaces.
 *
 * An ordinary user gets a user namespace first. It has the ranges of /etc/subuid and /etc/subgid, or one id.
 */
#ifndef PLYCTL_SANDBOX_H
#define PLYCTL_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* One union of the sandbox. */
struct sandbox_union {
	char *options;	/* of plyfs -o; owned */
	char *target;	/* path from the root of the command, beginning with a slash; "/" is the root itself; owned */
	char *source;	/* the directory of which an upper in memory takes the attributes; owned */
	bool on_memory; /* upper and work directory are made in memory: `options` has only the layers */
};

/* A file or directory outside that the command has as /dev/inputs/NAME, read-only. */
struct sandbox_input {
	char *path; /* absolute, without symbolic links; owned */
	char *name; /* owned */
};

struct sandbox {
	const char *mountpoint; /* a directory outside where the first union is mounted */
	const char *scratch;	/* a directory outside for what is kept in memory; NULL if no union needs it */
	struct sandbox_union *unions;
	size_t n_unions;
	const char *const *hidden; /* directories, as paths of the command, that are shown empty; ends with NULL */
	const char *const *shown;  /* files of the caller's that are shown read-only; ends with NULL */
	const struct sandbox_input *inputs;
	size_t n_inputs;
	char *const *argv;
	char *const *env;
	const char *cwd; /* of the command; "/" if it isn't there */
	bool no_net;
	bool own_ids; /* a user keeps his ids; otherwise he is root */
};

/* The exit status of plyctl if the sandbox itself fails. */
#define SANDBOX_FAILED 125

/* Runs the command. Its exit status, 128 and the signal that killed it, 126 or 127 if it can't be executed, or
 * SANDBOX_FAILED after one line. */
int sandbox_run(const struct sandbox *s);
/* Calls `call` in a process that is root in a user namespace of the caller's ids. Its result, which is an exit status;
 * SANDBOX_FAILED after one line. */
int sandbox_call_as_root(int (*call)(void *arg), void *arg);
/* Whether that gives the caller more than his own ids. */
bool sandbox_has_ranges(void);

#endif
