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
	char *id, *text;   /* owned */
	char *directory;   /* owned; NULL: none */
	const char *stack; /* name of a stack that ends here, of those to follow; NULL: none */
	uint64_t bytes;
	struct node *children, *next; /* owned */
};

/* Bytes of a layer as `history` has them. */
static uint64_t node_bytes(const struct view_stack *stack, size_t i)
{
	const struct view_layer_facts *f = view_layer_facts(stack, i);
	struct view_layer_size size = {.files = 0};
	struct image_error error;
	size_t number;

	if (f->tar >= 0)
		return (uint64_t)f->tar;
	if (stack->set) {
		(void)view_layer_measure(stack->set, &stack->set->layers[i], stack_failed_layer, NULL, &size);
		return size.allocated;
	}
	number = stack->image->n_layers - 1 - i;
	if (image_layer_measure(stack->image, number, &error) < 0) {
		stack_incomplete = true;
		fail("%s: @%zu: %s", stack->name, i, error.text);
		return 0;
	}
	return (uint64_t)MAX(stack->image->layers[number].tar, 0);
}

/* Of an image the command says more than the place. */
static const char *node_label(const struct view_layer_facts *f)
{
	return f->created_by ? f->created_by : f->directory ? f->directory : "";
}

static struct node *node_get(struct node *parent, const struct view_stack *stack, size_t i)
{
	const struct view_layer_facts *f = view_layer_facts(stack, i);
	struct node **at = &parent->children;

	for (; *at; at = &(*at)->next)
		if (!(*at)->stack && (!strcmp((*at)->id, f->id) ||
				      (f->directory && (*at)->directory && !strcmp((*at)->directory, f->directory))))
			return *at;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		abort();
	(*at)->id = strdup(f->id);
	(*at)->directory = f->directory ? strdup(f->directory) : NULL;
	(*at)->text = strdup(node_label(f));
	(*at)->bytes = node_bytes(stack, i);
	if (!(*at)->id || !(*at)->text)
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
		free(n->id);
		free(n->directory);
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
	printf("%.*s  %s  ", common.no_trunc ? 64 : SHORT_ID, n->id, size_text(n->bytes, size));
	print_name(n->text);
	printf("\n");
}

/* A layer with one thing above it goes on in the same column. */
static void node_print(const struct node *first, const char *indent)
{
	for (const struct node *n = first; n; n = n->next) {
		_cleanup_free_ char *deeper = NULL;
		const struct node *top = n;

		if (asprintf(&deeper, "%s%s", indent, n->next ? "|   " : "    ") < 0)
			abort();
		printf("%s%s", indent, n->next ? "|-- " : "`-- ");
		node_line(n);
		while (top->children && !top->children->next) {
			top = top->children;
			printf("%s", deeper);
			node_line(top);
		}
		node_print(top->children, deeper);
	}
}

/* Lists, because documents that are nested as deep as stacks can't be read by most programs. Layers have numbers, the
 * lower ones first. */
static void node_json(const struct node *first, long below, json_t *layers, json_t *stacks)
{
	for (const struct node *n = first; n; n = n->next) {
		json_t *item = json_object(), *under = below < 0 ? json_null() : json_integer(below);

		if (n->stack) {
			json_set_path(item, "stack", n->text);
			json_object_set_new(item, "kind", json_string(n->stack));
			json_object_set_new(item, "top", under);
			json_array_append_new(stacks, item);
			continue;
		}
		json_object_set_new(item, "number", json_integer((json_int_t)json_array_size(layers)));
		json_object_set_new(item, "below", under);
		json_object_set_new(item, "id", json_string(n->id));
		json_object_set_new(item, "size", json_size(n->bytes));
		if (n->directory)
			json_set_path(item, "directory", n->directory);
		else
			json_object_set_new(item, "directory", json_null());
		json_array_append_new(layers, item);
		node_json(n->children, (long)json_array_size(layers) - 1, layers, stacks);
	}
}

static void tree_add(struct node *root, const struct view_stack *stack)
{
	struct node *at = root;

	for (size_t i = view_layer_count(stack); i-- > 0;)
		at = node_get(at, stack, i);
	node_add_stack(at, stack);
}

static int tree_named(void *arg, struct view_stack *stack)
{
	tree_add(arg, stack);
	view_stack_free(stack);
	return EXIT_FINE;
}

static int tree_each(void *arg, struct view_stack *stack, const char *cause)
{
	_cleanup_free_ char *error = NULL;

	if (cause || view_stack_open(stack, false, &error) < 0) {
		stack_incomplete = true;
		fail("%s", cause ? cause : error ? error : "out of memory");
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

	for (int i = 0; i < argc && status == EXIT_FINE; i++)
		status = stack_each(argv[i], tree_named, &root);
	if (!argc)
		(void)view_each_live(tree_each, &root);
	if (status == EXIT_FINE && common.json) {
		json_t *layers = json_array(), *stacks = json_array();

		node_json(root.children, -1, layers, stacks);
		json_start("tree");
		json_member("layers", layers);
		json_member("stacks", stacks);
		json_end();
	} else if (status == EXIT_FINE) {
		node_print(root.children, "");
	}
	node_free(root.children);
	return status;
}

const struct verb verb_tree = {
	.name = "tree",
	.operands = "[STACK]..",
	.help = "Draw stacks over their layers, shared layers once",
	.more = "Without a STACK it draws the unions that are mounted, and with `containers-storage:` or "
		"`store:` all\nof that store.",
	.is_table = true,
	.run = run_tree};
