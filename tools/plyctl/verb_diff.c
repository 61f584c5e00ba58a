/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl diff: what differs between two stacks, or between a stack's topmost layer and what is below.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "view/compare.h"
#include "view/union.h"

static bool show_stat, show_meta, by_content, raw;
static const struct opt opts[] = {
	{"stat", 0, NULL, "print numbers and sizes only", &show_stat, NULL},
	{"meta", 0, NULL, "print what differs behind each change", &show_meta, NULL},
	{"content", 0, NULL, "compare bytes of files, and no times", &by_content, NULL},
	{"raw", 0, NULL, "print copies that changed nothing too", &raw, NULL},
};
static const char *const differ_names[] = {"type",   "mode",   "owner",	 "size",  "mtime",
					   "xattrs", "target", "device", "bytes", NULL};

struct diffing {
	uint64_t added, changed, deleted, added_bytes, changed_bytes, deleted_bytes;
};

static uint64_t diff_bytes(const struct statx *stx)
{
	return S_ISREG(stx->stx_mode) ? stx->stx_size : 0;
}

static void diff_count(struct diffing *d, const struct view_change *change)
{
	switch (change->kind) {
	case VIEW_ADDED:
		d->added++;
		d->added_bytes += diff_bytes(&change->to);
		break;
	case VIEW_CHANGED:
		d->changed++;
		d->changed_bytes += change->differs ? diff_bytes(&change->to) : 0;
		break;
	case VIEW_DELETED:
		d->deleted++;
		d->deleted_bytes += diff_bytes(&change->from);
		break;
	}
}

static void diff_json(const struct view_change *change)
{
	_cleanup_free_ char *path = NULL;
	json_t *item = json_object();

	if (asprintf(&path, "/%s", change->path) < 0)
		abort();
	json_object_set_new(item, "kind", json_string((char[]){(char)change->kind, '\0'}));
	json_set_path(item, "path", path);
	if (change->kind == VIEW_CHANGED)
		json_object_set_new(item, "differs", json_flags(change->differs, differ_names));
	if (change->kind != VIEW_DELETED) {
		json_object_set_new(item, "type", json_string(type_name(change->to.stx_mode)));
		json_object_set_new(item, "size", json_size(diff_bytes(&change->to)));
	}
	json_list_item(item);
}

static void diff_meta(const struct view_change *change)
{
	const struct statx *a = &change->from, *b = &change->to;
	const char *before = " (";

	if (change->kind != VIEW_CHANGED || !change->differs)
		return;
	for (unsigned i = 0; differ_names[i]; i++) {
		if (!(change->differs & (1u << i)))
			continue;
		printf("%s%s", before, differ_names[i]);
		if (change->differs & VIEW_DIFFERS_MODE & (1u << i))
			printf(" %04o to %04o", a->stx_mode & 07777u, b->stx_mode & 07777u);
		if (change->differs & VIEW_DIFFERS_OWNER & (1u << i))
			printf(" %u:%u to %u:%u", a->stx_uid, a->stx_gid, b->stx_uid, b->stx_gid);
		if (change->differs & VIEW_DIFFERS_SIZE & (1u << i))
			printf(" %llu to %llu", (unsigned long long)a->stx_size, (unsigned long long)b->stx_size);
		before = ", ";
	}
	printf(")");
}

static int diff_change(void *arg, const struct view_change *change)
{
	diff_count(arg, change);
	if (show_stat)
		return 0;
	if (common.json) {
		diff_json(change);
		return 0;
	}
	printf("%c /", change->kind);
	print_name(change->path);
	if (show_meta)
		diff_meta(change);
	printf("\n");
	return 0;
}

static void diff_print_stat(const struct diffing *d)
{
	char a[SIZE_TEXT], c[SIZE_TEXT], r[SIZE_TEXT];

	printf("%llu added (%s), %llu changed (%s), %llu deleted (%s)\n", (unsigned long long)d->added,
	       size_text(d->added_bytes, a), (unsigned long long)d->changed, size_text(d->changed_bytes, c),
	       (unsigned long long)d->deleted, size_text(d->deleted_bytes, r));
}

static json_t *diff_stat_json(const struct diffing *d)
{
	json_t *item = json_object();

	json_object_set_new(item, "added", json_size(d->added));
	json_object_set_new(item, "added_size", json_size(d->added_bytes));
	json_object_set_new(item, "changed", json_size(d->changed));
	json_object_set_new(item, "changed_size", json_size(d->changed_bytes));
	json_object_set_new(item, "deleted", json_size(d->deleted));
	json_object_set_new(item, "deleted_size", json_size(d->deleted_bytes));
	return item;
}

