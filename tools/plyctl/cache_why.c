/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a step ran: what differs from the nearest earlier one. Where that is the layers below, the step that made them is
 * compared too, so that the file is named that a step further down has copied.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "cache.h"

/* A cycle can't come of digests; a chain is not so long. */
#define STEPS_MAX 200
#define SHOWN_MAX 10
/* Steps with another command are hardly the same step. */
#define OTHER_STEP 1000000

struct difference {
	const struct cache_entry *of;	       /* the step */
	const struct cache_part *now, *before; /* NULL: there is none */
	enum cache_field field;		       /* of both */
};

struct comparing {
	const struct cached_list *all;
	struct difference *list; /* owned */
	size_t n;
};

/* --- two steps ---------------------------------------------------------------------------------------------------- */

static int cached_by_name(const void *a, const void *b)
{
	return strcmp((*(const struct cache_part *const *)a)->name, (*(const struct cache_part *const *)b)->name);
}

/* Parts sorted by their names. The caller frees it. */
static const struct cache_part **sorted_parts(const struct cache_parts *parts)
{
	const struct cache_part **list = calloc(parts->n + 1, sizeof(*list));

	if (!list)
		abort();
	for (size_t i = 0; i < parts->n; i++)
		list[i] = &parts->list[i];
	if (parts->n)
		qsort(list, parts->n, sizeof(*list), cached_by_name);
	return list;
}

static const struct cache_part *find_part(const struct cache_part **sorted, size_t n, const struct cache_part *like)
{
	const struct cache_part **found = n ? bsearch(&like, sorted, n, sizeof(*sorted), cached_by_name) : NULL;

	return found ? *found : NULL;
}

static void differ(struct comparing *c, const struct cache_entry *of, const struct cache_part *now,
		   const struct cache_part *before, enum cache_field field)
{
	struct difference *next = ARRAY_NEXT(c->list, c->n);

	if (!next)
		abort();
	*next = (struct difference){of, now, before, field};
	c->n++;
}

/* The first field that differs; CACHE_FIELDS: none. */
static enum cache_field other_field(const struct cache_part *a, const struct cache_part *b)
{
	for (enum cache_field field = 0; field < CACHE_FIELDS; field++) {
		const char *x = a->fields[field], *y = b->fields[field];

		if (!x != !y || (x && strcmp(x, y) != 0))
			return field;
	}
	return CACHE_FIELDS;
}

/* Adds all that differs. */
static void compare(struct comparing *c, const struct cache_entry *now, const struct cache_entry *before)
{
	_cleanup_free_ const struct cache_part **of_now = sorted_parts(&now->parts);
	_cleanup_free_ const struct cache_part **of_before = sorted_parts(&before->parts);

	for (size_t i = 0; i < now->parts.n; i++) {
		const struct cache_part *part = &now->parts.list[i];
		const struct cache_part *other = find_part(of_before, before->parts.n, part);
		enum cache_field field = other ? other_field(part, other) : 0;

		if (field < CACHE_FIELDS)
			differ(c, now, part, other, field);
	}
	for (size_t i = 0; i < before->parts.n; i++)
		if (!find_part(of_now, now->parts.n, &before->parts.list[i]))
			differ(c, now, NULL, &before->parts.list[i], 0);
}

static bool same_value(const struct cache_entry *a, const struct cache_entry *b, const char *name)
{
	const char *x = cached_value(a, name), *y = cached_value(b, name);

	return x && y ? !strcmp(x, y) : x == y;
}

static size_t differences(const struct cached_list *all, const struct cached *a, const struct cached *b)
{
	struct comparing c = {.all = all};
	size_t n;

	compare(&c, &a->entry, &b->entry);
	n = c.n;
	free(c.list);
	if (!same_value(&a->entry, &b->entry, "command") || !same_value(&a->entry, &b->entry, "destination"))
		n += OTHER_STEP;
	return n;
}

/* --- steps below -------------------------------------------------------------------------------------------------- */

/* The step whose result has this chain_id. */
static const struct cached *maker_of(const struct cached_list *all, const char *chain)
{
	for (size_t i = 0; chain && i < all->n; i++) {
		const struct cache_entry *e = &all->list[i].entry;
		char result[DIGEST_SIZE];

		if (!all->list[i].damage && cached_chain(e, result) == 0 && !strcmp(result, chain))
			return &all->list[i];
	}
	return NULL;
}

/* All that differs, in the steps below too. */
static size_t all_differences(const struct cached_list *all, const struct cached *a, const struct cached *b)
{
	size_t n = 0;

	for (unsigned depth = 0; a && b && a != b && depth < STEPS_MAX; depth++) {
		n += differences(all, a, b);
		if (same_value(&a->entry, &b->entry, "parent"))
			return n;
		a = maker_of(all, cached_value(&a->entry, "parent"));
		b = maker_of(all, cached_value(&b->entry, "parent"));
	}
	return a == b ? n : n + OTHER_STEP;
}

/* Of the earlier steps the one of which least differs; of several the one with the least differences below, and of
 * these the latest. NULL: there is none. */
