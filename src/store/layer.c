// SPDX-License-Identifier: Apache-2.0
/*
 * Adding layers. Each source has a task, and each task a directory in `tmp` that becomes the layer. When all are ready
 * the file system is synced once, and they get their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/recipe.h"
#include "archive/unpack.h"
#include "base/check.h"
#include "base/macros.h"
#include "base/pool.h"
#include "image/error.h"
#include "image/stream.h"
#include "internal.h"
#include "os/task.h"
#include "store/store.h"

/* Threads unpack, inflate and hash: more than processors would only wait for each other. */
#define TASKS_MAX 8
/* The write-back of a blob is started after so many bytes. */
#define BLOB_WRITE_EARLY (8 << 20)

struct adding;

struct layer_task {
	struct pool_task task;
	struct adding *all;
	const struct store_source *source;
	struct store_added *result;
	char temp[TEMP_SIZE];
	int fd, diff_fd;
	int blob_fd; /* -1: it isn't written */
	off_t blob_size;
	bool decided; /* whether the blob is written */
	char digest[DIGEST_SIZE];
	struct unpacked unpacked;
	int r;
	struct image_error error;
};

struct adding {
	struct store *s;
	const struct store_adding *options;
	_Atomic bool stopped; /* one has failed */
	struct layer_task *tasks;
	size_t n;
};

