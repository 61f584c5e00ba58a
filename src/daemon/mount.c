/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount: made by mount(2), or by fusermount3 where that isn't permitted or is to unmount by itself, and found again
 * to be unmounted.
 *
 * libfuse, which could do both, is handed a descriptor as if it were mounted. As root it runs mount(8) for that one's
 * table before the first request is answered: over that program, or a library of it, nobody would answer. And it
 * unmounts whatever is at the mountpoint by then, which may be somebody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/major.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "os/fs.h"
#include "os/fuse_device.h"
#include "os/mount.h"
#include "os/task.h"

#define FUSE_DEVICE "/dev/fuse"
#define FUSE_MINOR 229 /* of the kernel's linux/miscdevice.h */
#define READY "/dev/fd/"
#define HELPER "fusermount3"
/* Who binds the union over itself more often than that must unmount it by himself. */
#define MAX_STACKED 16

/* The way to what is mounted there: of the root directory it is the one by which the kernel goes up into it. */
static const char *point_of(const struct mounted *m)
{
	return strcmp(m->opt->mountpoint, "/") ? m->opt->mountpoint : "/..";
}

/* --- fusermount3 -------------------------------------------------------------------------------------------------- */

/* What it says goes to `said`, the session's descriptor it sends over `socket`; -1 without. */
static pid_t start_helper(char *const argv[], int said, int socket)
{
	sigset_t none;
	pid_t child;
	char text[16];

	/* The standard ones are given away below. */
	(void)CHECK(socket < 0 || socket > STDERR_FILENO);
	child = fork();
	if (child)
		return child < 0 ? -errno : child;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It may stay as long as the mount: nothing that our caller has given us for 0-2 is its own. */
	for (int fd = STDIN_FILENO; said >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(said, fd);
	if (socket >= 0) {
		snprintf(text, sizeof(text), "%d", socket);
		setenv("_FUSE_COMMFD", text, 1);
		fcntl(socket, F_SETFD, 0);
	}
	execv("/usr/bin/" HELPER, argv);
	execvp(HELPER, argv);
	dprintf(STDERR_FILENO, HELPER ": %s\n", strerror(errno));
	_exit(127);
}

static void wait_for(pid_t child)
{
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* When our end of the socket closes fusermount3 looks at the mount once, and leaves one that isn't dead. The end of a
 * process releases its descriptors from the highest number down. So the socket has a lower number than the session. */
static int reserve_helper(struct mounted *m)
{
	if (!m->opt->auto_unmount)
		return 0;
	m->helper_fd = os_memory_file("fusermount3");
	return MIN(m->helper_fd, 0);
}

/* The session's descriptor `fd`, or -errno. */
static int keep_helper(struct mounted *m, int socket, int fd)
{
	int r = dup3(socket, m->helper_fd, O_CLOEXEC) < 0 ? -errno : fd;

	close(socket);
	if (r < 0)
		close(fd);
	return r;
}

/* Its session's descriptor, or -errno. With auto_unmount it stays, and leaves when nobody has the other end of the
 * socket. */
static int receive_session(struct mounted *m, int said)
{
	_cleanup_free_ char *options = options_helper_string(m->opt);
	char *const argv[] = {(char *)HELPER, (char *)"-o", options, (char *)"--", (char *)point_of(m), NULL};
	int pair[2], fd;
	pid_t child;

	if (!CHECK(m->helper_fd < m->fd))
		return -EIO;
	if (!options)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child = start_helper(argv, said, pair[0]);
	close(pair[0]);
	fd = child < 0 ? (int)child : os_receive_fd(pair[1]);
	if (fd >= 0 && m->opt->auto_unmount)
		return keep_helper(m, pair[1], fd);
	close(pair[1]);
	wait_for(child);
	return fd;
}

/* It says on its stderr why it refuses: that is the cause in our one line. What it says of a mount that it makes goes
 * on. */
static int mount_by_helper(struct mounted *m, char **ret_cause)
{
	_cleanup_close_ int said = os_memory_file("stderr");
	int fd = receive_session(m, said);
	char text[256];
	ssize_t n = said < 0 ? -1 : pread(said, text, sizeof(text) - 1, 0);

	text[MAX(n, 0)] = '\0';
	if (fd >= 0) {
		fputs(text, stderr);
		/* libfuse has this number already. */
		fd = dup3(fd, m->fd, O_CLOEXEC) < 0 ? -errno : (close(fd), 0);
		return fd;
	}
	text[strcspn(text, "\n")] = '\0';
	*ret_cause = strdup(text[0] ? text : HELPER " can't mount it");
	return fd;
}

/* --- mounting ----------------------------------------------------------------------------------------------------- */

static int mount_directly(const struct mounted *m)
{
	const struct options *opt = m->opt;
	const unsigned long flags =
		MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME;
	_cleanup_free_ char *own = options_kernel_string(opt);
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *type = NULL;

	if (!CHECK(m->fd >= 0 && !m->is_ready))
		return -EIO;
	if (!own || asprintf(&type, "fuse.%s", opt->subtype) < 0)
		return -ENOMEM;
	if (asprintf(&data, "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s%s", m->fd, getuid(), getgid(),
		     *own ? "," : "", own) < 0)
		return -ENOMEM;
	return os_mount(opt->fsname, point_of(m), type, opt->vfs_flags & flags, data);
}

/* With auto_unmount fusermount3 mounts for root too, and sets both flags always. */
static int allow_by_flags(const struct mounted *m)
{
	bool suid = !(m->opt->vfs_flags & MS_NOSUID), dev = !(m->opt->vfs_flags & MS_NODEV);

	if (!m->opt->auto_unmount || !os_has_cap(CAP_SYS_ADMIN) || (!suid && !dev))
		return 0;
	return os_mount_allow(point_of(m), suid, dev);
}

/* Flags for which fusermount3 has no words. Without the privilege to set one, only that which bars something is
 * missed. */
static int add_flags(const struct mounted *m, struct error *ret_error)
{
	unsigned long flags = m->opt->vfs_flags & (MS_NODIRATIME | MS_STRICTATIME | MS_LAZYTIME | MS_NOSYMFOLLOW);
	int r = flags ? os_mount_add_flags(point_of(m), flags) : 0;

	if (r == 0 || !(flags & MS_NOSYMFOLLOW))
		return 0;
	return error_set(ret_error, r, "nosymfollow: %s: %s", m->opt->mountpoint, strerror(-r));
}

/* Its file system's number, by which it is known later: asks nobody, there is nobody to answer yet. */
static int note_device(struct mounted *m)
{
	_cleanup_close_ int fd = os_open_path(point_of(m), O_PATH | O_DIRECTORY, 0);
	struct statx stx;
	int r = fd < 0 ? fd : os_statx_cached(fd, "", &stx);

	(void)CHECK(!m->dev);
	if (r == 0)
		m->dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return r;
}

static int mount_refuse(const struct mounted *m, int err, const char *cause, struct error *ret_error)
{
	return error_set(ret_error, err, "mount: %s: %s", m->opt->mountpoint, cause ? cause : strerror(-err));
}

/* With another descriptor libfuse would serve until it hears of it. */
static int take_ready(struct mounted *m, struct error *ret_error)
{
	int fd = atoi(m->opt->mountpoint + strlen(READY));
	struct stat st;

	(void)CHECK(m->fd < 0);
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(MISC_MAJOR, FUSE_MINOR) ||
	    os_fuse_is_broken(fd))
		return mount_refuse(m, -EINVAL, "not a mounted session of " FUSE_DEVICE, ret_error);
	m->fd = fd;
	m->is_ready = true;
	if (os_fuse_mounted(fd, &m->ready) < 0)
		m->ready = 0;
	return 0;
}

/* A mount over the root directory hides nothing: a process that has a path goes by the directory below. */
bool mounted_hides(const struct mounted *m, const char *path)
{
	if (m->is_ready)
		return m->ready && os_path_enters(path, m->ready);
	return strcmp(m->opt->mountpoint, "/") != 0 && os_leads_through(path, m->opt->mountpoint);
}

/* Of a path that an option names. */
static int refuse_within(dev_t dev, const char *option, const char *path, struct error *ret_error)
{
	if (!path || !os_path_enters(path, dev))
		return 0;
	return error_set(ret_error, -EDEADLK, "%s: %s: it is in the mount, which nobody serves yet", option, path);
}

int mounted_check_paths(const struct options *opt, struct error *ret_error)
{
	const struct {
		const char *option, *path;
	} paths[] = {
		{"upperdir", opt->upperdir},	   {"workdir", opt->workdir}, {"log", opt->log},
		{"layer_cache", opt->layer_cache}, {"pidfile", opt->pidfile}, {"lock", opt->lock},
	};
	dev_t dev;
	int r = 0;

	if (strncmp(opt->mountpoint, READY, strlen(READY)) != 0 ||
	    os_fuse_mounted(atoi(opt->mountpoint + strlen(READY)), &dev) < 0)
		return 0;
	(void)CHECK(dev);
	for (size_t i = 0; r == 0 && i < opt->layer_count; i++)
		r = refuse_within(dev, "lowerdir", opt->layers[i].path, ret_error);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(paths); i++)
		r = refuse_within(dev, paths[i].option, paths[i].path, ret_error);
	return r;
}

