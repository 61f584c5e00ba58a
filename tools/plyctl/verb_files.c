/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl files: the objects of one layer.
 */
#include "plyctl.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "view/contents.h"

static void files_json(const struct view_object *o)
{
	json_t *item = json_object();

	json_set_path(item, "path", o->path);
	json_object_set_new(item, "whiteout", json_boolean(o->whiteout));
	if (!o->whiteout) {
		json_object_set_new(item, "type", json_string(type_name((uint16_t)o->mode)));
		json_object_set_new(item, "mode", json_sprintf("%04o", o->mode & 07777u));
		json_object_set_new(item, "uid", json_integer(o->uid));
		json_object_set_new(item, "gid", json_integer(o->gid));
		json_object_set_new(item, "size", json_size(o->size));
		json_object_set_new(item, "mtime", json_time(o->mtime));
		json_object_set_new(item, "opaque", json_boolean(o->opaque));
		json_object_set_new(item, "redirect", json_boolean(o->redirect));
		json_object_set_new(item, "metacopy", json_boolean(o->metacopy));
		json_object_set_new(item, "hardlink", json_boolean(o->hardlink));
		json_object_set_new(item, "implied", json_boolean(o->implied));
	}
	if (o->link)
		json_set_path(item, "link", o->link);
	json_list_item(item);
}

static void files_attributes(const struct view_object *o)
{
	char size[SIZE_TEXT], time[TIME_TEXT];

	if (o->whiteout)
		printf("whiteout                                   /");
	else
		printf("%c%04o %5u %5u %7s %s /", type_letter((uint16_t)o->mode), o->mode & 07777u, o->uid, o->gid,
		       size_text(o->size, size), time_text(o->mtime, time));
}

static void files_marks(const struct view_object *o)
{
	if (o->link) {
		printf(o->hardlink ? " (link to /" : " -> ");
		print_name(o->link);
		printf(o->hardlink ? ")" : "");
	}
	printf("%s%s%s%s", o->opaque ? " (opaque)" : "", o->redirect ? " (redirect)" : "",
	       o->metacopy ? " (metacopy)" : "", o->implied ? " (implied)" : "");
}

/* The document begins with the first object: one that is damaged has none. */
static void files_begin(bool *begun)
{
	if (common.json && !*begun) {
		json_start("files");
		json_list_start("files");
	}
	*begun = true;
}

static int files_each(void *arg, const struct view_object *o)
{
	files_begin(arg);
	if (!*o->path)
		return 0;
	if (common.json) {
		files_json(o);
		return 0;
	}
	if (common.quiet)
		printf("/");
	else
		files_attributes(o);
	print_name(o->path);
	if (!common.quiet)
		files_marks(o);
	printf("\n");
	return 0;
}

static int run_files(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *error = NULL, *path = NULL, *none = NULL;
	/* A layer alone is one of the union in which the working directory lies. */
	bool begun = false, is_around = argc == 1 && *argv[0] == '@' && access(argv[0], F_OK) < 0;
	int layer = 0, r;

	if (argc < 1 || argc > 2)
		return usage_error("files: STACK [LAYER], or @N is wanted");
	stack = is_around ? stack_of_path_any(NULL, ".", &path, &none) : stack_open_any(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	layer = is_around || argc > 1 ? stack_layer(stack, argv[argc - 1]) : 0;
	if (layer < 0)
		return EXIT_FAILED;
	r = view_contents_each(stack, (size_t)layer, files_each, &begun, &error);
	if (r == 0)
		files_begin(&begun);
	if (common.json && begun) {
		json_list_end();
		json_end();
	}
	return r < 0 ? fail("%s", error) : EXIT_FINE;
}

const struct verb verb_files = {
	.name = "files",
	.operands = "STACK [LAYER] | @N",
	.help = "List what one layer holds",
	.more = "The layer is the topmost one if none is named. With -q paths only are printed.",
	.is_table = true,
	.run = run_files};
