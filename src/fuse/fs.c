/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union as an object: puts its tiers together.
 */
#include "descriptors.h"
#include "job.h"
#include "names.h"
#include "ops.h"
#include "passthrough.h"
#include "unions.h"
#include "waiting.h"

#include <stdlib.h>

#include "base/check.h"

/* A listing takes 51 bytes a name. The memory after a walk is that of the inodes and this; a few hundred directories of
 * 100 names fit. */
#define LISTING_BYTES (1792U << 10)

static void on_evict(struct inode *inode, void *arg)
{
	struct fs *fs = arg;

	(void)CHECK(fs->data);
	data_evict(fs->data, inode);
	if (fs->host->passthrough)
		passthrough_evict(fs, inode);
}

/*
 * Nobody changed it by a request, so the kernel thinks that it knows the attributes. But who asks it for them twice may
 * get an answer of before and one of after: of a directory tar(1) takes that for a change while it reads.
 */
static void on_changed(struct inode *inode, void *arg)
{
	struct fs *fs = arg;

	if (!fs->opt.revalidate)
		attributes_doubt(fs, inode);
}

static void on_doubt(struct inode *dir, const char *name, void *arg)
{
	name_doubt(arg, dir, name);
}

static int fs_new_tiers(struct fs *fs)
{
	struct host *host = fs->host;
	struct tree_limits limits = {
		.dirfds = &host->directories,
		.max_listing_bytes = fs->opt.cache_max ? fs->opt.cache_max : LISTING_BYTES,
		.pinned = &host->orphans,
		.ids = host->ids,
	};
	struct writer_options writer = {
		.sync = fs->opt.sync,
		.sync_strictly = fs->opt.sync_strictly,
		.acl = fs->opt.acl,
		.give_away = fs->opt.give_away,
		.squash = fs->opt.squash_uid != ID_UNSET || fs->opt.squash_gid != ID_UNSET,
		.pools = &host->copies,
		.on_changed = on_changed,
		.on_doubt = on_doubt,
		.arg = fs,
	};
	struct data_options data = {.fds = &host->files, .sync = fs->opt.sync};
	int r;

	r = tree_new(fs->layers, &limits, &fs->tree);
	if (r < 0)
		return r;
	fs->tree->owner = fs;
	fs->tree->revalidate = fs->opt.revalidate;
	r = writer_new(fs->tree, &writer, &fs->writer);
	if (r < 0)
		return r;
	fs->listing_bytes_max = limits.max_listing_bytes;
	data.pool = host->sync;
	r = data_new(fs->tree, &data, &fs->data);
	if (r < 0)
		return r;
	fs->tree->on_evict = on_evict;
	fs->tree->on_evict_arg = fs;
	return 0;
}

/* What binds the connection is the host's. */
static bool fits_host(const struct host *host, const struct fs_options *opt)
{
	return (host->opt.revalidate || !opt->revalidate) &&
	       (host->opt.answers_open || !(opt->open_handles || opt->copyup_at_open));
}

int fs_new(struct host *host, struct layer_set *set, const struct fs_options *opt, struct fs **ret_fs)
{
	struct fs *fs;
	int r;

	(void)CHECK(host->opt.max_fds > 0 && opt->uidmap && opt->gidmap);
	if (!fits_host(host, opt))
		return -EINVAL;
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	fs->host = host;
	fs->opt = *opt;
	/* ACLs speak of modes and owners that the layers don't have. */
	fs->opt.acl = fs->opt.acl && !set->override_forms;
	ids_init(fs);
	fs->layers = layer_set_get(set);
	lock_init(&fs->handles_lock, LOCK_LEAF);
	r = unions_enter(fs);
	if (r == 0)
		r = descriptors_share(host);
	if (r == 0)
		r = fs_new_tiers(fs);
	if (r < 0) {
		fs_free(fs);
		return r;
	}
	*ret_fs = fs;
	return 0;
}

void fs_quiesce(struct fs *fs)
{
	/* What has just ended still speaks to the session, and may go on with the next copy-up that it needs. */
	for (unsigned i = 0; i <= JOB_NEEDS; i++) {
		waiting_cancel_all(fs, -EIO);
		writer_drain(fs->writer);
		pool_drain(fs->host->sync);
	}
	pool_drain(fs->host->tell);
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	if (fs->data)
		fs_quiesce(fs);
	if (fs->writer)
		writer_free(fs->writer);
	handles_free(fs);
	lock_finish(&fs->handles_lock);
	pool_drain(fs->host->sync);
	pool_drain(fs->host->tell);
	if (fs->tree)
		tree_free(fs->tree);
	data_free(fs->data);
	layer_set_put(fs->layers);
	unions_leave(fs);
	(void)descriptors_share(fs->host);
	free(fs);
}
