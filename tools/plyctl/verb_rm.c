/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl rm: takes a name away, or an image with all its names.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/error.h"
#include "plyctl.h"
#include "store/store.h"
#include "stored.h"

static bool has_name(const struct image *image, const char *name)
{
	for (size_t i = 0; i < image->n_names; i++)
		if (!strcmp(image->names[i], name))
			return true;
	return false;
}

/* The first digits of the id, with or without its "sha256:". */
static bool is_id(const char *id, const char *operand)
{
	size_t prefix = strlen(DIGEST_PREFIX);

	if (!strncmp(operand, DIGEST_PREFIX, prefix))
		operand += prefix;
	return *operand && !strncmp(id + prefix, operand, strlen(operand));
}

/* A name exactly, or NAME:latest, or an id. */
static int rm_one(struct store *store, const char *operand, struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	_cleanup_free_ char *latest = NULL;
	int r = image_open_in(IMAGE_STORE, store_path(store), operand, &image, error);

	if (r < 0)
		return r;
	if (has_name(image, operand))
		return store_remove_name(store, operand, error);
	if (asprintf(&latest, "%s:latest", operand) < 0)
		return -ENOMEM;
	if (has_name(image, latest))
		return store_remove_name(store, latest, error);
	/* A part of a name, such as the last one, isn't enough to remove all names. */
	if (!is_id(image->id, operand))
		return image_fail(error, -EINVAL, "the image's name is %s: give the whole name, or its id",
				  image->n_names ? image->names[0] : image->id);
	return store_remove_image(store, image->id, error);
}

static int run_rm(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct image_error error = {.text = "fails"};
	int r, status = EXIT_FINE;

	if (argc < 1)
		return usage_error("rm: an IMAGE is wanted");
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, true, &error);
	if (r < 0)
		return fail("%s: %s", argv[0], error.text);
	for (int i = 0; i < argc; i++)
		if (rm_one(store, store_operand(argv[i]), &error) < 0)
			status = fail("%s: %s", argv[i], error.text);
	return status;
}

const struct verb verb_rm = {.name = "rm",
			     .operands = "IMAGE..",
			     .help = "Remove names of the store, or images by their ids",
			     .more = "A name is taken away and the image stays, until gc collects images without a "
				     "name. An id removes the image "
				     "with all its names.\nLayers stay until gc.",
			     .makes = true,
			     .run = run_rm};
