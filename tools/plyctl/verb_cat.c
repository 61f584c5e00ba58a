/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl cat: the content of a file, also of a version that is hidden now.
 */
#include "copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cat_entry(void *arg, const struct tree_walk_entry *e)
{
	struct layer_set *set = arg;

	if (!S_ISREG(e->stx.stx_mode))
		return S_ISDIR(e->stx.stx_mode) ? -EISDIR : -EINVAL;
	_cleanup_close_ int fd = copy_open(set, e);
	return fd < 0 ? fd : copy_bytes(fd, STDOUT_FILENO);
}

static int run_cat(int argc, char **argv)
{
	static const struct tree_walk_calls calls = {.entry = cat_entry, .failed = stack_failed_in};
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL;
	struct layer_set *set;
	int r;

	if (argc < 1 || argc > 2)
		return usage_error("cat: [STACK] [LAYER:]PATH is wanted");
	stack = stack_of_path(argc > 1 ? argv[0] : NULL, argv[argc - 1], &path, &layer);
	if (!stack)
		return EXIT_FAILED;
	set = copy_source(stack, layer, path);
	if (!set)
		return EXIT_FAILED;
	r = tree_walk(set, path, TREE_WALK_STAT, &calls, set);
	layer_set_put(set);
	return r < 0 ? fail("/%s: %s", path, r == -EINVAL ? "not a regular file" : strerror(-r)) : EXIT_FINE;
}

const struct verb verb_cat = {.name = "cat",
			      .operands = "[STACK] [@N:]PATH",
			      .help = "Print a file, as the union shows it or as a layer holds it",
			      .run = run_cat};
