/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host as an object: what its unions share, and the table of operations.
 */
#include "negotiate.h"
#include "ops.h"
#include "passthrough.h"
#include "ring.h"
#include "waiting.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/check.h"
#include "cpu_latency.h"
#include "loop.h"
#include "os/task.h"
#include "wire.h"

#define SYNC_THREADS 4
#define COPY_THREADS 4
/* What doesn't come over a ring is read. */
#define RING_READERS_MAX 8U

static int host_new_parts(struct host *host)
{
	int r = id_space_new(host->opt.several, &host->ids);

	if (r == 0)
		r = pool_new("plyfs-sync", SYNC_THREADS, 5, &host->sync);
	if (r == 0)
		r = pool_new("plyfs-tell", 1, 0, &host->tell);
	if (r == 0)
		r = writer_pools_new(COPY_THREADS, &host->copies);
	if (r == 0)
		r = waiting_new(host, &host->waiting);
	if (r == 0)
		r = loop_new(host, &host->loop);
	return r;
}

int host_new(const struct host_options *opt, struct host **ret_host)
{
	struct host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	(void)CHECK(opt->max_fds > 0);
	host->opt = *opt;
	cpu_latency_new(opt->cpu_latency, &host->cpu_latency);
	host->on_answer = loop_note_answer;
	r = host_new_parts(host);
	if (r < 0) {
		host_free(host);
		return r;
	}
	*ret_host = host;
	return 0;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	(void)CHECK(!host->unions); /* H1 */
	loop_free(host->loop);
	cpu_latency_free(host->cpu_latency);
	waiting_free(host->waiting);
	writer_pools_free(&host->copies);
	pool_free(host->sync);
	pool_free(host->tell);
	passthrough_free(host->passthrough);
	id_space_free(host->ids);
	free(host);
}

int host_set_session(struct host *host, struct fuse_session *session)
{
	int r;

	if (!CHECK(!host->session && host->unions && host->loop))
		return -EIO;
	r = wire_attach(session);
	host->session = session;
	host->is_wired = r > 0;
	return MIN(r, 0);
}

#ifdef FUSE_CAP_OVER_IO_URING
/* Rings are libfuse's business, with threads of its own. -ENODEV: it was unmounted. */
static int serve_by_ring(struct host *host)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	unsigned threads = MAX(2U, MIN(os_cpu_count(), RING_READERS_MAX));
	int r;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, host->opt.opens_device);
	fuse_loop_cfg_set_max_threads(config, threads);
	fuse_loop_cfg_set_idle_threads(config, threads);
	r = fuse_session_loop_mt(host->session, config);
	fuse_loop_cfg_destroy(config);
	return r == -ENODEV ? 0 : r;
}
#endif

int host_serve(struct host *host)
{
	if (!CHECK(host->session))
		return -EIO;
#ifdef FUSE_CAP_OVER_IO_URING
	if (host->opt.io_uring)
		return serve_by_ring(host);
#endif
	return loop_run(host->loop);
}

void host_end_freezes(struct host *host)
{
	struct fs *fs;

	LL_FOREACH(host->unions, fs)
		fs_end_freezes(fs);
}

void host_log_status(struct host *host)
{
	struct fs *fs;

	LL_FOREACH(host->unions, fs)
		fs_log_status(fs);
}

const struct fuse_lowlevel_ops *host_operations(void)
{
	static struct fuse_lowlevel_ops ops = {
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

	ring_wrap(&ops);
	return &ops;
}
