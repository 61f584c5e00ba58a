/* SPDX-License-Identifier: Apache-2.0 */
#include "run_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runs.h"
#include "store/files.h"
#include "upper_layer.h"

/* --- inputs ------------------------------------------------------------------------------------------------------- */

void run_inputs_free(struct sandbox_input *inputs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(inputs[i].path);
		free(inputs[i].name);
	}
	free(inputs);
}

/* The last component as it was given; that of the directory itself for one without a name of its own. */
static char *input_name(const char *given, const char *real)
{
	_cleanup_free_ char *copy = strdup(given);
	size_t len = copy ? strlen(copy) : 0;
	const char *name;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	name = copy && strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
	if (!name || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
		name = strrchr(real, '/') + 1;
	return strdup(name);
}

int run_inputs(const char *const *paths, size_t n, struct sandbox_input **ret, size_t *ret_n)
{
	for (const char *const *end = paths + n; paths < end; paths++) {
		struct sandbox_input *all = reallocarray(*ret, *ret_n + 1, sizeof(*all)), *input;

		if (!all)
			abort();
		*ret = all;
		input = &all[*ret_n];
		input->path = realpath(*paths, NULL);
		if (!input->path)
			return fail("%s: %s", *paths, strerror(errno));
		input->name = input_name(*paths, input->path);
		++*ret_n;
		if (!*input->name)
			return usage_error("run: %s: it has no name", *paths);
		for (size_t i = 0; i + 1 < *ret_n; i++)
			if (!strcmp(all[i].name, input->name))
				return usage_error("run: %s: two inputs have this name", input->name);
	}
	return EXIT_FINE;
}

static int add_inputs(const struct sandbox *s, struct cache_parts *parts)
{
	struct image_error error = {.text = "fails"};

	for (size_t i = 0; i < s->n_inputs; i++) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "input %s", s->inputs[i].name) < 0)
			abort();
		if (files_add_parts(parts, name, s->inputs[i].path, &error) < 0)
			return -fail("%s", error.text);
	}
	return 0;
}

/* Whether the inputs are what they were before the command ran. */
static bool inputs_stayed(const struct sandbox *s, const char *before)
{
	struct cache_parts now = {.n = 0};
	char key[DIGEST_SIZE];
	bool stayed = add_inputs(s, &now) == 0 && cache_parts_key(&now, key) == 0 && !strcmp(key, before);

	cache_parts_finish(&now);
	return stayed;
}

/* --- the key ------------------------------------------------------------------------------------------------------ */

/* Each word with its null byte, so no two commands have the same bytes. */
static void add_command(struct step *step, char *const *argv)
{
	size_t len = 0;
	char *bytes, *out;

	for (char *const *word = argv; *word; word++)
		len += strlen(*word) + 1;
	out = bytes = malloc(len + 1);
	if (!bytes)
		abort();
	for (char *const *word = argv; *word; word++)
		out = mempcpy(out, *word, strlen(*word) + 1);
	step_add_digest(step, "command", bytes, len);
	free(bytes);
}

static int by_variable(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Their order means nothing. */
static void add_environment(struct step *step, char *const *env)
{
	size_t n = 0;
	char **sorted;

	while (env[n])
		n++;
	sorted = calloc(n + 1, sizeof(*sorted));
	if (!sorted)
		abort();
	memcpy(sorted, env, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_variable);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *name = NULL;
		const char *value = strchr(sorted[i], '=') + 1;

		if (asprintf(&name, "variable %.*s", (int)(value - 1 - sorted[i]), sorted[i]) < 0)
			abort();
		step_add_digest(step, name, value, strlen(value));
	}
	free(sorted);
}

