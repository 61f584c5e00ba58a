/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl gc: removes what nothing in the store needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/error.h"
#include "live_layers.h"
#include "plyctl.h"
#include "store/store.h"

static bool yes;
static const struct opt opts[] = {
	{"yes", 'y', NULL, "remove it; without this it is only told", &yes, NULL},
};

static void tell(const struct store_collected *c)
{
	char text[SIZE_TEXT];

	if (common.json) {
		json_start("gc");
		json_member("removed", json_boolean(yes));
		json_member("images", json_integer(c->images));
		json_member("layers", json_integer(c->layers));
		json_member("bytes", json_size(c->bytes));
		json_end();
		return;
	}
	printf("%s%u images, %u layers, %s\n", yes ? "removed " : "would remove ", c->images, c->layers,
	       size_text(c->bytes, text));
	if (!yes && (c->images || c->layers))
		printf("plyctl gc --yes removes them\n");
}

static int run_gc(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct image_error error = {.text = "fails"};
	struct store_collected collected = {.images = 0};
	struct live_layers live = {.n = 0};
	int r;

	if (argc != 0)
		return usage_error("gc: no operand is wanted");
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, true, &error);
	if (r == 0) {
		r = live_layers_gather(&live);
		if (r < 0)
			image_fail(&error, r, "live unions: %s", strerror(-r));
	}
	/* A line says why, and the numbers are 0. */
	if (r == 0 && live.unknown)
		(void)fail("gc: nothing is removed: the layers of a live union aren't known: %s", live.unknown);
	else if (r == 0)
		r = store_collect(store, !yes, live_layers_have, &live, &collected, &error);
	live_layers_finish(&live);
	if (r < 0)
		return fail("gc: %s", error.text);
	tell(&collected);
	return EXIT_FINE;
}

const struct verb verb_gc = {.name = "gc",
			     .operands = "",
			     .help = "Remove images without a name, and layers that nothing needs",
			     .more = "Layers of live unions and of uppers of the store stay.",
			     .opts = opts,
			     .n_opts = ARRAY_SIZE(opts),
			     .makes = true,
			     .run = run_gc};
