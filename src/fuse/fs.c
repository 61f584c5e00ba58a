/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file system object: puts the tiers of one union together, and the table of operations.
 */
#include "job.h"
#include "names.h"
#include "negotiate.h"
#include "ops.h"
#include "passthrough.h"
#include "waiting.h"

#include <stdlib.h>

#include "cpu_latency.h"
#include "base/check.h"
#include "base/fault.h"
#include "base/log.h"
#include "loop.h"
#include "os/task.h"
#include "tree/walk.h"
#include "wire.h"

/* Of the descriptors that the process may have, but for these and those of the layers: a quarter for directories, a
 * quarter for files, of which there are half as many more while their syncs lag behind, and the rest for what has lost
 * its name. These are in reserve, because EMFILE on a write-back would lose data: some twenty are open as long as the
 * mount, a copy-up takes up to six, each connection of the control socket one, and each pipe of large READs two. */
#define FDS_RESERVED (74U + 2 * OPS_READ_PIPES)
/* With fewer than these the caches hold less than one change may use at a time. */
#define FDS_CACHED_LEAST 32U
#define FDS_CACHED_MOST 4096U
/* A listing takes 51 bytes a name. The memory after a walk is that of the inodes and this; a few hundred directories of
 * 100 names fit. */
#define LISTING_BYTES (1792U << 10)
#define SYNC_THREADS 4
#define COPY_THREADS 4
/* What doesn't come over a ring is read. */
#define RING_READERS_MAX 8U

static void on_evict(struct inode *inode, void *arg)
{
	struct fs *fs = arg;

	(void)CHECK(fs->data);
	data_evict(fs->data, inode);
	if (fs->passthrough)
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

/* What the layers have open: their roots, and a directory of each file system for its handles. */
static unsigned fds_of_layers(unsigned layers, unsigned file_systems)
{
	return layers + file_systems;
}

unsigned fs_least_fds(unsigned layers, unsigned file_systems)
{
	return FDS_RESERVED + fds_of_layers(layers, file_systems) + FDS_CACHED_LEAST;
}

static int fs_new_tiers(struct fs *fs)
{
	const struct layer_set *set = fs->layers;
	unsigned taken = FDS_RESERVED + fds_of_layers(set->n + set->n_data, set->n_fs);
	taken += fs->opt.max_fds >= FS_WALK_LEAST_FDS ? TREE_WALK_FDS : 0;
	unsigned room = fs->opt.max_fds > taken + FDS_CACHED_LEAST ? fs->opt.max_fds - taken : FDS_CACHED_LEAST;
	unsigned cached = MIN(room / 4, FDS_CACHED_MOST);
	struct tree_limits limits = {
		.max_dirfds = cached,
		.max_listing_bytes = fs->opt.cache_max ? fs->opt.cache_max : LISTING_BYTES,
		.max_pinned = fault_setting("PLYFS_FAULT_MAX_PINNED", room - cached - cached * 3 / 2),
	};
	struct writer_options writer = {
		.sync = fs->opt.sync,
		.sync_strictly = fs->opt.sync_strictly,
		.acl = fs->opt.acl,
		.give_away = fs->opt.give_away,
		.squash = fs->opt.squash_uid != ID_UNSET || fs->opt.squash_gid != ID_UNSET,
		.copy_threads = COPY_THREADS,
		.on_changed = on_changed,
		.on_doubt = on_doubt,
		.arg = fs,
	};
	struct data_options data = {.max_fds = cached, .sync = fs->opt.sync};
	int r;

	r = pool_new("plyfs-sync", SYNC_THREADS, 5, &fs->sync);
	if (r == 0)
		r = pool_new("plyfs-tell", 1, 0, &fs->tell);
	if (r < 0)
		return r;
	r = tree_new(fs->layers, &limits, &fs->tree);
	if (r < 0)
		return r;
	fs->tree->revalidate = fs->opt.revalidate;
	r = writer_new(fs->tree, &writer, &fs->writer);
	if (r < 0)
		return r;
	fs->listing_bytes_max = limits.max_listing_bytes;
	data.pool = fs->sync;
	r = data_new(fs->tree, &data, &fs->data);
	if (r < 0)
		return r;
	fs->tree->on_evict = on_evict;
	fs->tree->on_evict_arg = fs;
	return waiting_new(fs, &fs->waiting);
}

int fs_new(struct layer_set *set, const struct fs_options *opt, struct fs **ret_fs)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int r;

	if (!fs)
		return -ENOMEM;
	(void)CHECK(opt->max_fds > FDS_RESERVED && opt->uidmap && opt->gidmap);
	fs->opt = *opt;
	/* ACLs speak of modes and owners that the layers don't have. */
	fs->opt.acl = fs->opt.acl && !set->override_forms;
	ids_init(fs);
	fs->layers = layer_set_get(set);
	lock_init(&fs->handles_lock, LOCK_LEAF);
	cpu_latency_new(opt->cpu_latency, &fs->cpu_latency);
	fs->on_answer = loop_note_answer;
	r = fs_new_tiers(fs);
	if (r == 0)
		r = loop_new(fs, &fs->loop);
	if (r < 0) {
		fs_free(fs);
		return r;
	}
	*ret_fs = fs;
	return 0;
}

