// SPDX-License-Identifier: Apache-2.0
/*
 * Sizes of an unpacked layer. Directories wait in a list with their paths, so depth costs no descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "image/error.h"
#include "image/toc.h"
#include "os/fs.h"
#include <uthash.h>

struct counted {
	struct {
		uint64_t ino;
		uint32_t major, minor;
	} key;
	UT_hash_handle hh;
};

struct measure {
	char **waiting; /* paths of directories from the root */
	size_t n_waiting;
	struct counted *links; /* files with several names that were counted */
	int64_t apparent, allocated;
	const char *path; /* of the directory at hand */
	int fd;
	bool no_memory;
};

/* Whether a file with several names wasn't counted yet. */
static bool measure_first(struct measure *m, const struct statx *stx)
{
	struct counted *c, *old;

	if (stx->stx_nlink < 2 || S_ISDIR(stx->stx_mode))
		return true;
	c = calloc(1, sizeof(*c));
	if (!c) {
		m->no_memory = true;
		return true;
	}
	c->key.ino = stx->stx_ino;
	c->key.major = stx->stx_dev_major;
	c->key.minor = stx->stx_dev_minor;
	HASH_FIND(hh, m->links, &c->key, sizeof(c->key), old);
	if (old)
		free(c);
	else
		HASH_ADD(hh, m->links, key, sizeof(c->key), c);
	return !old;
}

static void measure_add(struct measure *m, const struct statx *stx)
{
	if (!measure_first(m, stx))
		return;
	m->allocated += (int64_t)stx->stx_blocks * 512;
	if (S_ISREG(stx->stx_mode))
		m->apparent += (int64_t)stx->stx_size;
}

static int measure_object(void *arg, const struct os_dirent *entry)
{
	struct measure *m = arg;
	struct statx stx;
	char **next;
	int r = os_statx(m->fd, entry->name, &stx);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	measure_add(m, &stx);
	if (!S_ISDIR(stx.stx_mode))
		return 0;
	next = ARRAY_NEXT(m->waiting, m->n_waiting);
	if (!next || asprintf(next, "%s%s%s", m->path, *m->path ? "/" : "", entry->name) < 0)
		return -ENOMEM;
	m->n_waiting++;
	return 0;
}

static int measure_dir(struct measure *m, int root, const char *path)
{
	_cleanup_close_ int fd = os_openat(root, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	m->fd = fd;
	m->path = path;
	return os_read_dir(fd, measure_object, m);
}

static void measure_finish(struct measure *m)
{
	struct counted *c, *next;

	HASH_ITER(hh, m->links, c, next) {
		HASH_DEL(m->links, c);
		free(c);
	}
	for (size_t i = 0; i < m->n_waiting; i++)
		free(m->waiting[i]);
	free(m->waiting);
}

static int measure_directory(struct image_layer *l, struct image_error *error)
{
	_cleanup_(measure_finish) struct measure m = {0};
	_cleanup_close_ int root = os_open_path(l->directory, O_PATH | O_DIRECTORY, 0);
	struct statx stx;
	int r = root < 0 ? root : os_statx(root, "", &stx);

	if (r == 0) {
		measure_add(&m, &stx);
		r = measure_dir(&m, root, "");
	}
	while (r == 0 && m.n_waiting) {
		_cleanup_free_ char *path = m.waiting[--m.n_waiting];

		r = measure_dir(&m, root, path);
	}
	if (r == 0 && m.no_memory)
		r = -ENOMEM;
	if (r < 0)
		return image_fail(error, r, "%s: %s", l->directory, strerror(-r));
	if (!CHECK(!m.n_waiting && m.apparent >= 0))
		return -EIO;
	l->apparent = m.apparent;
	l->allocated = m.allocated;
	return 0;
}

int image_layer_measure(struct image *image, size_t layer, struct image_error *error)
{
	struct image_toc *toc;
	struct image_layer *l;
	int r;

	if (!CHECK(layer < image->n_layers))
		return -EIO;
	l = &image->layers[layer];
	if (l->directory)
		return measure_directory(l, error);
	r = image_toc_read(image, layer, &toc, error);
	if (r < 0)
		return r;
	l->tar = toc->tar;
	l->compressed = toc->compressed;
	l->apparent = toc->apparent;
	image_toc_free(toc);
	return 0;
}
