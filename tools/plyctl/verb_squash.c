/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl squash: neighbouring layers of an image become one, and the layers below and above stay the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/error.h"
#include "plyctl.h"
#include "progress.h"
#include "store/commit.h"
#include "stored.h"

static const char *name;
static const struct opt opts[] = {
	{"name", 'n', "NAME", "the name that the new image gets in the store", NULL, &name},
};

struct squashing {
	struct view_stack *stack;
	struct store *store;
	size_t first, last; /* of the range, counted from the lowest layer */
	struct layer_set *set;
	struct commit_layer *layers; /* of the new image, lowest first; owned */
	size_t n;
	json_t *config; /* owned */
};

/* An end of a range. Up to three digits are no id, so the @ of a number may be left out. */
static int range_end(const struct view_stack *stack, const char *text)
{
	char numbered[8];
	size_t n = strspn(text, "0123456789");

	if (!n || n > 3 || text[n])
		return stack_layer(stack, text);
	(void)snprintf(numbered, sizeof(numbered), "@%s", text);
	return stack_layer(stack, numbered);
}

/* FROM..TO, in any order. */
static int parse_range(struct squashing *s, const char *text)
{
	const char *dots = strstr(text, "..");
	_cleanup_free_ char *from = dots ? strndup(text, (size_t)(dots - text)) : NULL;
	size_t count = view_layer_count(s->stack);
	int a, b;

	if (!dots)
		return usage_error("squash: %s: no range FROM..TO", text);
	a = range_end(s->stack, from);
	b = a < 0 ? a : range_end(s->stack, dots + 2);
	if (b < 0)
		return EXIT_FAILED;
	s->first = count - 1 - (size_t)MAX(a, b);
	s->last = count - 1 - (size_t)MIN(a, b);
	return s->first == s->last ? usage_error("squash: %s: a range of one layer", text) : EXIT_FINE;
}

/* The entries of the range become one, in the place of the topmost. Entries without a layer stay. */
static json_t *squash_history(const struct squashing *s, const json_t *old)
{
	json_t *list = json_array(), *item, *new;
	_cleanup_free_ char *comment = NULL;
	size_t i, layer = 0;

	if (asprintf(&comment, "%zu layers in one", s->last - s->first + 1) < 0)
		return list;
	json_array_foreach((json_t *)old, i, item)
	{
		bool empty = json_is_true(json_object_get(item, "empty_layer"));
		size_t at = layer;

		layer += !empty;
		if (empty || at < s->first || at > s->last) {
			json_array_append(list, item);
		} else if (at == s->last) {
			new = json_pack("{s:s, s:s}", "created_by", "plyctl squash", "comment", comment);
			if (json_object_get(item, "created"))
				json_object_set(new, "created", json_object_get(item, "created"));
			json_array_append_new(list, new);
		}
	}
	return list;
}

/* The config without layers, which the commit appends. */
static int squash_config(struct squashing *s, struct image_error *error)
{
	json_t *rootfs, *history;

	s->config = json_loads(s->stack->image->config, 0, NULL);
	rootfs = json_object_get(s->config, "rootfs");
	if (!rootfs)
		return image_fail(error, -EBADMSG, "its config is damaged");
	json_object_set_new(rootfs, "diff_ids", json_array());
	history = json_object_get(s->config, "history");
	json_object_set_new(s->config, "history", squash_history(s, history));
	return 0;
}

static int squash_layers(struct squashing *s, struct image_error *error)
{
	const struct image *image = s->stack->image;
	size_t count = image->n_layers, merged = s->last - s->first;
	_cleanup_free_ char *cause = NULL;
	int r = view_stack_open_range(s->stack, count - 1 - s->last, count - 1, &s->set, &cause);

	if (r < 0)
		return image_fail(error, r, "%s", cause ? cause : strerror(-r));
	s->n = count - merged;
	s->layers = calloc(s->n, sizeof(*s->layers));
	if (!s->layers)
		return image_fail_memory(error);
	for (size_t i = 0; i < s->n; i++) {
		size_t from = i <= s->first ? i : i + merged;

		if (i == s->first)
			s->layers[i] = (struct commit_layer){.set = s->set, .merges = (unsigned)merged + 1};
		else
			s->layers[i] = (struct commit_layer){
				.diff_id = image->layers[from].diff_id, .image = image, .image_layer = from};
	}
	return 0;
}

