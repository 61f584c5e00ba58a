/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl config: prints an image's config, or makes an image with another one over the same layers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"
#include "image/error.h"
#include "plyctl.h"
#include "store/commit.h"
#include "store/edit.h"
#include "store/import.h"
#include "stored.h"

static const char *name, *created_by, *message;
static const struct opt opts[] = {
	[EDIT_ENV] = {"env", 'e', "NAME=VALUE", "set a variable of the environment; NAME- removes it", NULL, NULL},
	[EDIT_ENTRYPOINT] = {"entrypoint", 0, "COMMAND", "set the entry point: words, or a JSON list", NULL, NULL},
	[EDIT_CMD] = {"cmd", 0, "COMMAND", "set the default arguments: words, or a JSON list", NULL, NULL},
	[EDIT_SHELL] = {"shell", 0, "COMMAND", "set the shell: words, or a JSON list", NULL, NULL},
	[EDIT_WORKDIR] = {"workdir", 'w', "DIR", "set the working directory", NULL, NULL},
	[EDIT_USER] = {"user", 'u', "USER", "set the user, as USER or USER:GROUP", NULL, NULL},
	[EDIT_LABEL] = {"label", 'l', "NAME=VALUE", "set a label; NAME- removes it", NULL, NULL},
	[EDIT_EXPOSE] = {"expose", 'p', "PORT", "expose PORT[-PORT][/PROTOCOL]; with a dash behind it, not any more",
			 NULL, NULL},
	[EDIT_VOLUME] = {"volume", 'v', "DIR", "make a directory a volume; DIR- ends that", NULL, NULL},
	[EDIT_STOP_SIGNAL] = {"stop-signal", 0, "SIGNAL", "set the signal that stops a container", NULL, NULL},
	[EDIT_AUTHOR] = {"author", 'a', "NAME", "set the author", NULL, NULL},
	[EDIT_PLATFORM] = {"platform", 0, "PLATFORM", "set the platform, as OS/ARCHITECTURE[/VARIANT]", NULL, NULL},
	[EDIT_ANNOTATION] = {"annotation", 0, "NAME=VALUE", "set an annotation of the manifest; NAME- removes it", NULL,
			     NULL},
	{"name", 'n', "NAME", "the name that the new image gets, instead of the old one's", NULL, &name},
	{"message", 'm', "TEXT", "the comment in the history", NULL, &message},
	{"created-by", 0, "TEXT", "the command in the history", NULL, &created_by},
};

static struct edit *edits;
static size_t n_edits;
static bool misused; /* a value can't be */

static void take_edit(const struct opt *opt, const char *value)
{
	struct edit *next = ARRAY_NEXT(edits, n_edits);

	if (!next)
		abort();
	*next = (struct edit){.field = (enum edit_field)(opt - opts), .value = value};
	n_edits++;
}

static bool all_utf8(void)
{
	const char *const texts[] = {created_by, message};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i] && !utf8_is(texts[i], strlen(texts[i])))
			return false;
	for (size_t i = 0; i < n_edits; i++)
		if (!utf8_is(edits[i].value, strlen(edits[i].value)))
			return false;
	return true;
}

/* An entry without a layer. */
static int add_history(json_t *config, struct image_error *error)
{
	_cleanup_free_ char *text = created_by ? strdup(created_by) : store_edit_text(edits, n_edits);
	json_t *history = json_object_get(config, "history"), *entry;
	char now[STORE_TIME_SIZE];

	if (!text)
		return image_fail_memory(error);
	if (!history || json_is_null(history)) {
		history = json_array();
		json_object_set_new(config, "history", history);
	}
	if (!json_is_array(history))
		return image_fail(error, -EBADMSG, "the config is damaged: history is no list");
	store_time_now(now);
	entry = json_pack("{s:s, s:s, s:b}", "created", now, "created_by", text, "empty_layer", 1);
	if (message)
		json_object_set_new(entry, "comment", json_string(message));
	return json_array_append_new(history, entry) < 0 ? image_fail_memory(error) : 0;
}

