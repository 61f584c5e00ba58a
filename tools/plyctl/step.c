/* SPDX-License-Identifier: Apache-2.0 */
#include "step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "archive/layer.h"
#include "ids.h"
#include "image/error.h"
#include "lease.h"
#include "stored.h"
#include "store/commit.h"
#include "unpacked.h"

/* Of the layers below that are only directories. */
#define BELOW_CREATED_BY "plyctl run"

char *step_words(const char *first, char *const *words)
{
	_cleanup_free_ char *all = strdup(first);
	json_t *text;
	char *ret;

	for (; *words; words++) {
		_cleanup_free_ char *old = all;

		if (asprintf(&all, "%s %s", old, *words) < 0)
			abort();
	}
	text = json_text(all);
	ret = text ? strdup(json_string_value(text)) : NULL;
	json_decref(text);
	if (!ret)
		abort();
	return ret;
}

void step_add(struct step *s, const char *name, const char *value)
{
	if (cache_parts_add_value(&s->parts, name, value) < 0)
		abort();
}

void step_add_digest(struct step *s, const char *name, const void *data, size_t len)
{
	if (cache_parts_add_digest(&s->parts, name, data, len) < 0)
		abort();
}

/* --- the parent --------------------------------------------------------------------------------------------------- */

int step_lock(struct step *s)
{
	struct image_error error = {.text = "fails"};
	int r = store_open(NULL, true, &s->store, &error);

	if (r == 0)
		r = store_lock(s->store, false, &error);
	return r < 0 ? -fail("%s", error.text) : 0;
}

void step_unlock(struct step *s)
{
	store_cleanup(&s->store);
	s->store = NULL;
}

/* The diff_id of a layer of the parent, which is `i` from the lowest. */
static int parent_layer(struct step *s, size_t i)
{
	size_t from_top = s->n - 1 - i;
	const struct view_layer_facts *facts = view_layer_facts(s->stack, from_top);
	_cleanup_free_ char *cause = NULL;

	if (facts->upper)
		return -fail("%s: its upper may change: commit it first", s->stack->name);
	if (facts->data_only)
		return -fail("%s: a data-only layer is no layer of an image", s->stack->name);
	if (facts->diff_id) {
		snprintf(s->diff_ids[i], DIGEST_SIZE, "%s", facts->diff_id);
		return 0;
	}
	if (ids_diff_id(s->stack->set, &s->stack->set->layers[from_top], s->diff_ids[i], &cause) < 0)
		return -fail("%s", cause ? cause : s->stack->name);
	return 0;
}

static int parent_chain(struct step *s, char ret[static DIGEST_SIZE])
{
	char below[DIGEST_SIZE];
	int r = 0;

	s->n = view_layer_count(s->stack);
	s->diff_ids = calloc(s->n + 1, sizeof(*s->diff_ids));
	if (!s->diff_ids)
		abort();
	for (size_t i = 0; i < s->n && r == 0; i++) {
		r = parent_layer(s, i);
		if (r == 0 && digest_chain(i ? below : NULL, s->diff_ids[i], ret) < 0)
			abort();
		memcpy(below, ret, DIGEST_SIZE);
	}
	return r;
}

/* Whether a layer of the parent, which is `i` from the lowest, is a directory that anybody may change. */
static bool is_changeable(const struct step *s, size_t i)
{
	return !view_layer_facts(s->stack, s->n - 1 - i)->diff_id;
}

/* The layers below may have changed since their chain_id was made, which is a part of the key. */
static int parent_stayed(const struct step *s, struct image_error *error)
{
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct layer *l = &s->stack->set->layers[s->n - 1 - i];
		_cleanup_free_ char *cause = NULL;
		char now[DIGEST_SIZE];

		if (!is_changeable(s, i))
			continue;
		r = ids_diff_id(s->stack->set, l, now, &cause);
		if (r < 0)
			return image_fail(error, r, "%s", cause ? cause : strerror(-r));
		if (strcmp(now, s->diff_ids[i]) != 0)
			r = image_fail(error, -EAGAIN, "%s: it changed while the step was made: nothing is kept",
				       l->path);
	}
	return r;
}

struct view_stack *step_open_stack(const struct step *s, const char *operand, char **ret_lease)
{
	/* The step has the lock of this store. */
	_cleanup_(store_cleanup) struct store *hold = NULL;
	_cleanup_stack_ struct view_stack *stack = stack_open_unpacked(operand, &hold);
	const struct image *image = stack ? stack->image : NULL;

	*ret_lease = NULL;
	if (!stack || !image || image->source != IMAGE_STORE || !strcmp(image->path, store_path(s->store)))
		return TAKE_PTR(stack);
	return lease_take(stack, false, ret_lease) == EXIT_FINE ? TAKE_PTR(stack) : NULL;
}

int step_open(struct step *s, const char *operand)
{
	char chain[DIGEST_SIZE] = "";
	struct image_error error;

	if (step_lock(s) < 0)
		return -1;
	if (s->name && store_check_name(s->name, &error) < 0)
		return -fail("%s", error.text);
	s->stack = step_open_stack(s, operand, &s->lease);
	if (!s->stack || parent_chain(s, chain) < 0)
		return -1;
	step_add(s, "parent", chain);
	return 0;
}

void step_finish(struct step *s)
{
	step_unlock(s);
	view_stack_free(s->stack);
	free(s->diff_ids);
	free(s->text);
	free(s->lease);
	cache_parts_finish(&s->parts);
}

/* --- the image ---------------------------------------------------------------------------------------------------- */

