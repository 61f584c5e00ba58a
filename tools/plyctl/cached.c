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

struct cached_reading {
	struct store *store;
	struct cached_list *all;
};

static int cached_add(void *arg, const char *key, struct cache_entry *e, const char *cause)
{
	struct cached_reading *r = arg;
	struct cached *next = ARRAY_NEXT(r->all->list, r->all->n);

	if (!next)
		abort();
	*next = (struct cached){.damage = e ? NULL : strdup(cause)};
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
		for (size_t k = 0; k < image->n_layers; k++) {
			struct cached *c = &r->all->list[i];

			if (strcmp(image->layers[k].diff_id, c->entry.diff_id) != 0)
				continue;
			if (k + 1 == image->n_layers && !c->made)
				c->made = *name;
			c->image = c->made ? c->made : c->image ? c->image : *name;
		}
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
