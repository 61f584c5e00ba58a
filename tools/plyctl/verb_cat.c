/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl cat: the content of a file, also of a version that is hidden now.
 */
#include "copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "view/contents.h"
#include "view/explain.h"

static int cat_piece(void *arg, const void *data, size_t len)
{
	return copy_write(STDOUT_FILENO, data, len);
}

static int cat_entry(void *arg, const struct tree_walk_entry *e)
{
	struct layer_set *set = arg;

	if (!S_ISREG(e->stx.stx_mode))
		return S_ISDIR(e->stx.stx_mode) ? -EISDIR : -EINVAL;
	_cleanup_close_ int fd = copy_open(set, e);
	return fd < 0 ? fd : copy_bytes(fd, STDOUT_FILENO);
}

static int cat_of_layer(const struct view_stack *stack, const char *text, const char *path)
{
	_cleanup_free_ char *error = NULL;
	int layer = stack_layer(stack, text), r;

	if (layer < 0)
		return EXIT_FAILED;
	r = view_contents_read(stack, (size_t)layer, path, cat_piece, NULL, &error);
	return r < 0 ? fail("%s", error) : EXIT_FINE;
}

struct shown {
	int layer; /* with the content, or -errno */
	char *content;
};

static int cat_step(void *arg, const struct view_explained *x)
{
	const struct tree_walk_entry *e = x->entry;
	struct shown *s = arg;

	free(s->content);
	s->content = e->shown && x->content ? strdup(x->content) : NULL;
	s->layer = !e->shown		       ? -ENOENT
		   : S_ISDIR(e->stx.stx_mode)  ? -EISDIR
		   : !S_ISREG(e->stx.stx_mode) ? -EINVAL
		   : s->content		       ? (int)e->data_layer
					       : -EIO;
	return 0;
}

/* As a union of packed layers shows it. */
static int cat_packed(const struct view_stack *stack, const char *path)
{
	_cleanup_free_ char *error = NULL;
	struct shown s = {.layer = -ENOENT};
	int r = view_explain(stack, path, cat_step, &s, &error);

	if (r == 0)
		r = s.layer;
	if (r >= 0)
		r = view_contents_read(stack, (size_t)s.layer, s.content, cat_piece, NULL, &error);
	free(s.content);
	if (r >= 0)
		return EXIT_FINE;
	return error ? fail("%s", error) : fail("/%s: %s", path, r == -EINVAL ? "not a regular file" : strerror(-r));
}

/* As the union shows it. */
static int cat_shown(const struct view_stack *stack, const char *path)
{
	static const struct tree_walk_calls calls = {.entry = cat_entry, .failed = stack_failed_in};
	int r;

	if (!stack->set)
		return cat_packed(stack, path);
	r = tree_walk(stack->set, path, TREE_WALK_STAT, &calls, stack->set);
	return r < 0 ? fail("/%s: %s", path, r == -EINVAL ? "not a regular file" : strerror(-r)) : EXIT_FINE;
}

static int run_cat(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL;

	if (argc < 1 || argc > 2)
		return usage_error("cat: [STACK] [LAYER:]PATH is wanted");
	stack = stack_of_path_any(argc > 1 ? argv[0] : NULL, argv[argc - 1], &path, &layer);
	if (!stack)
		return EXIT_FAILED;
	if (layer)
		return cat_of_layer(stack, layer, path);
	return stack_follow(stack, &path) == EXIT_FINE ? cat_shown(stack, path) : EXIT_FAILED;
}

const struct verb verb_cat = {.name = "cat",
			      .operands = "[STACK] [@N:]PATH",
			      .help = "Print a file, as the union shows it or as a layer holds it",
			      .more = "Symlinks of the directories on the way are followed within the union; of a "
				      "layer they aren't.",
			      .run = run_cat};
