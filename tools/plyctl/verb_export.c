/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl export: a stack as an image that other programs read, or as a tar.
 */
#include "store/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layer.h"
#include "base/meter.h"
#include "export_storage.h"
#include "image/error.h"
#include "image/read.h"
#include "os/fs.h"
#include "plyctl.h"
#include "progress.h"
#include "store/commit.h"
#include "store/flatten.h"
#include "store/import.h"
#include "store/store.h"
#include "stored.h"

static const char *compress;
static const struct opt opts[] = {
	{"compress", 0, "KIND", "compress layers anew: gzip, zstd or none, with a level as in gzip:9", NULL, &compress},
};

#define STORAGE "containers-storage:"

struct exported {
	const struct view_stack *stack;
	const char *storage; /* the target in containers-storage; NULL: another target */
	struct store *store; /* of an image in the store, else NULL */
	struct archive_options archive;
};

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* The layer of an image that isn't in the store, as it comes. */
static int pass_on(struct layer_tar *tar, archive_sink sink, void *sink_arg, struct image_error *error)
{
	_cleanup_free_ char *buffer = malloc(256 << 10);
	ssize_t n;
	int r = 0;

	if (!buffer)
		return image_fail_memory(error);
	while (r == 0 && (n = stream_read(tar->stream, buffer, 256 << 10, error)) != 0) {
		r = n < 0 ? (int)n : sink(sink_arg, buffer, (size_t)n);
		if (n > 0 && r < 0)
			image_fail(error, r, "%s", strerror(-r));
	}
	return r < 0 ? r : layer_tar_verify(tar, error);
}

/* `layer` is counted from the lowest. */
static int export_layer(void *arg, size_t layer, archive_sink sink, void *sink_arg, struct image_error *error)
{
	const struct exported *ex = arg;
	const struct image *image = ex->stack->image;
	const struct layer_set *set = ex->stack->set;
	struct layer_tar tar;
	int r;

	if (ex->store)
		return store_write_tar(ex->store, image->layers[layer].diff_id, sink, sink_arg, error);
	if (image && image->layers[layer].diff_id) {
		r = image->layers[layer].directory ? layer_tar_start_split(image, layer, &tar, error)
						   : layer_tar_start(image, layer, &tar, error);
		if (r < 0)
			return r;
		r = pass_on(&tar, sink, sink_arg, error);
		layer_tar_finish(&tar);
		return r;
	}
	return archive_layer(set, &set->layers[set->n - 1 - layer], &ex->archive, sink, sink_arg, error);
}

static int export_blob(void *arg, size_t layer, const char *digest)
{
	const struct exported *ex = arg;

	return ex->store ? store_open_blob(ex->store, ex->stack->image->layers[layer].diff_id, digest) : -ENOENT;
}

static int export_any_blob(void *arg, size_t layer, char ret_digest[static DIGEST_SIZE])
{
	const struct exported *ex = arg;

	return ex->store ? store_find_blob(ex->store, ex->stack->image->layers[layer].diff_id, ret_digest) : -ENOENT;
}

static char *export_config(void *arg, const char *const *diff_ids, size_t n)
{
	char now[STORE_TIME_SIZE];
	json_auto_t *config = NULL;
	json_t *list = json_array(), *history = json_array();

	store_time_now(now);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, json_string(diff_ids[i]));
		json_array_append_new(history, json_pack("{s:s, s:s}", "created", now, "created_by", "plyctl export"));
	}
	config = json_pack("{s:s, s:s, s:s, s:{}, s:{s:s, s:o}, s:o}", "created", now, "architecture", image_machine(),
			   "os", "linux", "config", "rootfs", "type", "layers", "diff_ids", list, "history", history);
	return config ? json_dumps(config, JSON_COMPACT) : NULL;
}

/* --- where to ----------------------------------------------------------------------------------------------------- */

static int out_sink(void *arg, const void *data, size_t len)
{
	return fwrite(data, 1, len, stdout) == len ? 0 : errno ? -errno : -EIO;
}

