/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of a build: their order, steps that belong together, and what two builds have run again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise_state.h"
#include "base/check.h"
#include "base/cleanup.h"

#define COMMAND_SHOWN 60

/* --- order -------------------------------------------------------------------------------------------------------- */

/* Whether the copy of a step changes more often than what a tool installs: it has more than manifests. */
static bool changes_often(const struct advising *a, size_t layer)
{
	return a->layers[layer].copies && a->layers[layer].others && layer + 1 < a->n;
}

/* A step that installs, at `layer`; the copies are below it. */
static int advise_install(struct advising *a, size_t layer)
{
	const struct advised_layer *l = &a->layers[layer];
	unsigned tools = advise_installs(l->command), manifests = 0;
	size_t first = 0, found = 0;

	if (l->copies || !tools)
		return 0;
	/* The lowest layer is the base, which nobody moves. */
	for (size_t i = layer + 1; i + 1 < a->n; i++) {
		if (!changes_often(a, i))
			continue;
		found++;
		first = first ? first : i;
		manifests |= a->layers[i].manifests & tools;
	}
	if (!found)
		return 0;
	if (manifests)
		return advise_add(
			a, VIEW_ADVICE_ORDER, layer, first, a->waste.layer_bytes[layer], NULL,
			"`%.*s` runs again after each change of the files that `%.*s` copies: copy the files that say "
			"what is installed before it, and the others after it",
			COMMAND_SHOWN, l->command, COMMAND_SHOWN, a->layers[first].command);
	return advise_add(
		a, VIEW_ADVICE_ORDER, layer, first, a->waste.layer_bytes[layer], NULL,
		"`%.*s` runs again after each change of the files that `%.*s` copies: move it before the copy",
		COMMAND_SHOWN, l->command, COMMAND_SHOWN, a->layers[first].command);
}

/* --- steps that belong together ----------------------------------------------------------------------------------- */

static const struct {
	const char *update, *install, *clean[2], *together;
} managers[] = {
	{"apt-get update",
	 "apt-get install",
	 {"apt-get clean", "/var/lib/apt/lists"},
	 "apt-get update && apt-get install -y .. && rm -rf /var/lib/apt/lists/*"},
	{"apt update",
	 "apt install",
	 {"apt clean", "/var/lib/apt/lists"},
	 "apt-get update && apt-get install -y .. && rm -rf /var/lib/apt/lists/*"},
	{"apk update", "apk add", {"/var/cache/apk", NULL}, "apk add --no-cache .."},
	{"dnf makecache", "dnf install", {"dnf clean", "/var/cache/dnf"}, "dnf install -y .. && dnf clean all"},
	{"yum makecache", "yum install", {"yum clean", "/var/cache/yum"}, "yum install -y .. && yum clean all"},
};

/* Whether a command has the words, also with options between the two: `apt-get -y install`. */
static bool says(const char *command, const char *words)
{
	const char *second = words ? strchr(words, ' ') : NULL, *at = command;
	size_t len = second ? (size_t)(second - words) + 1 : 0;

	if (!words)
		return false;
	if (strstr(command, words))
		return true;
	while (second && (at = memmem(at, strlen(at), words, len))) {
		at += len;
		while (*at == '-') {
			at += strcspn(at, " ");
			at += strspn(at, " ");
		}
		if (!strncmp(at, second + 1, strlen(second + 1)))
			return true;
	}
	return false;
}

/* Bytes of a layer that steps above it deleted, from `by` to the layer. */
static uint64_t deleted_between(const struct advising *a, size_t by, size_t layer)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < a->waste.n_paths; i++) {
		const struct view_waste_path *p = &a->waste.paths[i];

		if (p->kind != VIEW_WASTE_DUPLICATE && p->by >= by && p->layer <= layer && p->by < p->layer)
			bytes += p->bytes;
	}
	return bytes;
}

