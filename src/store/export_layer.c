// SPDX-License-Identifier: Apache-2.0
/*
 * Layers as blobs: a kept one is copied; another one is the tar, hashed, compressed and hashed again, in one pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/packer.h"
#include "base/check.h"
#include "base/macros.h"
#include "base/meter.h"
#include "base/pool.h"
#include "export_internal.h"
#include "image/error.h"
#include "os/task.h"

#define COPY_PIECE (1 << 20)

struct exporting;

struct export_task {
	struct pool_task task;
	struct exporting *all;
	size_t layer;
	struct export_blob *result;
	int fd;
	char temp[DEST_NAME_SIZE];
	struct digest inner, outer;
	int64_t size;
	struct packer *packer;
	int r;
	struct image_error error;
};

struct exporting {
	struct export_dest *dest;
	const struct store_export *e;
	_Atomic bool stopped;
};

/* --- a kept blob -------------------------------------------------------------------------------------------------- */

/* The copy is hashed on the way: what is damaged goes nowhere. */
static int copy_blob(struct export_task *t, int from)
{
	_cleanup_free_ char *buffer = malloc(COPY_PIECE);
	ssize_t n = 0;
	int r = buffer ? digest_start(&t->outer) : -ENOMEM;

	(void)CHECK(from >= 0 && t->fd >= 0);
	while (r == 0 && (n = os_pread_all(from, buffer, COPY_PIECE, t->size)) > 0) {
		ssize_t done = os_pwrite_all(t->fd, buffer, (size_t)n, t->size);

		r = done < n ? (done < 0 ? (int)done : -ENOSPC) : digest_add(&t->outer, buffer, (size_t)n);
		t->size += n;
		meter_bytes((uint64_t)n);
	}
	if (r == 0 && n == 0)
		r = digest_finish(&t->outer, t->result->digest);
	return r < 0 ? r : (int)n;
}

/* An uncompressed layer has one digest only. */
static const char *media_type_of(enum pack_kind pack)
{
	switch (pack) {
	case PACK_GZIP:
		return "application/vnd.oci.image.layer.v1.tar+gzip";
	case PACK_ZSTD:
		return "application/vnd.oci.image.layer.v1.tar+zstd";
	case PACK_NONE:
		break;
	}
	return "application/vnd.oci.image.layer.v1.tar";
}

/* Blobs are kept that are compressed in one of two ways. */
static const char *media_type_of_blob(int fd)
{
	unsigned char head[2] = "";
	bool is_gzip = os_pread_all(fd, head, sizeof(head), 0) == sizeof(head) && head[0] == 0x1f && head[1] == 0x8b;

	return media_type_of(is_gzip ? PACK_GZIP : PACK_ZSTD);
}

/* The blob with the digest of the manifest; without a manifest, as of an image that plyctl has made, any one of the
 * layer. */
static int open_kept(const struct export_task *t, char ret_digest[static DIGEST_SIZE])
{
	const struct store_export *e = t->all->e;
	const struct image_layer *l = e->image ? &e->image->layers[t->layer] : NULL;

	if (e->pack_anew || e->kind == EXPORT_DOCKER_ARCHIVE || !l)
		return -ENOENT;
	if (!l->digest)
		return e->any_blob && l->diff_id ? e->any_blob(e->arg, t->layer, ret_digest) : -ENOENT;
	strcpy(ret_digest, l->digest);
	return e->blob ? e->blob(e->arg, t->layer, l->digest) : -ENOENT;
}

/* 1: it was taken; 0: none is kept. */
static int export_kept(struct export_task *t)
{
	const struct store_export *e = t->all->e;
	char digest[DIGEST_SIZE] = "";
	_cleanup_close_ int from = open_kept(t, digest);
	int r;

	if (from < 0)
		return from == -ENOENT ? 0 : image_fail(&t->error, from, "the blob %s: %s", digest, strerror(-from));
	r = copy_blob(t, from);
	if (r < 0)
		return image_fail(&t->error, r, "%s: %s", e->path, strerror(-r));
	if (strcmp(t->result->digest, digest) != 0)
		return image_fail(&t->error, -EBADMSG, "the blob %s has the digest %s", digest, t->result->digest);
	strcpy(t->result->diff_id, e->image->layers[t->layer].diff_id);
	t->result->media_type = e->image->layers[t->layer].media_type;
	if (!t->result->media_type)
		t->result->media_type = media_type_of_blob(from);
	t->result->kept = true;
	return 1;
}

/* --- a tar -------------------------------------------------------------------------------------------------------- */

static int blob_sink(void *arg, const void *data, size_t len)
{
	struct export_task *t = arg;
	(void)CHECK(t->size >= 0);
	ssize_t n = os_pwrite_all(t->fd, data, len, t->size);

	if (n < 0 || (size_t)n < len)
		return n < 0 ? (int)n : -ENOSPC;
	t->size += n;
	return digest_add(&t->outer, data, len);
}

static int export_sink(void *arg, const void *data, size_t len)
{
	struct export_task *t = arg;
	int r = t->all->stopped ? -ECANCELED : digest_add(&t->inner, data, len);

	return r < 0 ? r : packer_add(t->packer, data, len);
}

