/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl try: a command over the machine's own root, or over another directory; then what it changed, and the question
 * what is to become of it.
 */
#include "plyctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply.h"
#include "ask.h"
#include "machine.h"
#include "plyfs.h"
#include "runs.h"

static const char *directory, *net;
static bool does_apply, does_keep, does_drop;
static const struct opt opts[] = {
	{"directory", 'C', "DIR", "the directory that may change; without it the root of the machine", NULL,
	 &directory},
	{"apply", 0, NULL, "carry out the changes if the command succeeds", &does_apply, NULL},
	{"keep", 0, NULL, "keep the changes in the store", &does_keep, NULL},
	{"drop", 0, NULL, "forget the changes", &does_drop, NULL},
	{"net", 0, "none|host", "the network: none, or that of the machine (the default)", NULL, &net},
};

/* A directory with a shell is a root. Any other is changed where it lies. */
static bool has_shell(const char *dir)
{
	static const char *const shells[] = {"bin/sh", "usr/bin/sh"};
	_cleanup_free_ char *path = NULL;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		free(path);
		if (asprintf(&path, "%s/%s", dir, shells[i]) < 0)
			abort();
		if (lstat(path, &st) == 0)
			return true;
	}
	return false;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void tell_kept(const struct upper *u)
{
	fprintf(stderr,
		"plyctl: the upper is %s, in %s; plyctl apply %s carries out its changes, plyctl drop %s removes it\n",
		u->id, u->dir, u->id, u->id);
}

enum answer { ANSWER_APPLY = 'a', ANSWER_KEEP = 'k', ANSWER_DROP = 'd' };

static char choose(int status)
{
	if (does_drop)
		return ANSWER_DROP;
	if (does_keep || (does_apply && status != 0))
		return ANSWER_KEEP;
	if (does_apply)
		return ANSWER_APPLY;
	return ask_can() ? ask_letter("apply, keep or drop? [a/K/d]", "kad") : ANSWER_KEEP;
}

static int try_apply(struct apply *a)
{
	if (a->plan.conflicts) {
		fail("%s: %zu conflicts, and nothing was changed", a->dir, a->plan.conflicts);
		return EXIT_FOUND;
	}
	return apply_carry_out(a, false);
}

/* Returns what is to become of the upper. *status is the command's, and that of a failure afterwards. */
static char conclude(const struct upper *u, int *status)
{
	struct apply a;
	char answer = ANSWER_KEEP;
	int r = apply_open(&a, u, NULL, NULL);

	if (r == EXIT_FINE && apply_make_plan(&a) < 0)
		r = fail("%s: the changes can't be told", a.dir);
	if (r == EXIT_FINE && a.plan.n) {
		apply_print_plan(&a);
		answer = choose(*status);
		r = answer == ANSWER_APPLY ? try_apply(&a) : EXIT_FINE;
		answer = r == EXIT_FINE ? answer : ANSWER_KEEP;
	} else if (r == EXIT_FINE) {
		fprintf(stderr, "plyctl: nothing changed in %s\n", a.dir);
		answer = ANSWER_DROP;
	}
	apply_finish(&a);
	if (r != EXIT_FINE)
		*status = r;
	return answer;
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static int run_in(const struct upper *u, const char *dir, char **argv)
{
	bool is_root = !strcmp(dir, "/") || has_shell(dir);
	char cwd[PATH_MAX];
	const char *uppers[] = {NULL, NULL}, *shown[MACHINE_FILES_MAX + 2] = {NULL};
	struct sandbox s = {.argv = argv,
			    .env = environ,
			    .no_net = net && !strcmp(net, "none"),
			    .own_ids = true,
			    .hidden = uppers,
			    .shown = shown};
	_cleanup_free_ char *store = strndup(u->base, (size_t)(strrchr(u->base, '/') - u->base));
	struct machine m = {.n = 0};
	int status;

	if (!strcmp(dir, "/"))
		s.cwd = getcwd(cwd, sizeof(cwd)) ? cwd : "/";
	else
		s.cwd = is_root ? "/" : dir;
	/* The uppers of other runs are nothing that a command may change. */
	if (!is_root || !strcmp(dir, "/"))
		uppers[0] = store;
	else if (!s.no_net)
		shown[0] = "/etc/resolv.conf";
	status = machine_gather(&m, is_root ? dir : "/", is_root ? NULL : dir, u, shown);
	s.unions = m.unions;
	s.n_unions = m.n;
	if (status == EXIT_FINE)
		status = run_sandbox(u, &s);
	machine_finish(&m);
	return status;
}

static int try_in(const char *dir, char **argv)
{
	struct stack_layer layer = {.path = (char *)dir};
	struct view_stack stack = {.name = (char *)dir, .options = {.layers = &layer, .layer_count = 1}};
	_cleanup_upper_ struct upper u = {.id = NULL};
	int status = upper_new(NULL, &stack, argv, &u), fd;
	char answer = ANSWER_KEEP;

	if (status != EXIT_FINE)
		return status;
	status = run_in(&u, dir, argv);
	fd = upper_lock(&u);
	if (fd >= 0)
		answer = conclude(&u, &status);
	if (answer == ANSWER_KEEP)
		tell_kept(&u);
	else
		upper_drop(&u);
	if (fd >= 0)
		close(fd);
	return status;
}

static int run_try(int argc, char **argv)
{
	_cleanup_free_ char *dir = NULL;
	struct stat st;

	if (argc < 1)
		return usage_error("try: a COMMAND is wanted");
	if (does_apply + does_keep + does_drop > 1)
		return usage_error("try: only one of --apply, --keep and --drop can be done");
	if (net && strcmp(net, "none") != 0 && strcmp(net, "host") != 0)
		return usage_error("try: --net is none or host");
	dir = realpath(directory ? directory : "/", NULL);
	if (!dir || stat(dir, &st) < 0)
		return fail("%s: %s", directory, strerror(errno));
	return S_ISDIR(st.st_mode) ? try_in(dir, argv) : fail("%s: it is no directory", directory);
}

const struct verb verb_try = {
	.name = "try",
	.operands = "-- COMMAND [ARGUMENT]..",
	.help = "Run a command over the machine's root, and then choose what stays",
	.more = "The command changes nothing outside of a new upper. Then its changes are printed, and are applied, "
		"kept or\n"
		"dropped. Without an option it is asked on a terminal, and otherwise they are kept. The exit status "
		"is\n"
		"that of the command, or 3 if the changes are in conflict with what happened meanwhile.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.takes_command = true,
	.makes = true,
	.run = run_try};
