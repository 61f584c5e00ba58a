/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl advise: how stacks could be smaller, and builds faster.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "plyctl.h"
#include "view/advise.h"

static const struct column columns[] = {{.name = "BYTES", .right = true},
					{.name = "KIND"},
					{.name = "LAYERS"},
					{.name = "STACK", .may_be_cut = true},
					{.name = "ADVICE", .may_be_cut = true}};

static int advise_failed(void *arg, const char *error)
{
	stack_incomplete = true;
	fail("%s", error);
	return 0;
}

static void layers_text(const struct view_advice *advice, char *buf, size_t size)
{
	if (advice->first == advice->last)
		snprintf(buf, size, "@%zu", advice->first);
	else
		snprintf(buf, size, "@%zu..@%zu", advice->first, advice->last);
}

static json_t *commands_json(const struct view_stack *stack, const struct view_advice *advice)
{
	json_t *list = json_array();

	for (size_t i = advice->first; i <= advice->last; i++) {
		const char *command = view_layer_facts(stack, i)->created_by;

		json_array_append_new(list, command ? json_text(command) : json_null());
	}
	return list;
}

static int advise_json(struct view_stack *const *stacks, const struct view_advices *advices)
{
	json_start("advise");
	json_list_start("advice");
	for (size_t i = 0; i < advices->n; i++) {
		const struct view_advice *advice = &advices->list[i];
		json_t *item = json_object();

		json_object_set_new(item, "kind", json_string(view_advice_kind_name(advice->kind)));
		json_set_path(item, "stack", stacks[advice->stack]->name);
		json_object_set_new(item, "first", json_integer((json_int_t)advice->first));
		json_object_set_new(item, "last", json_integer((json_int_t)advice->last));
		json_object_set_new(item, "created_by", commands_json(stacks[advice->stack], advice));
		json_object_set_new(item, "bytes", json_size(advice->bytes));
		json_object_set_new(item, "what", advice->what ? json_text(advice->what) : json_null());
		json_object_set_new(item, "text", json_text(advice->text));
		json_list_item(item);
	}
	json_list_end();
	json_end();
	return EXIT_FINE;
}

static int advise_table(struct view_stack *const *stacks, const struct view_advices *advices)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < advices->n; i++) {
		const struct view_advice *advice = &advices->list[i];
		char bytes[SIZE_TEXT], layers[64];

		size_text(advice->bytes, bytes);
		layers_text(advice, layers, sizeof(layers));
		table_add(table, (const char *[]){bytes, view_advice_kind_name(advice->kind), layers,
						  stacks[advice->stack]->name, advice->text});
	}
	return table_print(table);
}

static int advise_stacks(struct view_stack *const *stacks, size_t n)
{
	_cleanup_free_ char *error = NULL;
	struct view_advices advices;
	int r = view_advise(stacks, n, advise_failed, NULL, &advices, &error), status;

	if (r < 0)
		status = fail("%s", error ? error : strerror(-r));
	else
		status = common.json ? advise_json(stacks, &advices) : advise_table(stacks, &advices);
	view_advices_free(&advices);
	return status;
}

static int run_advise(int argc, char **argv)
{
	struct view_stack **stacks = calloc((size_t)argc + 1, sizeof(*stacks));
	int status = EXIT_FINE, n = 0;

	if (!stacks)
		return fail("out of memory");
	if (argc < 1)
		status = usage_error("advise: one STACK or several are wanted");
	for (; n < argc && status == EXIT_FINE; n++) {
		stacks[n] = stack_open_any(argv[n]);
		if (!stacks[n])
			status = EXIT_FAILED;
	}
	if (status == EXIT_FINE)
		status = advise_stacks(stacks, (size_t)n);
	while (n-- > 0)
		view_stack_free(stacks[n]);
	free(stacks);
	return status;
}

const struct verb verb_advise = {
	.name = "advise",
	.operands = "STACK..",
	.help = "Tell how stacks could be smaller, and builds faster",
	.more = "KIND: merge (layers that could be one), cache (left behind), late (deleted by a later step), order "
		"and\n"
		"join (of a build's steps), miss (what a build ran again, compared with the STACK before).",
	.is_table = true,
	.run = run_advise};