/* A layer whose blob was the tar itself: the recipe gives it back. */
static bool came_plain(const struct export_task *t)
{
	const struct store_export *e = t->all->e;
	const struct image_layer *l = e->image ? &e->image->layers[t->layer] : NULL;

	return l && !e->pack_anew && l->digest && l->diff_id && !strcmp(l->digest, l->diff_id);
}

static int export_tar(struct export_task *t)
{
	const struct store_export *e = t->all->e;
	bool is_plain = e->kind == EXPORT_DOCKER_ARCHIVE || came_plain(t);
	enum pack_kind pack = is_plain ? PACK_NONE : e->pack;
	int r = digest_start(&t->inner);

	if (r == 0)
		r = digest_start(&t->outer);
	if (r < 0)
		return image_fail_memory(&t->error);
	r = packer_new(pack, pack == PACK_NONE ? 0 : e->level, blob_sink, t, &t->packer, &t->error);
	if (r == 0)
		r = e->tar(e->arg, t->layer, export_sink, t, &t->error);
	if (r < 0)
		return r;
	r = packer_end(t->packer);
	if (r == 0)
		r = digest_finish(&t->inner, t->result->diff_id);
	if (r == 0)
		r = digest_finish(&t->outer, t->result->digest);
	if (r < 0)
		return image_fail(&t->error, r, "%s: %s", e->path, strerror(-r));
	t->result->media_type = media_type_of(pack);
	(void)CHECK(digest_is_valid(t->result->diff_id) && digest_is_valid(t->result->digest));
	if (e->image && strcmp(t->result->diff_id, e->image->layers[t->layer].diff_id) != 0)
		return image_fail(&t->error, -EBADMSG, "the layer %s has the digest %s now",
				  e->image->layers[t->layer].diff_id, t->result->diff_id);
	return 0;
}

static int export_steps(struct export_task *t)
{
	bool docker = t->all->e->kind == EXPORT_DOCKER_ARCHIVE;
	char name[DEST_NAME_SIZE];
	int r;

	t->fd = dest_new_file(t->all->dest, t->temp);
	if (t->fd < 0)
		return image_fail(&t->error, t->fd, "%s: %s", t->all->e->path, strerror(-t->fd));
	r = export_kept(t);
	if (r == 0)
		r = export_tar(t);
	if (r < 0)
		return r;
	t->result->size = t->size;
	snprintf(name, sizeof(name), "%s%s", t->result->digest + strlen(DIGEST_PREFIX), docker ? ".tar" : "");
	r = os_renameat2(t->all->dest->files_fd, t->temp, t->all->dest->files_fd, name, 0);
	if (r < 0)
		return image_fail(&t->error, r, "%s: %s", t->all->e->path, strerror(-r));
	*t->temp = '\0';
	return 0;
}

static void export_run(struct pool_task *task)
{
	struct export_task *t = container_of(task, struct export_task, task);

	t->r = t->all->stopped ? -ECANCELED : export_steps(t);
	if (t->r < 0)
		t->all->stopped = true;
	packer_free(t->packer);
	digest_abandon(&t->inner);
	digest_abandon(&t->outer);
	cleanup_close(&t->fd);
	if (*t->temp)
		dest_drop_file(t->all->dest, t->temp);
}

static int export_failure(const struct export_task *tasks, size_t n, struct image_error *error)
{
	const struct export_task *worst = NULL;

	for (size_t i = 0; i < n; i++)
		if (tasks[i].r < 0 && (!worst || worst->r == -ECANCELED))
			worst = &tasks[i];
	return worst ? image_fail(error, worst->r, "%s", worst->error.text) : 0;
}

/* In the order of the layers, whichever was ready first. */
static int list_layers(struct export_dest *p, const struct export_blob *blobs, size_t n)
{
	char name[DEST_NAME_SIZE];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		snprintf(name, sizeof(name), "%s%s", blobs[i].digest + strlen(DIGEST_PREFIX),
			 p->e->kind == EXPORT_DOCKER_ARCHIVE ? ".tar" : "");
		r = dest_name_file(p, name, name);
	}
	return r;
}

int export_layers(struct export_dest *p, struct export_blob *ret, struct image_error *error)
{
	const struct store_export *e = p->e;
	struct exporting all = {.dest = p, .e = e};
	struct export_task *tasks = calloc(e->n_layers + 1, sizeof(*tasks));
	unsigned cpus = os_cpu_count();
	struct pool *pool;
	int r;

	if (!tasks)
		return image_fail_memory(error);
	r = pool_new("export", MIN(cpus, 8u), 0, &pool);
	for (size_t i = 0; i < e->n_layers && r == 0; i++) {
		tasks[i] = (struct export_task){.task.run = export_run,
						.all = &all,
						.layer = i,
						.result = &ret[i],
						.fd = -1,
						.error = {.text = "fails"}};
		pool_submit(pool, &tasks[i].task);
	}
	if (r == 0) {
		pool_free(pool);
		r = export_failure(tasks, e->n_layers, error);
	} else {
		image_fail(error, r, "threads: %s", strerror(-r));
	}
	free(tasks);
	if (r < 0)
		return r;
	r = list_layers(p, ret, e->n_layers);
	return r < 0 ? image_fail(error, r, "%s: %s", e->path, strerror(-r)) : 0;
}
