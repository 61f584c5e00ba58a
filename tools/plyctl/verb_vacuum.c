/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl vacuum: an image of the store without what its layers have in vain. It shows the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/unpack.h"
#include "plyctl.h"
#include "store/commit.h"
#include "store/import.h"
#include "store/vacuum.h"
#include "stored.h"

static const char *name;
static bool dry_run;
static const struct opt opts[] = {
	{"name", 'n', "NAME", "the name that the new image gets, instead of the old one's", NULL, &name},
	{"dry-run", 0, NULL, "only tell what is in vain", &dry_run, NULL},
};

/* One layer of the image. */
struct cleaned {
	struct layer_set *set; /* over the layers below; owned; NULL: the layer stays as it is */
	struct vacuum *vacuum; /* owned */
	struct archive_options archive;
	bool dropped;
};

struct cleaning {
	struct view_stack *stack;
	struct store *store;
	struct cleaned *layers; /* lowest first; owned */
	size_t n, at;
	struct commit_layer *kept; /* owned */
	size_t n_kept;
	unsigned whiteouts, opaques, copies, empty;
	uint64_t bytes;
	json_t *removed; /* owned */
};

/* --- looking ------------------------------------------------------------------------------------------------------ */

static const char *kind_name(char kind)
{
	return kind == 'W' ? "whiteout" : kind == 'O' ? "opaque" : kind == 'C' ? "copy" : "layer";
}

static void tell_vain(void *arg, char kind, const char *path)
{
	struct cleaning *c = arg;
	size_t from_top = c->n - 1 - c->at;
	json_t *item;

	if (common.json) {
		item = json_pack("{s:s, s:I, s:s}", "kind", kind_name(kind), "layer", (json_int_t)from_top, "diff_id",
				 c->stack->image->layers[c->at].diff_id);
		json_set_path(item, "path", path);
		json_array_append_new(c->removed, item);
	} else if (dry_run) {
		printf("%-8s @%zu /", kind_name(kind), from_top);
		print_name(path);
		printf("\n");
	}
}

static int open_range(const struct cleaning *c, size_t layers, struct layer_set **ret, struct image_error *error)
{
	_cleanup_free_ char *cause = NULL;
	int r = layers ? view_stack_open_range(c->stack, c->n - layers, c->n - 1, ret, &cause) : 0;

	return r < 0 ? image_fail(error, r, "%s", cause ? cause : strerror(-r)) : 0;
}

static int look_at_layer(struct cleaning *c, struct image_error *error)
{
	struct cleaned *l = &c->layers[c->at];
	const struct vacuum_found *found;
	struct layer_set *below = NULL;
	int r = open_range(c, c->at + 1, &l->set, error);

	if (r == 0)
		r = open_range(c, c->at, &below, error);
	if (r == 0)
		r = vacuum_new(l->set, below, tell_vain, c, &l->vacuum, error);
	if (below)
		layer_set_put(below);
	if (r < 0)
		return r;
	found = vacuum_found(l->vacuum);
	c->whiteouts += found->whiteouts;
	c->opaques += found->opaques;
	c->copies += found->copies;
	c->bytes += found->bytes;
	vacuum_choose(l->vacuum, &l->archive);
	l->archive.unpacked = true;
	if (!found->whiteouts && !found->opaques && !found->copies) {
		layer_set_put(l->set);
		l->set = NULL;
	}
	return 0;
}

/* A root that the tar doesn't list is no part of the layer. */
static bool lists_root(const struct cleaning *c, size_t layer)
{
	const struct layer *l = &c->stack->set->layers[c->n - 1 - layer];
	struct statx stx;

	return layer_statx_unchecked(l, l->root_fd, "", &stx) < 0 || unpack_lists_root(&stx);
}

/* The topmost layer gives the root its attributes. One layer stays. */
static void choose_empty(struct cleaning *c)
{
	bool top = true;

	for (size_t i = c->n; i-- > 0 && c->n - c->empty > 1;) {
		const struct vacuum_found *found = vacuum_found(c->layers[i].vacuum);

		c->layers[i].dropped = found->is_empty && (!top || !found->root_shows || !lists_root(c, i));
		top = top && c->layers[i].dropped;
		c->empty += c->layers[i].dropped;
		c->at = i;
		if (c->layers[i].dropped)
			tell_vain(c, 'L', "");
	}
}

