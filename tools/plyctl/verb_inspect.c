/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl inspect: all that is known of a stack, as JSON.
 */
#include "plyctl.h"
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/utf8.h"
#include "os/mount.h"
#include "view/contents.h"

static json_t *size_or_null(int64_t bytes)
{
	return bytes >= 0 ? json_size((uint64_t)bytes) : json_null();
}

/* --- one layer ---------------------------------------------------------------------------------------------------- */

struct counts {
	uint64_t apparent, allocated, files, directories, symlinks, others, whiteouts, opaque;
};

static int inspect_count(void *arg, const struct view_object *o)
{
	struct counts *c = arg;

	c->apparent += o->size;
	c->allocated += o->allocated;
	c->whiteouts += o->whiteout;
	c->opaque += o->opaque;
	if (o->whiteout)
		return 0;
	if (S_ISREG(o->mode))
		c->files++;
	else if (S_ISDIR(o->mode))
		c->directories++;
	else if (S_ISLNK(o->mode))
		c->symlinks++;
	else
		c->others++;
	return 0;
}

static void inspect_counts(json_t *item, const struct view_stack *stack, size_t i)
{
	const struct view_layer_facts *f = view_layer_facts(stack, i);
	_cleanup_free_ char *error = NULL;
	struct counts c = {.files = 0};
	int64_t tar = f->tar;

	if (view_contents_each(stack, i, inspect_count, &c, &error) < 0) {
		stack_incomplete = true;
		fail("%s", error);
	}
	view_contents_forget(stack, i);
	if (tar < 0 && stack->image && !f->upper && !f->directory) {
		struct image_error why;

		if (image_layer_measure(stack->image, stack->image->n_layers - 1 - i, &why) == 0)
			tar = stack->image->layers[stack->image->n_layers - 1 - i].tar;
	}
	json_object_set_new(item, "size", json_size(c.apparent));
	json_object_set_new(item, "size_allocated", f->directory ? json_size(c.allocated) : json_null());
	json_object_set_new(item, "size_compressed", size_or_null(f->compressed));
	json_object_set_new(item, "size_tar", size_or_null(tar));
	json_object_set_new(item, "files", json_size(c.files));
	json_object_set_new(item, "directories", json_size(c.directories));
	json_object_set_new(item, "symlinks", json_size(c.symlinks));
	json_object_set_new(item, "others", json_size(c.others));
	json_object_set_new(item, "whiteouts", json_size(c.whiteouts));
	json_object_set_new(item, "opaque", json_size(c.opaque));
}

static json_t *inspect_layer(const struct view_stack *stack, size_t i)
{
	const struct view_layer_facts *f = view_layer_facts(stack, i);
	json_t *item = json_object();

	json_object_set_new(item, "id", json_text_or_null(f->id));
	json_object_set_new(item, "parent", json_text_or_null(f->parent));
	json_object_set_new(item, "diff_id", json_text_or_null(f->diff_id));
	json_object_set_new(item, "chain_id", json_text_or_null(f->chain_id));
	json_object_set_new(item, "digest", json_text_or_null(f->digest));
	json_object_set_new(item, "media_type", json_text_or_null(f->media_type));
	if (f->directory)
		json_set_path(item, "directory", f->directory);
	else
		json_object_set_new(item, "directory", json_null());
	json_object_set_new(item, "created", json_text_or_null(f->created));
	json_object_set_new(item, "created_by", json_text_or_null(f->created_by));
	json_object_set_new(item, "upper", json_boolean(f->upper));
	json_object_set_new(item, "data_only", json_boolean(f->data_only));
	inspect_counts(item, stack, i);
	return item;
}

/* --- an image ----------------------------------------------------------------------------------------------------- */

static json_t *inspect_texts(char **list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_text(list[i]));
	return array;
}

