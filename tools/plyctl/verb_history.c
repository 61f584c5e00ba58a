/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl history: the layers of a stack, newest first. Of an image it is the history of its config, with the entries
 * that made no layer.
 */
#include "ids.h"
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "view/sharing.h"
#include "view/size.h"

static bool wants_ids;
static const struct opt opts[] = {
	{"ids", 0, NULL, "compute the ids of directories, as those of images' layers are", &wants_ids, NULL},
};
static const struct column columns[] = {{.name = "ID"},
					{.name = "PARENT"},
					{.name = "CREATED"},
					{.name = "SIZE", .right = true},
					{.name = "SHARED BY", .right = true},
					{.name = "CREATED BY", .may_be_cut = true},
					{.name = "DIR", .may_be_cut = true}};

struct history {
	const struct view_stack *stack;
	uint64_t *sizes;  /* owned; by layer */
	unsigned *shared; /* owned; by layer */
	/* owned; by layer: diff_ids that were computed, else empty */
	char (*diff_ids)[DIGEST_SIZE];
	size_t n;
};

/* One line: a layer, or an entry without one. */
struct entry {
	const struct view_layer_facts *facts; /* NULL: no layer */
	const struct image_history *step;     /* NULL: not of an image, or the layer of a container */
	const char *id, *parent, *diff_id;    /* NULL: none */
	uint64_t size;
	unsigned shared;
};

typedef void (*history_each)(void *arg, const struct entry *e);

static const char *id_of_layer(const struct history *h, size_t layer)
{
	const char *computed = h->diff_ids[layer];

	return *computed ? strchr(computed, ':') + 1 : view_layer_facts(h->stack, layer)->id;
}

static struct entry entry_of_layer(const struct history *h, size_t layer)
{
	const struct view_layer_facts *f = view_layer_facts(h->stack, layer);

	return (struct entry){.facts = f,
			      .id = id_of_layer(h, layer),
			      .parent = f->parent ? id_of_layer(h, layer + 1) : NULL,
			      .diff_id = *h->diff_ids[layer] ? h->diff_ids[layer] : f->diff_id,
			      .size = h->sizes[layer],
			      .shared = h->shared[layer]};
}

static void history_go_through(const struct history *h, history_each each, void *arg)
{
	const struct image *image = h->stack->image;
	size_t told = 0;

	/* Layers that are no image's come first: of a container, and that of docker below it. */
	for (; told < h->n && (!image || !view_layer_facts(h->stack, told)->diff_id); told++) {
		struct entry e = entry_of_layer(h, told);

		each(arg, &e);
	}
	for (size_t i = image ? image->n_history : 0; i-- > 0;) {
		const struct image_history *step = &image->history[i];
		struct entry e = {.facts = NULL};

		if (!step->empty)
			e = entry_of_layer(h, h->n - 1 - (size_t)step->layer);
		e.step = step;
		each(arg, &e);
	}
}

static void history_json(void *arg, const struct entry *e)
{
	const struct view_layer_facts *f = e->facts;
	const struct image_history *step = e->step;
	json_t *item = json_object();
	char created[VIEW_TIME_SIZE] = "";

	if (step && step->created)
		view_time_utc(step->created, created);
	json_object_set_new(item, "id", json_text_or_null(e->id));
	json_object_set_new(item, "parent", json_text_or_null(e->parent));
	json_object_set_new(item, "diff_id", json_text_or_null(e->diff_id));
	json_object_set_new(item, "created", json_text_or_null(*created ? created : f ? f->created : NULL));
	json_object_set_new(item, "created_by", json_text_or_null(step ? step->created_by : f ? f->created_by : NULL));
	json_object_set_new(item, "comment", json_text_or_null(step ? step->comment : NULL));
	json_object_set_new(item, "author", json_text_or_null(step ? step->author : NULL));
	json_object_set_new(item, "size", json_size(e->size));
	json_object_set_new(item, "shared_by", json_integer(e->shared));
	if (f && f->directory)
		json_set_path(item, "directory", f->directory);
	else
		json_object_set_new(item, "directory", json_null());
	json_object_set_new(item, "empty", json_boolean(!f));
	json_list_item(item);
}

/* Without the fraction of the second. */
static void short_time(const char *time, char ret[VIEW_TIME_SIZE])
{
	char *dot;

	view_time_utc(time && *time ? time : "-", ret);
	dot = common.no_trunc ? NULL : strchr(ret, '.');
	if (dot)
		strcpy(dot, "Z");
}

