/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl gc: removes what nothing in the store needs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/error.h"
#include "os/fs.h"
#include "plyctl.h"
#include "store/store.h"

static bool yes;
static const struct opt opts[] = {
	{"yes", 'y', NULL, "remove it; without this it is only told", &yes, NULL},
};

/* The directories that are layers of live unions. */
struct live_layers {
	struct statx *list; /* owned */
	size_t n;
	char *unknown; /* why the layers of a union aren't known; owned; NULL: all are */
};

/* Any layer may be one of such a union. */
static void keep_unknown(struct live_layers *all, const char *union_name, const char *cause)
{
	if (!all->unknown && asprintf(&all->unknown, "%s%s%s", union_name, *union_name ? ": " : "", cause) < 0)
		abort();
}

static int add_live(void *arg, struct view_stack *stack, const char *cause)
{
	struct live_layers *all = arg;

	if (!stack)
		keep_unknown(all, "", cause);
	for (size_t i = 0; stack && i < stack->options.layer_count; i++) {
		struct statx *grown = reallocarray(all->list, all->n + 1, sizeof(*grown));
		const char *path = stack->options.layers[i].path;
		_cleanup_close_ int fd = -1;

		if (!grown)
			abort();
		all->list = grown;
		/* The kernel tells the path as it was given, and not where it began. */
		if (*path != '/')
			keep_unknown(all, stack->name, "its layers have relative paths");
		fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
		if (fd >= 0 && os_statx(fd, "", &all->list[all->n]) == 0)
			all->n++;
		else if (fd != -ENOENT)
			keep_unknown(all, stack->name, "a layer can't be opened");
	}
	if (stack)
		view_stack_free(stack);
	return 0;
}

static bool is_live(void *arg, const char *dir)
{
	const struct live_layers *all = arg;
	_cleanup_close_ int fd = os_open_path(dir, O_PATH | O_DIRECTORY, 0);
	struct statx stx;

	if (fd < 0 || os_statx(fd, "", &stx) < 0)
		return fd != -ENOENT;
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].stx_ino == stx.stx_ino && all->list[i].stx_dev_major == stx.stx_dev_major &&
		    all->list[i].stx_dev_minor == stx.stx_dev_minor)
			return true;
	return false;
}

static void tell(const struct store_collected *c)
{
	char text[SIZE_TEXT];

	if (common.json) {
		json_start("gc");
		json_member("removed", json_boolean(yes));
		json_member("images", json_integer(c->images));
		json_member("layers", json_integer(c->layers));
		json_member("bytes", json_size(c->bytes));
		json_end();
		return;
	}
	printf("%s%u images, %u layers, %s\n", yes ? "removed " : "would remove ", c->images, c->layers,
	       size_text(c->bytes, text));
	if (!yes && (c->images || c->layers))
		printf("plyctl gc --yes removes them\n");
}

static int run_gc(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct image_error error = {.text = "fails"};
	struct store_collected collected = {.images = 0};
	struct live_layers live = {.n = 0};
	int r;

	if (argc != 0)
		return usage_error("gc: no operand is wanted");
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, true, &error);
	if (r == 0) {
		r = view_each_live(add_live, &live);
		if (r < 0)
			image_fail(&error, r, "live unions: %s", strerror(-r));
	}
	/* A line says why, and the numbers are 0. */
	if (r == 0 && live.unknown)
		(void)fail("gc: nothing is removed: the layers of a live union aren't known: %s", live.unknown);
	else if (r == 0)
		r = store_collect(store, !yes, is_live, &live, &collected, &error);
	free(live.list);
	free(live.unknown);
	if (r < 0)
		return fail("gc: %s", error.text);
	tell(&collected);
	return EXIT_FINE;
}

const struct verb verb_gc = {.name = "gc",
			     .operands = "",
			     .help = "Remove images without a name, and layers that nothing needs",
			     .more = "Layers of live unions and of uppers of the store stay.",
			     .opts = opts,
			     .n_opts = ARRAY_SIZE(opts),
			     .makes = true,
			     .run = run_gc};
