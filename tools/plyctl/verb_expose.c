/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl expose: the store as podman, buildah and skopeo read it, without a copy.
 */
#include "store/expose.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/error.h"
#include "plyctl.h"

static bool ends;
static const struct opt opts[] = {
	{"end", 0, NULL, "the store no longer keeps what the directory shows", &ends, NULL},
};

/* The absolute path, also of a directory that is gone. */
static char *absolute(const char *dir)
{
	char *real = realpath(dir, NULL), cwd[PATH_MAX];

	if (real || errno != ENOENT)
		return real;
	if (*dir == '/')
		return strdup(dir);
	if (!getcwd(cwd, sizeof(cwd)) || asprintf(&real, "%s/%s", cwd, dir) < 0)
		return NULL;
	return real;
}

static void tell_passed(void *arg, const char *name, const char *cause)
{
	*(bool *)arg = true;
	fail("%s: %s", name, cause);
}

static void tell(const char *path, const struct store_exposed *exposed)
{
	if (common.json) {
		json_t *item = json_object();

		json_start("expose");
		json_set_path(item, "directory", path);
		json_member("directory", json_incref(json_object_get(item, "directory")));
		json_member("images", json_integer(exposed->images));
		json_member("layers", json_integer(exposed->layers));
		json_end();
		json_decref(item);
		return;
	}
	printf("%u images, %u layers\n", exposed->images, exposed->layers);
	printf("additionalimagestores = [\"%s\"] in [storage.options] of storage.conf shows them\n", path);
}

static int expose(struct store *store, const char *path)
{
	struct image_error error = {.text = "fails"};
	struct store_exposed exposed;
	bool passed = false;
	int r;

	if (ends) {
		r = store_exposed_end(store, path, &error);
		return r < 0 ? fail("%s: %s", path, error.text) : EXIT_FINE;
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail("%s: %s", path, strerror(errno));
	r = store_expose(store, path, tell_passed, &passed, &exposed, &error);
	if (r < 0)
		return fail("%s: %s", path, error.text);
	tell(path, &exposed);
	return passed ? EXIT_FAILED : EXIT_FINE;
}

static int run_expose(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	_cleanup_free_ char *path = NULL;
	struct image_error error = {.text = "fails"};
	int r;

	if (argc != 1)
		return usage_error("expose: one DIRECTORY is wanted");
	path = absolute(argv[0]);
	if (!path)
		return fail("%s: %s", argv[0], strerror(errno));
	umask(022);
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, true, &error);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : expose(store, path);
}

const struct verb verb_expose = {
	.name = "expose",
	.operands = "DIRECTORY",
	.help = "Show the images of the store to podman, buildah and skopeo",
	.more = "The directory is an additional image store, and an additional layer store. Engines use the layers in "
		"place. They\nstay in the store until --end. The same command again brings the directory up to date.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_expose};
