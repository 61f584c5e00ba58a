/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points. Calls are counted per scope over the life of the process, whichever thread makes them, and the scope is
 * the thread's: a test that makes one change at a time can walk its Nth call for N = 1, 2, 3 ... until the change
 * passes untouched.
 */
#include "base/fault.h"

#ifdef PLYFS_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/macros.h"

enum fault_kind { FAULT_NOTHING, FAULT_KILL, FAULT_KILL_AFTER, FAULT_FAIL };

static const char *const scope_names[FAULT_SCOPE_MAX] = {
	[FAULT_NONE] = "none",	   [FAULT_COPYUP] = "copyup", [FAULT_CREATE] = "create",
	[FAULT_REMOVE] = "remove", [FAULT_RENAME] = "rename", [FAULT_ATTR] = "attr",
	[FAULT_XATTR] = "xattr",   [FAULT_MOUNT] = "mount",   [FAULT_APPLY] = "apply",
};

/* Set before threads start. */
static struct {
	enum fault_kind kind;
	enum fault_scope scope;
	unsigned long number;
	int error;
	const char *count_file;
} config;

static _Atomic unsigned long counts[FAULT_SCOPE_MAX];
static _Thread_local enum fault_scope thread_scope;
static _Thread_local unsigned long thread_number; /* of the call that fault_before() let pass */

static bool parse_scope(const char *text, enum fault_scope *ret_scope)
{
	for (int scope = FAULT_NONE + 1; scope < FAULT_SCOPE_MAX; scope++)
		if (!strcmp(text, scope_names[scope])) {
			*ret_scope = scope;
			return true;
		}
	return false;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || number < 1 || number > max)
		return false;
	*ret_number = number;
	return true;
}

static bool parse_kind(const char *text, enum fault_kind *ret_kind)
{
	if (!strcmp(text, "kill"))
		*ret_kind = FAULT_KILL;
	else if (!strcmp(text, "kill-after"))
		*ret_kind = FAULT_KILL_AFTER;
	else if (!strcmp(text, "fail"))
		*ret_kind = FAULT_FAIL;
	else
		return false;
	return true;
}

/* Takes KIND:SCOPE:N[:ERRNO] apart in place. */
static bool parse_config(char *text)
{
	char *field[4] = {NULL};
	unsigned n = 0;
	unsigned long error = 0;

	for (char *part; (part = strsep(&text, ":"));) {
		if (n == ARRAY_SIZE(field))
			return false;
		field[n++] = part;
	}
	if (n < 3 || !parse_kind(field[0], &config.kind) || n != (config.kind == FAULT_FAIL ? 4 : 3))
		return false;
	if (!parse_scope(field[1], &config.scope) || !parse_number(field[2], (unsigned long)-1, &config.number))
		return false;
	if (n == 4 && !parse_number(field[3], 4095, &error))
		return false;
	config.error = (int)error;
	return true;
}

void fault_init(void)
{
	const char *value = getenv("PLYFS_FAULT");

	config.count_file = getenv("PLYFS_FAULT_COUNT");
	if (!value)
		return;
	char *copy = strdup(value);

	if (!copy || !parse_config(copy)) {
		fprintf(stderr, "plyfs: PLYFS_FAULT: %s: not kill:SCOPE:N, kill-after:SCOPE:N or fail:SCOPE:N:ERRNO\n",
			value);
		exit(2);
	}
	free(copy);
}

enum fault_scope fault_scope_set(enum fault_scope scope)
{
	enum fault_scope before = thread_scope;

	if (!CHECK((unsigned)scope < FAULT_SCOPE_MAX))
		return before;
	thread_scope = scope;
	return before;
}

static void kill_self(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Whether the call that thread_number numbers is the one that the environment names. */
static bool is_the_call(void)
{
	return thread_scope == config.scope && thread_number == config.number;
}

int fault_before(void)
{
	if (thread_scope == FAULT_NONE)
		return 0;
	thread_number = atomic_fetch_add(&counts[thread_scope], 1) + 1;
	if (config.kind == FAULT_KILL && is_the_call())
		kill_self();
	return config.kind == FAULT_FAIL && is_the_call() ? -config.error : 0;
}

void fault_after(void)
{
	if (thread_scope != FAULT_NONE && config.kind == FAULT_KILL_AFTER && is_the_call())
		kill_self();
}

unsigned fault_setting(const char *name, unsigned number)
{
	const char *value = getenv(name);

	return value ? (unsigned)strtoul(value, NULL, 10) : number;
}

void fault_write_counts(void)
{
	if (!config.count_file)
		return;
	FILE *file = fopen(config.count_file, "we");

	if (!file) {
		log_error("PLYFS_FAULT_COUNT: %s: %m", config.count_file);
		return;
	}
	for (int scope = FAULT_NONE + 1; scope < FAULT_SCOPE_MAX; scope++)
		fprintf(file, "%s %lu\n", scope_names[scope], atomic_load(&counts[scope]));
	if (fclose(file))
		log_error("PLYFS_FAULT_COUNT: %s: %m", config.count_file);
}

#endif
