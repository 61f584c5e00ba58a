// SPDX-License-Identifier: Apache-2.0
/*
 * archive-tar [--digest] DIR : the tar of a layer's directory, or its digest. Tests have other programs read it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive/layer.h"
#include "archive/open.h"
#include "base/hash.h"
#include "os/fs.h"

static int to_stdout(void *arg, const void *data, size_t len)
{
	return fwrite(data, 1, len, stdout) == len ? 0 : -EIO;
}

static int write_layer(const char *dir, bool digest, struct image_error *error)
{
	struct archive_options options;
	char text[DIGEST_SIZE];
	struct layer_set *set;
	int r = archive_open_layers(&dir, 1, false, &set, error);

	if (r < 0)
		return r;
	r = archive_options_of_environment(&options, error);
	if (r == 0 && digest)
		r = archive_layer_digest(set, &set->layers[0], &options, text, error);
	else if (r == 0)
		r = archive_layer(set, &set->layers[0], &options, to_stdout, NULL, error);
	if (r == 0 && digest)
		printf("%s\n", text);
	layer_set_put(set);
	return r;
}

int main(int argc, char **argv)
{
	bool digest = argc > 2 && !strcmp(argv[1], "--digest");
	struct image_error error = {.text = "?"};

	hash_seed_init();
	if (argc < 2 || os_init() < 0)
		return 2;
	if (write_layer(argv[argc - 1], digest, &error) < 0) {
		fprintf(stderr, "archive-tar: %s\n", error.text);
		return 1;
	}
	return fflush(stdout) ? 1 : 0;
}