static json_t *inspect_image(const struct image *image)
{
	json_t *item = json_object();

	json_object_set_new(item, "id", json_text_or_null(image->id));
	json_object_set_new(item, "digest", json_text_or_null(image->manifest_digest));
	json_object_set_new(item, "source", json_string(image_source_name(image->source)));
	json_set_path(item, "path", image->path);
	json_object_set_new(item, "names", inspect_texts(image->names, image->n_names));
	json_object_set_new(item, "created", json_text_or_null(image->created));
	json_object_set_new(item, "author", json_text_or_null(image->author));
	json_object_set_new(item, "os", json_text_or_null(image->os));
	json_object_set_new(item, "architecture", json_text_or_null(image->architecture));
	json_object_set_new(item, "variant", json_text_or_null(image->variant));
	json_object_set_new(item, "lacks", inspect_texts(image->lacks, image->n_lacks));
	return item;
}

/* The part of the config's document that is for running. */
static json_t *inspect_config(const struct image *image)
{
	json_t *document = image->config ? json_loadb(image->config, image->config_len, 0, NULL) : NULL;
	json_t *config = json_incref(json_object_get(document, "config"));

	json_decref(document);
	return config ? config : json_null();
}

static json_t *inspect_step(const struct view_stack *stack, const struct image_history *h)
{
	const struct image *image = stack->image;
	char created[VIEW_TIME_SIZE] = "";
	json_t *item = json_object();

	if (h->created)
		view_time_utc(h->created, created);
	json_object_set_new(item, "created", json_text_or_null(*created ? created : NULL));
	json_object_set_new(item, "created_by", json_text_or_null(h->created_by));
	json_object_set_new(item, "author", json_text_or_null(h->author));
	json_object_set_new(item, "comment", json_text_or_null(h->comment));
	json_object_set_new(item, "empty", json_boolean(h->empty));
	json_object_set_new(item, "diff_id",
			    h->empty ? json_null() : json_text_or_null(image->layers[(size_t)h->layer].diff_id));
	return item;
}

static json_t *inspect_container(const struct image *image)
{
	json_t *item = json_object();

	json_object_set_new(item, "id", json_text(image->container));
	json_object_set_new(item, "names", inspect_texts(image->container_names, image->n_container_names));
	json_object_set_new(item, "created", json_text_or_null(image->container_created));
	return item;
}

static void inspect_of_image(const struct view_stack *stack)
{
	const struct image *image = stack->image;
	json_t *diff_ids = json_array();

	json_member("image", inspect_image(image));
	json_member("container", image->container ? inspect_container(image) : json_null());
	json_member("config", inspect_config(image));
	/* Oldest first, as in the config. */
	json_list_start("history");
	for (size_t i = 0; i < image->n_history; i++)
		json_list_item(inspect_step(stack, &image->history[i]));
	json_list_end();
	for (size_t i = 0; i < image->n_layers; i++)
		if (image->layers[i].diff_id)
			json_array_append_new(diff_ids, json_string(image->layers[i].diff_id));
	json_member("diff_ids", diff_ids);
}

/* --- a stack ------------------------------------------------------------------------------------------------------ */

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

/* --- options of a live union -------------------------------------------------------------------------------------- */

/* The text up to a comma that has no backslash before it. */
static size_t option_length(const char *text)
{
	size_t n = 0;

	for (; text[n] && text[n] != ','; n++)
		n += text[n] == '\\' && text[n + 1];
	return n;
}

/* Adds NAME or NAME=VALUE. A name that comes again makes a list of its values. */
static void option_add(json_t *all, char *option)
{
	char *value = strchr(option, '=');
	json_t *told, *before;

	if (value)
		*value++ = '\0';
	if (value)
		os_mountinfo_unescape(value);
	told = value ? json_text(value) : json_true();
	before = json_object_get(all, option);
	if (!*option || !utf8_is(option, strlen(option))) {
		json_decref(told);
	} else if (!before) {
		json_object_set_new(all, option, told);
	} else if (json_is_array(before)) {
		json_array_append_new(before, told);
	} else {
		json_t *list = json_array();

		json_array_append(list, before);
		json_array_append_new(list, told);
		json_object_set_new(all, option, list);
	}
}

static void options_add(json_t *all, const char *text)
{
	for (size_t n; *text; text += n + (text[n] == ',')) {
		n = option_length(text);
		_cleanup_free_ char *option = strndup(text, n);

		if (!option)
			abort();
		option_add(all, option);
	}
}

