/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change object: its pools and its life.
 *
 * Two pools: a copy-up of a gigabyte takes seconds, and the small ones that a package manager makes by the thousand
 * must not queue behind it. Both run at a lower priority than request threads, so that a stat on a machine with one
 * core isn't scheduled after a copy.
 */
#include "change/change.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "copyup_internal.h"
#include "format/acl.h"
#include "format/name.h"
#include "internal.h"
#include "os/task.h"
#include "tree/listing.h"

#define COPY_LARGE_NICE 10
#define COPY_SMALL_THREADS 3
#define COPY_SMALL_NICE 5

int writer_pools_new(unsigned copy_threads, struct writer_pools *ret)
{
	int r = pool_new("plyfs-copy", copy_threads, COPY_LARGE_NICE, &ret->copy_large);

	if (r < 0)
		return r;
	return pool_new("plyfs-change", COPY_SMALL_THREADS, COPY_SMALL_NICE, &ret->copy_small);
}

void writer_pools_free(struct writer_pools *pools)
{
	pool_free(pools->copy_large);
	pool_free(pools->copy_small);
}

static int writer_take_pools(struct writer *writer, const struct writer_options *opt)
{
	const struct writer_pools *pools = opt->pools ? opt->pools : &writer->own;
	int r = opt->pools ? 0 : writer_pools_new(opt->copy_threads, &writer->own);

	writer->copy_large = pools->copy_large;
	writer->copy_small = pools->copy_small;
	return r;
}

/* Where a sync is no work. */
static bool upper_in_memory(const struct layer_set *set)
{
	long type;

	return set->has_upper && os_fs_type(set->work_fd, &type) == 0 && (type == TMPFS_MAGIC || type == RAMFS_MAGIC);
}

int writer_new(struct tree *tree, const struct writer_options *opt, struct writer **ret_change)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return -ENOMEM;
	writer->tree = tree;
	writer->layers = tree->layers;
	writer->sync = opt->sync && !tree->layers->is_volatile;
	writer->syncs_at_once = !writer->sync || upper_in_memory(tree->layers);
	writer->sync_strictly = writer->sync && opt->sync_strictly;
	writer->acl = opt->acl;
	writer->squash = opt->squash;
	writer->as_caller = tree->layers->can_chown && !opt->give_away;
	writer->on_changed = opt->on_changed;
	writer->on_doubt = opt->on_doubt;
	writer->arg = opt->arg;
	rwlock_init(&writer->gate, LOCK_GATE);
	r = copyup_queue_new(writer, &writer->queue);
	if (r == 0)
		r = writer_take_pools(writer, opt);
	if (r < 0) {
		writer_free(writer);
		return r;
	}
	*ret_change = writer;
	return 0;
}

/* Nobody waits behind us meanwhile, as they would with a lock that is waited for: a change may take long. */
static int wait_for_gate(struct writer *writer, unsigned long long until_ms, const _Atomic bool *ends)
{
	while (!rwlock_try_write(&writer->gate)) {
		if (ends && atomic_load(ends))
			return -ESHUTDOWN;
		if (os_now_ms() >= until_ms)
			return -ETIMEDOUT;
		os_sleep_us(CHANGE_FREEZE_LOOK_US);
	}
	return 0;
}

int writer_freeze(struct writer *writer, unsigned long long until_ms, const _Atomic bool *ends)
{
	int r;

	atomic_store(&writer->freezes, true);
	r = wait_for_gate(writer, until_ms, ends);
	atomic_store(&writer->freezes, false);
	return r;
}

void writer_thaw(struct writer *writer)
{
	rwlock_drop(&writer->gate);
}

void writer_drain(struct writer *writer)
{
	/* A small task may still hand itself to the large pool, never the other way round. */
	pool_drain(writer->copy_small);
	pool_drain(writer->copy_large);
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	if (writer->queue)
		copyup_queue_stop(writer->queue);
	if (writer->copy_small)
		writer_drain(writer);
	writer_pools_free(&writer->own);
	copyup_queue_free(writer->queue);
	rwlock_finish(&writer->gate);
	free(writer);
}