static int add_parts(struct step *step, const struct sandbox *s, char ret_inputs[static DIGEST_SIZE])
{
	struct cache_parts inputs = {.n = 0};
	int r;

	step_add(step, "kind", "run");
	add_command(step, s->argv);
	add_environment(step, s->env);
	step_add_digest(step, "directory", s->cwd, strlen(s->cwd));
	step_add(step, "network", s->no_net ? "none" : "host");
	r = add_inputs(s, &inputs);
	if (r == 0 && cache_parts_key(&inputs, ret_inputs) < 0)
		abort();
	if (r == 0 && cache_parts_move(&step->parts, &inputs) < 0)
		abort();
	cache_parts_finish(&inputs);
	return r;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

/* A command that makes nothing new in the root leaves its time as it was below. */
static void keep_root_time(const struct upper *u, const struct view_stack *stack)
{
	struct stat st;

	if (stat(stack->options.layers[0].path, &st) == 0)
		(void)!utimensat(AT_FDCWD, u->dir, (struct timespec[]){st.st_atim, st.st_mtim}, 0);
}

static int make_layer(struct step *step, const struct upper *u)
{
	struct upper_layer layer;
	int r = upper_layer_start(&layer, step->stack, u);

	if (r == 0)
		r = step_make(step, upper_layer_write, &layer);
	upper_layer_finish(&layer);
	return r < 0 ? SANDBOX_FAILED : EXIT_FINE;
}

/* Another run of the same step may have ended before: then all have its layer. */
static int store_result(struct step *step, const struct upper *u)
{
	int r = step_lock(step);

	if (r == 0)
		r = step_find(step);
	return r < 0 ? SANDBOX_FAILED : r > 0 ? EXIT_FINE : make_layer(step, u);
}

/* A descriptor of what a stream was; it is another one now. -1: it stays. */
static int stream_replace(int stream, int with)
{
	int before = with < 0 ? -1 : fcntl(stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (with >= 0)
		dup2(with, stream);
	return before;
}

static void stream_restore(int stream, int before)
{
	if (before < 0)
		return;
	dup2(before, stream);
	close(before);
}

/* A document on stdout stays one: what the command prints goes to stderr then. Neither what the caller's stdin says nor
 * the umask is a part of the key. */
static int run_apart(const struct view_stack *stack, const struct upper *u, struct sandbox *s)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), in, out, status;
	mode_t mask;

	if (null < 0) {
		fail("/dev/null: %s", strerror(errno));
		return SANDBOX_FAILED;
	}
	mask = umask(0022);
	in = stream_replace(STDIN_FILENO, null);
	out = stream_replace(STDOUT_FILENO, common.json ? STDERR_FILENO : -1);
	status = run_over(stack, u, s);
	stream_restore(STDOUT_FILENO, out);
	stream_restore(STDIN_FILENO, in);
	close(null);
	umask(mask);
	return status;
}

static int run_miss(struct step *step, struct sandbox *s, const char *inputs)
{
	_cleanup_upper_ struct upper u = {.id = NULL};
	int status;

	if (upper_new(NULL, step->stack, s->argv, &u) != EXIT_FINE)
		return SANDBOX_FAILED;
	keep_root_time(&u, step->stack);
	step_unlock(step);
	status = run_apart(step->stack, &u, s);
	if (status == EXIT_FINE && !inputs_stayed(s, inputs)) {
		fail("an input changed while the command ran: nothing is kept");
		status = SANDBOX_FAILED;
	}
	if (status == EXIT_FINE)
		status = store_result(step, &u);
	upper_drop(&u);
	return status;
}

int run_cached(struct step *step, struct sandbox *s)
{
	char inputs[DIGEST_SIZE];
	int status;

	step->text = step_words("RUN", s->argv);
	if (add_parts(step, s, inputs) < 0)
		return SANDBOX_FAILED;
	switch (step_find(step)) {
	case 0:
		status = run_miss(step, s, inputs);
		break;
	case 1:
		status = EXIT_FINE;
		break;
	default:
		return SANDBOX_FAILED;
	}
	if (status == EXIT_FINE)
		step_tell(step, "run");
	return status;
}
