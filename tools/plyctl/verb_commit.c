/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl commit: the upper of a stack becomes a layer of a new image.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/open.h"
#include "freeze.h"
#include "image/error.h"
#include "plyctl.h"
#include "progress.h"
#include "store/commit.h"
#include "stored.h"

static const char *name, *message, *author, *created_by, *only, *exclude;
static const struct opt opts[] = {
	{"name", 'n', "NAME", "the name that the image gets in the store", NULL, &name},
	{"message", 'm', "TEXT", "the comment in the history", NULL, &message},
	{"author", 0, "NAME", "the author in the history", NULL, &author},
	{"created-by", 0, "TEXT", "the command in the history", NULL, &created_by},
	{"only", 0, "PATTERNS", "take only these paths and all below; separated by commas", NULL, &only},
	{"exclude", 0, "PATTERNS", "leave out these paths and all below; separated by commas", NULL, &exclude},
};

struct commitment {
	struct view_stack *stack;
	struct store *store;
	struct image *base; /* the image that is below; owned unless it is the stack's */
	bool owns_base;
	struct commit_layer *layers; /* lowest first; owned */
	char (*diff_ids)[DIGEST_SIZE];
	size_t n;
	struct archive_options archive;
	struct freeze freeze;
};

/* --- paths -------------------------------------------------------------------------------------------------------- */

/* Whether the path, or a directory above it, is meant by one of the patterns. `above`: or the path is above one. */
static bool is_meant(const char *patterns, const char *path, bool above)
{
	for (const char *at = patterns, *end; *at; at = end + (*end == ',')) {
		char pattern[PATH_MAX];
		size_t len, parts = 0;

		end = strchrnul(at, ',');
		at += strspn(at, "/");
		len = MIN((size_t)(end - at), sizeof(pattern) - 1);
		memcpy(pattern, at, len);
		while (len && pattern[len - 1] == '/')
			len--;
		pattern[len] = '\0';
		if (fnmatch(pattern, path, FNM_PATHNAME | FNM_LEADING_DIR) == 0)
			return true;
		/* As many components of the pattern as the path has. */
		for (const char *c = path; above && *c; c++)
			parts += *c == '/';
		for (char *c = pattern; above && *c; c++)
			if (*c == '/' && !parts--) {
				*c = '\0';
				break;
			}
		if (above && (!*path || fnmatch(pattern, path, FNM_PATHNAME) == 0))
			return true;
	}
	return false;
}

