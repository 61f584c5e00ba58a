/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for a layer's first attribute: a getdents a directory and a listxattr an object, by a thread of a low
 * priority. Whatever can't be looked at may have one.
 */
#include "layer/no_xattrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/pool.h"
#include "internal.h"
#include "layer/walk.h"

#define NICE 10

struct layer_no_xattrs {
	const struct layer_set *set;
	struct pool *pool; /* written by whoever starts the thread, read when there are no requests any more */
	struct pool_task task;
	_Atomic unsigned asked; /* up to LAYER_NO_XATTRS_ASKS */
	_Atomic bool stop, none;
};

static int no_xattrs_look_at_object(void *arg, struct layer_walk_entry *e)
{
	const struct layer_no_xattrs *no_xattrs = arg;

	if (atomic_load_explicit(&no_xattrs->stop, memory_order_relaxed))
		return -ECANCELED;
	return e->xattr_flags & XATTR_FLAGS_SHOWN ? -EEXIST : 0;
}

/* 0: nothing of the layer has one. */
static int look_at_layer(struct layer_no_xattrs *no_xattrs, const struct layer *l)
{
	static const struct layer_walk_calls calls = {.entry = no_xattrs_look_at_object};

	(void)CHECK(!l->upper);
	return l->has_xattr ? layer_walk(no_xattrs->set, l, LAYER_WALK_XATTR_FLAGS, &calls, no_xattrs) : 0;
}

static void look_at_all(struct pool_task *task)
{
	struct layer_no_xattrs *no_xattrs = container_of(task, struct layer_no_xattrs, task);
	const struct layer_set *set = no_xattrs->set;
	int r = 0;

	for (unsigned i = 0; i < set->n && r == 0; i++)
		r = look_at_layer(no_xattrs, &set->layers[i]);
	if (r == 0)
		atomic_store_explicit(&no_xattrs->none, true, memory_order_relaxed);
	log_debug("layers looked at for attributes: %s", r == 0 ? "none" : r == -EEXIST ? "some" : strerror(-r));
}

static void no_xattrs_start(struct layer_no_xattrs *no_xattrs)
{
	(void)CHECK(!no_xattrs->pool);
	if (pool_new("plyfs-xattrs", 1, NICE, &no_xattrs->pool) < 0)
		return;
	no_xattrs->task.run = look_at_all;
	pool_submit(no_xattrs->pool, &no_xattrs->task);
}

bool layer_has_no_xattrs(const struct layer_set *set)
{
	struct layer_no_xattrs *no_xattrs = set->no_xattrs;

	if (!no_xattrs)
		return false;
	if (atomic_load_explicit(&no_xattrs->none, memory_order_relaxed))
		return true;
	if (atomic_load_explicit(&no_xattrs->asked, memory_order_relaxed) < LAYER_NO_XATTRS_ASKS &&
	    atomic_fetch_add(&no_xattrs->asked, 1) == LAYER_NO_XATTRS_ASKS - 1)
		no_xattrs_start(no_xattrs);
	return false;
}

void layer_no_xattrs_stop(const struct layer_set *set)
{
	struct layer_no_xattrs *no_xattrs = set->no_xattrs;

	if (!no_xattrs)
		return;
	/* Whoever would start it later finds that it has been. */
	atomic_store(&no_xattrs->asked, LAYER_NO_XATTRS_ASKS);
	atomic_store(&no_xattrs->stop, true);
	if (no_xattrs->pool)
		pool_free(no_xattrs->pool);
	no_xattrs->pool = NULL;
}

int no_xattrs_open(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;

	(void)CHECK(!set->no_xattrs);
	if (set->has_upper || !lo->spec->seek_xattrs || lo->spec->revalidate)
		return 0;
	/* What is overmounted there is shown empty and has none, but must not be looked at. */
	for (unsigned i = 0; i < set->n; i++)
		if (!set->layers[i].cloned)
			return 0;
	set->no_xattrs = calloc(1, sizeof(*set->no_xattrs));
	if (!set->no_xattrs)
		return -ENOMEM;
	set->no_xattrs->set = set;
	return 0;
}

void no_xattrs_free(struct layer_set *set)
{
	layer_no_xattrs_stop(set);
	free(set->no_xattrs);
}
