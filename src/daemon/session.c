/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libfuse session. The layers are open and cloned already; here the mount comes into being, is served
 * (fuse/host.h), and goes.
 */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "internal.h"
#include "base/check.h"
#include "base/log.h"
#include "base/macros.h"
#include "layer/cache.h"
#include "layer/no_xattrs.h"
#include "os/fuse_device.h"
#include "os/task.h"

#define FUSE_MINOR 229 /* of the kernel's linux/miscdevice.h */
/* What the caches of descriptors hold at most (fuse/descriptors.c), in a table of 64 KiB. */
#define RESERVED_FDS 8192U

struct session {
	const struct options *opt;
	struct layer_set *set;
	struct daemonize *daemonize;
	int *mountpoint; /* its lock */
	struct host *host;
	struct fs *fs;
	struct mounted mounted;
	struct fuse_session *se;
	struct signals *signals;
	struct cgroup *cgroup;
	struct control *control; /* NULL without one */
	struct error error;
};

static void on_live(void *arg)
{
	struct session *s = arg;

	messages_live();
	daemonize_report(s->daemonize, fuse_session_fd(s->se));
	mountpoint_unlock(s->mountpoint);
	/* What it says isn't for the caller's stderr. */
	layer_caches_start(s->set);
}

/* A uid or gid of its own goes before squash_to_root. */
static uint32_t squash(const struct options *opt, uint32_t id)
{
	return id == ID_UNSET && opt->squash_to_root ? 0 : id;
}

static enum cpu_latency_when cpu_latency_of(const struct options *opt)
{
	static const enum cpu_latency_when when[] = {
		[LOW_LATENCY_AUTO] = CPU_LATENCY_IN_GUESTS,
		[LOW_LATENCY_ON] = CPU_LATENCY_ALWAYS,
		[LOW_LATENCY_OFF] = CPU_LATENCY_NEVER,
	};

	(void)CHECK((size_t)opt->low_latency < ARRAY_SIZE(when));
	return when[opt->low_latency];
}

/* Read-only files of lower layers can always be opened again as they are. */
static bool opens_with_handles(const struct session *s)
{
	return s->set->has_upper && !s->set->can_reopen;
}

static struct fs_options fs_options_of(struct session *s)
{
	const struct options *opt = s->opt;
	bool sync = opt->fsync != FSYNC_NONE && !opt->volatile_upper;

	(void)CHECK(s->mounted.fd >= 0 && opt->timeout >= 0);
	return (struct fs_options){
		.timeout = opt->timeout,
		.names_expire = opt->timeout < OPTIONS_TIMEOUT_FOREVER,
		.revalidate = opt->timeout == 0,
		.sync = sync,
		.sync_strictly = sync && opt->fsync == FSYNC_STRICT,
		.dirsync = sync && (opt->vfs_flags & MS_DIRSYNC),
		.acl = !opt->noacl,
		.xattrs = !opt->noxattrs,
		.open_handles = opens_with_handles(s),
		.static_nlink = opt->static_nlink,
		.ino32 = opt->ino32,
		.uidmap = &opt->uidmap,
		.gidmap = &opt->gidmap,
		.squash_uid = squash(opt, opt->squash_to_uid),
		.squash_gid = squash(opt, opt->squash_to_gid),
		.copyup_at_open = opt->copyup == COPYUP_AT_OPEN,
		.cache_max = opt->cache_max,
	};
}

static struct host_options host_options_of(struct session *s)
{
	const struct options *opt = s->opt;

	(void)CHECK(s->mounted.fd >= 0);
	return (struct host_options){
		.acl = !opt->noacl && !s->set->override_forms,
		.revalidate = opt->timeout == 0,
		.answers_open = opens_with_handles(s) || opt->copyup == COPYUP_AT_OPEN,
		/* By that fusermount3 tells whether the mount is dead. */
		.answers_opendir = opt->auto_unmount,
		.writeback = opt->writeback,
		.passthrough = opt->data == DATA_PASSTHROUGH,
		.io_uring = opt->io_uring && !s->mounted.overmounts_sys,
		.opens_device = !s->mounted.overmounts_device,
		.cpu_latency = cpu_latency_of(opt),
		.max_write = opt->max_write,
		.max_readahead = opt->max_readahead,
		.max_read = opt->max_read,
		.max_background = opt->max_background,
		.max_fds = (unsigned)MIN(os_raise_nofile(), 1UL << 20),
		.mountpoint = s->mounted.overmounts_sys ? NULL : opt->mountpoint,
		.print_negotiated = opt->debug,
		.on_live = on_live,
		.on_live_arg = s,
	};
}

/* The session object. It has its descriptor before that is mounted: libfuse opens /dev/null, which the mount may
 * cover. */
static int new_session(struct session *s)
{
	char max_read[32], ready[32];
	char *argv[8] = {(char *)"plyfs"};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	if (!CHECK(s->host && !s->se && s->mounted.fd >= 0))
		return -EIO;
	if (s->opt->allow_root)
		argv[args.argc++] = (char *)"-oallow_root";
	/* It ends the session where that differs from the mount's. */
	snprintf(max_read, sizeof(max_read), "-omax_read=%u", s->opt->max_read);
	if (s->opt->max_read)
		argv[args.argc++] = max_read;
	if (s->opt->debug)
		argv[args.argc++] = (char *)"-d";
#ifdef FUSE_CAP_OVER_IO_URING
	/* With it libfuse counts processors when the kernel has answered. */
	if (s->opt->io_uring && !s->mounted.overmounts_sys)
		argv[args.argc++] = (char *)"-oio_uring";
#endif
	(void)CHECK((size_t)args.argc < ARRAY_SIZE(argv));
	s->se = fuse_session_new(&args, host_operations(), sizeof(struct fuse_lowlevel_ops), s->host);
	fuse_opt_free_args(&args);
	if (!s->se)
		return -EINVAL;
	snprintf(ready, sizeof(ready), "/dev/fd/%d", s->mounted.fd);
	return fuse_session_mount(s->se, ready) == 0 ? 0 : -EINVAL;
}

