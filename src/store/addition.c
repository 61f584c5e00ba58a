// SPDX-License-Identifier: Apache-2.0
/*
 * The plan of an addition: objects of the sources, with the paths that they get.
 */
#include "store/addition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addition_state.h"
#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "os/fs.h"
#include "store/files.h"

/* --- sources ------------------------------------------------------------------------------------------------------ */

/* What is added of one source. */
struct adding_source {
	struct addition *a;
	const char *base; /* the last part of its name */
	const char *root; /* of a union: its path there */
	bool several;	  /* there are others */
	bool is_directory;
};

/* The path in the layer of a path in the source. */
static char *addition_path(const struct adding_source *s, const char *path)
{
	if (s->is_directory)
		return addition_join(s->a->destination, path);
	return s->a->is_directory ? addition_join(s->a->destination, s->base) : strdup(s->a->destination);
}

/* The owner and the mode that the options want. `stays`: an owner without them. */
static void set_attributes(const struct addition_options *options, bool stays, struct statx *stx)
{
	if (options->has_owner || !stays) {
		stx->stx_uid = options->has_owner ? options->uid : 0;
		stx->stx_gid = options->has_owner ? options->gid : 0;
	}
	if (options->has_mode && !S_ISLNK(stx->stx_mode))
		stx->stx_mode = (uint16_t)((stx->stx_mode & S_IFMT) | options->mode);
}

static int refuse_object(const char *path, const struct statx *stx, struct image_error *error)
{
	int r = addition_refuse_name(path, error);

	if (r < 0)
		return r;
	if (S_ISCHR(stx->stx_mode) && !stx->stx_rdev_major && !stx->stx_rdev_minor)
		return image_fail(error, -EINVAL, "/%s: a device 0:0 would be a whiteout", path);
	return 0;
}

/* Adds an object of the present source. `path` is that in the source. */
static int add_object(const struct adding_source *s, const char *path, const struct statx *stx, bool stays,
		      struct added_object **ret, struct image_error *error)
{
	_cleanup_free_ char *target = addition_path(s, path);
	const char *name = s->is_directory ? *path ? path : "." : s->base;
	int r = target ? refuse_object(target, stx, error) : image_fail_memory(error);

	if (r < 0)
		return r;
	if (!*target && !S_ISDIR(stx->stx_mode))
		return image_fail(error, -EISDIR, "/: it is a directory");
	r = addition_object(s->a, target, name, ret);
	if (r < 0)
		return image_fail_memory(error);
	(*ret)->stx = *stx;
	(*ret)->source = s->a->n_sources - 1;
	set_attributes(s->a->options, stays, &(*ret)->stx);
	return 0;
}

/* 0: the object is wanted; FILES_SKIP: it isn't, and nothing in it; FILES_PASS: not itself. */
#define FILES_PASS 2
static int object_wanted(const struct adding_source *s, const char *path, uint16_t mode)
{
	bool below;

	if (S_ISSOCK(mode))
		return FILES_SKIP;
	if (!*path || !addition_excludes(s->a->options->exclude, path, &below))
		return 0;
	return below && S_ISDIR(mode) ? FILES_PASS : FILES_SKIP;
}

/* Of a directory that is named its content is added. If the destination is there, its attributes stay. */
static bool passes_root(const struct adding_source *s, const char *path)
{
	return s->is_directory && !*path && s->a->is_directory;
}

/* Whether what is named is a directory, and so the destination. */
static int begin_source(struct adding_source *s, uint16_t mode, struct image_error *error)
{
	(void)CHECK(s->a->n_sources);
	s->is_directory = S_ISDIR(mode);
	if (s->several && !s->a->is_directory)
		return image_fail(error, -ENOTDIR,
				  "/%s: of several sources it must be a directory, with a slash at its end",
				  s->a->destination);
	return 0;
}

static int add_file(void *arg, const struct file_entry *e, struct image_error *error)
{
	struct adding_source *s = arg;
	struct added_object *o;
	int r = *e->path ? 0 : begin_source(s, e->stx.stx_mode, error), wanted;

	if (r < 0)
		return r;
	wanted = object_wanted(s, e->path, e->stx.stx_mode);
	if (wanted)
		return wanted == FILES_PASS ? 0 : wanted;
	if (passes_root(s, e->path))
		return 0;
	r = add_object(s, e->path, &e->stx, false, &o, error);
	if (r < 0)
		return r;
	o->where = strdup(e->path);
	return o->where ? 0 : image_fail_memory(error);
}

static int new_source(struct addition *a, int fd, struct layer_set *set, struct image_error *error)
{
	struct addition_source *next = ARRAY_NEXT(a->sources, a->n_sources);

	if (!next)
		return image_fail_memory(error);
	*next = (struct addition_source){.fd = fd, .set = set};
	a->n_sources++;
	return 0;
}

/* The last part of a path. The caller frees it. */
static char *base_of(const char *path)
{
	size_t end = strlen(path), start;

	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/';)
		start--;
	return strndup(path + start, end - start);
}