int fs_set_session(struct fs *fs, struct fuse_session *session)
{
	int r;

	if (!CHECK(!fs->session && fs->loop))
		return -EIO;
	r = wire_attach(session);
	fs->session = session;
	fs->is_wired = r > 0;
	return MIN(r, 0);
}

#ifdef FUSE_CAP_OVER_IO_URING
/* Rings are libfuse's business, with threads of its own. -ENODEV: it was unmounted. */
static int serve_by_ring(struct fs *fs)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	unsigned threads = MAX(2U, MIN(os_cpu_count(), RING_READERS_MAX));
	int r;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, fs->opt.opens_device);
	fuse_loop_cfg_set_max_threads(config, threads);
	fuse_loop_cfg_set_idle_threads(config, threads);
	r = fuse_session_loop_mt(fs->session, config);
	fuse_loop_cfg_destroy(config);
	return r == -ENODEV ? 0 : r;
}
#endif

int fs_serve(struct fs *fs)
{
	if (!CHECK(fs->session))
		return -EIO;
#ifdef FUSE_CAP_OVER_IO_URING
	if (fs->opt.io_uring)
		return serve_by_ring(fs);
#endif
	return loop_run(fs->loop);
}

void fs_quiesce(struct fs *fs)
{
	/* What has just ended still speaks to the session, and may go on with the next copy-up that it needs. */
	for (unsigned i = 0; i <= JOB_NEEDS; i++) {
		waiting_cancel_all(fs, -EIO);
		writer_drain(fs->writer);
		pool_drain(fs->sync);
	}
	pool_drain(fs->tell);
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	loop_free(fs->loop);
	cpu_latency_free(fs->cpu_latency);
	if (fs->waiting)
		fs_quiesce(fs);
	if (fs->writer)
		writer_free(fs->writer);
	waiting_free(fs->waiting);
	handles_free(fs);
	lock_finish(&fs->handles_lock);
	if (fs->sync)
		pool_free(fs->sync);
	pool_free(fs->tell);
	if (fs->tree)
		tree_free(fs->tree);
	data_free(fs->data);
	passthrough_free(fs->passthrough);
	layer_set_put(fs->layers);
	free(fs);
}

void fs_log_status(struct fs *fs)
{
	char line[1024];
	size_t used = 0;

	line[0] = '\0';
	for (unsigned i = 0; i < COUNTER_MAX; i++)
		if (used < sizeof(line))
			used += (size_t)snprintf(line + used, sizeof(line) - used, " %s %llu", counter_name(i),
						 (unsigned long long)counter_read(i));
	log_info("status: %u layers%s;%s", fs->layers->n, fs->layers->has_upper ? " with an upper" : "", line);
}

const struct fuse_lowlevel_ops *fs_operations(void)
{
	static const struct fuse_lowlevel_ops ops = {
		.init = op_init,
		.lookup = op_lookup,
		.forget = op_forget,
		.forget_multi = op_forget_multi,
		.getattr = op_getattr,
		.setattr = op_setattr,
		.readlink = op_readlink,
		.mknod = op_mknod,
		.mkdir = op_mkdir,
		.unlink = op_unlink,
		.rmdir = op_rmdir,
		.symlink = op_symlink,
		.rename = op_rename,
		.link = op_link,
		.open = op_open,
		.create = op_create,
		.read = op_read,
		.write = op_write,
		.flush = op_flush,
		.release = op_release,
		.fsync = op_fsync,
		.opendir = op_opendir,
		.readdir = op_readdir,
		.readdirplus = op_readdirplus,
		.releasedir = op_releasedir,
		.fsyncdir = op_fsyncdir,
		.statfs = op_statfs,
		.setxattr = op_setxattr,
		.getxattr = op_getxattr,
		.listxattr = op_listxattr,
		.removexattr = op_removexattr,
		.fallocate = op_fallocate,
		.lseek = op_lseek,
		.copy_file_range = op_copy_file_range,
		.ioctl = op_ioctl,
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
		.tmpfile = op_tmpfile,
#endif
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
		.statx = op_statx,
#endif
	};

	return &ops;
}
