/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl import: an image or a tar into the store.
 */
#include "store/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/meter.h"
#include "image/error.h"
#include "os/fs.h"
#include "plyctl.h"
#include "progress.h"

static const char *name;
static bool no_blobs;
static const struct opt opts[] = {
	{"name", 'n', "NAME", "the name that the image gets in the store", NULL, &name},
	{"no-blobs", 0, NULL, "keep no compressed layers: export compresses again", &no_blobs, NULL},
};

struct importing {
	struct store *store;
	struct store_import import;
	json_t *layers;
	char *own_name; /* that the source gives the image; owned */
};

/* Standard input, or a file, as it comes. */
static ssize_t read_input(void *arg, void *buf, size_t size, struct image_error *error)
{
	ssize_t n;

	do
		n = read(*(int *)arg, buf, size);
	while (n < 0 && errno == EINTR);
	meter_bytes((uint64_t)MAX(n, (ssize_t)0));
	return n < 0 ? image_fail(error, -errno, "%s", strerror(errno)) : n;
}

static void end_input(void *arg)
{
	close(*(int *)arg);
	free(arg);
}

static int open_input(const char *path, struct stream **ret, struct image_error *error)
{
	static const struct stream_calls calls = {.read = read_input, .end = end_input};
	int *fd = malloc(sizeof(*fd)), r;

	if (!fd)
		return image_fail_memory(error);
	*fd = !strcmp(path, "-") ? os_dup(STDIN_FILENO) : os_open_path(path, O_RDONLY, 0);
	if (*fd < 0) {
		r = *fd;
		free(fd);
		return image_fail(error, r, "%s", strerror(-r));
	}
	r = stream_of_calls(&calls, fd, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}

static void tell_layer(void *arg, const struct store_added *layer)
{
	struct importing *im = arg;

	progress_end();
	if (common.json)
		json_array_append_new(im->layers,
				      json_pack("{s:s, s:b}", "diff_id", layer->diff_id, "known", layer->known));
	else if (!common.quiet && layer->known)
		printf("%.*s already exists\n", SHORT_ID, layer->diff_id + strlen(DIGEST_PREFIX));
	else if (!common.quiet)
		printf("%.*s\n", SHORT_ID, layer->diff_id + strlen(DIGEST_PREFIX));
}

/* A file without a transport is what it holds. */
static bool holds(const char *transport, const char *path)
{
	_cleanup_free_ char *ref = NULL;
	_cleanup_(image_cleanup) struct image *image = NULL;

	if (asprintf(&ref, "%s:%s", transport, path) < 0)
		return false;
	return image_open(ref, &image, NULL) == 0;
}

/* The full name of a source; the path of a tar in *ret_tar if it is one. */
static char *full_source(const char *source, const char **ret_tar)
{
	static const char *const archives[] = {"docker-archive", "oci-archive", "oci"};
	enum image_source kind;
	const char *rest;
	char *full = NULL;

	*ret_tar = NULL;
	if (!strncmp(source, "tar:", 4) || !strcmp(source, "-")) {
		*ret_tar = *source == '-' ? source : source + 4;
		return NULL;
	}
	if (image_ref_split(source, &kind, &rest))
		return strdup(source);
	for (size_t i = 0; i < ARRAY_SIZE(archives) && !full; i++)
		if (access(source, R_OK) == 0 && holds(archives[i], source) &&
		    asprintf(&full, "%s:%s", archives[i], source) < 0)
			abort();
	if (!full && access(source, R_OK) == 0)
		*ret_tar = source;
	return full;
}

static int import_tar(struct importing *im, const char *path, char id[static DIGEST_SIZE], struct image_error *error)
{
	struct stream *in;
	struct stat st;
	int r = open_input(path, &in, error);

	if (r < 0)
		return r;
	if ((!strcmp(path, "-") ? fstat(STDIN_FILENO, &st) : stat(path, &st)) == 0 && S_ISREG(st.st_mode))
		meter_expect(0, (uint64_t)st.st_size);
	progress_start("import");
	r = store_import_tar(im->store, in, "plyctl import", &im->import, id, error);
	progress_end();
	return r;
}

/* The image gets the name that it has at its source. Only a user may take one away from another image. */
static int take_own_name(struct importing *im, const struct image *image, struct image_error *error)
{
	char id[DIGEST_SIZE];

	im->own_name = strdup(image->names[0]);
	if (!im->own_name)
		return image_fail_memory(error);
	if (store_find_name(im->store, im->own_name, id) == 0 && strcmp(id, image->id) != 0)
		return image_fail(error, -EEXIST, "another image has the name %s: give one with --name", im->own_name);
	im->import.names = (const char *const *)&im->own_name;
	im->import.n_names = 1;
	return 0;
}

static int import_image(struct importing *im, const char *full, char id[static DIGEST_SIZE], struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	int r = image_open(full, &image, error);

	if (r < 0)
		return r;
	if (!im->import.n_names && image->n_names)
		r = take_own_name(im, image, error);
	if (r < 0)
		return r;
	meter_expect(0, (uint64_t)store_import_size(im->store, image));
	progress_start("import");
	r = store_import_image(im->store, image, &im->import, id, error);
	progress_end();
	return r;
}

static int run_import(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct importing im = {.layers = NULL};
	struct image_error error = {.text = "fails"};
	_cleanup_free_ char *full = NULL;
	char id[DIGEST_SIZE];
	const char *tar;
	int r;

	if (argc != 1)
		return usage_error("import: one SOURCE is wanted");
	umask(0);
	im.import = (struct store_import){.adding = {.keep_blobs = !no_blobs},
					  .names = &name,
					  .n_names = name ? 1 : 0,
					  .layer = tell_layer,
					  .arg = &im};
	full = full_source(argv[0], &tar);
	if (!full && !tar)
		return fail("%s: %s", argv[0], strerror(ENOENT));
	r = store_open(NULL, true, &store, &error);
	if (r == 0)
		r = store_lock(store, false, &error);
	im.store = store;
	im.layers = json_array();
	if (r == 0)
		r = tar ? import_tar(&im, tar, id, &error) : import_image(&im, full, id, &error);
	if (r == 0 && common.json) {
		json_start("import");
		json_member("id", json_string(id));
		json_member("name", im.import.n_names ? json_text(im.import.names[0]) : json_null());
		json_member("layers", json_incref(im.layers));
		json_end();
	} else if (r == 0) {
		printf("%s\n", id);
	}
	json_decref(im.layers);
	free(im.own_name);
	return r < 0 ? fail("%s: %s", argv[0], error.text) : EXIT_FINE;
}

const struct verb verb_import = {
	.name = "import",
	.operands = "SOURCE",
	.help = "Put an image into the store",
	.more = "SOURCE is oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, containers-storage:NAME, "
		"docker-overlay2:NAME, "
		"tar:FILE, or\n- for a tar from standard input. A file without a transport is looked at.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_import};
