/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for a layer's first attribute: a getdents a directory and a listxattr an object, by a thread of a low
 * priority. Whatever can't be looked at may have one.
 */
#include "layer/plain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/pool.h"
#include "internal.h"
#include "os/fs.h"

#define NICE 10

struct layer_plain {
	const struct layer_set *set;
	struct pool *pool; /* written by whoever starts the thread, read when there are no requests any more */
	struct pool_task task;
	_Atomic unsigned asked; /* up to LAYER_PLAIN_ASKS */
	_Atomic bool stop, none;
};

/* One layer's directories that are still to be read, by their paths from its root. */
struct look {
	const struct layer_plain *plain;
	const struct layer *l;
	char **todo;
	size_t n, cap;
	const char *path; /* of the directory that is being read, and open at fd */
	int fd;
};

static int add_directory(struct look *look, const char *name)
{
	char *path = NULL;

	if (look->n == look->cap) {
		size_t cap = MAX(look->cap * 2, (size_t)64);
		char **todo = reallocarray(look->todo, cap, sizeof(*todo));

		if (!todo)
			return -ENOMEM;
		look->todo = todo;
		look->cap = cap;
	}
	if (asprintf(&path, "%s%s%s", look->path, *look->path ? "/" : "", name) < 0)
		return -ENOMEM;
	look->todo[look->n++] = path;
	return 0;
}

/* 1: it has an attribute. */
static int has_shown(struct look *look, const char *name)
{
	unsigned marks;
	int r = layer_read_marks(look->plain->set, look->l, look->fd, name, &marks);

	return r < 0 ? r : !!(marks & MARKS_SHOWN);
}

static int on_entry(void *arg, const struct sys_dirent *entry)
{
	struct look *look = arg;
	bool is_dir = entry->type == DT_DIR;
	struct statx stx;
	int r = atomic_load_explicit(&look->plain->stop, memory_order_relaxed) ? -ECANCELED : 0;

	if (r == 0)
		r = has_shown(look, entry->name);
	if (r == 0 && entry->type == DT_UNKNOWN) {
		r = sys_statx(look->fd, entry->name, &stx);
		is_dir = r == 0 && S_ISDIR(stx.stx_mode);
	}
	return r == 0 && is_dir ? add_directory(look, entry->name) : r;
}

static int read_directory(struct look *look, const char *path)
{
	_cleanup_close_ int fd = strlen(path) < PATH_MAX
					 ? layer_open_path(look->l, *path ? path : ".", O_RDONLY | O_DIRECTORY)
					 : -ENAMETOOLONG;

	if (fd < 0)
		return fd;
	look->fd = fd;
	look->path = path;
	return sys_read_dir(fd, on_entry, look);
}

/* 0: nothing of the layer has one. */
static int look_at_layer(const struct layer_plain *plain, const struct layer *l)
{
	struct look look = {.plain = plain, .l = l, .path = "", .fd = l->root_fd};
	int r = l->has_xattr ? has_shown(&look, "") : 0;

	if (r == 0 && l->has_xattr)
		r = read_directory(&look, "");
	while (r == 0 && look.n > 0) {
		_cleanup_free_ char *path = look.todo[--look.n];

		r = read_directory(&look, path);
	}
	while (look.n > 0)
		free(look.todo[--look.n]);
	free(look.todo);
	return r;
}

static void look_at_all(struct pool_task *task)
{
	struct layer_plain *plain = container_of(task, struct layer_plain, task);
	const struct layer_set *set = plain->set;
	int r = 0;

	for (unsigned i = 0; i < set->n && r == 0; i++)
		r = look_at_layer(plain, &set->layers[i]);
	if (r == 0)
		atomic_store_explicit(&plain->none, true, memory_order_relaxed);
	log_debug("layers looked at for attributes: %s", r == 0 ? "none" : r < 0 ? strerror(-r) : "some");
}

static void start(struct layer_plain *plain)
{
	if (pool_new("plyfs-plain", 1, NICE, &plain->pool) < 0)
		return;
	plain->task.run = look_at_all;
	pool_submit(plain->pool, &plain->task);
}

bool layer_is_plain(const struct layer_set *set)
{
	struct layer_plain *plain = set->plain;

	if (!plain)
		return false;
	if (atomic_load_explicit(&plain->none, memory_order_relaxed))
		return true;
	if (atomic_load_explicit(&plain->asked, memory_order_relaxed) < LAYER_PLAIN_ASKS &&
	    atomic_fetch_add(&plain->asked, 1) == LAYER_PLAIN_ASKS - 1)
		start(plain);
	return false;
}

void layer_plain_stop(const struct layer_set *set)
{
	struct layer_plain *plain = set->plain;

	if (!plain)
		return;
	/* Whoever would start it later finds that it has been. */
	atomic_store(&plain->asked, LAYER_PLAIN_ASKS);
	atomic_store(&plain->stop, true);
	if (plain->pool)
		pool_free(plain->pool);
	plain->pool = NULL;
}

int plain_open(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;

	if (set->has_upper || !lo->spec->image_layers || lo->spec->revalidate)
		return 0;
	/* What another mount covers there is shown empty and has none, but must not be looked at. */
	for (unsigned i = 0; i < set->n; i++)
		if (!set->layers[i].fenced)
			return 0;
	set->plain = calloc(1, sizeof(*set->plain));
	if (!set->plain)
		return -ENOMEM;
	set->plain->set = set;
	return 0;
}

void plain_free(struct layer_set *set)
{
	layer_plain_stop(set);
	free(set->plain);
}
