/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of archives, made below a directory that is open. Each is reached from there by a path of directories that
 * were made here, and no symbolic link is followed on the way.
 */
#include "copy_packed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "copy_out.h"
#include "os/fs.h"
#include "view/extract.h"

struct unpacking {
	int base;	  /* the directory of the copy */
	const char *name; /* of the copy there */
	size_t prefix;	  /* bytes of the path of what is copied */
	char *path;	  /* from `base`, of the object at hand; owned */
	int parent;	  /* O_PATH, its directory; owned; -1: none */
	int file;	  /* that is being written; owned; -1: none */
	bool begun, incomplete;
};

/* --- places ------------------------------------------------------------------------------------------------------- */

static char *place_of(const struct unpacking *u, const char *path)
{
	char *place;

	path += u->prefix;
	if (asprintf(&place, "%s%s%s", u->name, *path && *path != '/' ? "/" : "", path) < 0)
		abort();
	return place;
}

/* Opens the directory of an object. *ret_name is its name there. Neighbours often come one after the other. */
static int go_to(struct unpacking *u, const char *path, const char **ret_name)
{
	char *place = place_of(u, path), *slash = strrchr(place, '/');
	const char *old = u->path ? strrchr(u->path, '/') : NULL;
	size_t len = slash ? (size_t)(slash - place) : 0;
	bool same = u->parent >= 0 && slash && old && (size_t)(old - u->path) == len && !memcmp(place, u->path, len);

	u->begun = true;
	free(u->path);
	u->path = place;
	*ret_name = slash ? slash + 1 : place;
	if (same)
		return 0;
	cleanup_close(&u->parent);
	if (slash)
		*slash = '\0';
	u->parent = slash ? os_openat(u->base, place, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV) : os_dup(u->base);
	if (slash)
		*slash = '/';
	return MIN(u->parent, 0);
}

/* Tells an error once. */
static int told(const char *path, int r)
{
	if (r < 0)
		fail("/%s: %s", path, strerror(-r));
	return r;
}

static struct copied copied_of(const struct view_object *o, const struct archive_xattrs *xattrs)
{
	return (struct copied){.mode = o->mode,
			       .uid = o->uid,
			       .gid = o->gid,
			       .major = o->major,
			       .minor = o->minor,
			       .mtime = {.tv_sec = o->mtime, .tv_nsec = o->mtime_nsec},
			       .xattrs = xattrs};
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static int packed_directory(void *arg, const struct view_object *o)
{
	struct unpacking *u = arg;
	const char *name;
	int r = go_to(u, o->path, &name);

	return told(o->path, r < 0 ? r : os_mkdirat(u->parent, name, 0700));
}

static int packed_file(void *arg, const struct view_object *o, bool again)
{
	struct unpacking *u = arg;
	const char *name;
	int r = go_to(u, o->path, &name);

	if (r == 0 && again)
		r = os_unlinkat(u->parent, name, 0);
	if (r == 0)
		u->file = r = copied_file(u->parent, name);
	return told(o->path, MIN(r, 0));
}

static int packed_data(void *arg, uint64_t at, const void *data, size_t len)
{
	const struct unpacking *u = arg;
	ssize_t n = os_pwrite_all(u->file, data, len, (off_t)at);

	return told(u->path, n < 0 ? (int)n : (size_t)n < len ? -ENOSPC : 0);
}

static int packed_file_end(void *arg, const struct view_object *o, const struct tar_xattr *xattrs, size_t n)
{
	struct unpacking *u = arg;
	const struct archive_xattrs all = {.list = (struct tar_xattr *)xattrs, .n = n};
	struct copied copied = copied_of(o, &all);
	int r = os_ftruncate(u->file, (off_t)o->size);

	if (r == 0)
		r = copied_finish(u->file, -1, NULL, &copied);
	cleanup_close(&u->file);
	return told(o->path, r);
}

static int packed_other(void *arg, const struct view_object *o, const struct tar_xattr *xattrs, size_t n)
{
	struct unpacking *u = arg;
	const struct archive_xattrs all = {.list = (struct tar_xattr *)xattrs, .n = n};
	struct copied copied = copied_of(o, &all);
	const char *name;
	int r = go_to(u, o->path, &name);

	if (r == 0)
		r = S_ISLNK(o->mode) ? copied_symlink(u->parent, name, o->link, &copied)
				     : copied_node(u->parent, name, &copied);
	/* An ordinary user gets the rest, as from cp -a. */
	if (r == -EPERM && (S_ISCHR(o->mode) || S_ISBLK(o->mode))) {
		u->incomplete = true;
		told(o->path, r);
		return 0;
	}
	return told(o->path, r);
}

static int packed_link(void *arg, const char *path, const char *to)
{
	struct unpacking *u = arg;
	_cleanup_free_ char *first = place_of(u, to);
	const char *name;
	int r = go_to(u, path, &name);
	_cleanup_close_ int fd = r < 0 ? r : os_openat(u->base, first, O_PATH | O_NOFOLLOW, 0, OS_NO_XDEV);

	/* A device that wasn't made has been told. */
	if (fd == -ENOENT && u->incomplete)
		return 0;
	return told(path, fd < 0 ? fd : os_link_fd(fd, u->parent, name));
}

static int packed_leave(void *arg, const struct view_object *o, const struct tar_xattr *xattrs, size_t n)
{
	struct unpacking *u = arg;
	const struct archive_xattrs all = {.list = (struct tar_xattr *)xattrs, .n = n};
	struct copied copied = copied_of(o, &all);
	_cleanup_free_ char *place = place_of(u, o->path);
	_cleanup_close_ int fd = os_openat(u->base, place, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);

	return told(o->path, fd < 0 ? fd : copied_finish(fd, -1, NULL, &copied));
}

static int packed_failed(void *arg, const char *path, const char *cause)
{
	struct unpacking *u = arg;

	u->incomplete = true;
	fail("/%s: %s", path, cause);
	return 0;
}

int copy_packed(const struct view_stack *stack, const char *layer, const char *path, int dirfd, const char *name)
{
	static const struct view_extract_calls calls = {
		.directory = packed_directory,
		.file = packed_file,
		.data = packed_data,
		.file_end = packed_file_end,
		.other = packed_other,
		.link = packed_link,
		.leave = packed_leave,
		.failed = packed_failed,
	};
	struct unpacking u = {.base = dirfd, .name = name, .prefix = strlen(path), .parent = -1, .file = -1};
	_cleanup_free_ char *error = NULL;
	int first = layer ? stack_layer(stack, layer) : 0, r;

	if (first < 0)
		return EXIT_FAILED;
	r = view_extract(stack, (size_t)first, layer != NULL, path, &calls, &u, &error);
	cleanup_close(&u.parent);
	cleanup_close(&u.file);
	free(u.path);
	if (error)
		return fail("%s", error);
	if (r == -ENOENT && !u.begun)
		return layer ? fail("%s:/%s: the layer doesn't hold it", layer, path) : fail("/%s: not shown", path);
	return r < 0 || u.incomplete ? EXIT_FAILED : EXIT_FINE;
}
