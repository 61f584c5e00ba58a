/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl tag: one more name for an image of the store.
 */
#include <stdio.h>

#include "plyctl.h"
#include "store/store.h"
#include "stored.h"

static int run_tag(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	_cleanup_(image_cleanup) struct image *image = NULL;
	struct image_error error = {.text = "fails"};
	int r;

	if (argc != 2)
		return usage_error("tag: IMAGE NAME are wanted");
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, false, &error);
	if (r == 0)
		r = image_open_in(IMAGE_STORE, store_path(store), store_operand(argv[0]), &image, &error);
	if (r == 0)
		r = store_set_name(store, argv[1], image->id, &error);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : EXIT_FINE;
}

const struct verb verb_tag = {.name = "tag",
			      .operands = "IMAGE NAME",
			      .help = "Give an image of the store one more name",
			      .more = "If another image has the name, it loses it.",
			      .makes = true,
			      .run = run_tag};