/* Opens the directory of a layer. */
static int layer_dir(const struct store *s, const char *diff_id)
{
	if (!digest_is_valid(diff_id))
		return -EINVAL;
	return os_openat(s->layers_fd, digest_digits(diff_id), O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
}

bool store_has_layer(const struct store *s, const char *diff_id)
{
	_cleanup_close_ int fd = layer_dir(s, diff_id);

	return fd >= 0;
}

bool store_layer_rests(const struct store *s, const char *diff_id)
{
	_cleanup_close_ int dir = layer_dir(s, diff_id);
	struct statx stx;

	return dir >= 0 && os_statx(dir, "below", &stx) == 0;
}

/* --- one layer ---------------------------------------------------------------------------------------------------- */

static int task_failed(struct layer_task *t, int r)
{
	return r < 0 ? image_fail(&t->error, r, "the store: %s", strerror(-r)) : 0;
}

/* The first bytes say whether the blob is compressed. Otherwise the recipe gives it back. */
static int task_tap(void *arg, const void *data, size_t len, struct image_error *error)
{
	struct layer_task *t = arg;
	ssize_t n;

	(void)CHECK(t->fd >= 0);
	if (t->all->stopped)
		return image_fail(error, -ECANCELED, "stopped");
	if (!t->decided && t->all->options->keep_blobs && stream_is_packed(data, len)) {
		t->blob_fd = os_openat(t->fd, "blob", O_WRONLY | O_CREAT | O_EXCL, 0644, OS_NO_XDEV);
		if (t->blob_fd < 0)
			return image_fail(error, t->blob_fd, "the store: %s", strerror(-t->blob_fd));
	}
	t->decided = true;
	if (t->blob_fd < 0)
		return 0;
	n = os_pwrite_all(t->blob_fd, data, len, t->blob_size);
	t->blob_size += MAX(n, 0);
	if (t->blob_size / BLOB_WRITE_EARLY > (t->blob_size - MAX(n, 0)) / BLOB_WRITE_EARLY)
		(void)os_sync_file_range(t->blob_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return (size_t)n == len ? 0
				: image_fail(error, n < 0 ? (int)n : -ENOSPC, "the store: %s",
					     strerror(n < 0 ? (int)-n : ENOSPC));
}

static int task_unpack(struct layer_task *t, struct layer_tar *tar)
{
	struct store *s = t->all->s;
	struct unpack_options options = {.root_fd = t->diff_fd,
					 .overrides = s->overrides,
					 .ns = s->userxattr ? XATTR_NS_USER : XATTR_NS_TRUSTED};
	_cleanup_close_ int recipe_fd = os_openat(t->fd, "recipe", O_WRONLY | O_CREAT | O_EXCL, 0644, OS_NO_XDEV);
	int r = recipe_fd < 0 ? task_failed(t, recipe_fd) : recipe_writer_new(recipe_fd, &options.recipe, &t->error);

	if (r == 0)
		r = unpack_tar(&tar->tar, &options, &t->unpacked, &t->error);
	recipe_writer_free(options.recipe);
	/* Readers of layers look there whether private xattrs are in user.*. */
	if (r == 0 && s->userxattr)
		r = task_failed(t, os_setxattr(t->diff_fd, "", xattr_overlay_name(XATTR_NS_USER, XATTR_OVERLAY_IMPURE),
					       "y", 1, 0));
	return r;
}

static int task_facts(struct layer_task *t)
{
	json_auto_t *facts =
		json_pack("{s:s, s:s, s:I, s:I, s:s, s:b}", "schema", "plyfs.layer/1", "diff_id", t->result->diff_id,
			  "tar", (json_int_t)t->result->tar, "entries", (json_int_t)t->unpacked.entries, "xattrs",
			  t->all->s->userxattr ? "user" : "trusted", "overrides", t->all->s->overrides);
	_cleanup_free_ char *text = facts ? json_dumps(facts, JSON_INDENT(1)) : NULL;

	if (!text)
		return image_fail_memory(&t->error);
	(void)CHECK(t->result->tar >= 0 && digest_is_valid(t->result->diff_id));
	return task_failed(t, store_write_file(t->fd, "layer.json", text, strlen(text)));
}

/* blob -> blobs/HEX */
static int task_blob(struct layer_task *t)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (t->blob_fd < 0)
		return 0;
	(void)CHECK(digest_is_valid(t->digest) && t->blob_size > 0);
	r = os_mkdirat(t->fd, "blobs", 0755);
	dir = r < 0 ? r : os_openat(t->fd, "blobs", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (dir >= 0)
		r = os_renameat2(t->fd, "blob", dir, digest_digits(t->digest), 0);
	return task_failed(t, dir < 0 ? dir : r);
}

static int task_read(struct layer_task *t)
{
	const struct store_source *from = t->source;
	struct layer_tar tar;
	int r = from->open(from->arg, from->i, task_tap, t, &tar, &t->error);

	if (r < 0)
		return r;
	(void)CHECK(tar.stream);
	r = layer_tar_ahead(&tar, &t->error);
	if (r == 0)
		r = task_unpack(t, &tar);
	/* No digest tells whether the stream was whole. */
	if (r == 0 && !from->diff_id && !tar.tar.ended)
		r = image_fail(&t->error, -EBADMSG, "malformed archive: truncated, its end is missing");
	if (r == 0)
		r = layer_tar_verify(&tar, &t->error);
	if (r == 0 && from->diff_id && strcmp(from->diff_id, tar.diff_id) != 0)
		r = image_fail(&t->error, -EAGAIN, "the layer %s: its content is another now", from->diff_id);
	if (r == 0) {
		strcpy(t->result->diff_id, tar.diff_id);
		strcpy(t->digest, tar.digest);
		t->result->tar = tar.size;
	}
	layer_tar_finish(&tar);
	return r;
}

static int task_steps(struct layer_task *t)
{
	int r = task_failed(t, store_temp_new(t->all->s, t->temp, &t->fd));

	if (r == 0)
		r = task_failed(t, os_fchmod(t->fd, 0755));
	if (r == 0)
		r = task_failed(t, os_mkdirat(t->fd, "diff", 0755));
	if (r < 0)
		return r;
	t->diff_fd = os_openat(t->fd, "diff", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (t->diff_fd < 0)
		return task_failed(t, t->diff_fd);
	r = task_read(t);
	if (r == 0)
		r = task_blob(t);
	return r < 0 ? r : task_facts(t);
}

/* A layer that is there came in another compressed form before: this one is kept too. */
static int task_other_blob(struct layer_task *t)
{
	const struct store_source *from = t->source;
	_cleanup_close_ int layer = layer_dir(t->all->s, from->diff_id);
	struct layer_tar tar;
	int r = layer < 0 ? layer : store_temp_new(t->all->s, t->temp, &t->fd);

	if (r < 0)
		return task_failed(t, r);
	r = from->open(from->arg, from->i, task_tap, t, &tar, &t->error);
	if (r < 0)
		return r;
	r = layer_tar_verify(&tar, &t->error);
	strcpy(t->digest, r < 0 ? "" : tar.digest);
	layer_tar_finish(&tar);
	if (r < 0 || t->blob_fd < 0)
		return r;
	r = os_mkdirat(layer, "blobs", 0755);
	_cleanup_close_ int dir = os_openat(layer, "blobs", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);

	r = dir < 0 ? dir : os_fsync(t->blob_fd);
	if (r == 0)
		r = os_renameat2(t->fd, "blob", dir, digest_digits(t->digest), 0);
	return task_failed(t, r < 0 ? r : os_fsync(dir));
}

static void layer_task_run(struct pool_task *task)
{
	struct layer_task *t = container_of(task, struct layer_task, task);

	t->r = t->all->stopped ? -ECANCELED : t->result->known ? task_other_blob(t) : task_steps(t);
	if (t->r < 0)
		t->all->stopped = true;
}

/* --- all layers --------------------------------------------------------------------------------------------------- */

/* Whether the layer is there, or is made for an earlier source. */
static bool layer_is_known(struct adding *a, size_t i)
{
	const char *diff_id = a->tasks[i].source->diff_id;

	if (!diff_id)
		return false;
	for (size_t j = 0; j < i; j++)
		if (a->tasks[j].source->diff_id && !strcmp(a->tasks[j].source->diff_id, diff_id))
			return true;
	return store_has_layer(a->s, diff_id);
}

/* Whether a known layer comes in a compressed form that isn't kept yet. */
static bool wants_other_blob(const struct adding *a, size_t i)
{
	const struct store_source *from = a->tasks[i].source;
	_cleanup_close_ int fd = -1;

	if (!a->options->keep_blobs || !from->digest || !strcmp(from->digest, from->diff_id))
		return false;
	fd = store_open_blob(a->s, from->diff_id, from->digest);
	return fd == -ENOENT && store_has_layer(a->s, from->diff_id);
}

static int run_tasks(struct adding *a)
{
	unsigned most = MIN(os_cpu_count(), (unsigned)TASKS_MAX), threads = MIN(most, (unsigned)a->n);
	struct pool *pool;
	(void)CHECK(a->n > 0 && threads > 0);
	int r = pool_new("store", threads, 0, &pool);

	if (r < 0)
		return r;
	for (size_t i = 0; i < a->n; i++) {
		struct layer_task *t = &a->tasks[i];

		if (layer_is_known(a, i)) {
			t->result->known = true;
			strcpy(t->result->diff_id, t->source->diff_id);
			if (!wants_other_blob(a, i))
				continue;
		}
		t->task.run = layer_task_run;
		pool_submit(pool, &t->task);
	}
	pool_free(pool);
	return 0;
}

/* The failure that wasn't caused by another one. */
static int first_failure(const struct adding *a, struct image_error *error)
{
	const struct layer_task *worst = NULL;

	for (size_t i = 0; i < a->n; i++)
		if (a->tasks[i].r < 0 && (!worst || worst->r == -ECANCELED))
			worst = &a->tasks[i];
	return worst ? image_fail(error, worst->r, "%s", worst->error.text) : 0;
}

/* The directory of a layer that is there or will be: a path. One that comes twice is where its first task put it. */
static char *diff_path(const struct adding *a, size_t i)
{
	const struct layer_task *t = &a->tasks[i];
	char *path = NULL;
	int n;

	for (size_t j = 0; j < i && t->result->known; j++)
		if (!a->tasks[j].result->known && !strcmp(a->tasks[j].result->diff_id, a->tasks[i].result->diff_id))
			t = &a->tasks[j];
	n = *t->temp && !t->result->known
		    ? asprintf(&path, "%s/tmp/%s/diff", a->s->path, t->temp)
		    : asprintf(&path, "%s/layers/%s/diff", a->s->path, digest_digits(t->result->diff_id));
	return n < 0 ? NULL : path;
}

/* Adds a directory to those below, but not twice: the upper one of two equal layers has all of the lower one. */
static int add_below(char **below, size_t *n, char *path)
{
	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < *n; i++) {
		if (!strcmp(below[i], path)) {
			free(path);
			return 0;
		}
	}
	below[(*n)++] = path;
	return 0;
}

/* The chain_id (OCI image specification, config.md) of the layers below; "" if there are none. */
static int chain_below(const struct adding *a, size_t i, char ret[static DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE];
	int r = 0;

	strcpy(ret, i ? a->tasks[0].result->diff_id : "");
	for (size_t j = 1; j < i && r == 0; j++) {
		snprintf(text, sizeof(text), "%s %s", ret, a->tasks[j].result->diff_id);
		r = digest_of(text, strlen(text), ret);
	}
	return r;
}

/* A layer that was there has files of the layers that were below it then. An image with a wrong layer there must not
 * decide what another image has. */
static int check_below(const struct adding *a, size_t i, struct image_error *error)
{
	const char *diff_id = a->tasks[i].result->diff_id;
	_cleanup_close_ int dir = layer_dir(a->s, diff_id), fd = -1;
	char was[DIGEST_SIZE] = "", is[DIGEST_SIZE];
	ssize_t n;
	int r;

	/* One that is made for an earlier source isn't there yet. */
	fd = dir < 0 ? dir : os_openat(dir, "below", O_RDONLY, 0, OS_NO_XDEV);
	if (fd == -ENOENT)
		return 0;
	n = fd < 0 ? fd : os_pread_all(fd, was, sizeof(was) - 1, 0);
	r = n < 0 ? (int)n : chain_below(a, i, is);
	if (r < 0)
		return image_fail(error, r, "the layer %s: %s", diff_id, strerror(-r));
	return !strcmp(was, is) ? 0
				: image_fail(error, -EEXIST,
					     "the layer %s is in the store with files of other layers: remove it there "
					     "first",
					     diff_id);
}

/* Hard links to files of lower layers. */
static int resolve_layer(struct adding *a, size_t i, struct image_error *error)
{
	struct layer_task *t = &a->tasks[i];
	char chain[DIGEST_SIZE];
	char **below = calloc(i + 2, sizeof(*below));
	size_t n = 0;
	int r = below ? 0 : -ENOMEM;

	for (size_t j = i; j-- > 0 && r == 0;)
		r = add_below(below, &n, diff_path(a, j));
	if (r == 0 && a->tasks[0].source->parent_diff)
		r = add_below(below, &n, strdup(a->tasks[0].source->parent_diff));
	if (r < 0)
		image_fail_memory(error);
	else
		r = store_resolve_links(a->s, t->diff_fd, (const char *const *)below, n, &t->unpacked, error);
	if (r == 0) {
		r = chain_below(a, i, chain);
		if (r == 0)
			r = store_write_file(t->fd, "below", chain, strlen(chain));
		if (r < 0)
			image_fail(error, r, "%s: %s", a->s->path, strerror(-r));
	}
	for (size_t j = 0; below && j < n; j++)
		free(below[j]);
	free(below);
	return r;
}

/* Gives a layer its name. Somebody else may have added it meanwhile. */
static int name_layer(struct adding *a, struct layer_task *t)
{
	(void)CHECK(*t->temp && digest_is_valid(t->result->diff_id));
	int r = os_renameat2(a->s->tmp_fd, t->temp, a->s->layers_fd, digest_digits(t->result->diff_id), 0);

	if (r == -EEXIST || r == -ENOTEMPTY) {
		t->result->known = true;
		return 0;
	}
	if (r == 0)
		*t->temp = '\0';
	return r;
}

static int finish_layers(struct adding *a, struct image_error *error)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < a->n && r == 0; i++) {
		any |= !a->tasks[i].result->known;
		if (a->tasks[i].result->known && !a->options->any_below)
			r = check_below(a, i, error);
		if (r == 0 && a->tasks[i].unpacked.n_links)
			r = resolve_layer(a, i, error);
	}
	if (r < 0 || !any)
		return r;
	r = os_syncfs(a->s->fd);
	for (size_t i = 0; i < a->n && r == 0; i++)
		if (!a->tasks[i].result->known)
			r = name_layer(a, &a->tasks[i]);
	if (r == 0)
		r = os_fsync(a->s->layers_fd);
	if (r < 0)
		return image_fail(error, r, "%s: %s", a->s->path, strerror(-r));
	/* Those that somebody else has added meanwhile. */
	for (size_t i = 0; i < a->n && r == 0 && !a->options->any_below; i++)
		if (*a->tasks[i].temp && a->tasks[i].result->known)
			r = check_below(a, i, error);
	return r;
}

