// SPDX-License-Identifier: Apache-2.0
/*
 * The parts and the tar of an addition.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addition_state.h"
#include "archive/xattrs.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "os/fs.h"
#include "store/files.h"

static int object_failed(const struct added_object *o, int r, struct image_error *error)
{
	if (r == -EAGAIN)
		return image_fail(error, r, "/%s: it changed while it was read", o->path);
	return r < 0 ? image_fail(error, r, "/%s: %s", o->path, strerror(-r)) : r;
}

static int open_in_layer(const struct layer *l, const char *path, int flags)
{
	return *path ? layer_open_path(l, path, flags) : layer_openat(l, l->root_fd, ".", flags);
}

/* O_PATH of the object; `content`: what its content is read from. */
static int open_added(const struct addition *a, const struct added_object *o, bool content)
{
	const struct addition_source *s = o->name ? &a->sources[o->source] : NULL;
	const struct layer_set *set = s ? s->set : a->below;
	int flags = content ? O_RDONLY | O_NONBLOCK : O_PATH;

	(void)CHECK(o->where);
	if (s && !set)
		return *o->where ? os_openat(s->fd, o->where, flags, 0, OS_CROSS_MOUNTS)
		       : content ? os_reopen(s->fd, flags)
				 : os_dup(s->fd);
	if (content && o->data_layer == TREE_WALK_NO_LAYER)
		return -EIO;
	if (content && o->data_where)
		return open_in_layer(&set->layers[o->data_layer], o->data_where, flags);
	return open_in_layer(&set->layers[o->layer], o->where, flags);
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* The layer of which a source's object is; NULL: it is one of the machine. */
static const struct layer *layer_of_added(const struct addition *a, const struct added_object *o)
{
	const struct layer_set *set = a->sources[o->source].set;

	(void)CHECK(o->name && o->source < a->n_sources);
	return set ? &set->layers[o->layer] : NULL;
}

/* What the tar must have, too. */
static int keep_facts(struct added_object *o, const struct cache_part *part)
{
	const char *content = part->fields[S_ISLNK(o->stx.stx_mode) ? CACHE_TARGET : CACHE_CONTENT];
	const char *attributes = part->fields[CACHE_ATTRIBUTES];

	(void)CHECK(!o->attributes);
	snprintf(o->content, sizeof(o->content), "%s", content ? content : "");
	o->attributes = attributes ? strdup(attributes) : NULL;
	return attributes && !o->attributes ? -ENOMEM : 0;
}

static int add_object_part(const struct addition *a, struct added_object *o, struct cache_parts *parts,
			   struct image_error *error)
{
	_cleanup_close_ int fd = open_added(a, o, false), data_fd = -1;
	_cleanup_free_ char *name = NULL;
	int r;

	if (fd < 0)
		return object_failed(o, fd, error);
	if (S_ISREG(o->stx.stx_mode)) {
		data_fd = open_added(a, o, true);
		if (data_fd < 0)
			return object_failed(o, data_fd, error);
	}
	if (asprintf(&name, "input %s", o->name) < 0)
		return image_fail_memory(error);
	r = files_add_part(parts, name, &o->stx, layer_of_added(a, o), fd, data_fd, error);
	if (r < 0)
		return r;
	return keep_facts(o, &parts->list[parts->n - 1]) < 0 ? image_fail_memory(error) : 0;
}

/* Directories that are made aren't in the sources. Those of 0:0 are the same as without a part. */
static int add_made_owner(const struct addition *a, struct cache_parts *parts)
{
	const struct addition_options *o = a->options;
	struct cache_part *part;
	char owner[32];
	int r;

	if (!a->makes_directories || !o->has_owner || (!o->uid && !o->gid))
		return 0;
	snprintf(owner, sizeof(owner), "%u:%u", o->uid, o->gid);
	r = cache_parts_add(parts, "new directories", &part);
	return r < 0 ? r : cache_part_set(part, CACHE_OWNER, owner);
}

int addition_finish(struct addition *a, struct cache_parts *parts, struct image_error *error)
{
	_cleanup_free_ char *destination = NULL;
	int r = addition_sort(a, error);

	a->n_added = a->n;
	if (r == 0)
		r = addition_add_parents(a, error);
	if (r < 0)
		return r;
	if (asprintf(&destination, "/%s%s", a->destination, a->is_directory ? "/" : "") < 0)
		return image_fail_memory(error);
	r = cache_parts_add_digest(parts, "destination", destination, strlen(destination));
	if (r == 0)
		r = add_made_owner(a, parts);
	if (r < 0)
		return image_fail_memory(error);
	for (size_t i = 0; i < a->n && r == 0; i++)
		if (a->objects[i].name)
			r = add_object_part(a, &a->objects[i], parts, error);
	(void)CHECK(r < 0 || a->n >= a->n_added);
	return r == 0 ? addition_sort(a, error) : r;
}

/* --- the tar ------------------------------------------------------------------------------------------------------ */

struct addition_writing {
	const struct addition *a;
	struct tar_writer tar;
	archive_sink sink;
	void *arg;
	struct digest *digest; /* of the content that is written now; NULL: it is none */
};

static int sink_and_digest(void *arg, const void *data, size_t len)
{
	struct addition_writing *w = arg;
	int r = w->digest ? digest_add(w->digest, data, len) : 0;

	return r < 0 ? r : w->sink(w->arg, data, len);
}

/* The content must be what the key was made of. */
static int write_added_content(struct addition_writing *w, const struct added_object *o)
{
	_cleanup_close_ int fd = open_added(w->a, o, true);
	char is[DIGEST_SIZE];
	struct digest digest;
	int r = fd < 0 ? fd : digest_start(&digest);

	if (r < 0)
		return r;
	w->digest = &digest;
	r = tar_writer_content(&w->tar, fd, (int64_t)o->stx.stx_size);
	w->digest = NULL;
	if (r < 0) {
		digest_abandon(&digest);
		return r;
	}
	r = digest_finish(&digest, is);
	return r < 0 ? r : strcmp(is, o->content) ? -EAGAIN : 0;
}

/* A directory of the union keeps all its xattrs, as it does in an upper. */
static int read_added_xattrs(const struct addition_writing *w, const struct added_object *o, int fd,
			     struct archive_xattrs *ret)
{
	char digest[DIGEST_SIZE];
	int r;

	if (!o->name)
		return archive_xattrs_read(&w->a->below->layers[o->layer], fd, "", ret);
	r = file_xattrs(layer_of_added(w->a, o), fd, ret);
	if (r == 0 && ret->n)
		r = file_xattrs_digest(ret, digest);
	if (r < 0)
		return r;
	return (ret->n != 0) != (o->attributes != NULL) || (ret->n && strcmp(digest, o->attributes)) ? -EAGAIN : 0;
}

/* Also that is as the key has it. */
static int read_added_target(const struct added_object *o, int fd, char **ret)
{
	char digest[DIGEST_SIZE];
	int r = file_target(fd, ret);

	if (r == 0)
		r = digest_of(*ret, strlen(*ret), digest);
	return r < 0 ? r : strcmp(digest, o->content) ? -EAGAIN : 0;
}

/* Another object may have the name now. */
static int check_type(const struct added_object *o, int fd)
{
	struct statx stx;
	int r = os_statx(fd, "", &stx);

	return r < 0 ? r : (stx.stx_mode & S_IFMT) != (o->stx.stx_mode & S_IFMT) ? -EAGAIN : 0;
}

static int write_added(struct addition_writing *w, const struct added_object *o)
{
	_cleanup_(archive_xattrs_finish) struct archive_xattrs xattrs = {0};
	struct tar_object object = archive_object(w->a->options->archive, o->path, &o->stx);
	_cleanup_close_ int fd = o->where ? open_added(w->a, o, false) : -1;
	_cleanup_free_ char *target = NULL;
	int r = o->where && fd < 0 ? fd : 0;

	if (r == 0 && o->name && !w->a->sources[o->source].set)
		r = check_type(o, fd);
	if (r == 0 && fd >= 0)
		r = read_added_xattrs(w, o, fd, &xattrs);
	if (r == 0 && S_ISLNK(object.mode))
		r = read_added_target(o, fd, &target);
	if (r < 0)
		return r;
	object.link = target;
	object.xattrs = xattrs.list;
	object.n_xattrs = xattrs.n;
	r = tar_writer_object(&w->tar, &object);
	return r == 0 && S_ISREG(object.mode) ? write_added_content(w, o) : r;
}

int addition_write(void *arg, archive_sink sink, void *sink_arg, struct image_error *error)
{
	const struct addition *a = arg;
	struct addition_writing w = {.a = a, .sink = sink, .arg = sink_arg};
	int r = 0;

	tar_writer_init(&w.tar, sink_and_digest, &w);
	for (size_t i = 0; i < a->n && r == 0; i++)
		r = object_failed(&a->objects[i], write_added(&w, &a->objects[i]), error);
	if (r == 0)
		r = tar_writer_end(&w.tar);
	tar_writer_finish(&w.tar);
	(void)CHECK(!w.digest);
	return r;
}
