/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl deref: a layer's directory without redirects and metacopy files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/fs.h"
#include "plyctl.h"
#include "store/deref.h"
#include "unpacked.h"

static const char *layer_text;
static bool yes;
static const struct opt opts[] = {
	{"layer", 'l', "LAYER", "the layer, instead of the topmost one", NULL, &layer_text},
	{"yes", 'y', NULL, "do it; without this it is only told", &yes, NULL},
};

struct deref_plan {
	unsigned redirects, metacopies;
	uint64_t bytes;
	json_t *list; /* owned */
};

static void plan_item(void *arg, char kind, const char *path, uint64_t bytes)
{
	struct deref_plan *plan = arg;
	const char *word = kind == 'R' ? "redirect" : "metacopy";
	char text[SIZE_TEXT];
	json_t *item;

	plan->redirects += kind == 'R';
	plan->metacopies += kind == 'M';
	plan->bytes += bytes;
	if (common.json) {
		item = json_pack("{s:s, s:I}", "kind", word, "size", (json_int_t)bytes);
		json_set_path(item, "path", path);
		json_array_append_new(plan->list, item);
		return;
	}
	printf("%s %7s /", word, size_text(bytes, text));
	print_name(path);
	printf("\n");
}

static void tell_plan(const struct deref_plan *plan, bool done)
{
	char text[SIZE_TEXT];

	if (common.json) {
		json_start("deref");
		json_member("done", json_boolean(done));
		json_member("redirects", json_integer(plan->redirects));
		json_member("metacopies", json_integer(plan->metacopies));
		json_member("size", json_size(plan->bytes));
		json_member("objects", json_incref(plan->list));
		json_end();
		return;
	}
	printf("%s %u renamed directories and %u metacopy files, with %s\n",
	       done ? "made plain:" : "would make plain:", plan->redirects, plan->metacopies,
	       size_text(plan->bytes, text));
	if (!done && (plan->redirects || plan->metacopies))
		printf("plyctl deref --yes does it\n");
}

/* --- unions that use the layer ------------------------------------------------------------------------------------ */

struct layer_users {
	struct statx stx;
	char *user; /* owned; NULL: nobody */
};

static void check_user(struct layer_users *users, const struct view_stack *stack, const char *path)
{
	_cleanup_close_ int fd = path ? os_open_path(path, O_PATH | O_DIRECTORY, 0) : -1;
	struct statx stx;

	if (users->user || fd < 0 || os_statx(fd, "", &stx) < 0)
		return;
	if (stx.stx_ino == users->stx.stx_ino && stx.stx_dev_major == users->stx.stx_dev_major &&
	    stx.stx_dev_minor == users->stx.stx_dev_minor)
		users->user = strdup(stack->name);
}

static int check_live(void *arg, struct view_stack *stack, const char *cause)
{
	struct layer_users *users = arg;

	for (size_t i = 0; stack && i < stack->options.layer_count; i++)
		check_user(users, stack, stack->options.layers[i].path);
	if (stack)
		check_user(users, stack, stack->options.upperdir);
	view_stack_free(stack);
	return 0;
}

/* Nobody may read the layer through a mount meanwhile. */
static int refuse_used(const struct layer *l, const char *dir)
{
	struct layer_users users = {.user = NULL};
	int r = os_statx(l->root_fd, "", &users.stx);

	if (r == 0)
		r = view_each_live(check_live, &users);
	if (r < 0)
		return fail("%s: live unions: %s", dir, strerror(-r));
	if (!users.user)
		return EXIT_FINE;
	r = fail("%s: it is a layer of %s, which is mounted", dir, users.user);
	free(users.user);
	return r;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int deref_layer(const struct view_stack *stack, size_t layer)
{
	const char *dir = stack->options.layers[layer].path;
	_cleanup_free_ char *cause = NULL, *real = realpath(dir, NULL);
	struct deref_plan plan = {.list = json_array()};
	struct image_error error = {.text = "fails"};
	struct layer_set *set = NULL;
	struct deref *deref = NULL;
	int r = view_stack_open_range(stack, layer, stack->options.layer_count - 1, &set, &cause);

	if (r < 0)
		r = fail("%s", cause ? cause : strerror(-r));
	else if (yes && refuse_used(&set->layers[0], dir) != EXIT_FINE)
		r = EXIT_FAILED;
	else if (deref_new(set, plan_item, &plan, &deref, &error) < 0 ||
		 (yes && deref_run(deref, real ? real : dir, &error) < 0))
		r = fail("%s: %s", dir, error.text);
	else
		tell_plan(&plan, yes);
	deref_free(deref);
	if (set)
		layer_set_put(set);
	json_decref(plan.list);
	return r;
}

static int run_deref(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	int layer;

	if (argc != 1)
		return usage_error("deref: one STACK is wanted");
	umask(0);
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	if (!stack_is_here(stack))
		return EXIT_FAILED;
	if (stack->mountpoint)
		return fail("%s: it is mounted: unmount it, and name its layers", argv[0]);
	if (stack->image && stack->image->source == IMAGE_STORE)
		return fail("%s: layers of the store have no redirects and no metacopy files", argv[0]);
	if (stack->image)
		return fail("%s: the store of an engine isn't changed: commit it", argv[0]);
	layer = layer_text ? stack_layer(stack, layer_text) : 0;
	if (layer < 0)
		return EXIT_FAILED;
	if (stack->options.layers[layer].data_only)
		return fail("%s: a data-only layer shows nothing", argv[0]);
	return deref_layer(stack, (size_t)layer);
}

const struct verb verb_deref = {
	.name = "deref",
	.operands = "STACK",
	.help = "Make redirects and metacopy files of a layer plain",
	.more = "STACK is directories, topmost first, of which none is mounted. The topmost one gets "
		"what the others have of its\nrenamed directories and of its files without data. The "
		"union shows the same.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_deref};
