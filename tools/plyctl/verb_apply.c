/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl apply: the changes of an upper, into the directory below it.
 */
#include "apply.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "sandbox.h"

static const char *only;
static bool yes;
static const struct opt opts[] = {
	{"only", 0, "PATH", "only what is at this path or below it", NULL, &only},
	{"yes", 'y', NULL, "carry out the plan without a question", &yes, NULL},
};

/* Without slashes at its ends. NULL for a path with `..`. */
static char *path_within(const char *path)
{
	char *text, *end;

	while (*path == '/')
		path++;
	text = strdup(path);
	if (!text)
		abort();
	for (end = text + strlen(text); end > text && end[-1] == '/'; end--)
		end[-1] = '\0';
	for (const char *p = text; (p = strstr(p, "..")); p += 2)
		if ((p == text || p[-1] == '/') && (!p[2] || p[2] == '/')) {
			free(text);
			return NULL;
		}
	return text;
}

static int apply_anew(struct apply *a)
{
	int r = apply_make_plan(a);

	if (r < 0)
		return fail("%s: %s", a->dir, strerror(-r));
	if (a->plan.conflicts) {
		fail("%s: %zu conflicts, and nothing was changed", a->dir, a->plan.conflicts);
		return EXIT_FOUND;
	}
	if (apply_check_part(a) != EXIT_FINE)
		return EXIT_FAILED;
	apply_print_plan(a);
	if (!a->plan.n)
		return EXIT_FINE;
	if (!yes && !ask_yes("Apply?"))
		return fail("nothing was changed; --yes applies this plan");
	return apply_carry_out(a, false);
}

static int apply_further(struct apply *a)
{
	int does_all = apply_journal_check(a), status;

	if (does_all < 0)
		return EXIT_FAILED;
	fprintf(stderr, "plyctl: %s: going on with what was begun\n", a->dir);
	status = apply_carry_out(a, true);
	if (status == EXIT_FINE && !does_all)
		return fail("%s: what was begun is done, but that was another part; the same call goes on", a->dir);
	return status;
}

static int apply_unless_done(struct apply *a)
{
	_cleanup_free_ char *where = NULL;
	const char *name = a->upper->id ? a->upper->id : a->upper->dir;
	int r = apply_is_done(a, &where);

	if (r == 0)
		return apply_anew(a);
	if (r == 2)
		return fail("%s: its changes are in %s, and can't be carried out a second time", name, where);
	if (r == 1)
		fail("%s: its changes are in %s already (%s)", name, a->dir, a->applied);
	return r == 1 ? EXIT_FINE : EXIT_FAILED;
}

struct applying {
	const struct upper *u;
	const char *dir, *path;
};

static int apply_upper(void *arg)
{
	const struct applying *applying = arg;
	struct apply a;
	int status = apply_open(&a, applying->u, applying->dir, applying->path);

	if (status == EXIT_FINE)
		status = apply_is_begun(&a) ? apply_further(&a) : apply_unless_done(&a);
	apply_finish(&a);
	return status;
}

static int run_apply(int argc, char **argv)
{
	_cleanup_upper_ struct upper u = {.id = NULL};
	_cleanup_free_ char *path = NULL;
	struct applying applying;
	int status, fd;

	if (argc < 1 || argc > 2)
		return usage_error("apply: UPPER [DIR] are wanted");
	path = only ? path_within(only) : NULL;
	if (only && !path)
		return usage_error("apply: %s: a path may not have ..", only);
	status = upper_find(argv[0], &u);
	if (status != EXIT_FINE)
		return status;
	fd = upper_lock(&u);
	if (fd < 0)
		return EXIT_FAILED;
	applying = (struct applying){.u = &u, .dir = argc > 1 ? argv[1] : NULL, .path = path && *path ? path : NULL};
	/* A user's subordinate ids are his in a user namespace only. */
	status = sandbox_has_ranges() ? sandbox_call_as_root(apply_upper, &applying) : apply_upper(&applying);
	close(fd);
	return status;
}

const struct verb verb_apply = {
	.name = "apply",
	.operands = "UPPER [DIR]",
	.help = "Carry out the changes of an upper in the directory below it",
	.more = "DIR is the directory over which run, try or mount made the upper, if it isn't named. The plan is "
		"printed\n"
		"first. Exit status 3: something changed in DIR after the upper was made, and nothing was done.\n"
		"After a kill or a full disk the same call goes on.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_apply};
