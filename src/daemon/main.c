/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyfs: parse, open and check the layers, mount, serve. Everything that can be refused is refused before the mount
 * exists, with one line on stderr; exit status 1, or 2 for a usage error.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "os/fs.h"
#include "os/task.h"

static int main_refuse(const char *text)
{
	fprintf(stderr, "plyfs: %s\n", text ? text : "out of memory");
	return 1;
}

/* The exit status of what prints: who has asked for the text must hear that it isn't there. */
static int end_of_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "plyfs: standard output: %s\n", strerror(errno));
	return 1;
}

static int print_help(const struct options *opt)
{
	_cleanup_free_ char *text = option_help_text(opt->program);

	if (!text)
		return main_refuse(NULL);
	fputs(text, stdout);
	return end_of_output();
}

/* Under the name fuse-overlayfs callers read stdout: nothing but the line that they know may stand there. */
static int print_version(const struct options *opt)
{
	FILE *own = opt->fuse_overlayfs ? stderr : stdout;

	if (opt->fuse_overlayfs)
		puts("fuse-overlayfs: version 1.16");
	fprintf(own, "plyfs %s\n", PLYFS_VERSION);
	fs_print_features(own);
	return end_of_output();
}

/* A path that must still be right after the daemon went to "/". False after having said what is wrong. */
static bool make_absolute(const char *option, char **path)
{
	char cwd[PATH_MAX];
	char *absolute;

	if (!*path || **path == '/')
		return true;
	if (!getcwd(cwd, sizeof(cwd))) {
		fprintf(stderr, "plyfs: %s: %s: %s\n", option, *path, strerror(errno));
		return false;
	}
	if (asprintf(&absolute, "%s/%s", cwd, *path) < 0) {
		main_refuse(NULL);
		return false;
	}
	free(*path);
	*path = absolute;
	return true;
}

/* The mountpoint without symbolic links, so that it can be found again to be unmounted. /dev/fd/N is for libfuse a
 * session that is mounted already, unless it is a directory. */
static void resolve_mountpoint(struct options *opt)
{
	struct stat st;
	char *real;

	if (strncmp(opt->mountpoint, "/dev/fd/", strlen("/dev/fd/")) == 0 &&
	    (stat(opt->mountpoint, &st) < 0 || !S_ISDIR(st.st_mode)))
		return;
	real = realpath(opt->mountpoint, NULL);
	if (!real)
		return; /* layer_set_open says what is wrong with it */
	free(opt->mountpoint);
	opt->mountpoint = real;
}

/* Started without one of descriptors 0-2, the next file that is opened would get its number: a layer, or the pipe to
 * the waiting parent, which going to the background then overwrites. */
static int fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* glibc gives each of up to 16 threads an arena of its own, whose free memory no other thread uses. One request thread
 * works at a time, so two arenas are enough, and which thread served what doesn't decide how much memory a walked file
 * takes. */
#define ARENAS 2

static int prepare_process(const struct options *opt)
{
	int r;

	if (!opt->foreground)
		inherited_note();
	(void)mallopt(M_ARENA_MAX, ARENAS);
	hash_seed_init();
	fault_init();
	umask(0);
	r = opt->mount_ns ? os_enter_mount_ns(opt->mount_ns) : 0;
	if (r < 0) {
		fprintf(stderr, "plyfs: -N: %s: %s\n", opt->mount_ns, strerror(-r));
		return r;
	}
	r = os_init();
	if (r < 0) {
		fprintf(stderr, "plyfs: this kernel or environment lacks what plyfs needs (openat2, /proc): %s\n",
			strerror(-r));
		return r;
	}
	os_raise_nofile();
	os_raise_limits_of_work();
	return 0;
}

/* False after having said so. */
static bool has_descriptors(unsigned layers, unsigned file_systems)
{
	unsigned long limit = os_raise_nofile();
	unsigned least = fs_least_fds(layers, file_systems);

	if (limit >= least)
		return true;
	fprintf(stderr, "plyfs: RLIMIT_NOFILE: %lu: too few descriptors for these layers, %u are needed at the least\n",
		limit, least);
	return false;
}

/* Opens the layers, in place of an upper in use that one may show as a layer. 0, with the lock of the mountpoint;
 * -EALREADY: the very same mount is live; else -errno and *ret_error. */
static int open_union(struct options *opt, struct layer_set **ret_set, int *ret_mountpoint, char **ret_error)
{
	struct stack_spec spec = options_stack(opt);
	int r;

	*ret_mountpoint = -1;
	if (mountpoint_has_same(opt, &spec))
		return -EALREADY;
	r = layer_set_open(&spec, opt->mountpoint, ret_set, ret_error);
	if (r == -EBUSY && !*ret_error) {
		r = options_show_upper(opt);
		spec = options_stack(opt);
		if (r == 0)
			r = layer_set_open(&spec, opt->mountpoint, ret_set, ret_error);
	}
	/* It may have been mounted meanwhile. */
	if (r < 0 && r != -EALREADY && mountpoint_has_same(opt, &spec)) {
		free(*ret_error);
		*ret_error = NULL;
		return -EALREADY;
	}
	if (r < 0)
		return r;
	r = mountpoint_lock(opt, *ret_set, ret_mountpoint);
	if (r < 0)
		layer_set_put(*ret_set);
	return r;
}

static int mount_union(struct options *opt)
{
	_cleanup_close_ int mountpoint = -1;
	_cleanup_free_ char *error = NULL;
	struct cgroup *cgroup = NULL;
	struct daemonize daemonize;
	struct layer_set *set;
	int status, r;
	bool enough;

	resolve_mountpoint(opt);
	if (!make_absolute("log", &opt->log) || !make_absolute("pidfile", &opt->pidfile))
		return 1;
	/* Layers of as many file systems are counted when they are known: else they would be what can't be opened. */
	if (!has_descriptors((unsigned)opt->layer_count + (opt->upperdir != NULL), 1))
		return 1;
	r = open_union(opt, &set, &mountpoint, &error);
	if (r == -EALREADY && !error)
		return 0; /* the very same mount is live */
	if (r < 0)
		return main_refuse(error);
	enough = has_descriptors(set->n + set->n_data, set->n_fs);
	if (opt->fake || !enough) {
		layer_set_shutdown(set);
		layer_set_put(set);
		return enough ? 0 : 1;
	}
	status = session_run(opt, set, &daemonize, &mountpoint, &cgroup);
	layer_set_shutdown(set);
	layer_set_put(set);
	cgroup_leave(cgroup);
	log_close();
	fault_write_counts();
	/* Last of all: who waits for it takes the upper, or what the log says, for finished. */
	daemonize_remove_pidfile(&daemonize);
	return status;
}

int main(int argc, char **argv)
{
	struct option_env env = {.privileged = geteuid() == 0, .selinux = os_has_filesystem("selinuxfs")};
	struct option_error error;
	struct options opt;
	int status;

	if (fill_standard_fds() < 0)
		return 1;
	if (options_parse(argc, argv, &env, &opt, &error) < 0) {
		fprintf(stderr, "plyfs: %s\n", error.text);
		return error.status;
	}
	for (size_t i = 0; i < opt.warnings.count; i++)
		fprintf(stderr, "%s\n", opt.warnings.items[i]);
	if (opt.help)
		status = print_help(&opt);
	else if (opt.version)
		status = print_version(&opt);
	else if (prepare_process(&opt) < 0)
		status = 1;
	else
		status = mount_union(&opt);
	options_free(&opt);
	return status;
}
