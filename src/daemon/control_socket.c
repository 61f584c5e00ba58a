/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the control socket is. The directory is opened before the mount, which may cover it, and everything goes by its
 * descriptor. It must be ours and nobody else's to write to, and so must the directory that it is made in: then nobody
 * can put a symbolic link there.
 *
 * The kernel gives the number of a device to one mount at a time. So whatever has the name when we are mounted is left
 * over, and is removed. A daemon that ends may do so after its mount has gone and another one has got the number: it
 * looks whether the name still leads to its own socket. Whoever makes or removes a socket holds a lock on the
 * directory.
 */
#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "internal.h"
#include "os/task.h"

#define SYSTEM_DIR "/run"
#define OWN_DIR "plyfs"
#define LOCK_TRIES 100
#define LOCK_PAUSE_US 5000
#define SWEEP_MAX 1024
#define BACKLOG 8

/* --- the directory ------------------------------------------------------------------------------------------------ */

/* Whether we alone decide what is in there. */
static int check_own(int fd)
{
	struct stat st;

	(void)CHECK(fd >= 0);
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() && !(st.st_mode & 022) ? 0 : -EPERM;
}

static int open_directory(int dirfd, const char *path, int flags)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	int r = fd < 0 ? -errno : check_own(fd);

	return r < 0 ? r : TAKE_FD(fd);
}

/* In which plyfs has its own. Root doesn't use what another user's environment names. */
static const char *default_parent(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	bool root = geteuid() == 0;

	if (root && os_in_init_userns())
		return SYSTEM_DIR;
	if (runtime && *runtime == '/')
		return runtime;
	return root ? SYSTEM_DIR : NULL;
}

static int make_default(const char *parent)
{
	_cleanup_close_ int fd = open_directory(AT_FDCWD, parent, 0);

	if (fd < 0)
		return fd;
	if (mkdirat(fd, OWN_DIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	return open_directory(fd, OWN_DIR, O_NOFOLLOW);
}

static int prepare_default(const struct mounted *m)
{
	const char *parent = default_parent();
	_cleanup_free_ char *dir = NULL;

	if (!parent)
		return -ENOENT;
	if (asprintf(&dir, "%s/" OWN_DIR, parent) < 0)
		return -ENOMEM;
	return mounted_hides(m, dir) ? -EBUSY : make_default(parent);
}

int control_socket_prepare(const struct mounted *m, struct control_socket *s)
{
	const char *dir = m->opt->control_socket;

	*s = (struct control_socket){.dir_fd = -1, .fd = -1};
	if (dir && !strcmp(dir, "off"))
		return -ENOENT;
	/* The socket would have no name. */
	if (m->is_ready && !m->ready)
		return -ENODATA;
	/* What the mount hides nobody would find; and if it is there already, nobody answers yet who looks. */
	if (!dir || !strcmp(dir, "auto"))
		s->dir_fd = prepare_default(m);
	else
		s->dir_fd = mounted_hides(m, dir) ? -EBUSY : open_directory(AT_FDCWD, dir, 0);
	return MIN(s->dir_fd, 0);
}

/* --- the name ----------------------------------------------------------------------------------------------------- */

/* A daemon that is stopped meanwhile holds nobody up. */
static void lock_directory(int fd)
{
	(void)CHECK(fd >= 0);
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK && i < LOCK_TRIES; i++)
		os_sleep_us(LOCK_PAUSE_US);
}

/* By way of the descriptor: it fits in always, and is right wherever the directory is by now. */
static struct sockaddr_un address_of(const struct control_socket *s, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", s->dir_fd, name);

	(void)CHECK(n > 0 && n < (int)sizeof(address.sun_path));
	return address;
}

static int bind_name(struct control_socket *s)
{
	struct sockaddr_un address = address_of(s, s->name);
	struct stat st;

	(void)CHECK(s->fd >= 0);
	if (unlinkat(s->dir_fd, s->name, 0) < 0 && errno != ENOENT)
		return -errno;
	if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (fchmodat(s->dir_fd, s->name, 0600, 0) < 0 || fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    listen(s->fd, BACKLOG) < 0) {
		int r = -errno;

		unlinkat(s->dir_fd, s->name, 0);
		return r;
	}
	s->ino = st.st_ino;
	return 0;
}

int control_socket_open(struct control_socket *s, dev_t dev)
{
	int r;

	if (!CHECK(s->dir_fd >= 0 && s->fd < 0))
		return -EIO;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	control_name(dev, s->name);
	lock_directory(s->dir_fd);
	r = bind_name(s);
	flock(s->dir_fd, LOCK_UN);
	if (r < 0) {
		close(s->fd);
		s->fd = -1;
	}
	return r;
}

/* "12:345", as control_name() makes them. */
static bool is_socket_name(const char *name)
{
	size_t major = strspn(name, "0123456789"), minor;

	if (!major || name[major] != ':')
		return false;
	minor = strspn(name + major + 1, "0123456789");
	return minor && !name[major + 1 + minor] && major + 1 + minor < CONTROL_NAME_SIZE;
}

/* Nobody has it open any more. A datagram socket is refused there otherwise, by the kernel alone: the daemon isn't
 * woken. */
static bool is_left_over(const struct control_socket *s, const char *name)
{
	struct sockaddr_un address = address_of(s, name);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED;
}

/* The lock is held no longer than for one: who starts or ends a mount waits for it. */
static void remove_left_over(const struct control_socket *s, const char *name)
{
	lock_directory(s->dir_fd);
	/* Another daemon may have it by now. */
	if (is_left_over(s, name))
		unlinkat(s->dir_fd, name, 0);
	flock(s->dir_fd, LOCK_UN);
}

void control_socket_sweep(const struct control_socket *s)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		cleanup_close(&fd);
		return;
	}
	for (int i = 0; i < SWEEP_MAX && (entry = readdir(dir)); i++)
		if (is_socket_name(entry->d_name) && strcmp(entry->d_name, s->name) != 0 &&
		    is_left_over(s, entry->d_name))
			remove_left_over(s, entry->d_name);
	closedir(dir);
}

bool control_socket_is_private(const struct control_socket *s)
{
	struct stat st;

	/* With an ACL the bits of the group are its mask. */
	return fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == geteuid() &&
	       !(st.st_mode & 077);
}

void control_socket_close(struct control_socket *s)
{
	struct stat st;

	(void)CHECK(s->fd < 0 || s->dir_fd >= 0);
	if (s->fd >= 0) {
		lock_directory(s->dir_fd);
		if (fstatat(s->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == s->ino)
			unlinkat(s->dir_fd, s->name, 0);
		flock(s->dir_fd, LOCK_UN);
		close(s->fd);
	}
	cleanup_close(&s->dir_fd);
	s->dir_fd = s->fd = -1;
}
