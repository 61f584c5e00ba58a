/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl cp: a file or directory of a stack, copied to a place outside of it. Everything is made new below the
 * destination, so nothing that a layer holds can lead the copy elsewhere.
 */
#include "copy.h"
#include "copy_out.h"
#include "copy_packed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "os/fs.h"

/* A directory on the way to the present object. */
struct cp_dir {
	int fd; /* owned */
	struct copied copied;
	struct archive_xattrs xattrs; /* owned */
};

struct copying {
	struct layer_set *set;
	const char *name; /* of the first object */
	unsigned base;	  /* its depth */
	size_t prefix;	  /* bytes of the path before its name */
	/* owned; from the destination's parent down. Attributes are given when a directory is complete: it may be
	 * read-only. */
	struct cp_dir *dirs;
	size_t n, room;
	struct copied_links *links; /* owned */
};

static struct copied copied_of(const struct statx *stx, const struct archive_xattrs *xattrs)
{
	return (struct copied){.mode = stx->stx_mode,
			       .uid = stx->stx_uid,
			       .gid = stx->stx_gid,
			       .major = stx->stx_rdev_major,
			       .minor = stx->stx_rdev_minor,
			       .mtime = {.tv_sec = stx->stx_mtime.tv_sec, .tv_nsec = stx->stx_mtime.tv_nsec},
			       .xattrs = xattrs};
}

/* Opens the object in its layer without opening its content. */
static int cp_open_object(struct copying *c, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;
	int r = tree_walk_layer_path(e, &path);

	if (r < 0)
		return r;
	return layer_open_path(&c->set->layers[e->layer], *path ? path : ".", O_PATH | O_NOFOLLOW);
}

static int cp_read_xattrs(struct copying *c, const struct tree_walk_entry *e, struct archive_xattrs *ret)
{
	_cleanup_close_ int fd = cp_open_object(c, e);

	return fd < 0 ? fd : archive_xattrs_read(&c->set->layers[e->layer], fd, "", ret);
}

static int copy_file(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e,
		     const struct copied *copied)
{
	_cleanup_close_ int in = copy_open(c->set, e);
	_cleanup_close_ int out = -1;
	int r;

	if (in < 0)
		return in;
	out = copied_file(dirfd, name);
	if (out < 0)
		return out;
	r = copy_bytes(in, out);
	return r < 0 ? r : copied_finish(out, dirfd, name, copied);
}

static int copy_symlink(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e,
			const struct copied *copied)
{
	_cleanup_close_ int in = cp_open_object(c, e);
	char target[PATH_MAX];
	ssize_t n = in < 0 ? in : os_readlinkat(in, "", target, sizeof(target) - 1);

	if (n < 0)
		return (int)n;
	target[n] = '\0';
	return copied_symlink(dirfd, name, target, copied);
}

static int copy_directory(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e,
			  struct archive_xattrs *xattrs)
{
	int fd, r = os_mkdirat(dirfd, name, 0700);

	if (r < 0)
		return r;
	fd = os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	if (!ARRAY_ROOM(c->dirs, c->n, c->room, 1)) {
		os_close(fd);
		return -ENOMEM;
	}
	c->dirs[c->n++] = (struct cp_dir){.fd = fd, .copied = copied_of(&e->stx, NULL), .xattrs = *xattrs};
	*xattrs = (struct archive_xattrs){.n = 0};
	return 0;
}

/* 1: it became a link to a file that was copied before. */
static int cp_link(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;

	if (S_ISDIR(e->stx.stx_mode) || e->stx.stx_nlink < 2)
		return 0;
	/* The path of the root has no slash before the first name. */
	if (asprintf(&path, "%s%s%s", c->name, e->depth > c->base && !c->prefix ? "/" : "", e->path + c->prefix) < 0)
		return -ENOMEM;
	return copied_link(&c->links, e->stx.stx_ino, makedev(e->stx.stx_dev_major, e->stx.stx_dev_minor),
			   c->dirs[0].fd, path, dirfd, name);
}

