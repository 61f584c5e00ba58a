/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl ls: the live unions.
 */
#include "plyctl.h"

#include <stdio.h>

#include "view/size.h"

static const struct column columns[] = {{.name = "MOUNTPOINT", .may_be_cut = true},
					{.name = "KIND"},
					{.name = "LAYERS", .right = true},
					{.name = "UPPER", .may_be_cut = true},
					{.name = "SIZE", .right = true},
					{.name = "PID", .right = true},
					{.name = "UPTIME"}};

struct row {
	struct view_stack *stack; /* open, or not if its layers can't be opened */
	char *upper;		  /* its directory, or NULL; owned */
	uint64_t upper_bytes;
	bool is_measured;
};

static void ls_measure(struct row *row)
{
	_cleanup_free_ char *error = NULL;
	struct view_layer_size size;

	if (view_stack_open(row->stack, false, &error) < 0) {
		stack_incomplete = true;
		fail("%s", error ? error : row->stack->name);
		return;
	}
	if (!row->stack->has_upper || view_layer_directory(&row->stack->set->layers[0], &row->upper) < 0)
		return;
	if (view_layer_measure(row->stack->set, &row->stack->set->layers[0], stack_failed_layer, NULL, &size) == 0) {
		row->upper_bytes = size.allocated;
		row->is_measured = true;
	}
}

static void ls_json(const struct row *row)
{
	const struct view_stack *s = row->stack;
	json_t *item = json_object();

	json_set_path(item, "mountpoint", s->mountpoint);
	json_object_set_new(item, "kind", json_string(view_kind_name(s->kind)));
	json_object_set_new(item, "layers", json_integer((json_int_t)s->options.layer_count));
	if (row->upper)
		json_set_path(item, "upper", row->upper);
	else
		json_object_set_new(item, "upper", json_null());
	json_object_set_new(item, "upper_size", row->is_measured ? json_size(row->upper_bytes) : json_null());
	json_object_set_new(item, "pid", s->pid ? json_integer(s->pid) : json_null());
	json_object_set_new(item, "started", s->since ? json_time(s->since) : json_null());
	json_list_item(item);
}

static void ls_row(struct table *table, const struct row *row)
{
	const struct view_stack *s = row->stack;
	char layers[24], pid[16] = "-", size[SIZE_TEXT] = "-", age[TIME_TEXT] = "-";
	const char *upper = row->upper ? row->upper : "-";

	snprintf(layers, sizeof(layers), "%zu", s->options.layer_count);
	if (s->pid)
		snprintf(pid, sizeof(pid), "%d", s->pid);
	if (row->is_measured)
		size_text(row->upper_bytes, size);
	if (s->since)
		age_text(s->since, age);
	table_add(table, (const char *[]){s->mountpoint, view_kind_name(s->kind), layers, upper, size, pid, age});
}

static int ls_each(void *arg, struct view_stack *stack, const char *cause)
{
	struct row row = {.stack = stack};

	if (!stack) {
		stack_incomplete = true;
		fail("%s", cause);
		return 0;
	}
	ls_measure(&row);
	if (common.json)
		ls_json(&row);
	else
		ls_row(arg, &row);
	free(row.upper);
	view_stack_free(stack);
	return 0;
}

static int run_ls(int argc, char **argv)
{
	struct table *table;

	if (argc)
		return usage_error("ls: it has no operands");
	if (common.json) {
		json_start("ls");
		json_list_start("unions");
		(void)view_each_live(ls_each, NULL);
		json_list_end();
		json_end();
		return EXIT_FINE;
	}
	table = table_new(columns, ARRAY_SIZE(columns));
	(void)view_each_live(ls_each, table);
	return table_print(table);
}

const struct verb verb_ls = {.name = "ls",
			     .operands = "",
			     .help = "List the unions that are mounted, of any kind",
			     .is_table = true,
			     .run = run_ls};
