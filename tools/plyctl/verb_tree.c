/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl tree: stacks over their layers, from the lowest layer to the stacks. A layer with equal layers below is drawn
 * once.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "view/size.h"

struct node {
	char id[VIEW_ID_HEX + 1];
	char *text;	   /* owned */
	const char *stack; /* name of a stack that ends here, of those to follow; NULL: none */
	uint64_t bytes;
	struct node *children, *next; /* owned */
};

static struct node *node_get(struct node *parent, const struct view_stack *stack, unsigned i)
{
	const struct layer *l = &stack->set->layers[i];
	char id[VIEW_ID_HEX + 1];
	struct view_layer_size size = {.files = 0};
	struct node **at = &parent->children;

	layer_id(l, id);
	for (; *at; at = &(*at)->next)
		if (*id && !strcmp((*at)->id, id) && !(*at)->stack)
			return *at;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		abort();
	strcpy((*at)->id, id);
	(void)view_layer_measure(stack->set, l, stack_failed_layer, NULL, &size);
	(*at)->bytes = size.allocated;
	if (view_layer_directory(l, &(*at)->text) < 0)
		abort();
	return *at;
}

static void node_add_stack(struct node *parent, const struct view_stack *stack)
{
	struct node **at = &parent->children;

	while (*at)
		at = &(*at)->next;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		abort();
	(*at)->text = strdup(stack->name);
	(*at)->stack = view_kind_name(stack->kind);
}

static void node_free(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		node_free(n->children);
		free(n->text);
		free(n);
		n = next;
	}
}

static void node_line(const struct node *n)
{
	char size[SIZE_TEXT];

	if (n->stack) {
		print_name(n->text);
		printf(" (%s)\n", n->stack);
		return;
	}
	printf("%.*s  %s  ", common.no_trunc ? VIEW_ID_HEX : SHORT_ID, n->id, size_text(n->bytes, size));
	print_name(n->text);
	printf("\n");
}

/* A layer with one thing above it goes on in the same column. */
static void node_print(const struct node *first, char *indent, size_t len)
{
	for (const struct node *n = first; n; n = n->next) {
		const char *branch = n->next ? "|-- " : "`-- ";
		char *deeper = malloc(len + 5);

		if (!deeper)
			abort();
		printf("%s%s", indent, branch);
		node_line(n);
		snprintf(deeper, len + 5, "%s%s", indent, n->next ? "|   " : "    ");
		node_print(n->children, deeper, len + 4);
		free(deeper);
	}
}

static json_t *node_json(const struct node *first)
{
	json_t *list = json_array();

	for (const struct node *n = first; n; n = n->next) {
		json_t *item = json_object();

		if (n->stack) {
			json_set_path(item, "stack", n->text);
			json_object_set_new(item, "kind", json_string(n->stack));
		} else {
			json_object_set_new(item, "id", json_string(n->id));
			json_object_set_new(item, "size", json_size(n->bytes));
			json_set_path(item, "directory", n->text);
			json_object_set_new(item, "above", node_json(n->children));
		}
		json_array_append_new(list, item);
	}
	return list;
}

static void tree_add(struct node *root, const struct view_stack *stack)
{
	struct node *at = root;

	for (unsigned i = stack->set->n + stack->set->n_data; i-- > 0;)
		at = node_get(at, stack, i);
	node_add_stack(at, stack);
}

static int tree_each(void *arg, struct view_stack *stack, const char *cause)
{
	_cleanup_free_ char *error = NULL;

	if (!stack || view_stack_open(stack, false, &error) < 0) {
		stack_incomplete = true;
		fail("%s", error ? error : cause ? cause : "out of memory");
	} else {
		tree_add(arg, stack);
	}
	view_stack_free(stack);
	return 0;
}

static int run_tree(int argc, char **argv)
{
	struct node root = {.stack = NULL};
	int status = EXIT_FINE;

	for (int i = 0; i < argc && status == EXIT_FINE; i++) {
		struct view_stack *stack = stack_open(argv[i]);

		if (stack)
			tree_add(&root, stack);
		else
			status = EXIT_FAILED;
		view_stack_free(stack);
	}
	if (!argc)
		(void)view_each_live(tree_each, &root);
	if (status == EXIT_FINE && common.json) {
		json_start("tree");
		json_member("layers", node_json(root.children));
		json_end();
	} else if (status == EXIT_FINE) {
		char none[] = "";

		node_print(root.children, none, 0);
	}
	node_free(root.children);
	return status;
}

const struct verb verb_tree = {.name = "tree",
			       .operands = "[STACK]..",
			       .help = "Draw stacks over their layers, shared layers once",
			       .more = "Without a STACK it draws the unions that are mounted.",
			       .is_table = true,
			       .run = run_tree};