static int cp_object(struct copying *c, int dirfd, const char *name, const struct tree_walk_entry *e)
{
	struct archive_xattrs xattrs = {.n = 0};
	struct copied copied = copied_of(&e->stx, &xattrs);
	int r = cp_read_xattrs(c, e, &xattrs);

	if (r < 0)
		return r;
	if (S_ISDIR(e->stx.stx_mode) && !e->overmounted)
		r = copy_directory(c, dirfd, name, e, &xattrs);
	else if (S_ISREG(e->stx.stx_mode))
		r = copy_file(c, dirfd, name, e, &copied);
	else if (S_ISLNK(e->stx.stx_mode))
		r = copy_symlink(c, dirfd, name, e, &copied);
	else
		r = copied_node(dirfd, name, &copied);
	archive_xattrs_finish(&xattrs);
	return r;
}

static int cp_entry(void *arg, const struct tree_walk_entry *e)
{
	struct copying *c = arg;
	const char *name = e->depth == c->base ? c->name : e->name;
	int dirfd = c->dirs[c->n - 1].fd, r = cp_link(c, dirfd, name, e);

	if (r == 0)
		r = cp_object(c, dirfd, name, e);
	if (r < 0)
		fail("/%s: %s", e->path, strerror(-r));
	return MIN(r, 0);
}

static int cp_leave(void *arg, const char *path, unsigned depth)
{
	struct copying *c = arg;
	struct cp_dir *dir = &c->dirs[--c->n];
	int r;

	dir->copied.xattrs = &dir->xattrs;
	r = copied_finish(dir->fd, -1, NULL, &dir->copied);
	os_close(dir->fd);
	archive_xattrs_finish(&dir->xattrs);
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

/* Takes the descriptor of the destination. */
static int cp_all(struct layer_set *set, const char *path, int fd, const char *name)
{
	static const struct tree_walk_calls calls = {.entry = cp_entry, .leave = cp_leave, .failed = stack_failed_in};
	struct copying c = {.set = set, .name = name, .base = depth_of(path), .prefix = strlen(path)};
	int r;

	if (!ARRAY_ROOM(c.dirs, c.n, c.room, 1))
		abort();
	c.dirs[c.n++] = (struct cp_dir){.fd = fd};
	r = tree_walk(set, path, TREE_WALK_STAT, &calls, &c);
	while (c.n) {
		os_close(c.dirs[--c.n].fd);
		archive_xattrs_finish(&c.dirs[c.n].xattrs);
	}
	free(c.dirs);
	copied_links_free(c.links);
	return r == -ENOENT ? fail("/%s: not shown", path) : r < 0 ? EXIT_FAILED : EXIT_FINE;
}

/* Takes the descriptor too. */
static int cp_directories(const struct view_stack *stack, const char *layer, const char *path, int fd, const char *name)
{
	struct layer_set *set = copy_source(stack, layer, path);
	int status;

	if (!set) {
		os_close(fd);
		return EXIT_FAILED;
	}
	status = cp_all(set, path, fd, name);
	layer_set_put(set);
	return status;
}

static int run_cp(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL, *name = NULL;
	const char *slash, *destination;
	int fd, status;

	if (argc < 2 || argc > 3)
		return usage_error("cp: [STACK] [LAYER:]PATH DESTINATION is wanted");
	stack = stack_of_path_any(argc > 2 ? argv[0] : NULL, argv[argc - 2], &path, &layer);
	if (!stack)
		return EXIT_FAILED;
	destination = argv[argc - 1];
	slash = strrchr(path, '/');
	fd = open_destination(destination, slash ? slash + 1 : *path ? path : "root", &name);
	if (fd < 0)
		return fail("%s: %s", destination, strerror(-fd));
	if (stack->set)
		return cp_directories(stack, layer, path, fd, name);
	status = copy_packed(stack, layer, path, fd, name);
	os_close(fd);
	return status;
}

const struct verb verb_cp = {
	.name = "cp",
	.operands = "[STACK] [@N:]PATH DESTINATION",
	.help = "Copy a file or directory, as the union shows it or as a layer holds it",
	.more = "Modes, times, hard links and extended attributes are kept, and owners by root. Nothing that is there "
		"already is replaced.",
	.run = run_cp};
