/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a path, followed component by component, so that it ends before it asks a certain file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "internal.h"
#include "os/fs.h"
#include "os/mount.h"

#define LINKS_MAX 40U

static bool fd_is_in(int fd, dev_t dev)
{
	struct statx stx;

	return os_statx_cached(fd, "", &stx) == 0 && makedev(stx.stx_dev_major, stx.stx_dev_minor) == dev;
}

/* A path on the way: `fd` has been reached, `rest` is behind it. */
struct walk_down {
	int fd;
	unsigned links;
	char rest[PATH_MAX];
};

/* The way begins anew: at the root directory, or where it has come to. */
static int walk_from(struct walk_down *w, const char *path)
{
	int n = snprintf(w->rest, sizeof(w->rest), "%s", path);

	if (n < 0 || (size_t)n >= sizeof(w->rest))
		return -ENAMETOOLONG;
	if (*path != '/' && w->fd >= 0)
		return 0;
	cleanup_close(&w->fd);
	w->fd = OS_LOOK(open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	return MIN(w->fd, 0);
}

static int walk_link(struct walk_down *w, int link, const char *rest)
{
	char target[PATH_MAX], path[2 * PATH_MAX + 2];
	ssize_t n = OS_LOOK(readlinkat(link, "", target, sizeof(target) - 1));

	if (n <= 0 || ++w->links > LINKS_MAX)
		return -ELOOP;
	target[n] = '\0';
	snprintf(path, sizeof(path), "%s/%s", target, rest);
	return walk_from(w, path);
}

/* One component. 1: there is none left. */
static int walk_step(struct walk_down *w)
{
	char *name = w->rest + strspn(w->rest, "/"), *end = name + strcspn(name, "/");
	_cleanup_close_ int fd = -1;
	struct statx stx;
	char component[NAME_MAX + 1];
	int r;

	if (end == name)
		return 1;
	if (end - name > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(component, name, (size_t)(end - name));
	component[end - name] = '\0';
	fd = OS_LOOK(openat(w->fd, component, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	r = fd < 0 ? fd : os_statx_cached(fd, "", &stx);
	if (r < 0)
		return r;
	if (S_ISLNK(stx.stx_mode)) {
		char rest[PATH_MAX];

		strcpy(rest, end);
		return walk_link(w, fd, rest);
	}
	memmove(w->rest, end, strlen(end) + 1);
	cleanup_close(&w->fd);
	w->fd = TAKE_FD(fd);
	return 0;
}

bool os_path_enters(const char *path, dev_t dev)
{
	struct walk_down w = {.fd = -1};
	int r = walk_from(&w, path);
	bool found = false;

	(void)CHECK(dev);
	/* Before each step: there the file system would be asked for a name. */
	while (r == 0 && !(found = fd_is_in(w.fd, dev)))
		r = walk_step(&w);
	cleanup_close(&w.fd);
	return found;
}
