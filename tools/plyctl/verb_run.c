/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl run: a command in namespaces of its own, with a stack and a new upper as its root.
 */
#include "plyctl.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "lease.h"
#include "run_cache.h"
#include "runs.h"
#include "unpacked.h"

static bool remove_upper, cache;
static const char *net, *image_name;
/* Options that may come several times. */
enum { RUN_ENV, RUN_INPUT, RUN_LISTS };
static const struct opt opts[] = {
	[RUN_ENV] = {"env", 'e', "NAME=VALUE", "a variable of the command; may come several times", NULL, NULL},
	[RUN_INPUT] = {"input", 0, "PATH",
		       "a file or directory that the step has in /dev/inputs; may come several times", NULL, NULL},
	{"rm", 0, NULL, "remove the upper when the command has ended", &remove_upper, NULL},
	{"cache", 0, NULL, "make a layer of the changes, or reuse that of an equal step", &cache, NULL},
	{"name", 'n', "NAME", "the name that the image of a step gets in the store", NULL, &image_name},
	{"net", 0, "none|host", "the network: none, or that of the machine (the default)", NULL, &net},
};

/* Their values, in the order of the command line; the lists live as long as the program. */
static struct {
	const char **values;
	size_t n;
} given[RUN_LISTS];

static void take_value(const struct opt *opt, const char *value)
{
	size_t i = (size_t)(opt - opts);
	const char **next = ARRAY_NEXT(given[i].values, given[i].n);

	if (!next)
		abort();
	*next = value;
	given[i].n++;
}

/* What the command gets. All is owned. */
struct surroundings {
	char **env; /* ends with NULL */
	size_t n;
	char *cwd;
	char **argv; /* of the image, ends with NULL; NULL: it has none */
};

static bool is_variable(const char *entry, const char *name, size_t n)
{
	return !strncmp(entry, name, n) && entry[n] == '=';
}

/* Adds NAME=VALUE, in the place of one with the same name. Takes the text. */
static void set_variable(struct surroundings *s, char *entry)
{
	size_t n = strcspn(entry, "=");

	for (size_t i = 0; i < s->n; i++) {
		if (!is_variable(s->env[i], entry, n))
			continue;
		free(s->env[i]);
		s->env[i] = entry;
		return;
	}
	s->env = realloc(s->env, (s->n + 2) * sizeof(*s->env));
	if (!s->env || !entry)
		abort();
	s->env[s->n++] = entry;
	s->env[s->n] = NULL;
}