static void free_task(struct layer_task *t)
{
	cleanup_close(&t->blob_fd);
	cleanup_close(&t->diff_fd);
	cleanup_close(&t->fd);
	unpacked_finish(&t->unpacked);
	store_temp_remove(t->all->s, t->temp);
}

int store_add_layers(struct store *s, const struct store_source *sources, size_t n, const struct store_adding *adding,
		     struct store_added *ret, struct image_error *error)
{
	struct adding a = {.s = s, .options = adding, .n = n, .tasks = calloc(n + 1, sizeof(*a.tasks))};
	int r;

	if (!CHECK(s->locked))
		return -EIO;
	if (!a.tasks)
		return image_fail_memory(error);
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct store_added){.tar = -1};
		a.tasks[i] = (struct layer_task){.all = &a,
						 .source = &sources[i],
						 .result = &ret[i],
						 .fd = -1,
						 .diff_fd = -1,
						 .blob_fd = -1,
						 .error = {.text = "fails"}};
	}
	r = n ? run_tasks(&a) : 0;
	r = r < 0 ? image_fail(error, r, "threads: %s", strerror(-r)) : first_failure(&a, error);
	if (r == 0)
		r = finish_layers(&a, error);
	for (size_t i = 0; i < n; i++)
		free_task(&a.tasks[i]);
	free(a.tasks);
	return r;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

