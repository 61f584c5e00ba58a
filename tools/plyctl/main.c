/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl VERB: looks at stacks of layers. verbs.def is the table of verbs.
 */
#include "plyctl.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "check_store.h"
#include "os/fs.h"
#include "os/task.h"

unsigned long caller_nofile;

static const struct verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "verbs.def"
#undef VERB
};

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(name, verbs[i]->name) || (verbs[i]->alias && !strcmp(name, verbs[i]->alias)))
			return verbs[i];
	return NULL;
}

static void print_verbs(void)
{
	printf("usage: plyctl VERB [OPTION].. [OPERAND]..\n\n");
	for (int makes = 0; makes <= 1; makes++) {
		printf("%s:\n", makes ? "\nThese make or change something" : "These look at stacks");
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
			if (verbs[i]->makes == makes)
				printf("  %-9s %s\n", verbs[i]->name, verbs[i]->help);
	}
	printf("\nplyctl help VERB tells the use of a verb; plyctl-VERB(1) has all about it.\n");
	printf("\nA STACK is an image or a container (containers-storage:NAME, oci:DIR, docker-archive:FILE, ..), a "
	       "mountpoint of\n"
	       "kernel overlayfs, plyfs or fuse-overlayfs, directories A:B:C with the topmost first, or a directory "
	       "X.mstack.\n"
	       "A layer of it is @N from the top, the beginning of its id, or its "
	       "directory.\n");
}

static int help(const char *name)
{
	const struct verb *verb = name ? verb_find(name) : NULL;

	if (name && !verb)
		return usage_error("%s: no such verb", name);
	if (verb)
		args_help(verb);
	else
		print_verbs();
	return EXIT_FINE;
}

/* For the shells' completions: verbs, or the options of one. */
static int words(const char *name)
{
	const struct verb *verb = name ? verb_find(name) : NULL;

	if (verb)
		args_words(verb);
	for (size_t i = 0; !name && i < ARRAY_SIZE(verbs); i++)
		printf("%s\n", verbs[i]->name);
	if (!name)
		printf("help\n");
	return EXIT_FINE;
}

/* For manual pages and completions: all verbs, or one with its options. */
static int table(const char *name)
{
	const struct verb *verb = name ? verb_find(name) : NULL;

	if (name && !verb)
		return usage_error("%s: no such verb", name);
	for (size_t i = 0; !name && i < ARRAY_SIZE(verbs); i++)
		args_table(verbs[i], false);
	if (verb)
		args_table(verb, true);
	return EXIT_FINE;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	int first, r = args_read(verb, argc, argv, &first);
	struct rlimit limit;

	if (r == EXIT_USAGE && verb->usage_status)
		return verb->usage_status;
	if (r != 0)
		return MAX(r, 0);
	r = os_init();
	if (r < 0)
		return fail("can't look at files: %s", strerror(-r));
	os_confine_roots();
	if (common.store)
		setenv("PLYCTL_STORE", common.store, 1);
	fault_init();
	hash_seed_init();
	log_set_level(LOG_ERR);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		caller_nofile = limit.rlim_cur;
	os_raise_nofile();
	r = verb->run(argc - first, argv + first);
	fault_write_counts();
	return r == EXIT_FINE && stack_incomplete ? EXIT_FAILED : r;
}

/* A file that is opened later would be a stream of those that were closed. Writing to them fails as before. */
static void fill_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct verb *verb = name ? verb_find(name) : NULL;
	int status;

	fill_streams();
	setlocale(LC_CTYPE, "");
	/* Whoever ignores it hands that on, and then there is nobody to wait for. */
	signal(SIGCHLD, SIG_DFL);
	if (!name)
		status = usage_error("no verb; see plyctl help");
	else if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
		status = help(argc > 2 ? argv[2] : NULL);
	else if (!strcmp(name, "--version"))
		status = printf("plyctl %s\n", PLYFS_VERSION) < 0;
	else if (!strcmp(name, "--words"))
		status = words(argc > 2 ? argv[2] : NULL);
	else if (!strcmp(name, "--table"))
		status = table(argc > 2 ? argv[2] : NULL);
	else if (!verb)
		status = usage_error("%s: no such verb; see plyctl help", name);
	else
		status = run_verb(verb, argc - 1, argv + 1);
	if (output_done(status) == status)
		return status;
	/* A verb with statuses of its own has another one for a failure than 1. */
	return verb && verb->usage_status ? status | CHECK_FAILED : EXIT_FAILED;
}