static int look(struct cleaning *c, struct image_error *error)
{
	int r = 0;

	for (c->at = 0; c->at < c->n && r == 0; c->at++)
		r = look_at_layer(c, error);
	if (r == 0)
		choose_empty(c);
	return r;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

/* An entry whose layer goes has none any more. */
static void clean_history(const struct cleaning *c, json_t *history)
{
	size_t i, layer = 0;
	json_t *item;

	json_array_foreach(history, i, item)
	{
		if (json_is_true(json_object_get(item, "empty_layer")))
			continue;
		if (layer < c->n && c->layers[layer].dropped)
			json_object_set_new(item, "empty_layer", json_true());
		layer++;
	}
}

static int clean_config(const struct cleaning *c, char **ret, struct image_error *error)
{
	json_auto_t *config = json_loads(c->stack->image->config, 0, NULL);
	json_t *rootfs = json_object_get(config, "rootfs"), *history = json_object_get(config, "history");
	char now[STORE_TIME_SIZE];

	if (!rootfs)
		return image_fail(error, -EBADMSG, "its config is damaged");
	store_time_now(now);
	json_object_set_new(rootfs, "diff_ids", json_array());
	clean_history(c, history);
	if (history)
		json_array_append_new(history, json_pack("{s:s, s:s, s:b}", "created", now, "created_by",
							 "plyctl vacuum", "empty_layer", 1));
	*ret = json_dumps(config, JSON_COMPACT);
	return *ret ? 0 : image_fail_memory(error);
}

static int clean(struct cleaning *c, char id[static DIGEST_SIZE], struct image_error *error)
{
	_cleanup_free_ char *config = NULL;
	struct store_commit commit = {.name = name, .manifest = c->stack->image->manifest};
	int r = clean_config(c, &config, error);

	c->kept = calloc(c->n + 1, sizeof(*c->kept));
	if (!c->kept)
		return image_fail_memory(error);
	for (size_t i = 0; i < c->n; i++) {
		struct cleaned *l = &c->layers[i];

		if (l->dropped)
			continue;
		c->kept[c->n_kept++] = l->set ? (struct commit_layer){.set = l->set, .archive = &l->archive}
					      : (struct commit_layer){.diff_id = c->stack->image->layers[i].diff_id,
								      .image = c->stack->image,
								      .image_layer = i};
	}
	commit.layers = c->kept;
	commit.n_layers = c->n_kept;
	commit.config = config;
	return r < 0 ? r : store_commit(c->store, &commit, id, error);
}

static bool has_found(const struct cleaning *c)
{
	return c->whiteouts || c->opaques || c->copies || c->empty;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static uint64_t tars_of(const struct image *image)
{
	uint64_t bytes = 0;

	for (size_t i = 0; image && i < image->n_layers; i++)
		bytes += (uint64_t)MAX(image->layers[i].tar, (int64_t)0);
	return bytes;
}

static void tell_clean_json(const struct cleaning *c, const struct image *new)
{
	const struct image *old = c->stack->image;

	json_start("vacuum");
	json_member("id", new ? json_string(new->id) : json_null());
	json_member("name", new ? json_text(name) : json_null());
	json_member("whiteouts", json_integer(c->whiteouts));
	json_member("opaques", json_integer(c->opaques));
	json_member("copies", json_integer(c->copies));
	json_member("copies_size", json_size(c->bytes));
	json_member("empty_layers", json_integer(c->empty));
	json_member("layers_before", json_integer((json_int_t)c->n));
	json_member("layers", json_integer((json_int_t)(c->n - c->empty)));
	json_member("size_before", json_size(tars_of(old)));
	json_member("size", new ? json_size(tars_of(new)) : json_null());
	json_member("removed", json_incref(c->removed));
	json_end();
}

/* `id` NULL: no image was made. */
static void tell_clean(const struct cleaning *c, const char *id)
{
	_cleanup_(image_cleanup) struct image *new = NULL;
	char copies[SIZE_TEXT], before[SIZE_TEXT], after[SIZE_TEXT];

	if (id && image_open_in(IMAGE_STORE, store_path(c->store), id, &new, NULL) < 0)
		return;
	if (common.json) {
		tell_clean_json(c, new);
		return;
	}
	fprintf(stderr, "plyctl: in vain: %u whiteouts, %u opaque markers, %u copies with %s, %u empty layers\n",
		c->whiteouts, c->opaques, c->copies, size_text(c->bytes, copies), c->empty);
	if (!new)
		return;
	fprintf(stderr, "plyctl: %zu layers of %s became %zu layers of %s\n", c->n,
		size_text(tars_of(c->stack->image), before), new->n_layers, size_text(tars_of(new), after));
	printf("%s\n", new->id);
}

static int vacuum_stack(struct cleaning *c, struct image_error *error)
{
	char id[DIGEST_SIZE];
	int r = store_open(c->stack->image->path, false, &c->store, error);

	if (r == 0)
		r = store_lock(c->store, false, error);
	if (r < 0)
		return r;
	if (!dry_run && !(name = store_new_name(c->store, store_operand(c->stack->name), name, error)))
		return -EINVAL;
	c->n = c->stack->image->n_layers;
	c->layers = calloc(c->n + 1, sizeof(*c->layers));
	if (!c->layers)
		return image_fail_memory(error);
	for (size_t i = 0; i < c->n && r == 0; i++)
		r = archive_options_of_environment(&c->layers[i].archive, error);
	if (r == 0)
		r = look(c, error);
	if (r < 0)
		return r;
	if (dry_run || !has_found(c)) {
		tell_clean(c, NULL);
		return 0;
	}
	r = clean(c, id, error);
	if (r == 0)
		tell_clean(c, id);
	return r;
}

static void cleaning_finish(struct cleaning *c)
{
	for (size_t i = 0; c->layers && i < c->n; i++) {
		vacuum_free(c->layers[i].vacuum);
		if (c->layers[i].set)
			layer_set_put(c->layers[i].set);
	}
	free(c->layers);
	free(c->kept);
	json_decref(c->removed);
	store_cleanup(&c->store);
}

static int run_vacuum(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *held = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	struct image_error error = {.text = "fails"};
	struct cleaning c = {.n = 0};
	int r;

	if (argc != 1)
		return usage_error("vacuum: one IMAGE is wanted");
	umask(0);
	held = store_hold();
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	if (!stack->image || stack->image->source != IMAGE_STORE)
		return fail("%s: no image of the store: import or commit it first", argv[0]);
	c.stack = stack;
	c.removed = json_array();
	r = vacuum_stack(&c, &error);
	cleaning_finish(&c);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : EXIT_FINE;
}

const struct verb verb_vacuum = {
	.name = "vacuum",
	.operands = "IMAGE",
	.help = "Remove from layers what changes nothing",
	.more = "A new image has no whiteouts that hide nothing, no copies of what is below, and "
		"no empty layers. It shows the\nsame. The name goes to it. Layers without such "
		"things keep their digests.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_vacuum};