/* The same layers under another config. */
static int commit_edited(struct store *store, const struct image *image, json_t *config, const json_t *manifest,
			 char id[static DIGEST_SIZE], struct image_error *error)
{
	_cleanup_free_ struct commit_layer *layers = calloc(image->n_layers + 1, sizeof(*layers));
	_cleanup_free_ char *text = json_dumps(config, JSON_COMPACT);
	_cleanup_free_ char *about = json_object_size(manifest) ? json_dumps(manifest, JSON_COMPACT) : NULL;
	struct store_commit commit = {
		.layers = layers, .n_layers = image->n_layers, .config = text, .manifest = about, .name = name};

	if (!layers || !text)
		return image_fail_memory(error);
	for (size_t i = 0; i < image->n_layers; i++)
		layers[i] =
			(struct commit_layer){.diff_id = image->layers[i].diff_id, .image = image, .image_layer = i};
	return store_commit(store, &commit, id, error);
}

static int change_config(struct store *store, const struct image *image, json_t *config, char id[static DIGEST_SIZE],
			 struct image_error *error)
{
	json_auto_t *manifest = image->manifest ? json_loads(image->manifest, 0, NULL) : json_object();
	int r;

	if (!json_is_object(manifest))
		return image_fail(error, -EBADMSG, "its manifest is damaged");
	r = store_edit(config, manifest, edits, n_edits, error);
	misused = r == -EINVAL;
	if (r == 0)
		r = add_history(config, error);
	return r < 0 ? r : commit_edited(store, image, config, manifest, id, error);
}

/* Nothing of it may be a terminal's to obey. */
static void print_document(const json_t *config)
{
	_cleanup_free_ char *text = json_dumps(config, JSON_INDENT(2)), *safe = NULL;
	bool plain = text;

	for (const char *c = text; plain && *c;) {
		size_t n = *c == '\n' ? 1 : utf8_printable((const unsigned char *)c);

		plain = n;
		c += n;
	}
	if (!plain)
		safe = json_dumps(config, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	printf("%s\n", plain ? text : safe ? safe : "{}");
}

static void print_config(const char *id, const char *of, json_t *config)
{
	if (!common.json && n_edits) {
		printf("%s\n", id);
	} else if (!common.json) {
		print_document(config);
	} else {
		json_start("config");
		json_member("id", json_string(id));
		json_member("name", json_text_or_null(of));
		json_member("config", json_incref(config));
		json_end();
	}
}

static int config_of(const char *operand, struct store **store, struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL, *changed = NULL;
	json_auto_t *config = NULL;
	char id[DIGEST_SIZE];
	int r = store_open(NULL, false, store, error);

	if (r == 0)
		r = store_lock(*store, false, error);
	if (r == 0)
		r = image_open_in(IMAGE_STORE, store_path(*store), operand, &image, error);
	if (r < 0)
		return r;
	if (n_edits) {
		name = store_new_name(*store, operand, name, error);
		if (!name)
			return -EINVAL;
	}
	config = json_loads(image->config, 0, NULL);
	if (!json_is_object(config))
		return image_fail(error, -EBADMSG, "its config is damaged");
	if (!n_edits) {
		print_config(image->id, image->n_names ? image->names[0] : NULL, config);
		return 0;
	}
	r = change_config(*store, image, config, id, error);
	if (r == 0)
		r = image_open_in(IMAGE_STORE, store_path(*store), id, &changed, error);
	if (r < 0)
		return r;
	json_decref(config);
	config = json_loads(changed->config, 0, NULL);
	print_config(id, name, config);
	return 0;
}

static int run_config(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct image_error error = {.text = "fails"};
	int r;

	if (argc != 1)
		return usage_error("config: one IMAGE is wanted");
	if (!all_utf8())
		return usage_error("config: values are UTF-8");
	if (!n_edits && (name || message || created_by))
		return usage_error("config: nothing is changed");
	r = config_of(store_operand(argv[0]), &store, &error);
	free(edits);
	if (misused)
		return usage_error("config: %s", error.text);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : EXIT_FINE;
}

const struct verb verb_config = {
	.name = "config",
	.operands = "IMAGE",
	.help = "Print the config of an image of the store, or change it",
	.more = "A change makes a new image over the same layers, and the name goes to it. An empty "
		"value removes a command,\nthe working directory, the user, the signal and the "
		"author.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.take = take_edit,
	.makes = true,
	.run = run_config};
