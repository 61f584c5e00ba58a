/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl waste: what the layers of a stack hold in vain.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ci_rules.h"
#include "plyctl.h"
#include "progress.h"
#include "view/waste.h"

#define TOP_ROWS "20"

static bool with_dive, ci;
static const char *base_text, *top_text = TOP_ROWS, *ci_file, *rule_values[CI_RULES];
static const struct opt opts[] = {
	{"dive", 0, NULL, "tell dive's figures too; --ci compares these", &with_dive, NULL},
	{"base", 0, "N", "the lowest N layers are given, and count nowhere", NULL, &base_text},
	{"top", 0, "N", "how many paths to print, 0: all (" TOP_ROWS ")", NULL, &top_text},
	{"ci", 0, NULL, "compare with limits; exit status 3: one isn't kept", &ci, NULL},
	{"ci-config", 0, "FILE", "where the limits are (.dive-ci)", NULL, &ci_file},
	{"lowestEfficiency", 0, "RATIO", "the least score (0.9)", NULL, &rule_values[CI_LOWEST_EFFICIENCY]},
	{"highestWastedBytes", 0, "SIZE", "the most wasted bytes (disabled)", NULL,
	 &rule_values[CI_HIGHEST_WASTED_BYTES]},
	{"highestUserWastedPercent", 0, "RATIO", "the most wasted bytes, of those above the base (0.1)", NULL,
	 &rule_values[CI_HIGHEST_USER_WASTED_PERCENT]},
};
static const struct column columns[] = {{.name = "BYTES", .right = true},
					{.name = "KIND"},
					{.name = "FILES", .right = true},
					{.name = "LAYER"},
					{.name = "BY"},
					{.name = "PATH", .may_be_cut = true}};