static void history_row(void *arg, const struct entry *e)
{
	const struct view_layer_facts *f = e->facts;
	const struct image_history *step = e->step;
	const char *by = step ? step->created_by : f ? f->created_by : NULL;
	char size[SIZE_TEXT], created[VIEW_TIME_SIZE], shared[16], id[80], parent[80];
	int digits = common.no_trunc ? 64 : SHORT_ID;

	if (common.quiet && !f)
		return;
	snprintf(id, sizeof(id), "%.*s", digits, e->id ? e->id : "-");
	snprintf(parent, sizeof(parent), "%.*s", digits, e->parent ? e->parent : "-");
	snprintf(shared, sizeof(shared), "%u", e->shared);
	short_time(step && step->created ? step->created : f ? f->created : NULL, created);
	table_add(arg, (const char *[]){id, parent, created, size_text(e->size, size), f ? shared : "-", by ? by : "-",
					f && f->directory ? f->directory : "-"});
}

/* Bytes of a layer: of an image those of its tar, as its engine prints them, else those on disk. */
static int history_measure_layer(struct history *h, size_t layer, char **ret_error)
{
	const struct view_stack *stack = h->stack;
	const struct view_layer_facts *f = view_layer_facts(stack, layer);
	struct image_error error = {.text = ""};
	struct view_layer_size size;
	int64_t tar = f->tar;
	int r = 0;

	if (stack->set && tar < 0) {
		r = view_layer_measure(stack->set, &stack->set->layers[layer], stack_failed_layer, NULL, &size);
		h->sizes[layer] = r == 0 ? size.allocated : 0;
		return r;
	}
	if (tar < 0) {
		r = image_layer_measure(stack->image, h->n - 1 - layer, &error);
		tar = stack->image->layers[h->n - 1 - layer].tar;
	}
	if (r < 0 && asprintf(ret_error, "%s: @%zu: %s", stack->name, layer, error.text) < 0)
		*ret_error = NULL;
	h->sizes[layer] = tar > 0 ? (uint64_t)tar : 0;
	return r;
}

static int history_measure(struct history *h, char **ret_error)
{
	int r = 0;

	h->n = view_layer_count(h->stack);
	h->sizes = calloc(h->n + 1, sizeof(*h->sizes));
	h->shared = calloc(h->n + 1, sizeof(*h->shared));
	h->diff_ids = calloc(h->n + 1, sizeof(*h->diff_ids));
	if (!h->sizes || !h->shared || !h->diff_ids)
		return -ENOMEM;
	for (size_t i = 0; i < h->n && r == 0; i++)
		r = history_measure_layer(h, i, ret_error);
	for (size_t i = 0; i < h->n && r == 0 && wants_ids && h->stack->set; i++)
		if (!view_layer_facts(h->stack, i)->diff_id)
			r = ids_diff_id(h->stack->set, &h->stack->set->layers[i], h->diff_ids[i], ret_error);
	return r < 0 ? r : view_layers_shared(h->stack, h->shared, ret_error);
}

static void history_totals(const struct history *h, uint64_t *ret_total, uint64_t *ret_shared)
{
	*ret_total = *ret_shared = 0;
	for (size_t i = 0; i < h->n; i++) {
		*ret_total += h->sizes[i];
		*ret_shared += h->shared[i] ? h->sizes[i] : 0;
	}
}

static int history_print(const struct history *h)
{
	uint64_t total, shared;
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	int status;

	history_go_through(h, history_row, table);
	history_totals(h, &total, &shared);
	status = table_print(table);
	if (status == EXIT_FINE && !common.quiet)
		printf("total %s, unique %s, shared %s\n", size_text(total, a), size_text(total - shared, b),
		       size_text(shared, c));
	return status;
}

static int history_print_json(const struct history *h)
{
	uint64_t total, shared;

	history_totals(h, &total, &shared);
	json_start("history");
	json_member("stack", json_text(h->stack->name));
	json_member("kind", json_string(view_kind_name(h->stack->kind)));
	json_member("found", json_text_or_null(h->stack->found));
	json_list_start("layers");
	history_go_through(h, history_json, NULL);
	json_list_end();
	json_member("size", json_size(total));
	json_member("unique", json_size(total - shared));
	json_member("shared", json_size(shared));
	json_end();
	return EXIT_FINE;
}

static int run_history(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *error = NULL;
	struct history h = {.n = 0};
	int status, r;

	if (argc != 1)
		return usage_error("history: one STACK is wanted");
	stack = stack_open_any(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	h.stack = stack;
	r = history_measure(&h, &error);
	if (r < 0)
		status = error ? fail("%s", error) : fail("%s: %s", argv[0], strerror(-r));
	else
		status = common.json ? history_print_json(&h) : history_print(&h);
	free(h.sizes);
	free(h.shared);
	free(h.diff_ids);
	return status;
}

const struct verb verb_history = {.name = "history",
				  .alias = "layers",
				  .operands = "STACK",
				  .help = "List the layers of a stack, topmost first",
				  .more = "SHARED BY counts the other images, containers and unions that have the "
					  "layer. The size of an image's layer is\n"
					  "that of its tar, and of a directory the space on disk. Entries of an "
					  "image's history that made no layer have no id.",
				  .opts = opts,
				  .n_opts = ARRAY_SIZE(opts),
				  .is_table = true,
				  .run = run_history};
