/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl log: each layer that touched a path, newest first.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "view/explain.h"

static const struct column columns[] = {{.name = "LAYER"},
					{.name = "ID"},
					{.name = "CREATED"},
					{.name = "CHANGE"},
					{.name = "TYPE"},
					{.name = "SIZE", .right = true},
					{.name = "CREATED BY", .may_be_cut = true},
					{.name = "DIR", .may_be_cut = true}};

/* By layer: 0 where it didn't touch the path. */
struct touched {
	char change;
	bool object;
	struct statx stx;
};

struct log_of_path {
	const char *path;
	struct touched *layers; /* owned */
	unsigned n;
};

/* A layer that hides the path by what it has above it. */
static void touch_from_above(struct log_of_path *log, const struct tree_say *s)
{
	bool hides = s->why == TREE_WHY_WHITEOUT || s->why == TREE_WHY_OPAQUE || s->why == TREE_WHY_OBJECT ||
		     s->why == TREE_WHY_REDIRECT;

	if (s->object && s->role == TREE_SAY_HIDDEN && hides && s->by < log->n && !log->layers[s->by].change)
		log->layers[s->by].change = 'D';
}

static int log_step(void *arg, const struct view_explained *explained)
{
	const struct tree_walk_entry *e = explained->entry;
	struct log_of_path *log = arg;

	if (strcmp(e->path, log->path) != 0)
		return 0;
	for (unsigned i = 0; i < e->n_says; i++) {
		const struct tree_say *s = &e->says[i];

		if (s->err)
			continue;
		log->layers[s->layer] =
			(struct touched){.change = s->object ? 'A' : 'D', .object = s->object, .stx = s->stx};
	}
	for (unsigned i = 0; i < e->n_says; i++)
		touch_from_above(log, &e->says[i]);
	return 0;
}

/* An object is added where the layer below shows none. */
static void find_changes(struct log_of_path *log)
{
	bool exists = false;

	for (unsigned i = log->n; i-- > 0;) {
		struct touched *t = &log->layers[i];

		if (!t->change)
			continue;
		if (t->object && exists)
			t->change = 'C';
		exists = t->object;
	}
}

static json_t *log_json(unsigned i, const struct view_layer_facts *facts, const struct touched *t)
{
	bool has_size = t->object && (S_ISREG(t->stx.stx_mode) || S_ISLNK(t->stx.stx_mode));
	json_t *item = json_object();

	json_object_set_new(item, "layer", json_integer(i));
	json_object_set_new(item, "id", json_text(facts->id));
	json_object_set_new(item, "created", facts->created ? json_text(facts->created) : json_null());
	json_object_set_new(item, "created_by", facts->created_by ? json_text(facts->created_by) : json_null());
	json_object_set_new(item, "change", json_string((char[]){t->change, '\0'}));
	json_object_set_new(item, "type", t->object ? json_string(type_name(t->stx.stx_mode)) : json_null());
	json_object_set_new(item, "size", has_size ? json_size(t->stx.stx_size) : json_null());
	if (facts->directory)
		json_set_path(item, "directory", facts->directory);
	else
		json_object_set_new(item, "directory", json_null());
	return item;
}

static void log_tell(const struct view_stack *stack, unsigned i, const struct touched *t, struct table *table)
{
	const struct view_layer_facts *facts = view_layer_facts(stack, i);
	_cleanup_free_ char *id = common.no_trunc ? strdup(facts->id) : strndup(facts->id, SHORT_ID);
	char number[16], size[SIZE_TEXT] = "";

	if (!table) {
		json_list_item(log_json(i, facts, t));
		return;
	}
	if (!id)
		abort();
	snprintf(number, sizeof(number), "@%u", i);
	if (t->object && S_ISREG(t->stx.stx_mode))
		size_text(t->stx.stx_size, size);
	table_add(table, (const char *[]){number, id, facts->created ? facts->created : "", (char[]){t->change, '\0'},
					  t->object ? type_name(t->stx.stx_mode) : "", size,
					  facts->created_by ? facts->created_by : "",
					  facts->directory ? facts->directory : ""});
}

static int log_print(const struct view_stack *stack, const struct log_of_path *log)
{
	struct table *table = common.json ? NULL : table_new(columns, ARRAY_SIZE(columns));

	if (common.json) {
		json_start("log");
		json_list_start("layers");
	}
	for (unsigned i = 0; i < log->n; i++)
		if (log->layers[i].change)
			log_tell(stack, i, &log->layers[i], table);
	if (table)
		return table_print(table);
	json_list_end();
	json_end();
	return EXIT_FINE;
}

static int run_log(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL, *error = NULL;
	struct log_of_path log = {.path = NULL};
	int r;

	if (argc < 1 || argc > 2)
		return usage_error("log: [STACK] PATH is wanted");
	stack = stack_of_path_any(argc > 1 ? argv[0] : NULL, argv[argc - 1], &path, &layer);
	if (!stack || stack_follow(stack, &path) != EXIT_FINE)
		return EXIT_FAILED;
	log.path = path;
	log.n = (unsigned)view_layer_count(stack);
	log.layers = calloc(log.n, sizeof(*log.layers));
	r = log.layers ? view_explain(stack, path, log_step, &log, &error) : -ENOMEM;
	if (r == 0)
		find_changes(&log);
	if (r == 0)
		r = log_print(stack, &log);
	else if (error)
		r = fail("%s", error);
	else
		r = fail("/%s: %s", path, r == -ENOENT ? "no layer has touched it" : strerror(-r));
	free(log.layers);
	return r;
}

const struct verb verb_log = {.name = "log",
			      .operands = "[STACK] PATH",
			      .help = "List the layers that touched a path, topmost first",
			      .more = "CHANGE is A for added, C for changed, D for deleted. Symlinks of the "
				      "directories on the way are followed within\nthe union.",
			      .is_table = true,
			      .run = run_log};