static bool parse_number(const char *text, size_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

static char *absolute(const struct view_waste *w, uint32_t path)
{
	_cleanup_free_ char *text = view_waste_text(w, path);
	char *whole;

	if (!text || asprintf(&whole, "/%s", text) < 0)
		abort();
	return whole;
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static json_t *score_json(const struct view_waste_score *score, uint64_t user_bytes)
{
	json_t *item = json_object();

	json_object_set_new(item, "score", json_real(score->score));
	json_object_set_new(item, "wasted", json_size(score->wasted));
	json_object_set_new(item, "user_wasted", user_bytes ? json_real(score->user_wasted) : json_null());
	return item;
}

static void waste_paths_json(const struct view_waste *w)
{
	json_list_start("paths");
	for (size_t i = 0; i < w->n_paths; i++) {
		const struct view_waste_path *p = &w->paths[i];
		_cleanup_free_ char *path = absolute(w, p->path);
		json_t *item = json_object();

		json_set_path(item, "path", path);
		json_object_set_new(item, "kind", json_string(view_waste_kind_name(p->kind)));
		json_object_set_new(item, "bytes", json_size(p->bytes));
		json_object_set_new(item, "files", json_integer(p->files));
		json_object_set_new(item, "layer", json_integer(p->layer));
		if (p->kind == VIEW_WASTE_DUPLICATE) {
			_cleanup_free_ char *origin = absolute(w, p->origin);

			json_set_path(item, "origin", origin);
		} else {
			json_object_set_new(item, "by", json_integer(p->by));
		}
		json_list_item(item);
	}
	json_list_end();
}

static void waste_dive_json(const struct view_waste *w)
{
	json_member("dive", score_json(&w->dive, w->user_bytes));
	json_list_start("dive_paths");
	for (size_t i = 0; i < w->n_repeated; i++) {
		_cleanup_free_ char *path = absolute(w, w->repeated[i].path);
		json_t *item = json_object();

		json_set_path(item, "path", path);
		json_object_set_new(item, "bytes", json_size(w->repeated[i].bytes));
		json_object_set_new(item, "count", json_integer(w->repeated[i].count));
		json_list_item(item);
	}
	json_list_end();
}

static void waste_layers_json(const struct view_stack *stack, const struct view_waste *w, size_t base)
{
	json_list_start("layers");
	for (size_t i = 0; i < w->n_layers; i++) {
		const struct view_layer_facts *facts = view_layer_facts(stack, i);
		json_t *item = json_object();

		json_object_set_new(item, "id", json_text(facts->id));
		json_object_set_new(item, "created_by", facts->created_by ? json_text(facts->created_by) : json_null());
		json_object_set_new(item, "base", json_boolean(i + base >= w->n_layers));
		json_object_set_new(item, "bytes", json_size(w->layer_bytes[i]));
		json_object_set_new(item, "wasted", json_size(w->layer_wasted[i]));
		json_list_item(item);
	}
	json_list_end();
}

static void waste_json(const struct view_stack *stack, const struct view_waste *w, size_t base,
		       const struct view_waste_score *judged)
{
	json_t *kinds = json_object();

	for (unsigned i = 0; i < VIEW_WASTE_KINDS; i++)
		json_object_set_new(kinds, view_waste_kind_name(i), json_size(w->kinds[i]));
	json_start("waste");
	json_member("bytes", json_size(w->bytes));
	json_member("shown", json_size(w->shown));
	json_member("wasted", json_size(w->own.wasted));
	json_member("score", json_real(w->own.score));
	json_member("user_bytes", json_size(w->user_bytes));
	json_member("user_wasted", w->user_bytes ? json_real(w->own.user_wasted) : json_null());
	json_member("kinds", kinds);
	waste_layers_json(stack, w, base);
	waste_paths_json(w);
	if (with_dive)
		waste_dive_json(w);
	if (ci) {
		json_member("rules", ci_json(judged, w->user_bytes));
		json_member("passed", json_boolean(ci_check(judged, w->user_bytes, false)));
	}
	json_end();
}

/* --- table -------------------------------------------------------------------------------------------------------- */

static void waste_add(struct table *table, const struct view_waste *w, const struct view_waste_path *p)
{
	_cleanup_free_ char *path = absolute(w, p->path);
	char bytes[SIZE_TEXT], files[16], layer[16], by[16];

	size_text(p->bytes, bytes);
	snprintf(files, sizeof(files), "%u", p->files);
	snprintf(layer, sizeof(layer), "@%u", p->layer);
	if (p->kind == VIEW_WASTE_DUPLICATE)
		strcpy(by, "-");
	else
		snprintf(by, sizeof(by), "@%u", p->by);
	table_add(table, (const char *[]){bytes, view_waste_kind_name(p->kind), files, layer, by, path});
}

static void print_summary(const struct view_waste *w)
{
	char a[SIZE_TEXT], b[SIZE_TEXT], c[VIEW_WASTE_KINDS][SIZE_TEXT];

	for (unsigned i = 0; i < VIEW_WASTE_KINDS; i++)
		size_text(w->kinds[i], c[i]);
	printf("score %.4f: %s of %s wasted (%s hidden, %s deleted, %s rewritten, %s metadata); %s in duplicates\n",
	       w->own.score, size_text(w->own.wasted, a), size_text(w->bytes, b), c[VIEW_WASTE_HIDDEN],
	       c[VIEW_WASTE_DELETED], c[VIEW_WASTE_REWRITTEN], c[VIEW_WASTE_METADATA], c[VIEW_WASTE_DUPLICATE]);
	if (with_dive)
		printf("dive: score %.4f, %s wasted, %.2f%% of what is above the base\n", w->dive.score,
		       size_text(w->dive.wasted, a), w->dive.user_wasted * 100);
}

static int waste_table(const struct view_waste *w, size_t top, const struct view_waste_score *judged)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	int status;

	for (size_t i = 0; i < w->n_paths && (!top || i < top); i++)
		waste_add(table, w, &w->paths[i]);
	status = table_print(table);
	if (status != EXIT_FINE || common.quiet)
		return status;
	if (top && w->n_paths > top)
		printf("and %zu more, see --top\n", w->n_paths - top);
	print_summary(w);
	if (ci)
		ci_check(judged, w->user_bytes, true);
	return status;
}

static int waste_failed(void *arg, const char *error)
{
	stack_incomplete = true;
	fail("%s", error);
	return 0;
}

static int waste_of(const struct view_stack *stack, size_t base, size_t top)
{
	_cleanup_free_ char *error = NULL;
	struct view_waste w;
	const struct view_waste_score *judged = with_dive ? &w.dive : &w.own;
	int r, status;

	progress_expect_layers(stack, 0, SIZE_MAX, PROGRESS_OBJECTS, 1);
	progress_start("waste");
	r = view_waste_find(stack, base, with_dive, waste_failed, NULL, &w, &error);
	progress_end();
	if (r < 0) {
		status = fail("%s", error ? error : strerror(-r));
	} else if (common.json) {
		waste_json(stack, &w, base, judged);
		status = EXIT_FINE;
	} else {
		status = waste_table(&w, top, judged);
	}
	if (status == EXIT_FINE && ci && !ci_check(judged, w.user_bytes, false))
		status = EXIT_FOUND;
	view_waste_free(&w);
	return status;
}

static int run_waste(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	size_t base = 0, top, n;
	int status = EXIT_FINE;

	if (argc != 1)
		return usage_error("waste: one STACK is wanted");
	if (base_text && !parse_number(base_text, &base))
		return usage_error("--base: %s: a number of layers is wanted", base_text);
	if (!parse_number(top_text, &top))
		return usage_error("--top: %s: a number is wanted", top_text);
	if (ci)
		status = ci_read_file(ci_file);
	if (ci && status == EXIT_FINE)
		status = ci_read_options(rule_values);
	if (status != EXIT_FINE)
		return status;
	stack = stack_open_any(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	/* Data-only layers show no names. */
	n = stack->set ? stack->set->n : view_layer_count(stack);
	if (base >= n)
		return usage_error("--base: the stack has %zu layer%s", n, n == 1 ? "" : "s");
	return waste_of(stack, base, top);
}

const struct verb verb_waste = {
	.name = "waste",
	.operands = "STACK",
	.help = "Tell what layers hold in vain, with a score",
	.more = "The score is the part of all bytes that shows. KIND: hidden by other content, deleted, rewritten with "
		"the same\n"
		"content, metadata (only mode or owner differ), duplicate (shows, elsewhere too).",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.is_table = true,
	.run = run_waste};