static int diff_unions(struct view_union *old, struct view_union *new, unsigned flags)
{
	static const struct view_compare_calls calls = {.change = diff_change, .failed = stack_failed_at};
	struct diffing d = {.added = 0};
	int r;

	if (common.json) {
		json_start("diff");
		json_list_start("changes");
	}
	r = view_compare(old, new, flags, &calls, &d);
	if (common.json) {
		json_list_end();
		json_member("stat", diff_stat_json(&d));
		json_end();
	} else if (show_stat) {
		diff_print_stat(&d);
	}
	if (r < 0)
		return fail("%s", strerror(-r));
	return stack_incomplete ? EXIT_FAILED : d.added + d.changed + d.deleted ? EXIT_FOUND : EXIT_FINE;
}

/* `old` from its layer old_first down, against `new` from its layer new_first down. */
static int diff_stacks(const struct view_stack *old, size_t old_first, const struct view_stack *new, size_t new_first,
		       unsigned flags)
{
	_cleanup_(view_union_cleanup) struct view_union *a = NULL, *b = NULL;
	_cleanup_free_ char *error = NULL;

	bool is_above = old == new &&new_first + 1 == old_first;
	int r = view_union_open(old, old_first, &a, &error);

	if (r == 0)
		r = is_above ? view_union_open_above(a, &b, &error) : view_union_open(new, new_first, &b, &error);
	if (r < 0)
		return fail("%s", error ? error : "out of memory");
	return diff_unions(a, b, flags);
}

/* One layer against what is below it. */
static int diff_layer(const struct view_stack *stack, size_t layer, unsigned flags)
{
	bool is_podmans = stack->image && stack->image->source == IMAGE_CONTAINERS_STORAGE && stack->image->container;

	if (is_podmans && layer == 0)
		flags |= VIEW_COMPARE_CONTAINER;
	return diff_stacks(stack, layer + 1, stack, layer, flags | VIEW_COMPARE_TOP | VIEW_COMPARE_BYTES);
}

/* `@N`, or an id that is no name of a file or of a store. */
static bool names_layer(const struct view_stack *stack, const char *text)
{
	if (*text == '@' || !strncmp(text, "sha256:", 7))
		return true;
	return !strpbrk(text, "/:") && access(text, F_OK) < 0 && stack_find_layer(stack, text) >= 0;
}

static int diff_two(const struct view_stack *a, const char *operand, unsigned flags)
{
	_cleanup_stack_ struct view_stack *b = NULL;
	int layer;

	if (names_layer(a, operand)) {
		layer = stack_layer(a, operand);
		return layer < 0 ? EXIT_FAILED : diff_layer(a, (size_t)layer, flags);
	}
	if (raw)
		return usage_error("diff: --raw is of one STACK");
	b = stack_open_any(operand);
	return b ? diff_stacks(a, 0, b, 0, flags) : EXIT_FAILED;
}

/* The stack as it was with one layer on top, against the same with another one. */
static int diff_between(const struct view_stack *stack, const char *from, const char *to, unsigned flags)
{
	int old, new;

	if (raw)
		return usage_error("diff: --raw is of one STACK");
	old = stack_layer(stack, from);
	new = old < 0 ? -1 : stack_layer(stack, to);
	return new < 0 ? EXIT_FAILED : diff_stacks(stack, (size_t)old, stack, (size_t) new, flags);
}

static int run_diff(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL;
	unsigned flags = (by_content ? VIEW_COMPARE_CONTENT : 0) | (raw ? VIEW_COMPARE_RAW : 0);

	if (argc > 3)
		return usage_error("diff: [STACK [LAYER [LAYER]]], or OLD NEW is wanted");
	stack = argc ? stack_open_any(argv[0]) : stack_of_path_any(NULL, ".", &path, &layer);
	if (!stack)
		return EXIT_FAILED;
	if (argc < 2)
		return diff_layer(stack, 0, flags);
	return argc == 2 ? diff_two(stack, argv[1], flags) : diff_between(stack, argv[1], argv[2], flags);
}

const struct verb verb_diff = {
	.name = "diff",
	.operands = "[STACK [LAYER [LAYER]]] | OLD NEW",
	.help = "Tell what was added (A), changed (C) and deleted (D)",
	.more = "Of one STACK its topmost layer is compared with what is below, or LAYER with what is below that. Two "
		"LAYERs "
		"of a\n"
		"STACK are what it was with each of them on top. Without a STACK it is the union in which the working "
		"directory lies.\n"
		"Exit status 3: there are changes.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = run_diff};