/* An update in a step of its own, and what follows. */
static int advise_manager(struct advising *a, size_t manager)
{
	for (size_t i = a->n; i-- > 0;) {
		size_t install = SIZE_MAX, clean = SIZE_MAX;

		if (!says(a->layers[i].command, managers[manager].update) ||
		    says(a->layers[i].command, managers[manager].install))
			continue;
		for (size_t k = i; k-- > 0;) {
			if (install == SIZE_MAX && says(a->layers[k].command, managers[manager].install))
				install = k;
			if (clean == SIZE_MAX && (says(a->layers[k].command, managers[manager].clean[0]) ||
						  says(a->layers[k].command, managers[manager].clean[1])))
				clean = k;
		}
		if (install == SIZE_MAX)
			continue;
		clean = clean == SIZE_MAX ? install : clean < install ? clean : install;
		return advise_add(a, VIEW_ADVICE_JOIN, clean, i, deleted_between(a, clean, i), NULL,
				  "one step instead of several keeps no lists, and installs what is new: %s",
				  managers[manager].together);
	}
	return 0;
}

/* --- deleted too late --------------------------------------------------------------------------------------------- */

/* By pairs of layers: what one makes and another one deletes. */
static int advise_late(struct advising *a)
{
	_cleanup_free_ uint64_t *sums = calloc(a->n, sizeof(*sums));
	int r = sums ? 0 : -ENOMEM;

	for (size_t layer = 0; layer < a->n && r == 0; layer++) {
		memset(sums, 0, a->n * sizeof(*sums));
		for (size_t i = 0; i < a->waste.n_paths; i++) {
			const struct view_waste_path *p = &a->waste.paths[i];

			if (p->layer == layer && p->kind == VIEW_WASTE_DELETED)
				sums[p->by] += p->bytes;
		}
		for (size_t by = 0; by < layer && r == 0; by++)
			if (sums[by])
				r = advise_add(a, VIEW_ADVICE_LATE, by, layer, sums[by], NULL,
					       "@%zu deletes what @%zu has made: delete it in the same step", by,
					       layer);
	}
	return r;
}

int advise_steps(struct advising *a)
{
	int r = advise_late(a);

	(void)CHECK(a->layers && a->waste.layer_bytes);
	for (size_t i = a->n; i-- > 0 && r == 0;)
		r = advise_install(a, i);
	for (size_t i = 0; i < ARRAY_SIZE(managers) && r == 0; i++)
		r = advise_manager(a, i);
	return r;
}

/* --- two builds --------------------------------------------------------------------------------------------------- */

static bool same_layer(const struct view_layer_facts *x, const struct view_layer_facts *y)
{
	if (x->diff_id && y->diff_id)
		return !strcmp(x->diff_id, y->diff_id);
	return x->directory && y->directory && !strcmp(x->directory, y->directory);
}

static bool same_command(const struct view_layer_facts *x, const struct view_layer_facts *y)
{
	return x->created_by && y->created_by && !strcmp(x->created_by, y->created_by);
}

int advise_misses(struct advising *a, const struct view_stack *before)
{
	size_t m = view_layer_count(before), common = 0, again = 0, at;
	uint64_t bytes = 0;
	char *what;

	while (common < m && common < a->n &&
	       same_layer(view_layer_facts(a->now, a->n - 1 - common), view_layer_facts(before, m - 1 - common)))
		common++;
	if (!common || common == m || common == a->n)
		return 0;
	at = a->n - 1 - common;
	for (size_t i = common + 1; i < a->n && i < m; i++) {
		size_t layer = a->n - 1 - i;

		if (!same_command(view_layer_facts(a->now, layer), view_layer_facts(before, m - 1 - i)))
			break;
		again++;
		bytes += a->waste.layer_bytes[layer];
	}
	if (!again)
		return 0;
	what = strdup(before->name);
	return what ? advise_add(
			      a, VIEW_ADVICE_MISS, at - again, at, bytes, what,
			      "`%.*s` has another result than before, so %zu step%s after it ran again: move it behind "
			      "those that don't need it",
			      COMMAND_SHOWN, a->layers[at].command, again, again > 1 ? "s" : "")
		    : -ENOMEM;
}
