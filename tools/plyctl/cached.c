/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "image/error.h"

void cached_finish(struct cached_list *all)
{
	for (size_t i = 0; i < all->n; i++) {
		cache_entry_finish(&all->list[i].entry);
		free(all->list[i].damage);
	}
	for (size_t i = 0; i < all->n_names; i++)
		free(all->names[i]);
	free(all->list);
	free(all->names);
	*all = (struct cached_list){.n = 0};
}

const char *cached_value(const struct cache_entry *e, const char *part)
{
	for (size_t i = 0; i < e->parts.n; i++)
		if (!strcmp(e->parts.list[i].name, part))
			return e->parts.list[i].fields[CACHE_VALUE];
	return NULL;
}

int cached_chain(const struct cache_entry *e, char ret[static DIGEST_SIZE])
{
	const char *below = cached_value(e, "parent");

	/* Nothing is below a step that begins. */
	if (!below || (*below && !digest_is_valid(below)))
		return -1;
	return digest_chain(*below ? below : NULL, e->diff_id, ret);
}

/* The image may be the result of the step, or one that has its layer among others. */
static void name_of_image(struct cached *c, const struct image *image, const char *name)
{
	const char *chain = image->n_layers ? image->layers[image->n_layers - 1].chain_id : NULL;
	char result[DIGEST_SIZE];
	bool has = false;

	for (size_t i = 0; i < image->n_layers && !has; i++)
		has = !strcmp(image->layers[i].diff_id, c->entry.diff_id);
	if (!has)
		return;
	if (!c->made && chain && cached_chain(&c->entry, result) == 0 && !strcmp(result, chain))
		c->made = name;
	c->image = c->made ? c->made : c->image ? c->image : name;
}

struct cached_reading {
	struct store *store;
	struct cached_list *all;
};

static int cached_add(void *arg, const char *key, struct cache_entry *e, int err, const char *cause)
{
	struct cached_reading *r = arg;
	struct cached *next = ARRAY_NEXT(r->all->list, r->all->n);

	if (!next)
		abort();
	*next = (struct cached){.damage = e ? NULL : strdup(cause), .unread = !e && err != -EBADMSG};
	if (e) {
		next->entry = *e;
		next->has_layer = store_has_layer(r->store, e->diff_id);
		/* It is the list's now. */
		*e = (struct cache_entry){.step = NULL};
	} else {
		strcpy(next->entry.key, key);
	}
	r->all->n++;
	return 0;
}

/* The layers of an image with a name. */
static int cached_look_at_image(void *arg, const struct image_listed *item)
{
	struct cached_reading *r = arg;
	_cleanup_(image_cleanup) struct image *image = NULL;
	char **name;

	if (!item->name || image_open_in(IMAGE_STORE, store_path(r->store), item->id, &image, NULL) < 0)
		return 0;
	name = ARRAY_NEXT(r->all->names, r->all->n_names);
	if (!name || !(*name = strdup(item->name)))
		abort();
	r->all->n_names++;
	for (size_t i = 0; i < r->all->n; i++)
		if (!r->all->list[i].damage)
			name_of_image(&r->all->list[i], image, *name);
	return 0;
}

static int cached_by_age(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	if (x->entry.created != y->entry.created)
		return x->entry.created < y->entry.created ? 1 : -1;
	return strcmp(x->entry.key, y->entry.key);
}

int cached_read(struct store *s, struct cached_list *ret)
{
	struct cached_reading reading = {.store = s, .all = ret};
	struct image_error error = {.text = "fails"};
	int r = store_cache_each(s, cached_add, &reading, &error);

	if (r == 0 && ret->n) {
		qsort(ret->list, ret->n, sizeof(*ret->list), cached_by_age);
		r = image_list(IMAGE_STORE, store_path(s), cached_look_at_image, &reading, &error);
	}
	return r < 0 ? fail("cache: %s", error.text) : EXIT_FINE;
}
