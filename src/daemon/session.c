/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libfuse session. The layers are open and fenced already; here the mount comes into being, is served by a few threads with a
 * descriptor of /dev/fuse each, and goes.
 */
#define FUSE_USE_VERSION 314
#include <fuse_log.h>
#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/major.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "layer/catalog.h"
#include "layer/plain.h"
#include "os/mount.h"
#include "os/task.h"

#define MAX_THREADS 8U
#define FUSE_MINOR 229 /* of the kernel's linux/miscdevice.h */
/* What the caches of descriptors hold at most (fuse/fs.c), in a table of 64 KiB. */
#define RESERVED_FDS 8192U

struct session {
	const struct options *opt;
	struct layer_set *set;
	struct live live;
	struct fs *fs;
	struct fuse_session *se;
	struct signals *signals;
	struct cgroup *cgroup;
	char *refusal; /* the whole line, when it isn't the mount that failed */
};

/* What libfuse said last before the mount was live: the cause in our one line. */
static char libfuse_said[256];

static void libfuse_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[512];

	if (level >= FUSE_LOG_DEBUG) {
		vfprintf(stderr, fmt, ap);
		return;
	}
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	if (libfuse_said[0] == '\0')
		snprintf(libfuse_said, sizeof(libfuse_said), "%.*s", (int)sizeof(libfuse_said) - 1, line);
	else
		log_limited(LOG_CAUSE_SESSION, LOG_WARNING, "libfuse: %s", line);
}

static void on_live(void *arg)
{
	struct session *s = arg;

	live_report(&s->live, fuse_session_fd(s->se));
	layer_set_live(s->set);
	/* What it says isn't for the caller's stderr. */
	layer_catalogs_start(s->set);
}

/* A uid or gid of its own goes before squash_to_root. */
static uint32_t squash(const struct options *opt, uint32_t id)
{
	return id == ID_UNSET && opt->squash_to_root ? 0 : id;
}

static struct fs_options fs_options_of(struct session *s)
{
	const struct options *opt = s->opt;
	bool has_upper = s->set->has_upper;

	return (struct fs_options){
		.timeout = opt->timeout,
		.names_expire = opt->timeout < OPTIONS_TIMEOUT_FOREVER,
		.revalidate = opt->timeout == 0,
		.sync = opt->fsync && !opt->volatile_upper,
		.dirsync = (opt->vfs_flags & MS_DIRSYNC) && opt->fsync && !opt->volatile_upper,
		.acl = !opt->noacl,
		.xattrs = !opt->noxattrs,
		/* Read-only files of lower layers can always be opened again as they are. */
		.open_handles = has_upper && !s->set->can_reopen,
		.static_nlink = opt->static_nlink,
		.ino32 = opt->ino32,
		.uidmap = &opt->uidmap,
		.gidmap = &opt->gidmap,
		.squash_uid = squash(opt, opt->squash_to_uid),
		.squash_gid = squash(opt, opt->squash_to_gid),
		.copyup_at_open = opt->copyup == COPYUP_AT_OPEN,
		.writeback = opt->writeback,
		.passthrough = opt->data == DATA_PASSTHROUGH,
		.io_uring = opt->io_uring,
		.low_latency = (enum low_latency)opt->low_latency,
		.max_write = opt->max_write,
		.max_readahead = opt->max_readahead,
		.max_read = opt->max_read,
		.max_background = opt->max_background,
		.cache_max = opt->cache_max,
		.max_fds = (unsigned)MIN(sys_raise_nofile(), 1UL << 20),
		.mountpoint = opt->mountpoint,
		.print_negotiated = opt->debug,
		.on_live = on_live,
		.on_live_arg = s,
	};
}

static void open_log(const struct session *s)
{
	const struct options *opt = s->opt;

	if (opt->debug)
		log_set_level(LOG_DEBUG);
	else
		sys_no_core_dumps();
	log_open_syslog("plyfs");
	if (opt->log) {
		int r = log_open_file(opt->log);

		if (r < 0)
			log_warning("log: %s: %s", opt->log, strerror(-r));
	}
}

/* The session object, not mounted yet. */
static int new_session(struct session *s)
{
	_cleanup_free_ char *text = options_fuse_string(s->opt);
	char *argv[6] = {(char *)"plyfs", (char *)"-o", text};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	if (!text)
		return -ENOMEM;
	if (s->opt->debug)
		argv[args.argc++] = (char *)"-d";
#ifdef FUSE_CAP_OVER_IO_URING
	if (s->opt->io_uring)
		argv[args.argc++] = (char *)"-oio_uring";
#endif
	s->se = fuse_session_new(&args, fs_operations(), sizeof(struct fuse_lowlevel_ops), s->fs);
	fuse_opt_free_args(&args);
	return s->se ? 0 : -EINVAL;
}

/* Flags for which libfuse has no words. Without the privilege to set one, only that which bars something is missed. */
static int add_mount_flags(struct session *s)
{
	unsigned long flags = s->opt->vfs_flags & (MS_NODIRATIME | MS_STRICTATIME | MS_LAZYTIME | MS_NOSYMFOLLOW);
	const char *mountpoint = s->opt->mountpoint;
	int r = flags ? sys_mount_add_flags(mountpoint, flags) : 0;

	if (r == 0 || !(flags & MS_NOSYMFOLLOW))
		return 0;
	if (asprintf(&s->refusal, "nosymfollow: %s: %s", mountpoint, strerror(-r)) < 0)
		s->refusal = NULL;
	return r;
}

