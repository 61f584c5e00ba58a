/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change object: its pools and its life.
 *
 * Two pools: a copy-up of a gigabyte takes seconds, and the small ones that a package manager makes by the thousand must not queue
 * behind it. Both run at a lower priority than request threads, so that a stat on a machine with one core isn't scheduled after a copy.
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
#include "tree/listing.h"

#define COPY_LARGE_NICE 10
#define COPY_SMALL_THREADS 3
#define COPY_SMALL_NICE 5

static int change_start_pools(struct change *change, const struct change_options *opt)
{
	int r = pool_new("plyfs-copy", opt->copy_threads, COPY_LARGE_NICE, &change->copy_large);

	if (r < 0)
		return r;
	return pool_new("plyfs-change", COPY_SMALL_THREADS, COPY_SMALL_NICE, &change->copy_small);
}

/* Where a sync is no work. */
static bool upper_in_memory(const struct layer_set *set)
{
	long type;

	return set->has_upper && os_fs_type(set->work_fd, &type) == 0 && (type == TMPFS_MAGIC || type == RAMFS_MAGIC);
}

int change_new(struct tree *tree, const struct change_options *opt, struct change **ret_change)
{
	struct change *change = calloc(1, sizeof(*change));
	int r;

	if (!change)
		return -ENOMEM;
	change->tree = tree;
	change->layers = tree->layers;
	change->sync = opt->sync && !tree->layers->is_volatile;
	change->syncs_at_once = !change->sync || upper_in_memory(tree->layers);
	change->sync_strictly = change->sync && opt->sync_strictly;
	change->acl = opt->acl;
	change->squash = opt->squash;
	change->as_caller = tree->layers->can_chown && !opt->give_away;
	change->on_changed = opt->on_changed;
	change->on_doubt = opt->on_doubt;
	change->arg = opt->arg;
	rwlock_init(&change->gate, LOCK_GATE);
	r = copyup_queue_new(change, &change->queue);
	if (r == 0)
		r = change_start_pools(change, opt);
	if (r < 0) {
		change_free(change);
		return r;
	}
	*ret_change = change;
	return 0;
}

void change_drain(struct change *change)
{
	/* A small task may still hand itself to the large pool, never the other way round. */
	pool_drain(change->copy_small);
	pool_drain(change->copy_large);
}

void change_free(struct change *change)
{
	if (!change)
		return;
	if (change->queue)
		copyup_queue_stop(change->queue);
	if (change->copy_small)
		change_drain(change);
	if (change->copy_large)
		pool_free(change->copy_large);
	if (change->copy_small)
		pool_free(change->copy_small);
	copyup_queue_free(change->queue);
	rwlock_finish(&change->gate);
	free(change);
}
