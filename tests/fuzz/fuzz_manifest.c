/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes, manifests and configs of images. The first byte says what the rest is.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/image/config.h"
#include "image/digest.h"
#include "../../src/image/manifest.h"
#include "../../src/image/model.h"
#include "fuzz.h"

static int look(void *arg, const struct descriptor *d)
{
	MUST(digest_is_valid(d->digest));
	return 0;
}

static void read_index(const char *text, size_t len)
{
	struct image_error error = {0};
	struct descriptor d;

	manifest_is_index(text, len);
	manifest_each(text, len, look, NULL, &error);
	if (manifest_pick(text, len, NULL, &d, &error) == 0) {
		look(NULL, &d);
		descriptor_finish(&d);
	}
	if (manifest_pick(text, len, "app", &d, &error) == 0)
		descriptor_finish(&d);
	MUST(!strpbrk(error.text, "\n\r\x1b"));
}

static void read_manifest(const char *text, size_t len)
{
	struct image_error error = {0};
	struct manifest m;

	if (manifest_parse(text, len, &m, &error) < 0)
		return;
	look(NULL, &m.config);
	for (size_t i = 0; i < m.n_layers; i++)
		look(NULL, &m.layers[i]);
	manifest_finish(&m);
}

static void read_config(char *text, size_t len)
{
	struct image_error error = {0};
	char digest[DIGEST_SIZE];
	struct image *image;

	MUST(digest_of(text, len, digest) == 0);
	MUST(model_new(IMAGE_OCI, "/x", &image, &error) == 0);
	if (config_take(image, text, len, digest, &error) == 0) {
		model_finish(image);
		for (size_t i = 0; i < image->n_layers; i++)
			MUST(digest_is_valid(image->layers[i].diff_id) && digest_is_valid(image->layers[i].chain_id));
		for (size_t i = 0; i < image->n_history; i++)
			MUST(image->history[i].empty == (image->history[i].layer < 0));
	}
	image_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	MUST(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	if (*data % 3 == 2) {
		read_config(text, size - 1);
		return 0;
	}
	(*data % 3 ? read_manifest : read_index)(text, size - 1);
	free(text);
	return 0;
}