/* The layers of the parent. One that isn't in the store and of no image becomes one. */
static int take_parent(const struct step *s, struct commit_layer *layers, struct image_error *error)
{
	for (size_t i = 0; i < s->n; i++) {
		_cleanup_free_ char *cause = NULL;
		int r;

		if (s->stack->image || store_has_layer(s->store, s->diff_ids[i])) {
			layers[i] = (struct commit_layer){
				.diff_id = s->diff_ids[i], .image = s->stack->image, .image_layer = i};
		} else {
			layers[i].diff_id = s->diff_ids[i];
			r = view_stack_open_range(s->stack, s->n - 1 - i, s->n - 1, &layers[i].set, &cause);
			if (r < 0)
				return image_fail(error, r, "%s", cause ? cause : strerror(-r));
		}
		if (!s->stack->image)
			layers[i].created_by = BELOW_CREATED_BY;
	}
	return 0;
}

/* `top` is the layer of the step. */
static int make_image(struct step *s, const struct commit_layer *top, time_t dated, struct store_added *ret_added)
{
	struct image_error error = {.text = "fails"};
	struct commit_layer *layers = calloc(s->n + 1, sizeof(*layers));
	struct store_added *added = calloc(s->n + 1, sizeof(*added));
	struct archive_options archive;
	char created[TIME_TEXT];
	struct store_commit commit = {.layers = layers, .n_layers = s->n + 1, .archive = &archive, .name = s->name};
	int r = archive_options_of_environment(&archive, &error);

	if (!layers || !added)
		abort();
	if (r == 0)
		r = take_parent(s, layers, &error);
	layers[s->n] = *top;
	layers[s->n].created_by = s->text;
	layers[s->n].created = time_text(dated, created);
	for (size_t i = 0; i < s->n; i++)
		layers[i].created = created;
	commit.config = s->stack->image ? s->stack->image->config : NULL;
	commit.added = added;
	if (r == 0)
		r = store_commit(s->store, &commit, s->id, &error);
	*ret_added = added[s->n];
	for (size_t i = 0; i < s->n; i++)
		if (layers[i].set)
			layer_set_put(layers[i].set);
	free(layers);
	free(added);
	return r < 0 ? -fail("%s: %s", s->stack->name, error.text) : 0;
}

int step_find(struct step *s)
{
	struct image_error error = {.text = "fails"};
	struct cache_entry e = {.step = NULL};
	struct store_added added;
	struct commit_layer top = {.diff_id = s->diff_id};
	int r;

	if (cache_parts_key(&s->parts, s->key) < 0)
		abort();
	r = store_cache_find(s->store, s->key, true, &e, &error);
	if (r == -ENOENT)
		return 0;
	if (r == -EBADMSG) {
		if (!s->told)
			fail("step %.*s: its entry is passed over: %s", SHORT_ID, s->key + strlen(DIGEST_PREFIX),
			     error.text);
		s->told = true;
		return 0;
	}
	if (r < 0)
		return -fail("%s", error.text);
	strcpy(s->diff_id, e.diff_id);
	r = make_image(s, &top, (time_t)e.dated, &added);
	cache_entry_finish(&e);
	s->hit = r == 0;
	return r < 0 ? r : 1;
}

/* What writes the layer, and then looks whether it is made of what the key says. */
struct step_writing {
	const struct step *s;
	int (*write)(void *arg, archive_sink sink, void *sink_arg, struct image_error *error);
	void *arg;
};

static int step_write(void *arg, archive_sink sink, void *sink_arg, struct image_error *error)
{
	const struct step_writing *w = arg;
	int r = w->write(w->arg, sink, sink_arg, error);

	return r < 0 ? r : parent_stayed(w->s, error);
}

/* The time of the new image: now, or what SOURCE_DATE_EPOCH says. */
static time_t time_of_step(time_t now)
{
	struct archive_options archive;
	struct image_error error;

	if (archive_options_of_environment(&archive, &error) < 0 || !archive.has_latest)
		return now;
	return MIN(now, (time_t)archive.latest);
}

int step_make(struct step *s, int (*write)(void *arg, archive_sink sink, void *sink_arg, struct image_error *error),
	      void *arg)
{
	struct image_error error = {.text = "fails"};
	int64_t now = store_cache_now();
	struct cache_entry e = {.parts = s->parts, .step = s->text, .created = now, .last_used = now};
	struct step_writing writing = {.s = s, .write = write, .arg = arg};
	struct commit_layer top = {.write = step_write, .write_arg = &writing};
	struct store_added added;
	int r;

	e.dated = time_of_step((time_t)(now / 1000));
	/* Before all is read and written, and again when it was. */
	if (parent_stayed(s, &error) < 0)
		return -fail("%s: %s", s->stack->name, error.text);
	if (make_image(s, &top, (time_t)e.dated, &added) < 0)
		return -1;
	e.size = added.tar;
	strcpy(e.diff_id, added.diff_id);
	strcpy(s->diff_id, added.diff_id);
	strcpy(e.key, s->key);
	r = store_cache_put(s->store, &e, &error);
	/* Another run of the same step has ended meanwhile. */
	if (r == -EEXIST)
		return step_find(s) < 0 ? -1 : 0;
	return r < 0 ? -fail("%s", error.text) : 0;
}

void step_tell(const struct step *s, const char *verb)
{
	const char *key = s->key + strlen(DIGEST_PREFIX), *layer = s->diff_id + strlen(DIGEST_PREFIX);

	if (common.json) {
		json_start(verb);
		json_member("key", json_string(s->key));
		json_member("hit", json_boolean(s->hit));
		json_member("diff_id", json_string(s->diff_id));
		json_member("id", json_string(s->id));
		json_member("name", s->name ? json_text(s->name) : json_null());
		json_end();
		return;
	}
	fprintf(stderr, "plyctl: step %.*s: %s layer %.*s, image %s\n", SHORT_ID, key, s->hit ? "reused" : "made",
		SHORT_ID, layer, s->id);
}
