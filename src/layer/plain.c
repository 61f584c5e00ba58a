/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for a layer's first attribute: a getdents a directory and a listxattr an object, by a thread of a low
 * priority. Whatever can't be looked at may have one.
 */
#include "layer/plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/pool.h"
#include "internal.h"
#include "layer/walk.h"

#define NICE 10

struct layer_plain {
	const struct layer_set *set;
	struct pool *pool; /* written by whoever starts the thread, read when there are no requests any more */
	struct pool_task task;
	_Atomic unsigned asked; /* up to LAYER_PLAIN_ASKS */
	_Atomic bool stop, none;
};

static int look_at_object(void *arg, struct layer_walk_entry *e)
{
	const struct layer_plain *plain = arg;

	if (atomic_load_explicit(&plain->stop, memory_order_relaxed))
		return -ECANCELED;
	return e->marks & MARKS_SHOWN ? -EEXIST : 0;
}

/* 0: nothing of the layer has one. */
static int look_at_layer(struct layer_plain *plain, const struct layer *l)
{
	static const struct layer_walk_calls calls = {.entry = look_at_object};

	return l->has_xattr ? layer_walk(plain->set, l, LAYER_WALK_MARKS, &calls, plain) : 0;
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
	log_debug("layers looked at for attributes: %s", r == 0 ? "none" : r == -EEXIST ? "some" : strerror(-r));
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
	/* What is overmounted there is shown empty and has none, but must not be looked at. */
	for (unsigned i = 0; i < set->n; i++)
		if (!set->layers[i].cloned)
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
