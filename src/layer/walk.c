/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking one layer. Names of a directory are read into memory before the first is told: a call-back may change what it
 * is told of, and a second reading starts from nothing.
 */
#include "layer/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"

/* A directory that is still to be entered. */
struct pending {
	char *path; /* owned */
	uint64_t tag;
	unsigned xattr_flags;
	bool opaque;
};

struct walk_name {
	size_t at; /* in walk.names */
	uint64_t ino;
	unsigned char type;
};

struct walk {
	const struct layer_set *set;
	const struct layer *l;
	unsigned flags;
	bool aufs; /* the dialect's names mean something */
	const struct layer_walk_calls *calls;
	void *arg;

	struct pending *todo; /* owned; the next is the last */
	size_t n_todo, todo_room;

	/* the directory that is being read */
	const char *at;
	int fd;
	bool xwhiteouts;
	char *names; /* owned; each with its NUL */
	size_t names_len, names_room;
	struct walk_name *list; /* owned */
	size_t n_list, list_room;
};

/* --- one object --------------------------------------------------------------------------------------------------- */

/* Attributes, where the type alone doesn't say enough. */
static int layer_walk_look(struct walk *w, struct layer_walk_entry *e, unsigned char type)
{
	bool is_overridden = w->l->override != OVERRIDE_NONE && type == DT_REG;
	bool may_be_whiteout = type == DT_CHR || (type == DT_REG && w->xwhiteouts);

	e->stx = (struct statx){.stx_mask = STATX_TYPE, .stx_mode = (uint16_t)DTTOIF(type), .stx_ino = e->ino};
	if ((w->flags & LAYER_WALK_STAT) || type == DT_UNKNOWN || may_be_whiteout || is_overridden ||
	    (type == DT_DIR && !w->l->cloned))
		return layer_statx(w->l, e->dirfd, e->name, &e->stx, &e->overmounted);
	return 0;
}

static int look_at_directory(struct walk *w, struct layer_walk_entry *e)
{
	int r = layer_read_xattr_flags(w->set, w->l, e->dirfd, e->name, &e->xattr_flags);

	if (r < 0)
		return r;
	e->opaque = e->xattr_flags & XATTR_FLAG_OPAQUE;
	if (e->opaque || !w->aufs)
		return 0;
	r = layer_aufs_opaque(w->l, e->dirfd, e->name);
	e->opaque = r > 0;
	return MIN(r, 0);
}

static int walk_look_at_object(struct walk *w, struct layer_walk_entry *e)
{
	bool may_be_xwhiteout;
	int r;

	if (e->overmounted)
		return 0;
	if (S_ISDIR(e->stx.stx_mode))
		return look_at_directory(w, e);
	e->whiteout = layer_is_whiteout(&e->stx) && (e->stx.stx_mask & STATX_INO);
	may_be_xwhiteout = w->xwhiteouts && S_ISREG(e->stx.stx_mode) && e->stx.stx_size == 0;
	if (e->whiteout || (!may_be_xwhiteout && !(w->flags & LAYER_WALK_XATTR_FLAGS)))
		return 0;
	r = layer_read_xattr_flags(w->set, w->l, e->dirfd, e->name, &e->xattr_flags);
	e->whiteout = r == 0 && may_be_xwhiteout && (e->xattr_flags & XATTR_FLAG_WHITEOUT);
	return r;
}

static int tell_failure(struct walk *w, const struct layer_walk_entry *e, int err)
{
	(void)CHECK(err < 0);
	if (err == -ENOENT || err == -ESTALE)
		return 0;
	return w->calls->failed ? w->calls->failed(w->arg, e, err) : err;
}

static int add_pending(struct walk *w, const struct layer_walk_entry *e)
{
	struct pending *p;

	(void)CHECK(S_ISDIR(e->stx.stx_mode) && !e->overmounted);
	if (!ARRAY_ROOM(w->todo, w->n_todo, w->todo_room, 1))
		return -ENOMEM;
	p = &w->todo[w->n_todo];
	*p = (struct pending){
		.path = strdup(e->path), .tag = e->tag, .xattr_flags = e->xattr_flags, .opaque = e->opaque};
	if (!p->path)
		return -ENOMEM;
	w->n_todo++;
	return 0;
}

/* Tells one object, of type `type` as far as known. */
static int walk_tell(struct walk *w, struct layer_walk_entry *e, unsigned char type)
{
	int r = layer_walk_look(w, e, type);

	if (r == 0)
		r = walk_look_at_object(w, e);
	if (r < 0)
		return tell_failure(w, e, r);
	r = w->calls->entry(w->arg, e);
	if (r != 0)
		return r == LAYER_WALK_SKIP ? 0 : r;
	return S_ISDIR(e->stx.stx_mode) && !e->overmounted ? add_pending(w, e) : 0;
}

/* --- one directory ------------------------------------------------------------------------------------------------ */

static int compose(const char *dir, const char *name, char **ret)
{
	return asprintf(ret, "%s%s%s", dir, *dir ? "/" : "", name) < 0 ? -ENOMEM : 0;
}

static int tell_name(struct walk *w, const struct walk_name *n)
{
	const char *name = w->names + n->at;
	bool reserved = w->aufs && aufs_is_reserved(name);
	const char *target = reserved ? aufs_whiteout_target(name) : name;
	struct layer_walk_entry e = {.layer = w->l, .name = target, .dirfd = w->fd, .ino = n->ino};
	_cleanup_free_ char *path = NULL;
	int r;

	/* The dialect's own, also the xattr that was told with the directory. */
	if (!target)
		return 0;
	r = compose(w->at, target, &path);
	if (r < 0)
		return r;
	e.path = path;
	if (!reserved)
		return walk_tell(w, &e, n->type);
	e.whiteout = e.hides_below = true;
	r = w->calls->entry(w->arg, &e);
	return r == LAYER_WALK_SKIP ? 0 : r;
}

