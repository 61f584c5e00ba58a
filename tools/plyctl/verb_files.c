/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl files: the objects of one layer.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "layer/walk.h"

static void files_json(const struct layer_walk_entry *e)
{
	json_t *item = json_object();

	json_set_path(item, "path", e->path);
	json_object_set_new(item, "whiteout", json_boolean(e->whiteout));
	if (!e->whiteout) {
		json_object_set_new(item, "type", json_string(type_name(e->stx.stx_mode)));
		json_object_set_new(item, "mode", json_sprintf("%04o", e->stx.stx_mode & 07777u));
		json_object_set_new(item, "uid", json_integer(e->stx.stx_uid));
		json_object_set_new(item, "gid", json_integer(e->stx.stx_gid));
		json_object_set_new(item, "size", json_size(e->stx.stx_size));
		json_object_set_new(item, "mtime", json_time(e->stx.stx_mtime.tv_sec));
		json_object_set_new(item, "opaque", json_boolean(e->opaque));
		json_object_set_new(item, "redirect", json_boolean(e->xattr_flags & XATTR_FLAG_REDIRECT));
		json_object_set_new(item, "metacopy", json_boolean(e->xattr_flags & XATTR_FLAG_METACOPY));
	}
	json_list_item(item);
}

static void files_line(const struct layer_walk_entry *e)
{
	char size[SIZE_TEXT], time[TIME_TEXT];

	if (common.quiet) {
		printf("/");
	} else if (e->whiteout) {
		printf("whiteout                                   /");
	} else {
		printf("%c%04o %5u %5u %7s %s /", type_letter(e->stx.stx_mode), e->stx.stx_mode & 07777u,
		       e->stx.stx_uid, e->stx.stx_gid, size_text(e->stx.stx_size, size),
		       time_text(e->stx.stx_mtime.tv_sec, time));
	}
	print_name(e->path);
	if (!common.quiet)
		printf("%s%s%s", e->opaque ? " (opaque)" : "",
		       e->xattr_flags & XATTR_FLAG_REDIRECT ? " (redirect)" : "",
		       e->xattr_flags & XATTR_FLAG_METACOPY ? " (metacopy)" : "");
	printf("\n");
}

static int files_entry(void *arg, struct layer_walk_entry *e)
{
	if (!*e->path)
		return 0;
	if (common.json)
		files_json(e);
	else
		files_line(e);
	return 0;
}

static int files_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	return stack_failed_layer(arg, e->layer, e->path, err);
}

static int run_files(int argc, char **argv)
{
	static const struct layer_walk_calls calls = {.entry = files_entry, .failed = files_failed};
	_cleanup_stack_ struct view_stack *stack = NULL;
	int layer = 0, r;

	if (argc < 1 || argc > 2)
		return usage_error("files: STACK [LAYER] is wanted");
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	layer = argc > 1 ? stack_layer(stack, argv[1]) : 0;
	if (layer < 0)
		return EXIT_FAILED;
	if (common.json) {
		json_start("files");
		json_list_start("files");
	}
	r = layer_walk(stack->set, &stack->set->layers[layer],
		       LAYER_WALK_STAT | LAYER_WALK_XATTR_FLAGS | LAYER_WALK_SORTED, &calls, NULL);
	if (common.json) {
		json_list_end();
		json_end();
	}
	return r < 0 ? fail("%s: %s", argv[0], strerror(-r)) : EXIT_FINE;
}

const struct verb verb_files = {
	.name = "files",
	.operands = "STACK [LAYER]",
	.help = "List what one layer holds",
	.more = "The layer is the topmost one if none is named. With -q paths only are printed.",
	.is_table = true,
	.run = run_files};