/* Other images of the store that have the whole range lose what they share. */
static int tell_shared(void *arg, const struct image_listed *item)
{
	const struct squashing *s = arg;
	const struct image *image = s->stack->image;
	_cleanup_(image_cleanup) struct image *other = NULL;

	if (!strcmp(item->id, image->id) ||
	    image_open_in(IMAGE_STORE, store_path(s->store), item->id, &other, NULL) < 0)
		return 0;
	for (size_t i = 0; i < other->n_layers; i++)
		for (size_t k = s->first; k <= s->last; k++)
			if (other->layers[i].diff_id && !strcmp(other->layers[i].diff_id, image->layers[k].diff_id)) {
				fprintf(stderr, "plyctl: no layer of the range is shared with %s any more\n",
					item->name ? item->name : item->id);
				return 0;
			}
	return 0;
}

static int64_t bytes_of(const struct image *image)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < image->n_layers; i++)
		bytes += MAX(image->layers[i].tar, (int64_t)0);
	return bytes;
}

static void tell_result(const struct squashing *s, const char *id)
{
	_cleanup_(image_cleanup) struct image *new = NULL;
	const struct image *old = s->stack->image;
	char before[SIZE_TEXT], after[SIZE_TEXT];
	struct image_error error;

	if (image_open_in(IMAGE_STORE, store_path(s->store), id, &new, &error) < 0)
		return;
	if (common.json) {
		json_start("squash");
		json_member("id", json_string(id));
		json_member("name", name ? json_text(name) : json_null());
		json_member("layers_before", json_integer((json_int_t)old->n_layers));
		json_member("layers", json_integer((json_int_t) new->n_layers));
		json_member("size_before", json_size((uint64_t)bytes_of(old)));
		json_member("size", json_size((uint64_t)bytes_of(new)));
		json_end();
		return;
	}
	fprintf(stderr, "plyctl: %zu layers of %s became %zu layers of %s\n", old->n_layers,
		size_text((uint64_t)bytes_of(old), before), new->n_layers, size_text((uint64_t)bytes_of(new), after));
	(void)image_list(IMAGE_STORE, store_path(s->store), tell_shared, (void *)s, &error);
	printf("%s\n", id);
}

static int squash(struct squashing *s, char id[static DIGEST_SIZE], struct image_error *error)
{
	struct archive_options archive;
	struct store_commit commit = {.archive = &archive, .name = name};
	_cleanup_free_ char *config = NULL;
	int r = store_open(NULL, true, &s->store, error);

	if (r == 0)
		r = store_lock(s->store, false, error);
	if (r == 0)
		r = archive_options_of_environment(&archive, error);
	if (r == 0)
		archive_options_of_set(&archive, s->stack->set);
	if (r == 0)
		r = squash_config(s, error);
	if (r == 0)
		r = squash_layers(s, error);
	if (r < 0)
		return r;
	config = json_dumps(s->config, JSON_COMPACT);
	if (!config)
		return image_fail_memory(error);
	commit.layers = s->layers;
	commit.n_layers = s->n;
	commit.config = config;
	commit.manifest = s->stack->image->manifest;
	progress_expect_layers(s->stack, s->stack->image->n_layers - 1 - s->last,
			       s->stack->image->n_layers - 1 - s->first, PROGRESS_OBJECTS | PROGRESS_BYTES, 1);
	progress_start("squash");
	r = store_commit(s->store, &commit, id, error);
	progress_end();
	return r;
}

static int run_squash(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *held = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	struct image_error error = {.text = "fails"};
	struct squashing s = {.n = 0};
	char id[DIGEST_SIZE];
	int status, r;

	if (argc != 2)
		return usage_error("squash: STACK FROM..TO are wanted");
	umask(0);
	held = store_hold();
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	if (!stack->image || stack->image->container || !stack->set)
		return fail("%s: no image with unpacked layers: import or commit it first", argv[0]);
	s.stack = stack;
	status = parse_range(&s, argv[1]);
	if (status != EXIT_FINE)
		return status;
	r = squash(&s, id, &error);
	if (r == 0)
		tell_result(&s, id);
	if (s.set)
		layer_set_put(s.set);
	free(s.layers);
	json_decref(s.config);
	store_cleanup(&s.store);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : EXIT_FINE;
}

const struct verb verb_squash = {.name = "squash",
				 .operands = "STACK FROM..TO",
				 .help = "Make one layer of neighbouring layers",
				 .more = "FROM and TO are layers of the image. The layers below and above stay the "
					 "same, and shared. Whiteouts stay that "
					 "hide something\nbelow the range.",
				 .opts = opts,
				 .n_opts = ARRAY_SIZE(opts),
				 .makes = true,
				 .run = run_squash};