static void see_hidden(struct mounted *m)
{
	const char *library = os_c_library();

	m->overmounts_device = mounted_hides(m, FUSE_DEVICE);
	m->overmounts_sys = mounted_hides(m, "/sys/class/bdi/x") || mounted_hides(m, "/sys/devices/system/cpu/x");
	m->overmounts_syslog = mounted_hides(m, "/dev/log") || mounted_hides(m, "/run/systemd/journal/x") ||
			       mounted_hides(m, "/run/x");
	m->overmounts_libraries = mounted_hides(m, "/etc/ld.so.cache") || (library && mounted_hides(m, library));
}

int mounted_prepare(const struct options *opt, struct mounted *m, struct error *ret_error)
{
	_cleanup_free_ char *cause = NULL;
	int r;

	*m = (struct mounted){.opt = opt, .fd = -1, .helper_fd = -1};
	if (strncmp(opt->mountpoint, READY, strlen(READY)) == 0) {
		r = take_ready(m, ret_error);
		if (r == 0)
			see_hidden(m);
		return r;
	}
	if (mounted_hides(m, "/proc/self"))
		return mount_refuse(m, -EBUSY, "the daemon needs /proc while it is mounted", ret_error);
	see_hidden(m);
	m->fd = reserve_helper(m);
	if (m->fd < 0)
		return mount_refuse(m, m->fd, NULL, ret_error);
	m->fd = os_open_path(FUSE_DEVICE, O_RDWR, 0);
	if (m->fd >= 0)
		return 0;
	if (asprintf(&cause, FUSE_DEVICE ": %s", strerror(-m->fd)) < 0)
		cause = NULL;
	return mount_refuse(m, m->fd, cause, ret_error);
}

