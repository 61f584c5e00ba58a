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
	const char *base; /* the last part of its name; with keeps_path the whole */
	const char *root; /* of a union: its path there */
	bool several;	  /* there are others */
	bool is_directory;
};

/* The path in the layer of a path in the source. */
static char *addition_path(const struct adding_source *s, const char *path)
{
	if (s->a->options->keeps_path) {
		_cleanup_free_ char *below = addition_join(s->base, path);

		return below ? addition_join(s->a->destination, below) : NULL;
	}
	if (s->is_directory)
		return addition_join(s->a->destination, path);
	return s->a->is_directory ? addition_join(s->a->destination, s->base) : strdup(s->a->destination);
}

/* By which a part calls it. */
static char *addition_name(const struct adding_source *s, const char *path)
{
	_cleanup_free_ char *below = addition_join(s->base, path);

	if (s->a->options->keeps_path && below)
		return strdup(*below ? below : ".");
	return !below ? NULL : strdup(!s->is_directory ? s->base : *path ? path : ".");
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
	_cleanup_free_ char *target = addition_path(s, path), *name = addition_name(s, path);
	int r = target && name ? refuse_object(target, stx, error) : image_fail_memory(error);

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
	bool has_path = s->a->options->keeps_path && *s->base;

	return s->is_directory && !*path && s->a->is_directory && !has_path;
}

/* Whether what is named is a directory, and so the destination. */
static int begin_source(struct adding_source *s, uint16_t mode, struct image_error *error)
{
	(void)CHECK(s->a->n_sources);
	s->is_directory = S_ISDIR(mode);
	if (s->a->options->keeps_path && !s->a->is_directory)
		return image_fail(error, -ENOTDIR,
				  "/%s: for the directories of a source it must be one, with a slash at its end",
				  s->a->destination);
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

/* The next part of a path, which isn't empty or `.`; *len is 0 at the end. */
static const char *next_part(const char *at, size_t *len)
{
	do {
		at += strspn(at, "/");
		*len = strcspn(at, "/");
		if (*len != 1 || *at != '.')
			return at;
		at++;
	} while (true);
}

/* The directories that a source has in its path: `above` is called for each, with its path and what is kept of it. What
 * is kept of the whole path goes to *ret, which the caller frees. */
static int each_above(const char *path, int (*above)(void *arg, const char *path, const char *kept), void *arg,
		      char **ret, struct image_error *error)
{
	const char *pivot = strstr(path, "/./");
	_cleanup_free_ char *kept = strdup("");
	size_t len, next_len;
	int r = 0;

	for (const char *at = next_part(pivot ? pivot : path, &len), *next; len && r == 0; at = next, len = next_len) {
		_cleanup_free_ char *before = kept, *part = strndup(at, len), *whole = NULL;

		kept = before && part ? addition_join(before, part) : NULL;
		if (!kept)
			return image_fail_memory(error);
		if (!strcmp(part, ".."))
			return image_fail(error, -EINVAL, "%s: directories of a path with .. can't be kept", path);
		next = next_part(at + len, &next_len);
		whole = strndup(path, (size_t)(at + len - path));
		if (next_len)
			r = whole ? above(arg, whole, kept) : image_fail_memory(error);
	}
	*ret = TAKE_PTR(kept);
	return r;
}

struct adding_above {
	struct addition *a;
	struct layer_set *set; /* NULL: of the machine */
	struct tree_looks *looks;
	struct image_error *error;
};

static int add_file_above(void *arg, const char *path, const char *kept)
{
	const struct adding_above *above = arg;
	const struct adding_source s = {.a = above->a, .base = kept, .is_directory = true};
	int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0), r = fd < 0 ? fd : 0;
	struct added_object *o;
	struct statx stx;

	if (r == 0)
		r = os_statx(fd, "", &stx);
	if (r < 0) {
		if (fd >= 0)
			os_close(fd);
		return image_fail(above->error, r, "%s: %s", path, strerror(-r));
	}
	r = new_source(above->a, fd, NULL, above->error);
	if (r < 0) {
		os_close(fd);
		return r;
	}
	r = add_object(&s, "", &stx, false, &o, above->error);
	if (r < 0)
		return r;
	o->where = strdup("");
	return o->where ? 0 : image_fail_memory(above->error);
}

static int add_shown_above(void *arg, const char *path, const char *kept)
{
	const struct adding_above *above = arg;
	const struct adding_source s = {.a = above->a, .base = kept, .is_directory = true};
	_cleanup_(shown_finish) struct shown shown = {.there = false};
	_cleanup_free_ char *at = NULL;
	struct added_object *o;
	int r = shown_resolve(above->set, above->looks, path, &at);

	if (r == 0)
		r = shown_look(above->looks, at, &shown);
	if (r == 0 && !(shown.there && S_ISDIR(shown.stx.stx_mode)))
		r = -ENOTDIR;
	if (r < 0)
		return image_fail(above->error, r, "%s: %s", path, strerror(-r));
	r = new_source(above->a, -1, layer_set_get(above->set), above->error);
	if (r == 0)
		r = add_object(&s, "", &shown.stx, true, &o, above->error);
	if (r < 0)
		return r;
	o->layer = shown.layer;
	o->where = TAKE_PTR(shown.where);
	return 0;
}

/* What the source is called, after the directories above it if they are kept. */
static int source_base(struct adding_above *above, const char *path, char **ret)
{
	if (above->a->options->keeps_path)
		return each_above(path, above->set ? add_shown_above : add_file_above, above, ret, above->error);
	*ret = base_of(path);
	return *ret ? 0 : image_fail_memory(above->error);
}

int addition_add_files(struct addition *a, const char *path, bool several, struct image_error *error)
{
	struct adding_above above = {.a = a, .error = error};
	_cleanup_free_ char *base = NULL;
	struct adding_source s = {.a = a, .several = several};
	int fd, r = source_base(&above, path, &base);

	if (r < 0)
		return r;
	s.base = base;
	fd = os_open_path(path, O_PATH, 0);
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
	_cleanup_free_ char *base = NULL, *root = NULL;
	struct image_error why = {.text = ""};
	struct adding_union u = {.source = {.a = a, .several = several}, .error = &why};
	struct adding_above above = {.a = a, .set = set, .error = &why};
	int r = tree_looks_new(set, &above.looks);

	if (r == 0)
		r = source_base(&above, path, &base);
	u.source.base = base;
	if (r == 0)
		r = new_source(a, -1, layer_set_get(set), &why);
	if (r == 0)
		r = shown_resolve(set, above.looks, path, &root);
	u.source.root = root;
	if (r == 0)
		r = tree_walk(set, root, TREE_WALK_STAT, &calls, &u);
	tree_looks_free(above.looks);
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