static bool wants_path(void *arg, const char *path)
{
	if (exclude && *path && is_meant(exclude, path, false))
		return false;
	return !only || !*path || is_meant(only, path, true);
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* The diff_id of a directory that is a layer of the store. */
static bool stored_diff_id(const struct store *s, const char *directory, char ret[static DIGEST_SIZE])
{
	_cleanup_free_ char *real = realpath(directory, NULL), *root = realpath(store_path(s), NULL);
	size_t len = root ? strlen(root) : 0;
	const char *rest = "/layers/";

	if (!real || !root || strncmp(real, root, len) != 0 || strncmp(real + len, rest, strlen(rest)) != 0)
		return false;
	snprintf(ret, DIGEST_SIZE, DIGEST_PREFIX "%.*s", DIGEST_HEX, real + len + strlen(rest));
	return digest_is_valid(ret) && !strcmp(real + len + strlen(rest) + DIGEST_HEX, "/diff") &&
	       store_has_layer(s, ret);
}

/* Fills the layer that is `i` from the lowest. */
static int take_layer(struct commitment *c, size_t i, struct image_error *error)
{
	struct view_stack *stack = c->stack;
	size_t from_top = c->n - 1 - i;
	const struct view_layer_facts *facts = view_layer_facts(stack, from_top);
	struct commit_layer *l = &c->layers[i];
	_cleanup_free_ char *cause = NULL;
	bool top = !from_top;
	int r;

	if (facts->diff_id) {
		*l = (struct commit_layer){.diff_id = facts->diff_id, .image = stack->image, .image_layer = i};
		return 0;
	}
	if (facts->directory && !facts->upper && stored_diff_id(c->store, facts->directory, c->diff_ids[i])) {
		l->diff_id = c->diff_ids[i];
		return 0;
	}
	if (facts->data_only)
		return image_fail(error, -EOPNOTSUPP, "a data-only layer is no layer of an image");
	if (top)
		l->set = layer_set_get(stack->set);
	else {
		r = view_stack_open_range(stack, from_top, c->n - 1, &l->set, &cause);
		if (r < 0)
			return image_fail(error, r, "%s", cause ? cause : strerror(-r));
	}
	progress_expect_layers(stack, from_top, from_top, PROGRESS_OBJECTS | PROGRESS_BYTES, 1);
	l->created_by = top && created_by ? created_by : "plyctl commit";
	l->author = top ? author : NULL;
	l->comment = top ? message : NULL;
	return 0;
}

/* Whether the image has the layer again above: a mount leaves it out then. */
static bool repeats_above(const struct image *image, size_t layer)
{
	for (size_t i = layer + 1; i < image->n_layers; i++)
		if (!strcmp(image->layers[i].diff_id, image->layers[layer].diff_id))
			return true;
	return false;
}

/* Whether the n lowest layers are those of the image; with or without those that come again. */
static bool is_base(const struct commitment *c, size_t n, const struct image *image)
{
	size_t at = 0;

	if (image->n_layers == n)
		while (at < n && c->layers[at].diff_id && !strcmp(c->layers[at].diff_id, image->layers[at].diff_id))
			at++;
	if (image->n_layers <= n)
		return at == n && image->n_layers == n;
	for (size_t i = 0; i < image->n_layers; i++) {
		if (repeats_above(image, i))
			continue;
		if (at >= n || !c->layers[at].diff_id || strcmp(c->layers[at].diff_id, image->layers[i].diff_id) != 0)
			return false;
		at++;
	}
	return at == n;
}

/* All layers of the image below, in the place of the n lowest. */
static int take_base(struct commitment *c, size_t n, struct image_error *error)
{
	size_t more = c->base->n_layers - n;
	struct commit_layer *layers = calloc(c->n + more + 1, sizeof(*layers));

	if (!layers)
		return image_fail_memory(error);
	for (size_t i = 0; i < c->base->n_layers; i++)
		layers[i] = (struct commit_layer){
			.diff_id = c->base->layers[i].diff_id, .image = c->base, .image_layer = i};
	memcpy(layers + c->base->n_layers, c->layers + n, (c->n - n) * sizeof(*layers));
	free(c->layers);
	c->layers = layers;
	c->n += more;
	return 0;
}

/* An image of the store with exactly the layers below, so that its config and history go on. */
static int find_base(void *arg, const struct image_listed *item)
{
	struct commitment *c = arg;
	struct image *image;
	size_t n = c->n;

	while (n && c->layers[n - 1].created_by)
		n--;
	if (!n || image_open_in(IMAGE_STORE, store_path(c->store), item->id, &image, NULL) < 0)
		return 0;
	if (is_base(c, n, image) && (!c->base || (!c->base->n_names && image->n_names))) {
		if (c->base)
			image_free(c->base);
		c->base = image;
		c->owns_base = true;
		return image->n_names ? 1 : 0;
	}
	image_free(image);
	return 0;
}

static int take_layers(struct commitment *c, struct image_error *error)
{
	int r = 0;

	c->n = view_layer_count(c->stack);
	c->layers = calloc(c->n + 1, sizeof(*c->layers));
	c->diff_ids = calloc(c->n + 1, sizeof(*c->diff_ids));
	if (!c->layers || !c->diff_ids)
		return image_fail_memory(error);
	for (size_t i = 0; i < c->n && r == 0; i++)
		r = take_layer(c, i, error);
	if (r < 0)
		return r;
	if (!c->n || !c->layers[c->n - 1].created_by)
		return image_fail(error, -EINVAL, "its topmost layer is a layer of an image already");
	if (c->stack->image)
		c->base = c->stack->image;
	else
		r = image_list(IMAGE_STORE, store_path(c->store), find_base, c, error);
	if (r >= 0 && c->owns_base) {
		size_t n = c->n;

		while (n && c->layers[n - 1].created_by)
			n--;
		r = take_base(c, n, error);
	}
	return MIN(r, 0);
}

/* --- freezing ----------------------------------------------------------------------------------------------------- */

static int begin_reading(void *arg, struct image_error *error)
{
	struct commitment *c = arg;
	int r = freeze_start(&c->freeze, c->stack);

	return r < 0 ? image_fail(error, r, "%s", c->freeze.cause) : 0;
}

static int end_reading(void *arg, struct image_error *error)
{
	struct commitment *c = arg;
	int r = freeze_end(&c->freeze);

	return r < 0 ? image_fail(error, r, "%s", c->freeze.cause) : 0;
}

static void tell_waits(const struct commitment *c)
{
	if (c->freeze.done)
		fprintf(stderr, "plyctl: changes waited for %llu ms\n", c->freeze.ms);
	else if (c->stack->mountpoint)
		fprintf(stderr, "plyctl: changes went on meanwhile: %s\n", c->freeze.cause);
}

static int commit_stack(struct commitment *c, char id[static DIGEST_SIZE], struct image_error *error)
{
	struct store_commit commit = {.archive = &c->archive, .name = name};
	int r = store_open(NULL, true, &c->store, error);

	if (r == 0)
		r = store_lock(c->store, false, error);
	if (r == 0)
		r = archive_options_of_environment(&c->archive, error);
	archive_options_of_set(&c->archive, c->stack->set);
	if (only || exclude)
		c->archive.wants = wants_path;
	if (r == 0)
		r = take_layers(c, error);
	if (r < 0)
		return r;
	commit.layers = c->layers;
	commit.n_layers = c->n;
	commit.config = c->base ? c->base->config : NULL;
	commit.manifest = c->base ? c->base->manifest : NULL;
	if (c->stack->mountpoint) {
		commit.freeze = begin_reading;
		commit.thaw = end_reading;
		commit.arg = c;
	}
	progress_start("commit");
	r = store_commit(c->store, &commit, id, error);
	progress_end();
	return r;
}

static void commitment_finish(struct commitment *c)
{
	for (size_t i = 0; c->layers && i < c->n; i++)
		if (c->layers[i].set)
			layer_set_put(c->layers[i].set);
	free(c->layers);
	free(c->diff_ids);
	if (c->owns_base)
		image_free(c->base);
	store_cleanup(&c->store);
}

/* A config is JSON, which has UTF-8 only. */
static bool is_text(const char *value)
{
	json_auto_t *json = value ? json_string(value) : NULL;

	return !value || json;
}

static int run_commit(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *held = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	struct image_error error = {.text = "fails"};
	struct commitment c = {.n = 0};
	char id[DIGEST_SIZE];
	int r;

	if (argc != 1)
		return usage_error("commit: one STACK is wanted");
	if (!is_text(message) || !is_text(author) || !is_text(created_by))
		return usage_error("commit: --message, --author and --created-by are UTF-8");
	umask(0);
	held = store_hold();
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	c.stack = stack;
	r = commit_stack(&c, id, &error);
	if (r == 0)
		tell_waits(&c);
	commitment_finish(&c);
	if (r < 0)
		return fail("%s: %s", argv[0], error.text);
	if (common.json) {
		json_start("commit");
		json_member("id", json_string(id));
		json_member("name", name ? json_text(name) : json_null());
		json_member("waited_ms", c.freeze.done ? json_integer((json_int_t)c.freeze.ms) : json_null());
		json_end();
	} else {
		printf("%s\n", id);
	}
	return EXIT_FINE;
}

const struct verb verb_commit = {.name = "commit",
				 .operands = "STACK",
				 .help = "Make the upper of a stack a layer of a new image",
				 .more = "STACK is a mountpoint, a container, or directories with the upper as the "
					 "first. The layers below become layers "
					 "of the image,\ntoo, unless the store has them.",
				 .opts = opts,
				 .n_opts = ARRAY_SIZE(opts),
				 .makes = true,
				 .run = run_commit};
