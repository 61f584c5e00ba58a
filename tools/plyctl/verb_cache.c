/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl cache: the entries of build steps.
 */
#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "image/error.h"

static bool all_entries, yes;
static const char *older;
static const struct opt opts[] = {
	{"older", 0, "AGE", "prune: entries that weren't used for so long, as 12h, 30d or 8w", NULL, &older},
	{"all", 0, NULL, "prune: all entries", &all_entries, NULL},
	{"yes", 'y', NULL, "prune: remove them; without this they are only told", &yes, NULL},
};

static const struct column columns[] = {{.name = "KEY"},
					{.name = "AGE"},
					{.name = "USED"},
					{.name = "HITS", .right = true},
					{.name = "SIZE", .right = true},
					{.name = "LAYER"},
					{.name = "IMAGE", .may_be_cut = true},
					{.name = "STEP", .may_be_cut = true}};

/* --- ls ----------------------------------------------------------------------------------------------------------- */

static void ls_json(const struct cached *c)
{
	json_t *item = json_object();
	const struct cache_entry *e = &c->entry;

	json_object_set_new(item, "key", json_string(e->key));
	json_object_set_new(item, "damage", json_text_or_null(c->damage));
	if (!c->damage) {
		json_object_set_new(item, "step", json_string(e->step));
		json_object_set_new(item, "diff_id", json_string(e->diff_id));
		json_object_set_new(item, "has_layer", json_boolean(c->has_layer));
		json_object_set_new(item, "size", json_size((uint64_t)e->size));
		json_object_set_new(item, "created", json_time((time_t)(e->created / 1000)));
		json_object_set_new(item, "last_used", json_time((time_t)(e->last_used / 1000)));
		json_object_set_new(item, "hits", json_integer(e->hits));
		json_object_set_new(item, "image", json_text_or_null(c->image));
	}
	json_list_item(item);
}

static void ls_row(struct table *t, const struct cached *c)
{
	const struct cache_entry *e = &c->entry;
	char key[SHORT_ID + 1], layer[SHORT_ID + 1] = "-", age[TIME_TEXT], used[TIME_TEXT], hits[24], size[SIZE_TEXT];

	snprintf(key, sizeof(key), "%.*s", SHORT_ID, e->key + strlen(DIGEST_PREFIX));
	if (c->damage) {
		table_add(t, (const char *[]){key, "-", "-", "-", "-", "-", "-", c->damage});
		return;
	}
	if (c->has_layer)
		snprintf(layer, sizeof(layer), "%.*s", SHORT_ID, e->diff_id + strlen(DIGEST_PREFIX));
	snprintf(hits, sizeof(hits), "%lld", (long long)e->hits);
	age_text((time_t)(e->created / 1000), age);
	age_text((time_t)(e->last_used / 1000), used);
	table_add(t, (const char *[]){key, age, e->hits ? used : "-", hits, size_text((uint64_t)e->size, size), layer,
				      c->image ? c->image : "-", e->step});
}

static int cache_ls(const struct cached_list *all)
{
	struct table *t;

	if (common.json) {
		json_start("cache");
		json_list_start("entries");
		for (size_t i = 0; i < all->n; i++)
			ls_json(&all->list[i]);
		json_list_end();
		json_end();
		return EXIT_FINE;
	}
	t = table_new(columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < all->n; i++)
		ls_row(t, &all->list[i]);
	return table_print(t);
}

/* --- prune -------------------------------------------------------------------------------------------------------- */

/* Seconds of an age. -1: it is none. */
static int64_t age_of(const char *text)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	long number = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || number > INT32_MAX || !*end || end[1])
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (*end == units[i].letter)
			return number * units[i].seconds;
	return -1;
}

/* An entry that nobody can use goes in any case. One that couldn't be read stays unless all go. */
static bool is_pruned(const struct cached *c, int64_t before_ms)
{
	if (c->unread)
		return all_entries;
	return all_entries || c->damage || !c->has_layer || (older && c->entry.last_used <= before_ms);
}

static void prune_tell(unsigned n, unsigned total)
{
	if (common.json) {
		json_start("cache");
		json_member("removed", json_boolean(yes));
		json_member("pruned", json_integer(n));
		json_member("total", json_integer(total));
		json_end();
		return;
	}
	printf("%s %u of %u entries\n", yes ? "removed" : "would remove", n, total);
	if (n)
		printf("%s\n", yes ? "plyctl gc --yes removes the layers that nothing else has"
				   : "plyctl cache prune --yes removes them");
}

static int cache_prune(struct store *store, const struct cached_list *all)
{
	int64_t age = older ? age_of(older) : 0, before_ms = store_cache_now() - age * 1000;
	struct image_error error = {.text = "fails"};
	unsigned n = 0;

	if (age < 0)
		return usage_error("cache: --older: %s: no age as 12h, 30d or 8w", older);
	for (size_t i = 0; i < all->n; i++) {
		const struct cached *c = &all->list[i];

		if (!is_pruned(c, before_ms))
			continue;
		n++;
		if (!yes && !common.json)
			printf("%.*s %s\n", SHORT_ID, c->entry.key + strlen(DIGEST_PREFIX),
			       c->damage ? c->damage : c->entry.step);
		if (yes && store_cache_remove(store, c->entry.key, &error) < 0)
			return fail("cache: %s", error.text);
	}
	prune_tell(n, (unsigned)all->n);
	return EXIT_FINE;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static int run_cache(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	_cleanup_cached_ struct cached_list all = {.n = 0};
	struct image_error error = {.text = "fails"};
	const char *what = argc ? argv[0] : "";
	bool prunes = !strcmp(what, "prune"), whys = !strcmp(what, "why");
	int r;

	if (argc != 1 + whys || (!prunes && !whys && strcmp(what, "ls") != 0))
		return usage_error("cache: ls, why STEP or prune is wanted");
	if (!prunes && (older || all_entries || yes))
		return usage_error("cache: --older, --all and --yes are those of prune");
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, prunes, &error);
	if (r < 0)
		return fail("cache: %s", error.text);
	if (cached_read(store, &all) != EXIT_FINE)
		return EXIT_FAILED;
	if (prunes)
		return cache_prune(store, &all);
	return whys ? cache_why(&all, argv[1]) : cache_ls(&all);
}

const struct verb verb_cache = {.name = "cache",
				.operands = "ls | why STEP | prune",
				.help = "List the build steps that need not run again, and tell why one ran",
				.more = "run --cache and copy make the entries. STEP is the beginning of a key, or the "
					"name of the image that the\nstep made. Without --older and --all prune takes "
					"the entries that can't be used.",
				.opts = opts,
				.n_opts = ARRAY_SIZE(opts),
				.is_table = true,
				.makes = true,
				.run = run_cache};
