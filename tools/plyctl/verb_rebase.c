/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl rebase: the layers of an image above its base, over another base.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plyctl.h"
#include "store/commit.h"
#include "store/conflict.h"
#include "store/import.h"
#include "stored.h"

#define BASE_DIGEST "org.opencontainers.image.base.digest"
#define BASE_NAME "org.opencontainers.image.base.name"

static const char *name, *from, *onto;
static bool force;
static const struct opt opts[] = {
	{"from", 0, "OLDBASE", "the image that the layers lie on now", NULL, &from},
	{"onto", 0, "NEWBASE", "the image that they shall lie on", NULL, &onto},
	{"name", 'n', "NAME", "the name that the new image gets, instead of the old one's", NULL, &name},
	{"force", 0, NULL, "make the image although both have changed something", &force, NULL},
};

struct rebasing {
	struct view_stack *stack, *old, *new;
	struct store *store;
	size_t n_base, n_own; /* layers of the old base, and above it */
	struct archive_options archive;
	struct commit_layer *layers; /* lowest first; owned */
	size_t n_layers;
	struct layer_set **sets; /* of layers that are written anew; owned */
	size_t n_sets;
	unsigned n_conflicts;
	json_t *conflicts, *whiteouts, *whole; /* owned */
};

/* --- checking ----------------------------------------------------------------------------------------------------- */

static int check_base(struct rebasing *b, struct image_error *error)
{
	const struct image *image = b->stack->image, *old = b->old->image, *new = b->new->image;

	b->n_base = old->n_layers;
	for (size_t i = 0; i < b->n_base; i++)
		if (i >= image->n_layers || !old->layers[i].diff_id ||
		    strcmp(image->layers[i].diff_id, old->layers[i].diff_id) != 0)
			return image_fail(error, -EINVAL, "it doesn't begin with the layers of %s", from);
	b->n_own = image->n_layers - b->n_base;
	if (!b->n_own)
		return image_fail(error, -EINVAL, "it has no layer above %s", from);
	if (!b->n_base || !new->n_layers)
		return image_fail(error, -EINVAL, "%s has no layer", b->n_base ? onto : from);
	if (!force &&
	    (strcmp(image->os ? image->os : "", new->os ? new->os : "") != 0 ||
	     strcmp(image->architecture ? image->architecture : "", new->architecture ? new->architecture : "") != 0))
		return image_fail(error, -EINVAL, "its platform is %s/%s, that of %s is %s/%s", image->os,
				  image->architecture, onto, new->os, new->architecture);
	return 0;
}

static const char *conflict_text(enum conflict_kind kind)
{
	static const char *const texts[] = {
		[CONFLICT_ADDED] = "added",
		[CONFLICT_CHANGED] = "changed",
		[CONFLICT_DELETED] = "deleted",
		[CONFLICT_TYPE] = "type",
	};

	return texts[kind];
}

static void tell_conflict(void *arg, enum conflict_kind kind, const char *path)
{
	struct rebasing *b = arg;
	bool nothing = kind == CONFLICT_NOTHING;
	json_t *item;

	b->n_conflicts += !nothing;
	if (common.json) {
		item = json_object();
		json_set_path(item, "path", path);
		if (!nothing)
			json_object_set_new(item, "base", json_string(conflict_text(kind)));
		json_array_append_new(nothing ? b->whiteouts : b->conflicts, item);
		return;
	}
	printf("%-8s /", nothing ? "nothing" : conflict_text(kind));
	print_name(path);
	printf("\n");
}