static const struct cached *nearest(const struct cached_list *all, const struct cached *of)
{
	const struct cached *best = NULL;
	size_t least = SIZE_MAX, least_below = SIZE_MAX;

	/* The newest come first. */
	for (const struct cached *other = of + 1; other < all->list + all->n; other++) {
		size_t own, below;

		if (other->damage || !same_value(&of->entry, &other->entry, "kind"))
			continue;
		own = differences(all, of, other);
		if (own > least)
			continue;
		below = all_differences(all, of, other);
		if (own == least && below >= least_below)
			continue;
		least = own;
		least_below = below;
		best = other;
	}
	return best;
}

/* What differs further down comes first: it is the cause. */
static void find_causes(struct comparing *c, const struct cached *now, const struct cached *before, unsigned depth)
{
	const struct cached *below = NULL, *below_before = NULL;

	if (depth < STEPS_MAX && !same_value(&now->entry, &before->entry, "parent")) {
		below = maker_of(c->all, cached_value(&now->entry, "parent"));
		below_before = maker_of(c->all, cached_value(&before->entry, "parent"));
	}
	if (below && !below_before)
		below_before = nearest(c->all, below);
	if (below && below_before && below != below_before)
		find_causes(c, below, below_before, depth + 1);
	compare(c, &now->entry, &before->entry);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static const char *change_of(const struct difference *d)
{
	return !d->before ? "new" : !d->now ? "gone" : "differs";
}

static const char *text_of(const struct cache_part *part, enum cache_field field)
{
	return part ? part->fields[field] : NULL;
}

static void print_difference(const struct difference *d, const struct cached *step)
{
	const char *now = text_of(d->now, d->field), *before = text_of(d->before, d->field);
	bool short_texts = now && before && d->field != CACHE_VALUE && strncmp(now, DIGEST_PREFIX, 7) != 0;

	if (d->of != &step->entry) {
		printf("below, ");
		print_name(d->of->step);
		printf(": ");
	}
	print_name((d->now ? d->now : d->before)->name);
	if (!d->now || !d->before)
		printf(": it is %s", change_of(d));
	else if (d->field == CACHE_VALUE)
		printf(": it differs");
	else
		printf(": %s differs", cache_field_name(d->field));
	if (short_texts)
		printf(" (%s, not %s)", now, before);
	printf("\n");
}

static void print_all(const struct comparing *c, const struct cached *step, const struct cached *before)
{
	char made[TIME_TEXT];

	if (!before) {
		printf("no earlier step is like it\n");
		return;
	}
	for (size_t i = 0; i < c->n && (common.no_trunc || i < SHOWN_MAX); i++)
		print_difference(&c->list[i], step);
	if (!common.no_trunc && c->n > SHOWN_MAX)
		printf("and %zu more\n", c->n - SHOWN_MAX);
	printf("compared with step %.*s of %s\n", SHORT_ID, before->entry.key + strlen(DIGEST_PREFIX),
	       time_text((time_t)(before->entry.created / 1000), made));
}

static void json_all(const struct comparing *c, const struct cached *step, const struct cached *before)
{
	json_start("cache");
	json_member("key", json_string(step->entry.key));
	json_member("step", json_string(step->entry.step));
	json_member("compared", before ? json_string(before->entry.key) : json_null());
	json_list_start("differences");
	for (size_t i = 0; i < c->n; i++) {
		const struct difference *d = &c->list[i];
		json_t *item = json_object();

		json_object_set_new(item, "key", json_string(d->of->key));
		json_object_set_new(item, "step", json_string(d->of->step));
		json_set_path(item, "part", (d->now ? d->now : d->before)->name);
		json_object_set_new(item, "change", json_string(change_of(d)));
		json_object_set_new(item, "field",
				    d->now && d->before ? json_string(cache_field_name(d->field)) : json_null());
		json_object_set_new(item, "now", json_text_or_null(text_of(d->now, d->field)));
		json_object_set_new(item, "before", json_text_or_null(text_of(d->before, d->field)));
		json_list_item(item);
	}
	json_list_end();
	json_end();
}

/* The entry of a key, or of a layer, by its first digits; or the one that made an image. -1 after one line. */
static int find_step(const struct cached_list *all, const char *text, const struct cached **ret)
{
	const char *digits = strncmp(text, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) ? text : text + strlen(DIGEST_PREFIX);
	size_t len = strlen(digits);
	unsigned found = 0;

	for (size_t i = 0; i < all->n && len >= 4; i++) {
		if (all->list[i].damage || strncmp(all->list[i].entry.key + strlen(DIGEST_PREFIX), digits, len) != 0)
			continue;
		*ret = &all->list[i];
		found++;
	}
	for (size_t i = 0; i < all->n && !found; i++) {
		if (!all->list[i].made || strcmp(all->list[i].made, text) != 0)
			continue;
		*ret = &all->list[i];
		found++;
	}
	if (found > 1)
		return -fail("%s: several steps have a key that begins so", text);
	return found ? 0 : -fail("%s: no step of the cache has this key, or made an image of this name", text);
}

int cache_why(const struct cached_list *all, const char *step)
{
	struct comparing c = {.all = all};
	const struct cached *of, *before;

	if (find_step(all, step, &of) < 0)
		return EXIT_FAILED;
	before = nearest(all, of);
	if (before)
		find_causes(&c, of, before, 0);
	if (common.json)
		json_all(&c, of, before);
	else
		print_all(&c, of, before);
	free(c.list);
	return EXIT_FINE;
}
