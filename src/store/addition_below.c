// SPDX-License-Identifier: Apache-2.0
/*
 * What is below an addition: where its destination leads, and the directories above it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addition_state.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/error.h"
#include "os/fs.h"

#define LINKS_MAX 40

char *addition_join(const char *parent, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s%s%s", parent, *parent && *name ? "/" : "", name) < 0 ? NULL : path;
}

/* --- one path of the union ---------------------------------------------------------------------------------------- */

void shown_finish(struct shown *s)
{
	free(s->where);
	free(s->data_where);
	*s = (struct shown){.there = false};
}

static int shown_take(void *arg, const struct tree_walk_entry *e)
{
	struct shown *s = arg;

	(void)CHECK(e->shown);
	s->there = true;
	s->stx = e->stx;
	s->layer = e->layer;
	s->data_layer = e->data_layer;
	if (e->data_path) {
		s->data_where = strdup(e->data_path);
		if (!s->data_where)
			return -ENOMEM;
	}
	return tree_walk_layer_path(e, &s->where);
}

int shown_look(struct tree_looks *looks, const char *path, struct shown *ret)
{
	int r;

	*ret = (struct shown){.there = false};
	r = tree_looks_at(looks, path, shown_take, ret);
	if (r < 0)
		shown_finish(ret);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int read_link(const struct layer_set *set, const struct shown *s, char **ret)
{
	_cleanup_close_ int fd = layer_open_path(&set->layers[s->layer], s->where, O_PATH);
	_cleanup_free_ char *target = malloc(PATH_MAX + 1);
	ssize_t n = fd < 0 ? fd : !target ? -ENOMEM : os_readlinkat(fd, "", target, PATH_MAX);

	(void)CHECK(S_ISLNK(s->stx.stx_mode));
	if (n < 0)
		return (int)n;
	target[n] = '\0';
	*ret = TAKE_PTR(target);
	return 0;
}

struct resolving {
	struct layer_set *set;
	struct tree_looks *looks;
	char *done, *rest; /* owned */
	unsigned links;
};

static int replace(char **text, char *with)
{
	if (!with)
		return -ENOMEM;
	free(*text);
	*text = with;
	return 0;
}

static int follow_link(struct resolving *r, const struct shown *s, const char *rest)
{
	_cleanup_free_ char *target = NULL;
	char *all = NULL;
	int err = ++r->links > LINKS_MAX ? -ELOOP : read_link(r->set, s, &target);

	if (err < 0)
		return err;
	if (*target == '/')
		err = replace(&r->done, strdup(""));
	if (err < 0 || asprintf(&all, "%s/%s", target, rest) < 0)
		return err < 0 ? err : -ENOMEM;
	return replace(&r->rest, all);
}

/* Takes one component of `rest`. */
static int resolve_part(struct resolving *r)
{
	_cleanup_(shown_finish) struct shown s = {.there = false};
	const char *at = r->rest + strspn(r->rest, "/");
	size_t n = strcspn(at, "/");
	_cleanup_free_ char *name = strndup(at, n), *path = NULL, *after = strdup(at + n);
	int err;

	if (!name || !after)
		return -ENOMEM;
	if (!n || !strcmp(name, "."))
		return replace(&r->rest, TAKE_PTR(after));
	if (!strcmp(name, "..")) {
		char *slash = strrchr(r->done, '/');

		*(slash ? slash : r->done) = '\0';
		return replace(&r->rest, TAKE_PTR(after));
	}
	path = addition_join(r->done, name);
	err = path ? shown_look(r->looks, path, &s) : -ENOMEM;
	if (err < 0)
		return err;
	if (s.there && S_ISLNK(s.stx.stx_mode))
		return follow_link(r, &s, after);
	if (s.there && !S_ISDIR(s.stx.stx_mode) && after[strspn(after, "/")])
		return -ENOTDIR;
	err = replace(&r->done, TAKE_PTR(path));
	return err < 0 ? err : replace(&r->rest, TAKE_PTR(after));
}

int shown_resolve(struct layer_set *set, struct tree_looks *looks, const char *path, char **ret)
{
	struct resolving r = {.set = set, .looks = looks, .done = strdup(""), .rest = strdup(path)};
	int err = r.done && r.rest ? 0 : -ENOMEM;

	(void)CHECK(set && looks);
	while (err == 0 && r.rest[strspn(r.rest, "/")])
		err = resolve_part(&r);
	free(r.rest);
	if (err < 0)
		free(r.done);
	else
		*ret = r.done;
	return err;
}

/* --- directories above -------------------------------------------------------------------------------------------- */

static bool is_planned(const struct addition *a, size_t n, const char *path)
{
	size_t low = 0, high = n;

	/* The first n are sorted as addition_sort() does. */
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = addition_order(a->objects[middle].path, path);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The latest time of what is added. */
static struct statx_timestamp latest_time(const struct addition *a)
{
	struct statx_timestamp latest = {.tv_sec = 0};

	for (size_t i = 0; i < a->n_added; i++) {
		const struct statx_timestamp *t = &a->objects[i].stx.stx_mtime;

		if (!S_ISDIR(a->objects[i].stx.stx_mode) &&
		    (t->tv_sec > latest.tv_sec || (t->tv_sec == latest.tv_sec && t->tv_nsec > latest.tv_nsec)))
			latest = *t;
	}
	return latest;
}

int addition_refuse_name(const char *path, struct image_error *error)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	(void)CHECK(*path != '/');
	if (!strncmp(name, AUFS_PREFIX, strlen(AUFS_PREFIX)))
		return image_fail(error, -EINVAL, "/%s: a name that begins with .wh. can't be in a layer", path);
	return 0;
}

/* A directory of the union, or one that is made. */
static int add_parent(struct addition *a, const char *path, struct image_error *error)
{
	_cleanup_(shown_finish) struct shown s = {.there = false};
	struct added_object *o;
	int r = addition_refuse_name(path, error);

	if (r < 0)
		return r;
	r = shown_look(a->looks, path, &s);
	if (r == 0 && s.there && !S_ISDIR(s.stx.stx_mode))
		return image_fail(error, -ENOTDIR, "/%s: it is no directory in the stack", path);
	if (r == 0)
		r = addition_object(a, path, NULL, &o);
	if (r < 0)
		return image_fail(error, r, "/%s: %s", path, strerror(-r));
	if (s.there) {
		o->stx = s.stx;
		o->layer = s.layer;
		o->where = TAKE_PTR(s.where);
		return 0;
	}
	o->stx = (struct statx){.stx_mode = S_IFDIR | 0755,
				.stx_uid = a->options->has_owner ? a->options->uid : 0,
				.stx_gid = a->options->has_owner ? a->options->gid : 0,
				.stx_mtime = latest_time(a)};
	a->makes_directories = true;
	return 0;
}

/* A file that has the name of a directory would hide all in it, and the other way round. */
static int compare_with_below(struct addition *a, const struct added_object *o, struct image_error *error)
{
	_cleanup_(shown_finish) struct shown s = {.there = false};
	int r = shown_look(a->looks, o->path, &s);

	if (r < 0)
		return image_fail(error, r, "/%s: %s", o->path, strerror(-r));
	if (s.there && S_ISDIR(s.stx.stx_mode) != S_ISDIR(o->stx.stx_mode))
		return image_fail(error, S_ISDIR(s.stx.stx_mode) ? -EISDIR : -ENOTDIR,
				  "/%s: it is %s directory in the stack, and %s source", o->path,
				  S_ISDIR(s.stx.stx_mode) ? "a" : "no",
				  S_ISDIR(s.stx.stx_mode) ? "none in the" : "one in the");
	return 0;
}

/* The parents of the object of number `i` that the one before it doesn't have, too. */
static int add_parents_of(struct addition *a, size_t n, size_t i, struct image_error *error)
{
	_cleanup_free_ char *path = strdup(a->objects[i].path);
	const char *before = i ? a->objects[i - 1].path : NULL;
	int r = 0;

	if (!path)
		return image_fail_memory(error);
	while (r == 0 && *path) {
		char *slash = strrchr(path, '/');
		size_t len;

		*(slash ? slash : path) = '\0';
		len = strlen(path);
		if (before && !strncmp(before, path, len) && (!len || before[len] == '/'))
			break;
		if (!is_planned(a, n, path))
			r = add_parent(a, path, error);
	}
	return r;
}

/* A destination that is made is there, though it stays empty. */
static int add_empty_destination(struct addition *a, struct image_error *error)
{
	return a->n || a->is_there || !a->is_directory || !*a->destination ? 0 : add_parent(a, a->destination, error);
}

int addition_add_parents(struct addition *a, struct image_error *error)
{
	int r = add_empty_destination(a, error);
	size_t n = a->n;

	(void)CHECK(a->looks);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = compare_with_below(a, &a->objects[i], error);
		if (r == 0)
			r = add_parents_of(a, n, i, error);
	}
	return r;
}
