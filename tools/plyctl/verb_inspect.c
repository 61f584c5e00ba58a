/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl inspect: all that is known of a stack, as JSON.
 */
#include "plyctl.h"

#include <errno.h>
#include <string.h>

#include "view/size.h"

static json_t *inspect_layer(const struct view_stack *stack, unsigned i)
{
	const struct layer *l = &stack->set->layers[i];
	_cleanup_free_ char *directory = NULL;
	struct view_layer_size size = {.files = 0};
	char id[VIEW_ID_HEX + 1];
	json_t *item = json_object();

	layer_id(l, id);
	(void)view_layer_measure(stack->set, l, stack_failed_layer, NULL, &size);
	json_object_set_new(item, "id", json_string(id));
	json_object_set_new(item, "diff_id", json_null());
	json_object_set_new(item, "chain_id", json_null());
	if (view_layer_directory(l, &directory) == 0)
		json_set_path(item, "directory", directory);
	json_object_set_new(item, "created", json_time(layer_created(l).tv_sec));
	json_object_set_new(item, "upper", json_boolean(stack->has_upper && i == 0));
	json_object_set_new(item, "data_only", json_boolean(i >= stack->set->n));
	json_object_set_new(item, "size", json_size(size.apparent));
	json_object_set_new(item, "size_allocated", json_size(size.allocated));
	json_object_set_new(item, "size_compressed", json_null());
	json_object_set_new(item, "files", json_size(size.files));
	json_object_set_new(item, "directories", json_size(size.dirs));
	json_object_set_new(item, "symlinks", json_size(size.links));
	json_object_set_new(item, "others", json_size(size.others));
	json_object_set_new(item, "whiteouts", json_size(size.whiteouts));
	json_object_set_new(item, "opaque", json_size(size.opaque));
	return item;
}

static json_t *inspect_reading(const struct layer_set *set)
{
	json_t *item = json_object();

	json_object_set_new(item, "private_xattrs",
			    json_string(set->ns == XATTR_NS_TRUSTED ? "trusted.overlay" : "user.overlay"));
	json_object_set_new(item, "aufs_whiteouts", json_boolean(set->aufs));
	json_object_set_new(item, "follows_redirects", json_boolean(set->follow_redirects));
	json_object_set_new(item, "follows_metacopy", json_boolean(set->follow_metacopy));
	json_object_set_new(item, "follows_index", json_boolean(set->index != NULL));
	return item;
}

static int run_inspect(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	json_t *where = json_object();
	unsigned n;

	if (argc != 1) {
		json_decref(where);
		return usage_error("inspect: one STACK is wanted");
	}
	stack = stack_open(argv[0]);
	if (!stack) {
		json_decref(where);
		return EXIT_FAILED;
	}
	n = stack->set->n + stack->set->n_data;
	json_start("inspect");
	json_member("stack", json_text(stack->name));
	json_member("kind", json_string(view_kind_name(stack->kind)));
	if (stack->mountpoint)
		json_set_path(where, "mountpoint", stack->mountpoint);
	if (stack->options.workdir)
		json_set_path(where, "workdir", stack->options.workdir);
	json_member("live", where);
	json_member("pid", stack->pid ? json_integer(stack->pid) : json_null());
	json_member("started", stack->since ? json_time(stack->since) : json_null());
	json_member("reading", inspect_reading(stack->set));
	json_list_start("layers");
	for (unsigned i = 0; i < n; i++)
		json_list_item(inspect_layer(stack, i));
	json_list_end();
	json_list_start("Layers");
	for (unsigned i = 0; i < n; i++) {
		char id[VIEW_ID_HEX + 1];

		layer_id(&stack->set->layers[i], id);
		json_list_item(json_string(id));
	}
	json_list_end();
	json_end();
	return EXIT_FINE;
}

const struct verb verb_inspect = {
	.name = "inspect", .operands = "STACK", .help = "Tell all about a stack, as JSON", .run = run_inspect};