/* With another descriptor libfuse would serve until it hears of it. One that isn't mounted, or not any more, polls as broken. */
static bool is_session(const char *mountpoint)
{
	struct pollfd fuse = {.fd = atoi(mountpoint + strlen("/dev/fd/"))};
	struct stat st;

	return fstat(fuse.fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(MISC_MAJOR, FUSE_MINOR) &&
	       poll(&fuse, 1, 0) >= 0 && !(fuse.revents & POLLERR);
}

/* fusermount3 says on our stderr why it refuses: that is the cause in our one line. What it says of a mount that it makes goes on. */
static int mount_session(struct session *s)
{
	_cleanup_close_ int said = memfd_create("stderr", MFD_CLOEXEC);
	_cleanup_close_ int own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	char text[sizeof(libfuse_said)];
	ssize_t n;
	int r;

	if (strncmp(s->opt->mountpoint, "/dev/fd/", strlen("/dev/fd/")) == 0 && !is_session(s->opt->mountpoint)) {
		strcpy(libfuse_said, "not a mounted session of /dev/fuse");
		return -1;
	}
	if (said < 0 || own < 0)
		return fuse_session_mount(s->se, s->opt->mountpoint);
	dup2(said, STDERR_FILENO);
	r = fuse_session_mount(s->se, s->opt->mountpoint);
	dup2(own, STDERR_FILENO);
	n = pread(said, text, sizeof(text) - 1, 0);
	text[MAX(n, 0)] = '\0';
	if (r == 0) {
		fputs(text, stderr);
	} else if (text[0]) {
		text[strcspn(text, "\n")] = '\0';
		memcpy(libfuse_said, text, sizeof(text));
	}
	return r;
}

/* With auto_unmount fusermount3 mounts for root too, and libfuse hands it no flag that is the kernel's default. */
static int allow_by_flags(const struct session *s)
{
	const struct options *opt = s->opt;
	bool suid = !(opt->vfs_flags & MS_NOSUID), dev = !(opt->vfs_flags & MS_NODEV);

	if (!opt->auto_unmount || !sys_has_cap(CAP_SYS_ADMIN) || (!suid && !dev))
		return 0;
	return sys_mount_allow(opt->mountpoint, suid, dev);
}

static int serve(struct session *s)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	unsigned threads = MIN(sys_cpu_count(), MAX_THREADS);
	int r;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, MAX(threads, 2U));
	fuse_loop_cfg_set_idle_threads(config, MAX(threads, 2U));
	r = fuse_session_loop_mt(s->se, config);
	fuse_loop_cfg_destroy(config);
	return r;
}

static int session_start(struct session *s)
{
	struct fs_options opt;
	int r;

	r = live_start(&s->live, s->opt);
	if (r < 0)
		return r;
	signals_block();
	/* First of all: what is allocated from here on is charged to the new group. */
	if (s->opt->cgroup)
		r = cgroup_enter(s->opt->cgroup, &s->cgroup, &s->refusal);
	if (r < 0)
		return r;
	open_log(s);
	fuse_set_log_func(libfuse_log);
	sys_set_oom_score(-1000);
	if (sys_keep_caps_on_fsuid() < 0 && s->set->has_upper && s->set->can_chown)
		log_debug("capabilities can't be kept over a change of fsuid: new files are given away by chown");
	opt = fs_options_of(s);
	sys_reserve_fds(MIN(opt.max_fds, RESERVED_FDS));
	r = fs_new(s->set, &opt, &s->fs);
	if (r < 0)
		return r;
	r = new_session(s);
	if (r < 0)
		return r;
	if (mount_session(s) == 0) {
		r = allow_by_flags(s);
		if (r == 0)
			r = add_mount_flags(s);
		return r < 0 ? r : fs_set_session(s->fs, s->se);
	}
	if (!libfuse_said[0])
		snprintf(libfuse_said, sizeof(libfuse_said), "fusermount3 can't mount it");
	return -EIO;
}

static void session_stop(struct session *s)
{
	signals_stop(s->signals);
	if (s->fs)
		fs_quiesce(s->fs);
	if (s->se)
		fuse_session_unmount(s->se);
	fs_free(s->fs);
	if (s->se)
		fuse_session_destroy(s->se);
	live_remove_pidfile(&s->live);
	free(s->refusal);
}

static void say_why(const struct session *s, const char *cause)
{
	if (s->refusal)
		fprintf(stderr, "plyfs: %s\n", s->refusal);
	else
		fprintf(stderr, "plyfs: mount: %s: %s\n", s->opt->mountpoint, libfuse_said[0] ? libfuse_said : cause);
}

int session_run(const struct options *opt, struct layer_set *set, struct cgroup **ret_cgroup)
{
	struct session s = {.opt = opt, .set = set};
	int r = session_start(&s);

	*ret_cgroup = s.cgroup;
	if (r == 0)
		r = signals_start(s.se, s.fs, opt->mountpoint, &s.signals);
	if (r < 0) {
		say_why(&s, strerror(-r));
		session_stop(&s);
		return 1;
	}
	r = serve(&s);
	layer_catalogs_stop(set);
	layer_plain_stop(set);
	if (r < 0 && r != -ENODEV)
		log_error("session of %s ended: %s", opt->mountpoint, strerror(-r));
	if (!s.live.reported)
		say_why(&s, "the kernel ended the session before it began");
	session_stop(&s);
	return s.live.reported ? 0 : 1;
}