/* The mount works all the same without one. A directory that was asked for is missed. */
static void miss_control(const struct session *s, int err)
{
	const char *dir = s->opt->control_socket;

	(void)CHECK(err < 0);
	if (!dir || !strcmp(dir, "auto"))
		log_debug("no control socket: %s", strerror(-err));
	else if (strcmp(dir, "off") != 0)
		log_warning("control_socket: %s: %s", dir, strerror(-err));
}

static void prepare_control(struct session *s)
{
	int r = control_prepare(&s->mounted, &s->control);

	if (r < 0)
		miss_control(s, r);
}

static void start_control(struct session *s)
{
	/* Somebody else may have mounted it. */
	dev_t dev = s->mounted.is_ready ? s->mounted.ready : s->mounted.dev;
	int r = s->control ? control_start(s->control, s->set, s->fs, dev) : 0;

	if (r == 0)
		return;
	miss_control(s, r);
	control_stop(s->control);
	s->control = NULL;
}

/* The host, and the union in it. */
static int new_host(struct session *s)
{
	struct host_options host_options = host_options_of(s);
	struct fs_options opt = fs_options_of(s);
	int r;

	opt.give_away = os_keep_caps_on_fsuid() < 0 || !os_has_cap(CAP_SETUID) || !os_has_cap(CAP_SETGID);
	if (opt.give_away && s->set->has_upper && s->set->can_chown)
		log_debug("no capability to act as the callers (CAP_SETPCAP, CAP_SETUID, CAP_SETGID): new files are "
			  "given away by chown");
	/* libfuse ends its threads by it. */
	if (s->mounted.overmounts_libraries)
		os_load_unwinder();
	os_reserve_fds(MIN(host_options.max_fds, RESERVED_FDS));
	prepare_control(s);
	r = host_new(&host_options, &s->host);
	if (r == 0)
		r = fs_new(s->host, s->set, &opt, &s->fs);
	return r < 0 ? error_set(&s->error, r, "memory and threads of the daemon: %s", strerror(-r)) : 0;
}

static int session_start(struct session *s)
{
	int r;

	r = daemonize_start(s->daemonize, s->opt, &s->error);
	if (r < 0)
		return r;
	signals_block();
	/* First of all: what is allocated from here on is charged to the new group. */
	if (s->opt->cgroup)
		r = cgroup_enter(s->opt->cgroup, &s->cgroup, &s->error);
	if (r < 0)
		return r;
	r = mounted_prepare(s->opt, &s->mounted, &s->error);
	if (r < 0)
		return r;
	if (!s->opt->debug)
		os_no_core_dumps();
	messages_open(s->opt, s->mounted.overmounts_syslog);
	os_set_oom_score(-1000);
	r = new_host(s);
	if (r < 0)
		return r;
	r = new_session(s);
	if (r == 0)
		r = mounted_open(&s->mounted, &s->error);
	return r < 0 ? r : host_set_session(s->host, s->se);
}

static void session_stop(struct session *s)
{
	int location;

	(void)CHECK(s->se || !s->mounted.dev);
	control_stop(s->control);
	s->control = NULL;
	signals_stop(s->signals);
	if (s->fs)
		fs_quiesce(s->fs);
	/* Found while the session lives, unmounted when it has ended: what the kernel writes back then would wait for
	 * us. */
	location = mounted_find(&s->mounted);
	if (s->se)
		fuse_session_destroy(s->se);
	mounted_unmount(&s->mounted, location);
	fs_free(s->fs);
	host_free(s->host);
	error_finish(&s->error);
}

/* What has failed without a text is put down to the mount, and so is what libfuse said. */
static void say_why(struct session *s, int err, const char *cause)
{
	const char *said = messages_of_libfuse();

	(void)error_set(&s->error, err, "mount: %s: %s", s->opt->mountpoint, said ? said : cause);
	messages_refuse(&s->error);
}

int session_run(const struct options *opt, struct layer_set *set, struct daemonize *daemonize, int *mountpoint,
		struct cgroup **ret_cgroup)
{
	struct session s = {.opt = opt, .set = set, .daemonize = daemonize, .mountpoint = mountpoint};
	int r = session_start(&s);

	*ret_cgroup = s.cgroup;
	if (r == 0)
		r = signals_start(s.se, s.host, &s.mounted, &s.signals);
	if (r < 0) {
		say_why(&s, r, strerror(-r));
		session_stop(&s);
		return 1;
	}
	start_control(&s);
	r = host_serve(s.host);
	control_stop(s.control);
	s.control = NULL;
	layer_caches_stop(set);
	layer_no_xattrs_stop(set);
	if (!daemonize->reported)
		say_why(&s, r < 0 ? r : -ENOTCONN,
			r < 0 ? strerror(-r) : "the kernel ended the session before it began");
	else if (r < 0)
		log_error("session ended: %s", strerror(-r));
	session_stop(&s);
	return daemonize->reported ? 0 : 1;
}
