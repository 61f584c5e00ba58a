/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl df: what stacks take on disk, and what they would take without sharing layers.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "df_waste.h"
#include "progress.h"
#include "view/size.h"

static bool only_unshared;
static const struct opt opts[] = {
	{"unshared", 0, NULL, "print only the bytes without sharing", &only_unshared, NULL},
};
static const struct column columns[] = {{.name = "STACK", .may_be_cut = true}, {.name = "SIZE", .right = true},
					{.name = "SHARED", .right = true},     {.name = "UNIQUE", .right = true},
					{.name = "UPPER", .right = true},      {.name = "WASTED", .right = true}};

struct df {
	struct view_stack **stacks; /* owned */
	size_t n, room;
};

static int df_add(void *arg, struct view_stack *stack)
{
	struct df *df = arg;

	if (!ARRAY_ROOM(df->stacks, df->n, df->room, 1))
		abort();
	df->stacks[df->n++] = stack;
	return 0;
}

static int df_each(void *arg, struct view_stack *stack, const char *cause)
{
	_cleanup_free_ char *error = NULL;

	if (!cause && view_stack_open(stack, false, &error) == 0)
		return df_add(arg, stack);
	stack_incomplete = true;
	fail("%s", cause ? cause : error ? error : "out of memory");
	view_stack_free(stack);
	return 0;
}

static void df_json(const struct df *df, const struct view_stack_size *sizes, const uint64_t *wasted,
		    const struct view_total_size *total)
{
	json_start("df");
	json_list_start("stacks");
	for (size_t i = 0; i < df->n; i++) {
		json_t *item = json_object();

		json_set_path(item, "stack", df->stacks[i]->name);
		json_object_set_new(item, "size", json_size(sizes[i].bytes));
		json_object_set_new(item, "shared", json_size(sizes[i].shared));
		json_object_set_new(item, "unique", json_size(sizes[i].unique));
		json_object_set_new(item, "upper", df->stacks[i]->has_upper ? json_size(sizes[i].upper) : json_null());
		json_object_set_new(item, "wasted", df->stacks[i]->set ? json_size(wasted[i]) : json_null());
		json_list_item(item);
	}
	json_list_end();
	json_member("on_disk", json_size(total->on_disk));
	json_member("unshared", json_size(total->unshared));
	json_end();
}

static int df_table(const struct df *df, const struct view_stack_size *sizes, const uint64_t *wasted,
		    const struct view_total_size *total)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	char text[5][SIZE_TEXT];
	int status;

	for (size_t i = 0; i < df->n; i++)
		table_add(table,
			  (const char *[]){df->stacks[i]->name, size_text(sizes[i].bytes, text[0]),
					   size_text(sizes[i].shared, text[1]), size_text(sizes[i].unique, text[2]),
					   df->stacks[i]->has_upper ? size_text(sizes[i].upper, text[3]) : "-",
					   df->stacks[i]->set ? size_text(wasted[i], text[4]) : "-"});
	status = table_print(table);
	if (status == EXIT_FINE && !common.quiet)
		printf("%s on disk, %s unshared\n", size_text(total->on_disk, text[0]),
		       size_text(total->unshared, text[1]));
	return status;
}

static int df_measure(const struct df *df)
{
	_cleanup_free_ struct view_stack_size *sizes = calloc(df->n + 1, sizeof(*sizes));
	_cleanup_free_ uint64_t *wasted = calloc(df->n + 1, sizeof(*wasted));
	struct view_total_size total;
	_cleanup_free_ char *error = NULL;
	int status = EXIT_FINE, r;

	if (!sizes || !wasted)
		return fail("out of memory");
	for (size_t i = 0; i < df->n; i++)
		progress_expect_layers(df->stacks[i], 0, SIZE_MAX, PROGRESS_OBJECTS, 1);
	progress_start("df");
	r = view_stacks_measure((const struct view_stack *const *)df->stacks, df->n, stack_failed_layer, NULL, sizes,
				&total, &error);
	for (size_t i = 0; i < df->n && r == 0 && !only_unshared && (common.json || table_has("WASTED")); i++)
		wasted[i] = df_wasted(df->stacks[i]);
	progress_end();
	if (r < 0)
		status = fail("%s", error);
	else if (only_unshared)
		printf("%llu\n", (unsigned long long)total.unshared);
	else if (common.json)
		df_json(df, sizes, wasted, &total);
	else
		status = df_table(df, sizes, wasted, &total);
	return status;
}

static int run_df(int argc, char **argv)
{
	struct df df = {.n = 0};
	int status = EXIT_FINE;

	for (int i = 0; i < argc && status == EXIT_FINE; i++)
		status = stack_each(argv[i], df_add, &df);
	if (!argc)
		(void)view_each_live(df_each, &df);
	if (status == EXIT_FINE)
		status = df_measure(&df);
	for (size_t i = 0; i < df.n; i++)
		view_stack_free(df.stacks[i]);
	free(df.stacks);
	return status;
}

const struct verb verb_df = {.name = "df",
			     .operands = "[STACK]..",
			     .help = "Tell what stacks take on disk, shared layers once",
			     .more = "Without a STACK the unions that are mounted are measured, and with "
				     "`containers-storage:` or `store:` all\nof that store.\n"
				     "SIZE is SHARED and UNIQUE together; WASTED is what layers hide of the layers "
				     "below them.",
			     .opts = opts,
			     .n_opts = ARRAY_SIZE(opts),
			     .is_table = true,
			     .run = run_df};
