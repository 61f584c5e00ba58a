/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl run: a command in namespaces of its own, with a stack and a new upper as its root.
 */
#include "plyctl.h"

#include <stdio.h>
#include <string.h>

#include "runs.h"

static bool remove_upper;
static const char *net;
static const struct opt opts[] = {
	{"rm", 0, NULL, "remove the upper when the command has ended", &remove_upper, NULL},
	{"net", 0, "none|host", "the network: none, or that of the machine (the default)", NULL, &net},
};

/* What a login would set. */
static char **environment(void)
{
	static const char *const passed[] = {"TERM", "LANG", "LC_ALL", "TZ", "COLORTERM"};
	char **env = calloc(ARRAY_SIZE(passed) + 4, sizeof(*env));
	size_t n = 0;

	if (!env)
		abort();
	env[n++] = strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env[n++] = strdup("HOME=/root");
	env[n++] = strdup("container=plyctl");
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		const char *value = getenv(passed[i]);

		if (value && asprintf(&env[n++], "%s=%s", passed[i], value) < 0)
			abort();
	}
	return env;
}

static int run_in(const struct view_stack *stack, const struct upper *u, char **argv)
{
	static const char *const shown[] = {"/etc/resolv.conf", NULL};
	struct sandbox s = {.argv = argv, .cwd = "/", .no_net = net && !strcmp(net, "none")};
	char **env = environment();
	int status;

	s.env = env;
	s.shown = s.no_net ? shown + 1 : shown;
	status = run_over(stack, u, &s);
	for (char **e = env; *e; e++)
		free(*e);
	free(env);
	return status;
}

static int run_run(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_upper_ struct upper u = {.id = NULL};
	int status;

	if (argc < 2)
		return usage_error("run: STACK -- COMMAND are wanted");
	if (net && strcmp(net, "none") != 0 && strcmp(net, "host") != 0)
		return usage_error("run: --net is none or host");
	stack = stack_open(argv[0]);
	if (!stack || upper_new(NULL, stack, argv + 1, &u) != EXIT_FINE)
		return EXIT_FAILED;
	status = run_in(stack, &u, argv + 1);
	if (remove_upper)
		upper_drop(&u);
	else
		fprintf(stderr, "plyctl: the upper is %s, in %s\n", u.id, u.dir);
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.operands = "STACK -- COMMAND [ARGUMENT]..",
	.help = "Run a command with a stack as its root",
	.more = "What the command changes goes to a new upper, which is kept in the store without --rm. The exit "
		"status is\n"
		"that of the command, 128 and the number of the signal that killed it, 126 or 127 if it can't be\n"
		"executed, or 125 if the namespaces or the mounts can't be made.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_run};
