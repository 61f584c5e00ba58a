/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl history: the layers of a stack, newest first.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "view/size.h"

static const struct column columns[] = {{.name = "ID"},
					{.name = "PARENT"},
					{.name = "CREATED"},
					{.name = "SIZE", .right = true},
					{.name = "SHARED BY", .right = true},
					{.name = "CREATED BY", .may_be_cut = true},
					{.name = "DIR", .may_be_cut = true}};

struct history_layer {
	const struct layer *l;
	char id[VIEW_ID_HEX + 1], parent[VIEW_ID_HEX + 1];
	struct view_layer_size size;
	unsigned shared_by;
	char *directory; /* owned */
};

struct sharing {
	const struct view_stack *stack;
	struct history_layer *layers;
	size_t n;
};

/* Another live union that has one of the layers. */
static int count_sharing(void *arg, struct view_stack *other, const char *cause)
{
	struct sharing *s = arg;
	_cleanup_free_ char *error = NULL;
	bool is_itself = other && s->stack->mountpoint && other->dev == s->stack->dev;
	unsigned n = 0;

	if (other && !is_itself && view_stack_open(other, false, &error) == 0)
		n = other->set->n + other->set->n_data;
	for (unsigned i = 0; i < n; i++) {
		char id[VIEW_ID_HEX + 1];

		layer_id(&other->set->layers[i], id);
		for (size_t k = 0; *id && k < s->n; k++)
			s->layers[k].shared_by += !strcmp(id, s->layers[k].id);
	}
	view_stack_free(other);
	return 0;
}

static void history_json(const struct history_layer *h)
{
	json_t *item = json_object();

	json_object_set_new(item, "id", json_string(h->id));
	json_object_set_new(item, "parent", *h->parent ? json_string(h->parent) : json_null());
	json_object_set_new(item, "diff_id", json_null());
	json_object_set_new(item, "created", json_time(layer_created(h->l).tv_sec));
	json_object_set_new(item, "created_by", json_null());
	json_object_set_new(item, "size", json_size(h->size.allocated));
	json_object_set_new(item, "shared_by", json_integer(h->shared_by));
	json_set_path(item, "directory", h->directory);
	json_object_set_new(
		item, "empty",
		json_boolean(h->size.files + h->size.links + h->size.others + h->size.whiteouts + h->size.dirs <= 1));
	json_list_item(item);
}

static void history_row(struct table *table, const struct history_layer *h)
{
	char size[SIZE_TEXT], created[TIME_TEXT], shared[16], id[VIEW_ID_HEX + 1], parent[VIEW_ID_HEX + 1];
	int digits = common.no_trunc ? VIEW_ID_HEX : SHORT_ID;

	snprintf(id, sizeof(id), "%.*s", digits, h->id);
	snprintf(parent, sizeof(parent), "%.*s", digits, *h->parent ? h->parent : "-");
	snprintf(shared, sizeof(shared), "%u", h->shared_by);
	table_add(table, (const char *[]){id, parent, time_text(layer_created(h->l).tv_sec, created),
					  size_text(h->size.allocated, size), shared, "-", h->directory});
}

static int history_measure(const struct view_stack *stack, struct history_layer *layers, size_t n)
{
	struct sharing sharing = {.stack = stack, .layers = layers, .n = n};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		layers[i].l = &stack->set->layers[i];
		layer_id(layers[i].l, layers[i].id);
		r = view_layer_directory(layers[i].l, &layers[i].directory);
		if (r == 0)
			r = view_layer_measure(stack->set, layers[i].l, stack_failed_layer, NULL, &layers[i].size);
	}
	for (size_t i = 0; i + 1 < n; i++)
		strcpy(layers[i].parent, layers[i + 1].id);
	return r < 0 ? r : view_each_live(count_sharing, &sharing);
}

static int history_print(const struct history_layer *layers, size_t n)
{
	uint64_t total = 0, shared = 0;
	char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	int status;

	for (size_t i = 0; i < n; i++) {
		total += layers[i].size.allocated;
		shared += layers[i].shared_by ? layers[i].size.allocated : 0;
		history_row(table, &layers[i]);
	}
	status = table_print(table);
	if (status == EXIT_FINE && !common.quiet)
		printf("total %s, unique %s, shared %s\n", size_text(total, a), size_text(total - shared, b),
		       size_text(shared, c));
	return status;
}

static int run_history(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	struct history_layer *layers;
	size_t n;
	int status = EXIT_FINE, r;

	if (argc != 1)
		return usage_error("history: one STACK is wanted");
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	n = (size_t)stack->set->n + stack->set->n_data;
	layers = calloc(n, sizeof(*layers));
	r = layers ? history_measure(stack, layers, n) : -ENOMEM;
	if (r < 0)
		status = fail("%s: %s", argv[0], strerror(-r));
	if (r == 0 && common.json) {
		json_start("history");
		json_member("stack", json_text(stack->name));
		json_list_start("layers");
		for (size_t i = 0; i < n; i++)
			history_json(&layers[i]);
		json_list_end();
		json_end();
	} else if (r == 0) {
		status = history_print(layers, n);
	}
	for (size_t i = 0; layers && i < n; i++)
		free(layers[i].directory);
	free(layers);
	return status;
}

const struct verb verb_history = {.name = "history",
				  .alias = "layers",
				  .operands = "STACK",
				  .help = "List the layers of a stack, topmost first",
				  .more = "SHARED BY counts the other unions that are mounted and have the layer. The "
					  "id of a directory tells it apart on\n"
					  "this machine, and CREATED is the time when the directory was made.",
				  .is_table = true,
				  .run = run_history};