/* A file takes the place of a file only, and not of a device or a link. */
static bool may_replace(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 || S_ISREG(st.st_mode);
}

/* Standard output, or a file that gets its name at the end. */
static int export_tar(struct exported *ex, const char *path, struct image_error *error)
{
	_cleanup_free_ char *temp = NULL;
	bool to_file = strcmp(path, "-") != 0;
	int r;

	if (!ex->stack->set)
		return image_fail(error, -EOPNOTSUPP, "its layers are no directories: import it first");
	if (to_file && !may_replace(path))
		return image_fail(error, -EEXIST, "%s: it is there, and no regular file", path);
	if (to_file && (asprintf(&temp, "%s.plyctl-%d", path, (int)getpid()) < 0 || !freopen(temp, "wx", stdout)))
		return image_fail(error, -errno, "%s: %s", path, strerror(errno));
	progress_expect_layers(ex->stack, 0, SIZE_MAX, PROGRESS_BYTES, 1);
	progress_start("export");
	r = store_flatten(ex->stack->set, &ex->archive, out_sink, ex, error);
	progress_end();
	if (r == 0 && (fflush(stdout) || (to_file && (fsync(STDOUT_FILENO) || rename(temp, path)))))
		r = image_fail(error, -errno, "%s: %s", path, strerror(errno));
	if (r < 0 && to_file)
		unlink(temp);
	return r;
}

/* TRANSPORT:PATH[:NAME] */
static int parse_target(struct exported *ex, char *text, struct store_export *e, const char **ret_tar)
{
	static const struct {
		const char *prefix;
		enum export_kind kind;
	} kinds[] = {
		{"oci:", EXPORT_OCI}, {"oci-archive:", EXPORT_OCI_ARCHIVE}, {"docker-archive:", EXPORT_DOCKER_ARCHIVE}};
	char *colon;

	*ret_tar = NULL;
	if (!strcmp(text, "-") || !strncmp(text, "tar:", 4)) {
		*ret_tar = *text == '-' ? text : text + 4;
		return **ret_tar ? 0 : -EINVAL;
	}
	if (!strncmp(text, STORAGE, strlen(STORAGE))) {
		ex->storage = text;
		return text[strlen(STORAGE)] ? 0 : -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, len) != 0)
			continue;
		e->kind = kinds[i].kind;
		e->path = text + len;
		colon = strchr(e->path, ':');
		e->name = colon && colon[1] ? colon + 1 : NULL;
		if (colon)
			*colon = '\0';
		return *e->path ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int parse_compress(struct store_export *e)
{
	static const char *const kinds[] = {"none", "gzip", "zstd"};
	size_t len = compress ? strcspn(compress, ":") : 0;

	e->pack = PACK_GZIP;
	e->pack_anew = compress;
	for (size_t i = 0; compress && i < ARRAY_SIZE(kinds); i++) {
		if (strlen(kinds[i]) != len || strncmp(kinds[i], compress, len) != 0)
			continue;
		e->pack = (enum pack_kind)i;
		e->level = compress[len] ? atoi(compress + len + 1) : 0;
		return e->level < 0 || e->level > 22 ? -EINVAL : 0;
	}
	return compress ? -EINVAL : 0;
}

/* NAME:TAG, as docker wants it; without a name in the target that of the image. */
static char *full_name(const struct store_export *e, const struct image *image)
{
	const char *name = e->name, *slash;
	char *full = NULL;

	if (!name && image && image->n_names)
		name = image->names[0];
	if (!name || e->kind != EXPORT_DOCKER_ARCHIVE)
		return name ? strdup(name) : NULL;
	slash = strrchr(name, '/');
	return asprintf(&full, "%s%s", name, strchr(slash ? slash : name, ':') ? "" : ":latest") < 0 ? NULL : full;
}

/* A kept blob is copied, into an archive once more. Of another layer the files are read. `layer` is counted from the
 * lowest. */
