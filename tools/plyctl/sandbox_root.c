/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command sees: the unions, and /proc, /dev and /sys as a container has them. They are mounted when the union
 * is the root already, so a symbolic link of a layer can't lead out of it. The former root is reached by a descriptor
 * until it is unmounted.
 */
#include "sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plyctl.h"

#define READ_ONLY_BIND (MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)
#define DEVICE_BIND (MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC)

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
static const struct {
	const char *name, *target;
} links[] = {{"fd", "/proc/self/fd"},
	     {"stdin", "/proc/self/fd/0"},
	     {"stdout", "/proc/self/fd/1"},
	     {"stderr", "/proc/self/fd/2"},
	     {"ptmx", "pts/ptmx"}};
/* Of the machine and not of the container: as podman and docker have them. */
static const char *const masked[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list",	 "/proc/sched_debug",
				     "/proc/acpi",  "/proc/scsi", "/proc/latency_stats", "/sys/firmware"};
static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

/* --- places to mount on ------------------------------------------------------------------------------------------- */

/* A name beneath the union, without following a symbolic link. */
static int point_parent(const struct sandbox_run *run, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;

	*ret_name = slash + 1;
	if (asprintf(&dir, "%s%.*s", run->s->mountpoint, (int)(slash - path), path) < 0)
		abort();
	return open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void points_note(struct sandbox_points *made, const char *path, int dir, const struct stat *before)
{
	struct sandbox_point *p = &made->all[made->n++];
	struct stat after;

	p->path = path;
	p->before[0] = before->st_atim;
	p->before[1] = before->st_mtim;
	if (fstat(dir, &after) == 0)
		p->after = after.st_mtim;
}

/* The time of a directory in which nothing else was made is what it was. */
static void restore_time(int dir, const char *dir_path, const struct sandbox_point *p, const struct timespec *mtime)
{
	if (mtime->tv_sec == p->after.tv_sec && mtime->tv_nsec == p->after.tv_nsec)
		utimensat(dir, dir_path, p->before, 0);
}

static void make_point(const struct sandbox_run *run, const char *path, bool is_dir, struct sandbox_points *made)
{
	const char *name;
	_cleanup_close_ int dir = point_parent(run, path, &name);
	struct stat before;
	int fd;

	if (dir < 0 || made->n == SANDBOX_POINTS_MAX || fstat(dir, &before) < 0)
		return;
	if (is_dir) {
		if (mkdirat(dir, name, 0755) < 0)
			return;
	} else {
		fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			return;
		close(fd);
	}
	points_note(made, path, dir, &before);
}

void sandbox_make_points(const struct sandbox_run *run, struct sandbox_points *made)
{
	static const char *const dirs[] = {"/proc", "/dev", "/sys"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		make_point(run, dirs[i], true, made);
	for (const char *const *file = run->s->shown; *file; file++)
		make_point(run, *file, false, made);
}

/* What the command has put there stays. */
void sandbox_remove_points(const struct sandbox_run *run, const struct sandbox_points *made)
{
	for (size_t i = made->n; i-- > 0;) {
		const char *name;
		_cleanup_close_ int dir = point_parent(run, made->all[i].path, &name);
		struct stat st, parent;

		if (dir < 0 || fstat(dir, &parent) < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			unlinkat(dir, name, AT_REMOVEDIR);
		else if (S_ISREG(st.st_mode) && st.st_size == 0)
			unlinkat(dir, name, 0);
		restore_time(dir, ".", &made->all[i], &parent.st_mtim);
	}
}

/* --- the file systems of the kernel ------------------------------------------------------------------------------- */

/* A path of the former root, which is the working directory. */
static int bind_old(const char *path, const char *target, unsigned long flags)
{
	return mount(*path == '/' ? path + 1 : path, target, NULL, MS_BIND | flags, NULL);
}

/* A file of the former root, whose absolute links lead below that root. */
static int show_file(const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, path + 1, &how, sizeof(how));
	char source[40];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	if (fd < 0 || mount(source, path, NULL, MS_BIND, NULL) < 0)
		return -1;
	return mount(NULL, path, NULL, READ_ONLY_BIND, NULL) < 0
		       ? mount(NULL, path, NULL, READ_ONLY_BIND | MS_NOEXEC, NULL)
		       : 0;
}

/* A node of the machine. A device can be written on a read-only mount; its mode, owner and times can't be changed. In
 * a user namespace locked flags may forbid that. A user can't change what he doesn't own there, bound or not. */
static int bind_node(const struct sandbox_run *run, const char *source, const char *target)
{
	if (bind_old(source, target, 0) < 0)
		return -1;
	if (mount(NULL, target, NULL, DEVICE_BIND, NULL) == 0 || run->has_userns)
		return 0;
	umount2(target, MNT_DETACH);
	return -1;
}

static void mask_proc(const struct sandbox_run *run)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(masked); i++) {
		if (lstat(masked[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			mount("tmpfs", masked[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k");
		else
			(void)!bind_node(run, "dev/null", masked[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
		if (mount(read_only[i], read_only[i], NULL, MS_BIND, NULL) == 0)
			mount(NULL, read_only[i], NULL, READ_ONLY_BIND | MS_NOEXEC, NULL);
}

/* Where parts of /proc are hidden, no other may be mounted: the caller's is shown then. */
static int mount_proc(void)
{
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	return bind_old("proc", "/proc", MS_REC);
}

static int mount_sys(void)
{
	if (mount("sysfs", "/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	if (bind_old("sys", "/sys", MS_REC) < 0)
		return -1;
	return mount(NULL, "/sys", NULL, READ_ONLY_BIND | MS_NOEXEC, NULL);
}

static int bind_device(const struct sandbox_run *run, const char *source, const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return -1;
	close(fd);
	return bind_node(run, source, path);
}

/* The caller's terminal has no name in a new devpts. */
static void bind_console(const struct sandbox_run *run)
{
	char self[64], tty[PATH_MAX];
	ssize_t n;

	snprintf(self, sizeof(self), "proc/self/fd/%d", STDIN_FILENO);
	n = isatty(STDIN_FILENO) ? readlink(self, tty, sizeof(tty) - 1) : -1;
	if (n <= 0)
		return;
	tty[n] = '\0';
	(void)!bind_device(run, tty, "/dev/console");
}

static int mount_pts(void)
{
	mkdir("/dev/pts", 0755);
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5") ==
	    0)
		return 0;
	return mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
}

static int mount_dev(const struct sandbox_run *run)
{
	char source[32], path[32];

	if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k") < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		snprintf(source, sizeof(source), "dev/%s", devices[i]);
		snprintf(path, sizeof(path), "/dev/%s", devices[i]);
		if (bind_device(run, source, path) < 0)
			unlink(path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		snprintf(path, sizeof(path), "/dev/%s", links[i].name);
		(void)!symlink(links[i].target, path);
	}
	if (mount_pts() < 0)
		return -1;
	mkdir("/dev/shm", 01777);
	mkdir("/dev/mqueue", 01777);
	mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777");
	mount("mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	bind_console(run);
	return 0;
}

/* --- inputs ------------------------------------------------------------------------------------------------------- */

#define INPUTS "/dev/inputs"

/* What is mounted below it is read-only, too. Kernels before 5.12 can only do that for the input itself. */
static int make_read_only(const char *target)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};

	if (mount_setattr(AT_FDCWD, target, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	return mount(NULL, target, NULL, READ_ONLY_BIND, NULL);
}

static int show_input(const struct sandbox_input *input)
{
	_cleanup_free_ char *target = NULL;
	struct stat st;
	int fd;

	if (asprintf(&target, INPUTS "/%s", input->name) < 0)
		abort();
	if (stat(input->path + 1, &st) < 0)
		return -1;
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(target, 0755) < 0)
			return -1;
	} else {
		fd = open(target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return bind_old(input->path, target, MS_REC) < 0 ? -1 : make_read_only(target);
}

static int show_inputs(const struct sandbox *s)
{
	if (s->n_inputs && mkdir(INPUTS, 0755) < 0)
		return -1;
	for (size_t i = 0; i < s->n_inputs; i++)
		if (show_input(&s->inputs[i]) < 0)
			return -1;
	return 0;
}

/* --- the root ----------------------------------------------------------------------------------------------------- */

static int failed(const char *what)
{
	fail("%s: %s", what, strerror(errno));
	return -errno;
}

static void hide_and_show(const struct sandbox *s)
{
	for (const char *const *dir = s->hidden; *dir; dir++)
		mount("tmpfs", *dir, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=755");
	for (const char *const *file = s->shown; *file; file++)
		(void)!show_file(*file);
}

int sandbox_enter_root(const struct sandbox_run *run)
{
	_cleanup_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || chdir(run->s->mountpoint) < 0)
		return failed("root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return failed("pivot_root");
	/* The former root lies over the union now, and paths from the root begin below it. */
	if (fchdir(old) < 0)
		return failed("root");
	umask(0);
	if (mount_proc() < 0)
		return failed("/proc");
	if (mount_dev(run) < 0)
		return failed("/dev");
	if (mount_sys() < 0)
		return failed("/sys");
	mask_proc(run);
	if (show_inputs(run->s) < 0)
		return failed(INPUTS);
	hide_and_show(run->s);
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return failed("former root");
	return 0;
}