static int keep_name(void *arg, const struct os_dirent *d)
{
	struct walk *w = arg;

	if (!ARRAY_ROOM(w->names, w->names_len, w->names_room, d->name_len + 1) ||
	    !ARRAY_ROOM(w->list, w->n_list, w->list_room, 1))
		return -ENOMEM;
	w->list[w->n_list++] = (struct walk_name){.at = w->names_len, .ino = d->ino, .type = d->type};
	memcpy(w->names + w->names_len, d->name, d->name_len);
	w->names_len += d->name_len;
	w->names[w->names_len++] = '\0';
	return 0;
}

static int walk_by_name(const void *a, const void *b, void *names)
{
	return strcmp((const char *)names + ((const struct walk_name *)a)->at,
		      (const char *)names + ((const struct walk_name *)b)->at);
}

static int read_names(struct walk *w)
{
	w->n_list = w->names_len = 0;
	return os_read_dir(w->fd, keep_name, w);
}

static int tell_names(struct walk *w)
{
	int r = 0;

	if ((w->flags & LAYER_WALK_SORTED) && w->n_list)
		qsort_r(w->list, w->n_list, sizeof(*w->list), walk_by_name, w->names);
	for (size_t i = 0; i < w->n_list && r == 0; i++)
		r = tell_name(w, &w->list[i]);
	return r;
}

static int bracket(struct walk *w, int (*call)(void *arg, const struct layer_walk_entry *dir),
		   const struct layer_walk_entry *dir)
{
	return call ? call(w->arg, dir) : 0;
}

/* What was found to be entered, the last of which comes first, and void. */
static void drop_pending(struct walk *w, size_t from)
{
	while (w->n_todo > from)
		free(w->todo[--w->n_todo].path);
}

static void turn_pending(struct walk *w, size_t from)
{
	(void)CHECK(from <= w->n_todo);
	for (size_t a = from, b = w->n_todo; a + 1 < b; a++, b--) {
		struct pending other = w->todo[a];

		w->todo[a] = w->todo[b - 1];
		w->todo[b - 1] = other;
	}
}

static int walk_read_directory(struct walk *w, const struct layer_walk_entry *dir)
{
	size_t before = w->n_todo;
	int r;

	(void)CHECK(w->fd >= 0);
	do {
		drop_pending(w, before);
		r = bracket(w, w->calls->begin, dir);
		if (r == 0) {
			r = read_names(w);
			if (r < 0)
				return r == -ENOMEM ? r : tell_failure(w, dir, r);
			r = tell_names(w);
		}
		if (r == 0)
			r = bracket(w, w->calls->end, dir);
	} while (r == LAYER_WALK_AGAIN);
	if (r == LAYER_WALK_SKIP) {
		drop_pending(w, before);
		r = 0;
	}
	turn_pending(w, before);
	return r;
}

/* A path of any length; it is taken apart where no system call takes it as a whole. */
static int walk_open_directory(const struct layer *l, char *path)
{
	_cleanup_close_ int at = -1;
	char *name = path, *slash;

	if (!*path)
		return layer_openat(l, l->root_fd, ".", O_RDONLY | O_DIRECTORY);
	if (strlen(path) < PATH_MAX)
		return layer_open_path(l, path, O_RDONLY | O_DIRECTORY);
	do {
		int next;

		slash = strchr(name, '/');
		if (slash)
			*slash = '\0';
		next = layer_openat(l, at < 0 ? l->root_fd : at, name, O_RDONLY | O_DIRECTORY);
		if (slash)
			*slash = '/';
		if (next < 0)
			return next;
		cleanup_close(&at);
		at = next;
		name = slash + 1;
	} while (slash);
	return TAKE_FD(at);
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int walk_enter(struct walk *w, struct pending *p)
{
	_cleanup_free_ char *path = p->path;
	_cleanup_close_ int fd = walk_open_directory(w->l, path);
	struct layer_walk_entry dir = {.layer = w->l,
				       .path = path,
				       .name = last_name(path),
				       .dirfd = fd,
				       .xattr_flags = p->xattr_flags,
				       .opaque = p->opaque,
				       .tag = p->tag};

	dir.stx.stx_mode = S_IFDIR;
	if (fd < 0)
		return tell_failure(w, &dir, fd);
	w->fd = fd;
	w->at = path;
	w->xwhiteouts = p->xattr_flags & XATTR_FLAG_XWHITEOUTS;
	return walk_read_directory(w, &dir);
}

int layer_walk(const struct layer_set *set, const struct layer *l, unsigned flags, const struct layer_walk_calls *calls,
	       void *arg)
{
	struct walk w = {.set = set,
			 .l = l,
			 .flags = flags,
			 .aufs = set->aufs && !(flags & LAYER_WALK_RAW),
			 .calls = calls,
			 .arg = arg};
	struct layer_walk_entry root = {.layer = l, .path = "", .name = "", .dirfd = l->root_fd};
	int r = walk_tell(&w, &root, DT_DIR);

	while (r == 0 && w.n_todo) {
		struct pending p = w.todo[--w.n_todo];

		r = walk_enter(&w, &p);
	}
	drop_pending(&w, 0);
	free(w.todo);
	free(w.names);
	free(w.list);
	return r;
}
