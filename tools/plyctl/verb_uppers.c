/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl uppers: the uppers that are kept in the store.
 */
#include "uppers.h"

#include <unistd.h>

static const struct column columns[] = {{.name = "UPPER"},
					{.name = "MADE"},
					{.name = "BELOW", .may_be_cut = true},
					{.name = "COMMAND", .may_be_cut = true}};

static void uppers_json(const struct upper *u)
{
	json_t *item = json_object(), *layers = json_array();

	json_object_set_new(item, "id", json_string(u->id));
	json_object_set_new(item, "made", json_time(u->made.tv_sec));
	json_set_path(item, "directory", u->dir);
	for (size_t i = 0; i < u->n_layers; i++) {
		json_t *layer = json_object();

		json_set_path(layer, "directory", u->layers[i]);
		json_array_append_new(layers, layer);
	}
	json_object_set_new(item, "layers", layers);
	json_object_set_new(item, "command", u->command ? json_text(u->command) : json_null());
	json_list_item(item);
}

static void uppers_row(void *arg, const struct upper *u)
{
	char age[TIME_TEXT];

	if (common.json)
		uppers_json(u);
	else
		table_add(arg, (const char *[]){u->id, age_text(u->made.tv_sec, age), u->n_layers ? u->layers[0] : "-",
						u->command ? u->command : "-"});
}

static int run_uppers(int argc, char **argv)
{
	struct table *table;
	int status;

	if (argc)
		return usage_error("uppers: it has no operands");
	if (common.json) {
		json_start("uppers");
		json_list_start("uppers");
		status = upper_each(uppers_row, NULL);
		json_list_end();
		json_end();
		return status;
	}
	table = table_new(columns, ARRAY_SIZE(columns));
	status = upper_each(uppers_row, table);
	return status == EXIT_FINE ? table_print(table) : status;
}

const struct verb verb_uppers = {.name = "uppers",
				 .operands = "",
				 .help = "List the uppers that are kept in the store",
				 .is_table = true,
				 .run = run_uppers};