/* Of a FUSE mount those that its server was started with: -o TEXT and -oTEXT. */
static json_t *inspect_options(const struct view_stack *stack)
{
	json_t *all = json_object();

	if (stack->kind == VIEW_OVERLAY && stack->super_options)
		options_add(all, stack->super_options);
	for (char **word = stack->command; word && *word && strcmp(*word, "--") != 0; word++) {
		if (!strcmp(*word, "-o") && word[1])
			options_add(all, *++word);
		else if (!strncmp(*word, "-o", 2))
			options_add(all, *word + 2);
	}
	return all;
}

static json_t *inspect_words(char *const *words)
{
	json_t *list = json_array();

	for (; words && *words; words++)
		json_array_append_new(list, json_text(*words));
	return list;
}

/* Words with commas between them. */
static json_t *inspect_flags(const char *text)
{
	json_t *list = json_array();

	for (size_t n; text && *text; text += n + (text[n] == ',')) {
		n = option_length(text);
		_cleanup_free_ char *word = strndup(text, n);

		if (!word)
			abort();
		json_array_append_new(list, json_text(word));
	}
	return list;
}

static json_t *inspect_live(const struct view_stack *stack)
{
	json_t *where = json_object();
	char device[32];

	if (!stack->mountpoint)
		return where;
	json_set_path(where, "mountpoint", stack->mountpoint);
	snprintf(device, sizeof(device), "%u:%u", major(stack->dev), minor(stack->dev));
	json_object_set_new(where, "device", json_string(device));
	if (stack->has_upper)
		json_set_path(where, "upperdir", view_layer_facts(stack, 0)->directory);
	if (stack->options.workdir)
		json_set_path(where, "workdir", stack->options.workdir);
	json_object_set_new(where, "mount_flags", inspect_flags(stack->mount_flags));
	/* The kernel's overlayfs has its options there. */
	if (stack->kind != VIEW_OVERLAY)
		json_object_set_new(where, "super_options", inspect_flags(stack->super_options));
	json_object_set_new(where, "options", inspect_options(stack));
	json_object_set_new(where, "command", stack->command ? inspect_words(stack->command) : json_null());
	return where;
}

/* What the daemon of a live plyfs says: its options, what it probed and negotiated, and its figures. */
static json_t *inspect_daemon(const struct view_stack *stack)
{
	_cleanup_free_ char *error = NULL;
	struct view_control *control = NULL;
	struct status *status = NULL;
	json_t *answer;

	if (stack->kind != VIEW_PLYFS)
		return json_null();
	if (view_control_of(stack, &control, &error) == 0)
		status = status_ask(control, &error);
	view_control_close(control);
	if (!status) {
		fail("%s", error ? error : "out of memory");
		return json_null();
	}
	answer = json_incref(status->answer);
	status_free(status);
	(void)json_object_del(answer, "ok");
	return answer;
}

static void inspect_stack(const struct view_stack *stack)
{
	size_t n = view_layer_count(stack);

	json_start("inspect");
	json_member("stack", json_text(stack->name));
	json_member("kind", json_string(view_kind_name(stack->kind)));
	json_member("found", json_text_or_null(stack->found));
	json_member("live", inspect_live(stack));
	json_member("pid", stack->pid ? json_integer(stack->pid) : json_null());
	json_member("started", stack->since ? json_time(stack->since) : json_null());
	json_member("daemon", inspect_daemon(stack));
	json_member("reading", stack->set ? inspect_reading(stack->set) : json_null());
	if (stack->image)
		inspect_of_image(stack);
	json_list_start("layers");
	for (size_t i = 0; i < n; i++)
		json_list_item(inspect_layer(stack, i));
	json_list_end();
	json_list_start("Layers");
	for (size_t i = 0; i < n; i++)
		json_list_item(json_string(view_layer_facts(stack, i)->id));
	json_list_end();
	json_end();
}

static int run_inspect(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;

	if (argc != 1)
		return usage_error("inspect: one STACK is wanted");
	stack = stack_open_any(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	inspect_stack(stack);
	return EXIT_FINE;
}

const struct verb verb_inspect = {
	.name = "inspect", .operands = "STACK", .help = "Tell all about a stack, as JSON", .run = run_inspect};
