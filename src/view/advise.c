/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice, stack by stack.
 */
#include "view/advise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "advise_state.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "view/sharing.h"

const char *view_advice_kind_name(enum view_advice_kind kind)
{
	static const char *const names[] = {"merge", "cache", "late", "order", "join", "miss"};

	(void)CHECK(kind < VIEW_ADVICE_KINDS);
	return names[kind];
}

/* --- layers that could be one ------------------------------------------------------------------------------------- */

static bool is_in(const struct view_stack *stack, const struct view_layer_facts *facts)
{
	for (size_t i = 0; i < view_layer_count(stack); i++) {
		const struct view_layer_facts *its = view_layer_facts(stack, i);

		if (facts->diff_id && its->diff_id
			    ? !strcmp(facts->diff_id, its->diff_id)
			    : facts->directory && its->directory && !strcmp(facts->directory, its->directory))
			return true;
	}
	return false;
}

/* Whether two neighbouring layers have the same users: as many of the source, and the same of the stacks here. */
static bool same_users(const struct advising *a, const unsigned *counts, size_t layer)
{
	const struct view_layer_facts *x = view_layer_facts(a->now, layer), *y = view_layer_facts(a->now, layer + 1);

	if (counts[layer] != counts[layer + 1] || x->upper || y->upper || x->data_only || y->data_only)
		return false;
	for (size_t i = 0; i < a->n_stacks; i++)
		if (is_in(a->stacks[i], x) != is_in(a->stacks[i], y))
			return false;
	return true;
}

static int advise_merge(struct advising *a, char **ret_error)
{
	_cleanup_free_ unsigned *counts = calloc(a->n + 1, sizeof(*counts));
	int r = counts ? view_layers_shared(a->now, counts, ret_error) : -ENOMEM;

	for (size_t first = 0, last; first + 1 < a->n && r == 0; first = last + 1) {
		uint64_t bytes = 0;

		for (last = first; last + 1 < a->n && same_users(a, counts, last);)
			last++;
		if (last == first)
			continue;
		for (size_t i = 0; i < a->waste.n_paths; i++) {
			const struct view_waste_path *p = &a->waste.paths[i];

			if (p->kind != VIEW_WASTE_DUPLICATE && p->by >= first && p->layer <= last)
				bytes += p->bytes;
		}
		r = advise_add(a, VIEW_ADVICE_MERGE, first, last, bytes, NULL,
			       "%zu layers have the same users: as one they share as much", last - first + 1);
	}
	return r;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int larger_advice_first(const void *x, const void *y)
{
	const struct view_advice *a = x, *b = y;

	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

static int advise_stack(struct advising *a, char **ret_error)
{
	int r = view_waste_find(a->now, 0, false, a->failed, a->arg, &a->waste, ret_error);

	for (size_t i = 0; i < a->n && r == 0; i++)
		r = advise_contents(a, i, ret_error);
	if (r == 0)
		r = advise_merge(a, ret_error);
	if (r == 0)
		r = advise_caches(a);
	if (r == 0)
		r = advise_steps(a);
	if (r == 0 && a->stack > 0)
		r = advise_misses(a, a->stacks[a->stack - 1]);
	return r;
}

int view_advise(struct view_stack *const *stacks, size_t n, view_waste_failed failed, void *arg,
		struct view_advices *ret, char **ret_error)
{
	struct advising a = {.stacks = stacks, .n_stacks = n, .advices = ret, .failed = failed, .arg = arg};
	int r = 0;

	*ret = (struct view_advices){.n = 0};
	for (; a.stack < n && r == 0; a.stack++) {
		a.now = stacks[a.stack];
		a.n = a.now->set ? a.now->set->n : view_layer_count(a.now);
		a.layers = calloc(a.n, sizeof(*a.layers));
		r = a.layers ? advise_stack(&a, ret_error) : -ENOMEM;
		for (size_t i = 0; a.layers && i < a.n; i++)
			free(a.layers[i].command);
		free(a.layers);
		view_waste_free(&a.waste);
	}
	if (ret->n)
		qsort(ret->list, ret->n, sizeof(*ret->list), larger_advice_first);
	return r;
}

void view_advices_free(struct view_advices *advices)
{
	for (size_t i = 0; i < advices->n; i++) {
		free(advices->list[i].what);
		free(advices->list[i].text);
	}
	free(advices->list);
	*advices = (struct view_advices){.n = 0};
}
