/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl cp: a file or directory of a stack, copied to a place outside of it. Everything is made new below the
 * destination, so nothing that a layer holds can lead the copy elsewhere.
 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "os/fs.h"

struct copying {
	struct layer_set *set;
	const char *name; /* of the first object */
	unsigned base;	  /* its depth */
	/* owned; of the directories from the destination's parent down, those of the present path */
	int *fds;
	struct timespec (*times)[2]; /* owned; of these directories, set when they are complete */
	mode_t *modes;		     /* owned */
	size_t n, fds_room, times_room, modes_room;
};

static void times_of(const struct statx *stx, struct timespec ret[2])
{
	ret[0] = ret[1] = (struct timespec){.tv_sec = stx->stx_mtime.tv_sec, .tv_nsec = stx->stx_mtime.tv_nsec};
}

/* Owners are kept by root, as cp -p does. */
static int set_attributes(int fd, const struct statx *stx)
{
	struct timespec times[2];
	int r = geteuid() == 0 ? os_fchown(fd, stx->stx_uid, stx->stx_gid) : 0;

	times_of(stx, times);
	if (r == 0 && !S_ISLNK(stx->stx_mode))
		r = os_fchmod(fd, stx->stx_mode & 07777u);
	return r < 0 ? r : os_futimens(fd, times);
}

static int copy_file(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e)
{
	_cleanup_close_ int in = copy_open(c->set, e);
	_cleanup_close_ int out = -1;
	int r;

	if (in < 0)
		return in;
	out = os_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
	if (out < 0)
		return out;
	r = copy_bytes(in, out);
	return r < 0 ? r : set_attributes(out, &e->stx);
}

static int copy_symlink(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;
	char target[PATH_MAX];
	ssize_t n;
	int r = tree_walk_layer_path(e, &path);

	if (r < 0)
		return r;
	_cleanup_close_ int in = layer_open_path(&c->set->layers[e->layer], path, O_PATH);
	n = in < 0 ? in : os_readlinkat(in, "", target, sizeof(target) - 1);
	if (n < 0)
		return (int)n;
	target[n] = '\0';
	r = os_symlinkat(target, dirfd, name);
	if (r < 0)
		return r;
	_cleanup_close_ int out = os_openat(dirfd, name, O_PATH, 0, OS_NO_XDEV);
	return out < 0 ? out : set_attributes(out, &e->stx);
}

/* The directory gets its mode and times when it is complete: it may be read-only. */
static int copy_directory(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e)
{
	int fd, r = os_mkdirat(dirfd, name, 0700);

	if (r < 0)
		return r;
	fd = os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	if (!ARRAY_ROOM(c->fds, c->n, c->fds_room, 1) || !ARRAY_ROOM(c->times, c->n, c->times_room, 1) ||
	    !ARRAY_ROOM(c->modes, c->n, c->modes_room, 1)) {
		os_close(fd);
		return -ENOMEM;
	}
	times_of(&e->stx, c->times[c->n]);
	c->modes[c->n] = e->stx.stx_mode & 07777u;
	c->fds[c->n++] = fd;
	return geteuid() == 0 ? os_fchown(fd, e->stx.stx_uid, e->stx.stx_gid) : 0;
}

static int cp_entry(void *arg, const struct tree_walk_entry *e)
{
	struct copying *c = arg;
	const char *name = e->depth == c->base ? c->name : e->name;
	int dirfd = c->fds[c->n - 1], r;

	if (S_ISDIR(e->stx.stx_mode) && !e->overmounted)
		r = copy_directory(c, dirfd, name, e);
	else if (S_ISREG(e->stx.stx_mode))
		r = copy_file(c, dirfd, name, e);
	else if (S_ISLNK(e->stx.stx_mode))
		r = copy_symlink(c, dirfd, name, e);
	else
		r = os_mknodat(dirfd, name, e->stx.stx_mode, 0);
	if (r < 0)
		fail("/%s: %s", e->path, strerror(-r));
	return r;
}

static int cp_leave(void *arg, const char *path, unsigned depth)
{
	struct copying *c = arg;
	int fd = c->fds[--c->n], r = os_fchmod(fd, c->modes[c->n]);

	if (r == 0)
		r = os_futimens(fd, c->times[c->n]);
	os_close(fd);
	if (r < 0)
		fail("/%s: %s", path, strerror(-r));
	return r;
}

/* Opens the directory in which the copy is made. An existing directory gets the object under its own name. */
static int open_destination(const char *destination, const char *own_name, char **ret_name)
{
	_cleanup_free_ char *parent = strdup(destination);
	int fd = os_open_path(destination, O_PATH | O_DIRECTORY, 0);
	char *slash;

	if (!parent)
		return -ENOMEM;
	if (fd >= 0) {
		*ret_name = strdup(own_name);
		return *ret_name ? fd : -ENOMEM;
	}
	while ((slash = strrchr(parent, '/')) && !slash[1] && slash > parent)
		*slash = '\0';
	*ret_name = strdup(slash ? slash + 1 : parent);
	if (!*ret_name)
		return -ENOMEM;
	if (slash)
		slash[slash == parent] = '\0';
	return os_open_path(slash ? parent : ".", O_PATH | O_DIRECTORY, 0);
}

static unsigned depth_of(const char *path)
{
	unsigned depth = *path != '\0';

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int cp_all(struct layer_set *set, const char *path, const char *destination)
{
	static const struct tree_walk_calls calls = {.entry = cp_entry, .leave = cp_leave, .failed = stack_failed_in};
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *name = NULL;
	struct copying c = {.set = set, .base = depth_of(path)};
	int r, fd = open_destination(destination, slash ? slash + 1 : *path ? path : "root", &name);

	if (fd < 0)
		return fail("%s: %s", destination, strerror(-fd));
	c.name = name;
	if (!ARRAY_ROOM(c.fds, c.n, c.fds_room, 1) || !ARRAY_ROOM(c.times, c.n, c.times_room, 1) ||
	    !ARRAY_ROOM(c.modes, c.n, c.modes_room, 1))
		return fail("out of memory");
	c.fds[c.n++] = fd;
	r = tree_walk(set, path, TREE_WALK_STAT, &calls, &c);
	while (c.n)
		os_close(c.fds[--c.n]);
	free(c.fds);
	free(c.times);
	free(c.modes);
	return r == -ENOENT ? fail("/%s: not shown", path) : r < 0 ? EXIT_FAILED : EXIT_FINE;
}

static int run_cp(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL;
	struct layer_set *set;
	int status;

	if (argc < 2 || argc > 3)
		return usage_error("cp: [STACK] [LAYER:]PATH DESTINATION is wanted");
	stack = stack_of_path(argc > 2 ? argv[0] : NULL, argv[argc - 2], &path, &layer);
	if (!stack)
		return EXIT_FAILED;
	set = copy_source(stack, layer, path);
	if (!set)
		return EXIT_FAILED;
	status = cp_all(set, path, argv[argc - 1]);
	layer_set_put(set);
	return status;
}

const struct verb verb_cp = {
	.name = "cp",
	.operands = "[STACK] [@N:]PATH DESTINATION",
	.help = "Copy a file or directory, as the union shows it or as a layer holds it",
	.more = "Modes and times are kept, and owners by root. Nothing that is there already is replaced.",
	.run = run_cp};