int store_open_blob(const struct store *s, const char *diff_id, const char *digest)
{
	_cleanup_close_ int dir = layer_dir(s, diff_id);
	char name[sizeof("blobs/") + DIGEST_HEX];

	if (dir < 0)
		return dir;
	if (!digest_is_valid(digest))
		return -EINVAL;
	(void)CHECK(dir >= 0);
	snprintf(name, sizeof(name), "blobs/%s", digest_digits(digest));
	return os_openat(dir, name, O_RDONLY, 0, OS_NO_XDEV);
}

/* The least name, in whatever order they are read. */
static int least_blob(void *arg, const struct os_dirent *d)
{
	char *least = arg;

	if (strlen(d->name) == DIGEST_HEX && digest_is_hex(d->name, DIGEST_HEX) &&
	    (!*least || strcmp(d->name, least) < 0))
		strcpy(least, d->name);
	return 0;
}

int store_find_blob(const struct store *s, const char *diff_id, char ret_digest[static DIGEST_SIZE])
{
	_cleanup_close_ int layer = layer_dir(s, diff_id), dir = -1;
	char least[DIGEST_HEX + 1] = "";
	int r;

	dir = layer < 0 ? layer : os_openat(layer, "blobs", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	r = dir < 0 ? dir : os_read_dir(dir, least_blob, least);
	if (r < 0)
		return r;
	if (!*least)
		return -ENOENT;
	snprintf(ret_digest, DIGEST_SIZE, DIGEST_PREFIX "%s", least);
	(void)CHECK(digest_is_valid(ret_digest));
	return store_open_blob(s, diff_id, ret_digest);
}

int store_write_tar(const struct store *s, const char *diff_id, int (*sink)(void *arg, const void *data, size_t len),
		    void *arg, struct image_error *error)
{
	_cleanup_close_ int dir = layer_dir(s, diff_id), recipe = -1, diff = -1;

	if (dir >= 0)
		recipe = os_openat(dir, "recipe", O_RDONLY, 0, OS_NO_XDEV);
	if (recipe >= 0)
		diff = os_openat(dir, "diff", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (diff < 0) {
		int r = dir < 0 ? dir : recipe < 0 ? recipe : diff;

		return image_fail(error, r, "the layer %s: %s", diff_id, strerror(-r));
	}
	return recipe_write_tar(recipe, diff, sink, arg, error);
}