static int find_conflicts(struct rebasing *b, struct image_error *error)
{
	_cleanup_free_ char *cause = NULL;
	struct layer_set *old = NULL;
	size_t n = b->stack->image->n_layers;
	int r = view_stack_open_range(b->stack, b->n_own, n - 1, &old, &cause);

	if (r < 0)
		return image_fail(error, r, "%s", cause ? cause : strerror(-r));
	r = store_find_conflicts(b->stack->set, (unsigned)b->n_own, old, b->new->set, tell_conflict, b, error);
	layer_set_put(old);
	return r;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* Hard links into the old base become files. */
static int make_whole(struct rebasing *b, size_t layer, struct commit_layer *ret, struct image_error *error)
{
	const struct image *image = b->stack->image;
	_cleanup_free_ char *cause = NULL;
	int r = view_stack_open_range(b->stack, image->n_layers - 1 - layer, image->n_layers - 1, &ret->set, &cause);

	if (r < 0)
		return image_fail(error, r, "%s", cause ? cause : strerror(-r));
	b->sets[b->n_sets++] = ret->set;
	ret->archive = &b->archive;
	json_array_append_new(b->whole, json_string(image->layers[layer].diff_id));
	if (!common.json)
		fprintf(stderr, "plyctl: %s has hard links to layers below: it is written anew\n",
			image->layers[layer].diff_id);
	return 0;
}

static int rebase_layers(struct rebasing *b, struct image_error *error)
{
	const struct image *image = b->stack->image, *new = b->new->image;
	int r = 0;

	b->n_layers = new->n_layers + b->n_own;
	b->layers = calloc(b->n_layers, sizeof(*b->layers));
	b->sets = calloc(b->n_own, sizeof(*b->sets));
	if (!b->layers || !b->sets)
		return image_fail_memory(error);
	for (size_t i = 0; i < new->n_layers; i++)
		b->layers[i] = (struct commit_layer){.diff_id = new->layers[i].diff_id, .image = new, .image_layer = i};
	for (size_t i = 0; i < b->n_own && r == 0; i++) {
		struct commit_layer *l = &b->layers[new->n_layers + i];
		size_t of = b->n_base + i;

		if (store_layer_rests(b->store, image->layers[of].diff_id))
			r = make_whole(b, of, l, error);
		else
			*l = (struct commit_layer){
				.diff_id = image->layers[of].diff_id, .image = image, .image_layer = of};
	}
	return r;
}

/* --- config ------------------------------------------------------------------------------------------------------- */

static json_t *history_of(const struct image *image)
{
	json_auto_t *config = json_loads(image->config, 0, NULL);
	const json_t *list = json_object_get(config, "history");

	return json_is_array(list) ? json_deep_copy(list) : json_array();
}

static bool has_layer(const json_t *entry)
{
	return !json_is_true(json_object_get(entry, "empty_layer"));
}

/* How many entries of the history are the old base's: all of it, or those up to its last layer. */
static size_t base_entries(const struct rebasing *b, const json_t *history)
{
	json_t *old = history_of(b->old->image), *entry;
	size_t n = json_array_size(old), i, layers = 0, upto = 0;

	json_array_foreach((json_t *)history, i, entry)
	{
		if (layers < b->n_base && has_layer(entry) && ++layers == b->n_base)
			upto = i + 1;
		if (i < n && !json_equal(entry, json_array_get(old, i)))
			n = 0;
	}
	json_decref(old);
	return n && n <= json_array_size(history) ? n : upto;
}

/* The new base's, which has an entry for each layer then, and behind it the image's own. */
static json_t *rebase_history(const struct rebasing *b)
{
	json_auto_t *own = history_of(b->stack->image);
	json_t *history = history_of(b->new->image), *entry;
	size_t i, layers = 0;

	json_array_foreach(history, i, entry) layers += has_layer(entry);
	for (; layers < b->new->image->n_layers; layers++)
		json_array_append_new(history, json_pack("{s:s}", "created_by", ""));
	for (i = base_entries(b, own); i < json_array_size(own); i++)
		json_array_append(history, json_array_get(own, i));
	return history;
}

static int rebase_config(const struct rebasing *b, char **ret, struct image_error *error)
{
	json_auto_t *config = json_loads(b->stack->image->config, 0, NULL);
	json_t *rootfs = json_object_get(config, "rootfs");

	if (!rootfs)
		return image_fail(error, -EBADMSG, "its config is damaged");
	json_object_set_new(rootfs, "diff_ids", json_array());
	json_object_set_new(config, "history", rebase_history(b));
	*ret = json_dumps(config, JSON_COMPACT);
	return *ret ? 0 : image_fail_memory(error);
}

/* Annotations that tell the base tell the new one. NULL: neither image has a manifest. */
static char *rebase_manifest(const struct rebasing *b)
{
	const struct image *image = b->stack->image, *new = b->new->image;
	json_auto_t *manifest = image->manifest ? json_loads(image->manifest, 0, NULL) : json_object();
	json_t *notes = json_object_get(manifest, "annotations");

	if (!image->manifest && !new->manifest)
		return NULL;
	if (json_object_get(notes, BASE_DIGEST))
		json_object_set_new(notes, BASE_DIGEST,
				    json_string(new->manifest_digest ? new->manifest_digest : new->id));
	if (json_object_get(notes, BASE_NAME) && new->n_names)
		json_object_set_new(notes, BASE_NAME, json_string(new->names[0]));
	return json_dumps(manifest, JSON_COMPACT);
}

static int rebase_commit(struct rebasing *b, char id[static DIGEST_SIZE], struct image_error *error)
{
	_cleanup_free_ char *config = NULL, *manifest = rebase_manifest(b);
	struct store_commit commit = {.manifest = manifest, .name = name};
	int r = archive_options_of_environment(&b->archive, error);

	b->archive.unpacked = true;
	if (r == 0)
		r = rebase_layers(b, error);
	if (r == 0)
		r = rebase_config(b, &config, error);
	if (r < 0)
		return r;
	commit.layers = b->layers;
	commit.n_layers = b->n_layers;
	commit.config = config;
	return store_commit(b->store, &commit, id, error);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* `id` NULL: no image was made. */
static void tell_rebased(const struct rebasing *b, const char *id)
{
	if (!common.json) {
		if (id)
			printf("%s\n", id);
		else
			fail("%s: both have changed something, so nothing was made: see --force", b->stack->name);
		return;
	}
	json_start("rebase");
	json_member("id", id ? json_string(id) : json_null());
	json_member("name", id ? json_text(name) : json_null());
	json_member("conflicts", json_incref(b->conflicts));
	json_member("whiteouts", json_incref(b->whiteouts));
	json_member("whole", json_incref(b->whole));
	json_end();
}

/* 0, EXIT_FOUND, or -errno. */
static int rebase(struct rebasing *b, struct image_error *error)
{
	char id[DIGEST_SIZE];
	int r = store_open(b->stack->image->path, false, &b->store, error);

	if (r == 0)
		r = store_lock(b->store, false, error);
	if (r < 0)
		return r;
	name = store_new_name(b->store, store_operand(b->stack->name), name, error);
	r = name ? check_base(b, error) : -EINVAL;
	if (r == 0)
		r = find_conflicts(b, error);
	if (r < 0)
		return r;
	if (b->n_conflicts && !force) {
		tell_rebased(b, NULL);
		return EXIT_FOUND;
	}
	r = rebase_commit(b, id, error);
	if (r == 0)
		tell_rebased(b, id);
	return r;
}

static void rebasing_finish(struct rebasing *b)
{
	for (size_t i = 0; i < b->n_sets; i++)
		layer_set_put(b->sets[i]);
	free(b->sets);
	free(b->layers);
	json_decref(b->conflicts);
	json_decref(b->whiteouts);
	json_decref(b->whole);
	view_stack_free(b->old);
	view_stack_free(b->new);
	store_cleanup(&b->store);
}

/* An image, or NULL after one line. `stored`: of the store. `looks`: its layers are directories. */
static struct view_stack *open_image(const char *operand, bool stored, bool looks)
{
	_cleanup_stack_ struct view_stack *stack = looks ? stack_open(operand) : stack_open_any(operand);

	if (!stack)
		return NULL;
	if (stack->image && !stack->image->container && (!stored || stack->image->source == IMAGE_STORE))
		return TAKE_PTR(stack);
	fail("%s: no image%s", operand, stored ? " of the store: import or commit it first" : "");
	return NULL;
}

static int run_rebase(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *held = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	struct image_error error = {.text = "fails"};
	struct rebasing b = {.n_base = 0};
	int r = EXIT_FAILED;

	if (argc != 1 || !from || !onto)
		return usage_error("rebase: one IMAGE, --from and --onto are wanted");
	umask(0);
	held = store_hold();
	stack = open_image(argv[0], true, true);
	b.stack = stack;
	b.old = stack ? open_image(from, false, false) : NULL;
	b.new = b.old ? open_image(onto, false, true) : NULL;
	b.conflicts = json_array();
	b.whiteouts = json_array();
	b.whole = json_array();
	if (b.new)
		r = rebase(&b, &error);
	rebasing_finish(&b);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : r;
}

const struct verb verb_rebase = {
	.name = "rebase",
	.operands = "IMAGE",
	.help = "Put the layers of an image on another base",
	.more = "Paths that both the layers and the new base have changed are told, and nothing is "
		"made then (exit status 3)\nwithout --force. The layers keep their digests. The "
		"settings are those of IMAGE.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_rebase};