int addition_add_files(struct addition *a, const char *path, bool several, struct image_error *error)
{
	_cleanup_free_ char *base = base_of(path);
	struct adding_source s = {.a = a, .base = base, .several = several};
	int fd = os_open_path(path, O_PATH, 0), r;

	if (fd < 0)
		return image_fail(error, fd, "%s: %s", path, strerror(-fd));
	r = base ? new_source(a, fd, NULL, error) : image_fail_memory(error);
	if (r < 0) {
		os_close(fd);
		return r;
	}
	return files_walk(path, add_file, &s, error);
}

/* --- of a union --------------------------------------------------------------------------------------------------- */

struct adding_union {
	struct adding_source source;
	struct image_error *error;
};

static int add_union_object(struct adding_union *u, const struct tree_walk_entry *e, const char *path)
{
	struct added_object *o;
	int r = add_object(&u->source, path, &e->stx, true, &o, u->error);

	if (r < 0)
		return r;
	o->layer = e->layer;
	o->data_layer = e->data_layer;
	r = tree_walk_layer_path(e, &o->where);
	if (r == 0 && e->data_path && !(o->data_where = strdup(e->data_path)))
		r = -ENOMEM;
	return r < 0 ? image_fail(u->error, r, "/%s: %s", e->path, strerror(-r)) : 0;
}

static int add_shown(void *arg, const struct tree_walk_entry *e)
{
	struct adding_union *u = arg;
	const char *path = e->path + strlen(u->source.root);
	int r, wanted;

	path += *path == '/';
	r = *path ? 0 : begin_source(&u->source, e->stx.stx_mode, u->error);
	if (r < 0)
		return r;
	if (e->overmounted)
		return image_fail(u->error, -EXDEV, "/%s: a mount covers it", e->path);
	wanted = object_wanted(&u->source, path, e->stx.stx_mode);
	if (wanted)
		return wanted == FILES_SKIP && S_ISDIR(e->stx.stx_mode) ? TREE_WALK_PRUNE : 0;
	return passes_root(&u->source, path) ? 0 : add_union_object(u, e, path);
}

int addition_add_union(struct addition *a, struct layer_set *set, const char *path, bool several,
		       struct image_error *error)
{
	static const struct tree_walk_calls calls = {.entry = add_shown};
	_cleanup_free_ char *base = base_of(path), *root = NULL;
	struct image_error why = {.text = ""};
	struct adding_union u = {.source = {.a = a, .base = base, .several = several}, .error = &why};
	struct tree_looks *looks = NULL;
	int r = base ? new_source(a, -1, layer_set_get(set), error) : image_fail_memory(error);

	if (r < 0)
		return r;
	r = tree_looks_new(set, &looks);
	if (r == 0)
		r = shown_resolve(set, looks, path, &root);
	u.source.root = root;
	if (r == 0)
		r = tree_walk(set, root, TREE_WALK_STAT, &calls, &u);
	tree_looks_free(looks);
	return r < 0 ? image_fail(error, r, "%s: %s", path, *why.text ? why.text : strerror(-r)) : 0;
}

/* --- the addition ------------------------------------------------------------------------------------------------- */

static int find_destination(struct addition *a, const char *path)
{
	_cleanup_(shown_finish) struct shown s = {.there = false};
	size_t len = strlen(path);
	int r = shown_resolve(a->below, a->looks, path, &a->destination);

	if (r == 0)
		r = shown_look(a->looks, a->destination, &s);
	if (r < 0)
		return r;
	a->is_directory = s.there && S_ISDIR(s.stx.stx_mode);
	a->is_there = s.there;
	if (path[len - 1] != '/' && strcmp(path, ".") && (len < 2 || strcmp(path + len - 2, "/.")))
		return 0;
	if (s.there && !a->is_directory)
		return -ENOTDIR;
	a->is_directory = true;
	return 0;
}

int addition_new(struct layer_set *below, const char *destination, const struct addition_options *options,
		 struct addition **ret, struct image_error *error)
{
	_cleanup_(addition_cleanup) struct addition *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return image_fail_memory(error);
	if (!CHECK(*destination == '/'))
		return -EIO;
	a->below = below;
	a->options = options;
	r = tree_looks_new(below, &a->looks);
	if (r == 0)
		r = find_destination(a, destination);
	if (r < 0)
		return image_fail(error, r, "%s: %s", destination, strerror(-r));
	*ret = TAKE_PTR(a);
	return 0;
}

void addition_free(struct addition *a)
{
	for (size_t i = 0; i < a->n_sources; i++) {
		if (a->sources[i].fd >= 0)
			os_close(a->sources[i].fd);
		if (a->sources[i].set)
			layer_set_put(a->sources[i].set);
	}
	for (size_t i = 0; i < a->n; i++)
		addition_object_finish(&a->objects[i]);
	free(a->sources);
	free(a->objects);
	free(a->destination);
	tree_looks_free(a->looks);
	free(a);
}