static void expect_layer(const struct exported *ex, const struct store_export *e, size_t layer)
{
	const struct image_layer *l = e->image ? &e->image->layers[layer] : NULL;
	_cleanup_close_ int blob = l && l->digest ? export_blob((void *)ex, layer, l->digest) : -1;
	size_t from_top = e->n_layers - 1 - layer;

	if (blob >= 0 && !e->pack_anew && e->kind != EXPORT_DOCKER_ARCHIVE)
		meter_expect(0, (uint64_t)MAX(l->compressed, (int64_t)0) * (e->kind == EXPORT_OCI ? 1 : 2));
	else
		progress_expect_layers(ex->stack, from_top, from_top, PROGRESS_BYTES, 1);
}

static int export_image(struct exported *ex, struct store_export *e, struct image_error *error)
{
	const struct view_stack *stack = ex->stack;
	_cleanup_free_ char *name = full_name(e, stack->image);
	char id[DIGEST_SIZE];
	int r;

	if (stack->image && stack->image->container)
		return image_fail(error, -EOPNOTSUPP, "a container: commit it first");
	if (!stack->image && stack->set->n_data)
		return image_fail(error, -EOPNOTSUPP, "a data-only layer can't be exported");
	r = stack->image ? 0 : store_check_index(stack->set, error);
	if (r < 0)
		return r;
	e->name = name;
	e->n_layers = stack->image ? stack->image->n_layers : stack->set->n;
	e->image = stack->image;
	e->tar = export_layer;
	e->blob = export_blob;
	e->any_blob = export_any_blob;
	e->config = export_config;
	e->arg = ex;
	if (ex->storage)
		e->name = NULL;
	for (size_t i = 0; i < e->n_layers; i++)
		expect_layer(ex, e, i);
	progress_start("export");
	r = store_export(e, id, error);
	progress_end();
	if (r == 0 && ex->storage)
		r = storage_copy(e->path, ex->storage, error);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

/* By way of a layout beside it. */
static int export_to_storage(struct exported *ex, struct store_export *e, struct image_error *error)
{
	_cleanup_(storage_unstage) struct storage_stage stage = STORAGE_NO_STAGE;
	int r = storage_stage(&stage, error);

	e->path = stage.layout;
	return r < 0 ? r : export_image(ex, e, error);
}

static int export_stack(struct exported *ex, struct store_export *e, const char *tar, struct image_error *error)
{
	int r = archive_options_of_environment(&ex->archive, error);

	archive_options_of_set(&ex->archive, ex->stack->set);
	if (r == 0 && ex->stack->image && ex->stack->image->source == IMAGE_STORE) {
		r = store_open(ex->stack->image->path, false, &ex->store, error);
		if (r == 0)
			r = store_lock(ex->store, false, error);
	}
	if (r == 0)
		r = tar		  ? export_tar(ex, tar, error)
		    : ex->storage ? export_to_storage(ex, e, error)
				  : export_image(ex, e, error);
	store_cleanup(&ex->store);
	return r;
}

static int run_export(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *held = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	struct image_error error = {.text = "fails"};
	struct store_export e = {.kind = EXPORT_OCI};
	struct exported ex = {.stack = NULL};
	const char *tar;

	if (argc != 2)
		return usage_error("export: STACK TARGET are wanted");
	if (parse_target(&ex, argv[1], &e, &tar) < 0)
		return usage_error("export: %s: no target; see plyctl help export", argv[1]);
	if (parse_compress(&e) < 0)
		return usage_error("export: --compress: %s: gzip, zstd or none are known", compress);
	held = store_hold();
	stack = stack_open_any(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	ex.stack = stack;
	return export_stack(&ex, &e, tar, &error) < 0 ? fail("%s: %s", argv[0], error.text) : EXIT_FINE;
}

const struct verb verb_export = {.name = "export",
				 .operands = "STACK TARGET",
				 .help = "Write a stack as an image for other programs",
				 .more = "TARGET is oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], "
					 "containers-storage:NAME,\ntar:FILE, or - for standard output. A tar has what "
					 "the union shows. Layers that were imported get\ntheir original digests back, "
					 "and with their blobs and manifest those too.",
				 .opts = opts,
				 .n_opts = ARRAY_SIZE(opts),
				 .makes = true,
				 .run = run_export};