int mounted_open(struct mounted *m, struct error *ret_error)
{
	_cleanup_free_ char *cause = NULL;
	int r;

	if (!CHECK(m->fd >= 0 && !m->dev))
		return -EIO;
	if (m->is_ready)
		return 0;
	r = m->opt->auto_unmount ? -EPERM : mount_directly(m);
	if (r == -EPERM)
		r = mount_by_helper(m, &cause);
	if (r == 0)
		r = note_device(m);
	if (r == 0)
		r = allow_by_flags(m);
	if (r == 0)
		r = add_flags(m, ret_error);
	return r < 0 ? mount_refuse(m, r, cause, ret_error) : 0;
}

/* --- unmounting --------------------------------------------------------------------------------------------------- */

/* Without O_DIRECTORY, for which a mountpoint of autofs would be mounted anew. */
static int open_own(const struct mounted *m)
{
	_cleanup_close_ int fd = os_open_path(point_of(m), O_PATH | O_NOFOLLOW, 0);
	struct statx stx;
	int r = fd < 0 ? fd : os_statx_cached(fd, "", &stx);

	if (r < 0)
		return r;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor) == m->dev ? TAKE_FD(fd) : -ENOENT;
}

int mounted_find(const struct mounted *m)
{
	_cleanup_close_ int fd = m->dev ? open_own(m) : -ENOENT;

	(void)CHECK(!m->dev || (m->fd >= 0 && !m->is_ready));
	/* Looked at last: while the session lives its file system's number is nobody else's, and what is open here
	 * keeps it alive. */
	return fd >= 0 && os_fuse_is_broken(m->fd) ? -ENOENT : TAKE_FD(fd);
}

static int find_overmounted(void *arg, const struct os_mountinfo *info)
{
	const struct mounted *m = arg;

	return info->dev == m->dev && !strcmp(info->mountpoint, m->opt->mountpoint);
}

/* Without CAP_SYS_ADMIN only the setuid helper may unmount. */
static void unmount_by_helper(const struct mounted *m)
{
	char *const argv[] = {(char *)HELPER, (char *)"-u",	   (char *)"-q", (char *)"-z",
			      (char *)"--",   (char *)point_of(m), NULL};

	wait_for(start_helper(argv, -1, -1));
}

void mounted_unmount(const struct mounted *m, int location)
{
	(void)CHECK(location < 0 || m->dev);
	/* The union may have been bound over itself: all of that is ours. */
	for (unsigned i = 0; location >= 0 && i < MAX_STACKED; i++) {
		int next;

		if (os_umount_fd(location) == -EPERM)
			unmount_by_helper(m);
		next = open_own(m);
		close(location);
		location = next;
	}
	cleanup_close(&location);
}

void mounted_detach(const struct mounted *m)
{
	int location = mounted_find(m);

	if (location < 0 && m->dev && !os_fuse_is_broken(m->fd) && os_each_mount(find_overmounted, (void *)m) == 1)
		log_warning("overmounted by another mount, which stays, and the union below it, without its daemon");
	mounted_unmount(m, location);
}