/* What a login would set. A step of the cache has nothing of the caller's. */
static void set_defaults(struct surroundings *s)
{
	static const char *const passed[] = {"TERM", "LANG", "LC_ALL", "TZ", "COLORTERM"};

	set_variable(s, strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	set_variable(s, strdup("HOME=/root"));
	set_variable(s, strdup("container=plyctl"));
	for (size_t i = 0; i < ARRAY_SIZE(passed) && !cache; i++) {
		const char *value = getenv(passed[i]);
		char *entry = NULL;

		if (value && asprintf(&entry, "%s=%s", passed[i], value) < 0)
			abort();
		if (entry)
			set_variable(s, entry);
	}
}

/* Entrypoint and Cmd. */
static char **words_of(const json_t *config)
{
	const json_t *lists[] = {json_object_get(config, "Entrypoint"), json_object_get(config, "Cmd")};
	size_t n = 0, i;
	json_t *word;
	char **argv = calloc(json_array_size(lists[0]) + json_array_size(lists[1]) + 1, sizeof(*argv));

	if (!argv)
		abort();
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		json_array_foreach(lists[k], i, word)
		{
			if (json_is_string(word))
				argv[n++] = strdup(json_string_value(word));
		}
	if (n)
		return argv;
	free(argv);
	return NULL;
}

/* What the config of an image says. */
static void set_from_image(struct surroundings *s, const struct view_stack *stack)
{
	json_t *doc = stack->image && stack->image->config
			      ? json_loadb(stack->image->config, stack->image->config_len, 0, NULL)
			      : NULL;
	const json_t *config = json_object_get(doc, "config"), *entry;
	const char *cwd = json_string_value(json_object_get(config, "WorkingDir"));
	size_t i;

	json_array_foreach(json_object_get(config, "Env"), i, entry)
	{
		const char *text = json_string_value(entry);

		if (text && strchr(text, '='))
			set_variable(s, strdup(text));
	}
	s->cwd = strdup(cwd && *cwd == '/' ? cwd : "/");
	s->argv = words_of(config);
	json_decref(doc);
}

static void set_chosen(struct surroundings *s)
{
	for (size_t i = 0; i < given[RUN_ENV].n; i++)
		set_variable(s, strdup(given[RUN_ENV].values[i]));
}

static void free_words(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

static void surroundings_finish(struct surroundings *s)
{
	free_words(s->env);
	free_words(s->argv);
	free(s->cwd);
}

static int run_in(const struct view_stack *stack, const struct upper *u, struct surroundings *with, char **argv)
{
	static const char *const shown[] = {"/etc/resolv.conf", NULL};
	struct sandbox s = {.argv = argv, .env = with->env, .cwd = with->cwd, .no_net = net && !strcmp(net, "none")};

	s.shown = s.no_net ? shown + 1 : shown;
	return run_over(stack, u, &s);
}

static int run_stack(const struct view_stack *stack, char **argv)
{
	_cleanup_upper_ struct upper u = {.id = NULL};
	struct surroundings with = {.n = 0};
	int status = EXIT_FAILED;

	set_defaults(&with);
	set_from_image(&with, stack);
	set_chosen(&with);
	if (!*argv && with.argv)
		argv = with.argv;
	if (!*argv)
		status = usage_error("run: STACK -- COMMAND are wanted");
	else if (upper_new(NULL, stack, argv, &u) == EXIT_FINE)
		status = run_in(stack, &u, &with, argv);
	if (u.id && remove_upper)
		upper_drop(&u);
	else if (u.id)
		fprintf(stderr, "plyctl: the upper is %s, in %s\n", u.id, u.dir);
	surroundings_finish(&with);
	return status;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static int run_step_over(struct step *step, char **argv, const struct sandbox_input *inputs, size_t n)
{
	struct surroundings with = {.n = 0};
	struct sandbox s = {.inputs = inputs, .n_inputs = n};
	static const char *const shown[] = {"/etc/resolv.conf", NULL};
	int status;

	set_defaults(&with);
	set_from_image(&with, step->stack);
	set_chosen(&with);
	s.argv = *argv || !with.argv ? argv : with.argv;
	s.env = with.env;
	s.cwd = with.cwd;
	s.no_net = net && !strcmp(net, "none");
	s.shown = s.no_net ? shown + 1 : shown;
	status = *s.argv ? run_cached(step, &s) : usage_error("run: STACK -- COMMAND are wanted");
	surroundings_finish(&with);
	return status;
}

static int run_step(const char *operand, char **argv)
{
	struct step step = {.name = image_name};
	struct sandbox_input *inputs = NULL;
	size_t n_inputs = 0;
	int status;

	umask(0);
	status = run_inputs(given[RUN_INPUT].values, given[RUN_INPUT].n, &inputs, &n_inputs);
	if (status == EXIT_FINE)
		status = step_open(&step, operand) < 0 ? EXIT_FAILED : run_step_over(&step, argv, inputs, n_inputs);
	step_finish(&step);
	run_inputs_free(inputs, n_inputs);
	return status;
}

static int check_options(void)
{
	if (net && strcmp(net, "none") != 0 && strcmp(net, "host") != 0)
		return usage_error("run: --net is none or host");
	for (size_t i = 0; i < given[RUN_ENV].n; i++) {
		const char *entry = given[RUN_ENV].values[i];

		if (*entry == '=' || !strchr(entry, '='))
			return usage_error("run: --env: %s: no NAME=VALUE", entry);
	}
	if (!cache && (given[RUN_INPUT].n || image_name))
		return usage_error("run: --%s wants --cache", image_name ? "name" : "input");
	return EXIT_FINE;
}

static int run_run(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *hold = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *lease = NULL;
	int status;

	if (argc < 1)
		return usage_error("run: STACK -- COMMAND are wanted");
	status = check_options();
	if (status != EXIT_FINE)
		return status;
	if (argc > 1 && *argv[1] == '-' && strcmp(argv[1], "--") != 0)
		return usage_error("run: %s: options come before the STACK, and a COMMAND after --", argv[1]);
	if (cache)
		return run_step(argv[0], argv + 1 + (argc > 1 && !strcmp(argv[1], "--")));
	stack = stack_open_unpacked(argv[0], &hold);
	/* The keeper has it as long as the command runs. gc doesn't wait for it. */
	if (!stack || lease_take(stack, false, &lease) != EXIT_FINE)
		return EXIT_FAILED;
	store_cleanup(&hold);
	hold = NULL;
	return run_stack(stack, argv + 1 + (argc > 1 && !strcmp(argv[1], "--")));
}

const struct verb verb_run = {
	.name = "run",
	.operands = "STACK [-- COMMAND [ARGUMENT]..]",
	.help = "Run a command with a stack as its root",
	.more = "What the command changes goes to a new upper, which is kept in the store without --rm. An image says "
		"what\n"
		"runs without a COMMAND. The exit status is that of the command, 128 and the number of the signal "
		"that\n"
		"killed it, 126 or 127 if it can't be executed, or 125 if the namespaces or the mounts can't be made.\n"
		"\n"
		"With --cache the changes become a layer of a new image. If the parent, the command, the variables "
		"and the\n"
		"inputs are those of an earlier step, its layer is reused and nothing runs.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.take = take_value,
	.takes_command = true,
	.makes = true,
	.run = run_run};
