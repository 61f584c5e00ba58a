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
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "os/fs.h"
#include "os/task.h"

/* What every failure before the mount ends in: its one line, and the exit status. */
static int main_refuse(const struct error *error)
{
	messages_refuse(error);
	return 1;
}

/* The exit status of what prints: who has asked for the text must hear that it isn't there. */
static int end_of_output(void)
{
	_cleanup_error_ struct error error = {0};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	(void)error_set(&error, -EIO, "standard output: %s", strerror(errno));
	return main_refuse(&error);
}

static int print_help(const struct options *opt)
{
	_cleanup_free_ char *text = option_help_text(opt->program);

	if (!text)
		return main_refuse(&(struct error){.err = -ENOMEM});
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

/* A path that must still be right after the daemon went to "/". Here and below: 0, or -errno and *ret_error, which
 * without a text means that memory is short. */
static int make_absolute(const char *option, char **path, struct error *ret_error)
{
	char cwd[PATH_MAX];
	char *absolute;

	if (!*path || **path == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return error_set(ret_error, -errno, "%s: %s: %s", option, *path, strerror(errno));
	if (asprintf(&absolute, "%s/%s", cwd, *path) < 0)
		return -ENOMEM;
	free(*path);
	*path = absolute;
	return 0;
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

static int prepare_process(const struct options *opt, struct error *ret_error)
{
	int r;

	if (!opt->foreground)
		inherited_note();
	(void)mallopt(M_ARENA_MAX, ARENAS);
	hash_seed_init();
	fault_init();
	umask(0);
	r = opt->mount_ns ? os_enter_mount_ns(opt->mount_ns) : 0;
	if (r < 0)
		return error_set(ret_error, r, "-N: %s: %s", opt->mount_ns, strerror(-r));
	r = os_init();
	if (r < 0)
		return error_set(ret_error, r, "this kernel or environment lacks what plyfs needs (openat2, /proc): %s",
				 strerror(-r));
	os_raise_nofile();
	os_raise_limits_of_work();
	return 0;
}

static int check_descriptors(unsigned layers, unsigned file_systems, struct error *ret_error)
{
	unsigned long limit = os_raise_nofile();
	unsigned least = fs_least_fds(layers, file_systems);

	if (limit >= least)
		return 0;
	return error_set(ret_error, -EMFILE,
			 "RLIMIT_NOFILE: %lu: too few descriptors for these layers, %u are needed at the least", limit,
			 least);
}

/* Opens the layers, in place of an upper in use that one may show as a layer. 0, with the lock of the mountpoint;
 * -EALREADY without a text: the very same mount is live. */
static int open_union(struct options *opt, struct layer_set **ret_set, int *ret_mountpoint, struct error *ret_error)
{
	struct stack_spec spec = options_stack(opt);
	int r;

	*ret_mountpoint = -1;
	if (mountpoint_has_same(opt, &spec))
		return -EALREADY;
	r = layer_set_open(&spec, opt->mountpoint, ret_set, ret_error);
	if (r == -EBUSY && !ret_error->text) {
		r = options_show_upper(opt);
		spec = options_stack(opt);
		if (r == 0)
			r = layer_set_open(&spec, opt->mountpoint, ret_set, ret_error);
	}
	/* It may have been mounted meanwhile. */
	if (r < 0 && r != -EALREADY && mountpoint_has_same(opt, &spec)) {
		error_finish(ret_error);
		return -EALREADY;
	}
	if (r < 0)
		return r;
	r = mountpoint_lock(opt, *ret_set, ret_mountpoint);
	if (r < 0)
		layer_set_put(*ret_set);
	return r;
}

static bool names_directory(const char *control_socket)
{
	return control_socket && strcmp(control_socket, "auto") != 0 && strcmp(control_socket, "off") != 0;
}

/* What is found out without any layer. */
static int prepare_options(struct options *opt, struct error *ret_error)
{
	int r;

	resolve_mountpoint(opt);
	r = make_absolute("log", &opt->log, ret_error);
	if (r == 0)
		r = make_absolute("pidfile", &opt->pidfile, ret_error);
	if (r == 0)
		r = make_absolute("lock", &opt->lock, ret_error);
	if (r == 0 && names_directory(opt->control_socket))
		r = make_absolute("control_socket", &opt->control_socket, ret_error);
	if (r == 0)
		r = mounted_check_paths(opt, ret_error);
	/* Layers of as many file systems are counted when they are known: else they would be what can't be opened. */
	if (r == 0)
		r = check_descriptors((unsigned)opt->layer_count + (opt->upperdir != NULL), 1, ret_error);
	return r;
}

/* Until the process ends, however it ends. The file may be a caller's, who has it locked in the same way. */
static int lock_file(const char *path, int *ret_fd, struct error *ret_error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return error_set(ret_error, -errno, "lock: %s: %s", path, strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int mount_union(struct options *opt)
{
	_cleanup_close_ int mountpoint = -1, lock = -1;
	_cleanup_error_ struct error error = {0};
	struct cgroup *cgroup = NULL;
	struct daemonize daemonize;
	struct layer_set *set;
	int status, r = prepare_options(opt, &error);

	if (r == 0 && opt->lock)
		r = lock_file(opt->lock, &lock, &error);
	if (r == 0)
		r = open_union(opt, &set, &mountpoint, &error);
	if (r == -EALREADY && !error.text)
		return 0;
	if (r < 0)
		return main_refuse(&error);
	r = check_descriptors(set->n + set->n_data, set->n_fs, &error);
	if (opt->fake || r < 0) {
		status = r < 0 ? main_refuse(&error) : 0;
		layer_set_shutdown(set);
		layer_set_put(set);
		return status;
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
	_cleanup_error_ struct error error = {0};
	struct option_error option_error;
	struct options opt;
	int status;

	if (fill_standard_fds() < 0)
		return 1;
	if (options_parse(argc, argv, &env, &opt, &option_error) < 0) {
		fprintf(stderr, "plyfs: %s\n", option_error.text);
		return option_error.status;
	}
	for (size_t i = 0; i < opt.warnings.count; i++)
		fprintf(stderr, "%s\n", opt.warnings.items[i]);
	if (opt.help)
		status = print_help(&opt);
	else if (opt.version)
		status = print_version(&opt);
	else if (prepare_process(&opt, &error) < 0)
		status = main_refuse(&error);
	else
		status = mount_union(&opt);
	options_free(&opt);
	return status;
}
