/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going through a union: a directory is read, its names are told in order, and a directory among them is entered before
 * the next name. The directories on the way down are a chain, so depth costs no stack.
 *
 * Names come from the merge, as a mount lists them. With TREE_WALK_HIDDEN they come from each part, because the merge
 * leaves out what is hidden.
 */
#include "walk_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"

/* A directory that was entered below a redirect, by the layer and the path of its topmost part. */
struct walk_entered {
	UT_hash_handle hh;
	uint64_t key;
	unsigned times;
};

/* Of walk_below(): nothing is left in the directory. */
#define NAMES_END 1

/* --- the path ----------------------------------------------------------------------------------------------------- */

/* Makes the walk's path that of `name` in the directory. */
static int path_set(struct walk *w, const struct walk_dir *d, const char *name)
{
	size_t len = d ? d->path_len : 0, name_len = strlen(name), used = 0;

	if (!ARRAY_ROOM(w->path, used, w->path_size, len + name_len + 2))
		return -ENOMEM;
	if (len)
		w->path[len++] = '/';
	memcpy(w->path + len, name, name_len + 1);
	return 0;
}

/* Back to the directory itself. */
static const char *path_of(struct walk *w, const struct walk_dir *d)
{
	w->path[d->path_len] = '\0';
	return w->path;
}

static int tree_walk_tell_failure(struct walk *w, unsigned layer, int err)
{
	if (err == -ENOENT || err == -ESTALE)
		return 0;
	if (err == -ENOMEM || !w->calls->failed)
		return err;
	return w->calls->failed(w->arg, w->path, layer, err);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int tree_walk_by_name(const void *a, const void *b, void *arg)
{
	const struct listing *l = arg;
	const struct listed *x = *(const struct listed *const *)a, *y = *(const struct listed *const *)b;
	int r = memcmp(listed_name(l, x), listed_name(l, y), MIN(x->name_len, y->name_len));

	return r ? r : (int)x->name_len - (int)y->name_len;
}

/* What the merge lists. */
static int read_merged(struct walk_dir *d)
{
	int r = merge_dir(&d->stack, false, &d->listing);

	if (r < 0)
		return r;
	d->order = calloc(d->listing->n + 1, sizeof(*d->order));
	if (!d->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->listing->n; i++)
		if (!(d->listing->entries[i].flags & LISTED_HIDDEN))
			d->order[d->n++] = &d->listing->entries[i];
	qsort_r(d->order, d->n, sizeof(*d->order), tree_walk_by_name, d->listing);
	return 0;
}

/* Reading one part after the other. */
struct reading {
	struct walk_dir *d;
	unsigned part;
	size_t len, room, n_room;
};

static int hold_name(void *arg, const struct os_dirent *e)
{
	struct reading *r = arg;
	struct walk_dir *d = r->d;
	char name[TREE_NAME_MAX + 1];
	const char *held = name;

	if (e->name_len > TREE_NAME_MAX)
		return 0;
	memcpy(name, e->name, e->name_len);
	name[e->name_len] = '\0';
	if (layer_reserves_name(d->walk->layers, name))
		held = aufs_whiteout_target(name);
	if (!held)
		return 0;
	if (!ARRAY_ROOM(d->bytes, r->len, r->room, strlen(held) + 1) || !ARRAY_ROOM(d->held, d->n, r->n_room, 1))
		return -ENOMEM;
	strcpy(d->bytes + r->len, held);
	d->held[d->n++] = (struct walk_held){.name = r->len, .part = r->part};
	r->len += strlen(held) + 1;
	return 0;
}

static int by_held_name(const void *a, const void *b, void *bytes)
{
	const struct walk_held *x = a, *y = b;
	int r = strcmp((const char *)bytes + x->name, (const char *)bytes + y->name);

	return r ? r : (x->part > y->part) - (x->part < y->part);
}

static int read_part(struct reading *reading, struct dirref *ref)
{
	struct dir_stack *ds = &reading->d->stack;
	_cleanup_close_ int once = ds->calls->open_to_read(ds, ref);
	struct dirfd fd;
	int r;

	if (once >= 0)
		return os_read_dir_once(once, hold_name, reading);
	r = ds->calls->get(ds, ref, &fd);
	if (r < 0)
		return r == -EXDEV ? 0 : r;
	r = os_read_dir(fd.fd, hold_name, reading);
	ds->calls->put(ds, &fd);
	return r;
}

/* What each part has, also those that don't show. A part that can't be read is told, and the names in it are
 * missing. */
static int read_parts(struct walk_dir *d)
{
	struct reading reading = {.d = d};
	int r = 0;

	for (reading.part = 0; reading.part < d->n_refs && r == 0; reading.part++) {
		r = read_part(&reading, &d->refs[reading.part]);
		d->unsure |= r < 0 && reading.part < d->n_shown;
		if (r < 0)
			r = tree_walk_tell_failure(d->walk, d->refs[reading.part].layer, r);
	}
	if (d->n)
		qsort_r(d->held, d->n, sizeof(*d->held), by_held_name, d->bytes);
	return r;
}

static int tree_walk_read_names(struct walk_dir *d)
{
	struct walk *w = d->walk;
	int r;

	w->asked_layer = TREE_WALK_NO_LAYER;
	if (w->flags & TREE_WALK_HIDDEN)
		return read_parts(d);
	r = read_merged(d);
	return r < 0 ? tree_walk_tell_failure(w, w->asked_layer, r) : 0;
}

/* --- one name ----------------------------------------------------------------------------------------------------- */

/* Whether a directory below a redirect was entered too often. 0, -ELOOP or -ENOMEM. */
static int count_entered(struct walk_dir *d)
{
	struct walk *w = d->walk;
	_cleanup_free_ char *path = NULL;
	struct walk_entered *e = NULL;
	uint64_t key;
	int r;

	if (!d->redirected || !d->n_shown || w->single)
		return 0;
	r = walk_dir_compose(d, &d->refs[0], "", &path);
	if (r < 0)
		return r;
	key = hash_order(path, strlen(path)) ^ (uint64_t)d->refs[0].layer << 48;
	HASH_FIND(hh, w->entered, &key, sizeof(key), e);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->key = key;
		HASH_ADD(hh, w->entered, key, sizeof(e->key), e);
		if (!e->hh.tbl) {
			free(e);
			return -ENOMEM;
		}
	}
	return e->times++ < TREE_WALK_REPEATS ? 0 : -ELOOP;
}

/* Enters what was found, a directory for somebody. NULL: it isn't to be entered. */
static int tree_walk_enter(struct walk *w, struct walk_dir *parent, const char *name, struct walk_found *f,
			   struct walk_dir **ret)
{
	bool shown = f->err == 0 && S_ISDIR(f->resolved.stx.stx_mode) && !f->resolved.overmounted;
	struct walk_dir *d = NULL;
	int r;

	*ret = NULL;
	if (!shown && !f->n_hidden)
		return 0;
	r = walk_dir_new(w, parent, name, shown ? &f->resolved : NULL, f->hidden_dirs, f->hidden, f->n_hidden, &d);
	if (r < 0)
		return r;
	d->path_len = strlen(w->path);
	r = count_entered(d);
	if (r < 0) {
		walk_dir_free(d);
		return tree_walk_tell_failure(w, TREE_WALK_NO_LAYER, r);
	}
	*ret = d;
	return 0;
}

/* Tells what was found, and enters it where it is a directory. */
static int tell_found(struct walk *w, struct walk_dir *d, const char *name, struct walk_found *f,
		      struct walk_dir **ret_child)
{
	struct tree_walk_entry e = {.path = w->path, .name = w->path + strlen(w->path) - strlen(name)};
	int r;

	walk_describe(d, f, &e);
	if (f->err < 0) {
		r = tree_walk_tell_failure(w, f->err == -ENOENT ? TREE_WALK_NO_LAYER : w->asked_layer, f->err);
		if (r != 0)
			return r;
	}
	for (unsigned i = 0; i < f->n_says; i++) {
		r = f->says[i].err ? tree_walk_tell_failure(w, f->says[i].layer, f->says[i].err) : 0;
		if (r != 0)
			return r;
	}
	if (f->err < 0 && !f->n_says)
		return 0;
	e.err = 0;
	r = w->calls->entry(w->arg, &e);
	if (r != 0)
		return r == TREE_WALK_PRUNE ? 0 : r;
	return tree_walk_enter(w, d, name, f, ret_child);
}

/* As a listing tells it. */
static int tell_listed(struct walk *w, struct walk_dir *d, const struct listed *l, const char *name)
{
	struct tree_walk_entry e = {
		.path = w->path, .name = w->path + strlen(w->path) - strlen(name), .depth = d->depth + 1};
	int r;

	e.shown = true;
	e.stx.stx_mask = STATX_TYPE;
	e.stx.stx_mode = (uint16_t)DTTOIF(l->type);
	e.layer = e.data_layer = l->layer;
	e.dir = d;
	r = w->calls->entry(w->arg, &e);
	return r == TREE_WALK_PRUNE ? 0 : r;
}

static int look_and_tell(struct walk_dir *d, const char *name, unsigned first, unsigned last,
			 const struct walk_held *held, size_t n, struct walk_dir **ret_child)
{
	struct walk_found f;
	int r;

	d->walk->asked_layer = TREE_WALK_NO_LAYER;
	r = walk_look(d, name, first, last, held, n, &f);
	if (r == 0)
		r = tell_found(d->walk, d, name, &f, ret_child);
	walk_found_finish(&f);
	return r;
}

static int next_listed(struct walk_dir *d, struct walk_dir **ret_child)
{
	const struct listed *l = d->order[d->next++];
	char name[TREE_NAME_MAX + 1];
	int r;

	memcpy(name, listed_name(d->listing, l), l->name_len);
	name[l->name_len] = '\0';
	r = path_set(d->walk, d, name);
	if (r < 0)
		return r;
	if (l->type != DT_DIR && !(d->walk->flags & TREE_WALK_STAT))
		return tell_listed(d->walk, d, l, name);
	return look_and_tell(d, name, l->layer, l->last_layer, NULL, 0, ret_child);
}

/* The layers of the parts that show and hold the name; as far as they are known. */
static void range_of(const struct walk_dir *d, const struct walk_held *held, size_t n, unsigned *ret_first,
		     unsigned *ret_last)
{
	*ret_first = d->unsure ? 0 : UINT16_MAX;
	*ret_last = d->unsure ? UINT16_MAX : 0;
	for (size_t i = 0; i < n && held[i].part < d->n_shown; i++) {
		*ret_first = MIN(*ret_first, (unsigned)d->refs[held[i].part].layer);
		*ret_last = MAX(*ret_last, (unsigned)d->refs[held[i].part].layer);
	}
}

static int next_held(struct walk_dir *d, struct walk_dir **ret_child)
{
	const struct walk_held *held = &d->held[d->next];
	const char *name = d->bytes + held->name;
	unsigned first, last;
	size_t n = 1;
	int r = path_set(d->walk, d, name);

	while (d->next + n < d->n && !strcmp(d->bytes + held[n].name, name))
		n++;
	d->next += n;
	range_of(d, held, n, &first, &last);
	return r < 0 ? r : look_and_tell(d, name, first, last, held, n, ret_child);
}

/* NAMES_END, 0, or what ended the walk as a negative errno or greater than NAMES_END. */
static int next_name(struct walk_dir *d, struct walk_dir **ret_child)
{
	*ret_child = NULL;
	return d->listing ? next_listed(d, ret_child) : next_held(d, ret_child);
}

/* --- the way ------------------------------------------------------------------------------------------------------ */

/* Tells all that lies below `top`, which is freed. */
static int walk_below(struct walk *w, struct walk_dir *top)
{
	struct walk_dir *d = top, *above = top->parent;
	int r = tree_walk_read_names(d);

	while (r == 0 && d != above) {
		struct walk_dir *child = NULL;

		if (d->next < d->n) {
			r = next_name(d, &child);
		} else {
			child = d;
			d = d->parent;
			r = w->calls->leave ? w->calls->leave(w->arg, path_of(w, child), child->depth) : 0;
			walk_dir_free(child);
			child = NULL;
		}
		if (r == 0 && child) {
			d = child;
			r = tree_walk_read_names(d);
		}
	}
	while (d != above) {
		struct walk_dir *parent = d->parent;

		walk_dir_free(d);
		d = parent;
	}
	return r;
}

static void free_chain(struct walk_dir *d)
{
	while (d) {
		struct walk_dir *parent = d->parent;

		walk_dir_free(d);
		d = parent;
	}
}

static void walk_finish(struct walk *w)
{
	struct walk_entered *e, *next;

	HASH_ITER(hh, w->entered, e, next) {
		HASH_DELETE(hh, w->entered, e);
		free(e);
	}
	free(w->path);
}

static int walk_init(struct walk *w, struct layer_set *set)
{
	*w = (struct walk){.layers = set, .in_use = TREE_WALK_FDS};
	return path_set(w, NULL, "");
}

/* The next component of a path, copied to `name`, or "" at the end. 0, -EINVAL, -ENAMETOOLONG. */
static int path_next(const char **path, char name[static TREE_NAME_MAX + 1])
{
	size_t len;

	do {
		*path += strspn(*path, "/");
		len = strcspn(*path, "/");
		if (len > TREE_NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, *path, len);
		name[len] = '\0';
		*path += len;
	} while (!strcmp(name, "."));
	return strcmp(name, "..") ? 0 : -EINVAL;
}

/* Goes along a path, from `at` or from the root. `each` gets what was found of each component, the root first; `at` is
 * the last directory that was entered, the chain of which the caller frees. */
struct descent {
	struct walk *w;
	int (*each)(struct descent *t, struct walk_dir *d, const char *name, struct walk_found *f, bool last);
	struct walk_dir *at;
	void *arg;
};

static int descend_step(struct descent *t, const char *name, bool last)
{
	struct walk *w = t->w;
	struct walk_dir *child = NULL;
	struct walk_found f;
	/* At the root the path is that of the look before. */
	int r = path_set(w, t->at, t->at ? name : "");

	if (r < 0)
		return r;
	r = t->at ? walk_look(t->at, name, 0, UINT16_MAX, NULL, 0, &f) : walk_look_at_root(w, &f);
	if (r == 0)
		r = t->each(t, t->at, name, &f, last);
	if (r == 0 && !last)
		r = tree_walk_enter(w, t->at, name, &f, &child);
	if (r == 0 && !last && !child)
		r = f.err < 0 ? f.err : -ENOENT;
	walk_found_finish(&f);
	if (child)
		t->at = child;
	return r;
}

static int descend(struct descent *t, const char *path)
{
	char name[TREE_NAME_MAX + 1] = "", next[TREE_NAME_MAX + 1];
	int r = t->at ? path_next(&path, name) : 0;

	if (r == 0)
		r = path_next(&path, next);
	while (r == 0) {
		bool last = !*next;

		r = descend_step(t, name, last);
		if (last || r != 0)
			break;
		strcpy(name, next);
		r = path_next(&path, next);
	}
	return r;
}

/* The last component is told and walked. */
static int start_at(struct descent *t, struct walk_dir *d, const char *name, struct walk_found *f, bool last)
{
	struct walk_dir *child = NULL;
	int r;

	if (!last)
		return f->err < 0 && f->err != -ENOENT ? f->err : 0;
	if (f->err == -ENOENT && !f->n_says)
		return -ENOENT;
	r = tell_found(t->w, d, name, f, &child);
	return r == 0 && child ? walk_below(t->w, child) : r;
}

int tree_walk(struct layer_set *set, const char *path, unsigned flags, const struct tree_walk_calls *calls, void *arg)
{
	struct walk w;
	struct descent t = {.w = &w, .each = start_at};
	int r = walk_init(&w, set);

	w.flags = flags & TREE_WALK_HIDDEN ? flags | TREE_WALK_STAT : flags;
	w.calls = calls;
	w.arg = arg;
	if (r == 0)
		r = descend(&t, path);
	free_chain(t.at);
	walk_finish(&w);
	return r;
}

/* --- one path ----------------------------------------------------------------------------------------------------- */

struct explain {
	int (*step)(void *arg, const struct tree_walk_entry *e);
	void *arg;
};

static int explain_step(struct descent *t, struct walk_dir *d, const char *name, struct walk_found *f, bool last)
{
	struct tree_walk_entry e = {.path = t->w->path, .name = t->w->path + strlen(t->w->path) - strlen(name)};
	const struct explain *x = t->arg;
	int r;

	walk_describe(d, f, &e);
	r = x->step(x->arg, &e);
	return r == 0 && last && !f->n_says && f->err == -ENOENT ? -ENOENT : r;
}

int tree_explain(struct layer_set *set, const char *path, int (*step)(void *arg, const struct tree_walk_entry *e),
		 void *arg)
{
	struct explain x = {.step = step, .arg = arg};
	static const struct tree_walk_calls none = {0};
	struct walk w;
	struct descent t = {.w = &w, .each = explain_step, .arg = &x};
	int r = walk_init(&w, set);

	w.flags = TREE_WALK_STAT | TREE_WALK_HIDDEN;
	w.calls = &none;
	if (r == 0)
		r = descend(&t, path);
	free_chain(t.at);
	walk_finish(&w);
	return r;
}

/* --- single paths ------------------------------------------------------------------------------------------------- */

struct tree_looks {
	struct walk w;
	struct walk_dir *at; /* the last directory of the last path; NULL: none is open */
};

struct looking {
	int (*each)(void *arg, const struct tree_walk_entry *e);
	void *arg;
};

int tree_looks_new(struct layer_set *set, struct tree_looks **ret)
{
	static const struct tree_walk_calls none = {0};
	struct tree_looks *looks = calloc(1, sizeof(*looks));

	if (!looks || walk_init(&looks->w, set) < 0) {
		free(looks);
		return -ENOMEM;
	}
	looks->w.flags = TREE_WALK_STAT;
	looks->w.calls = &none;
	looks->w.single = true;
	*ret = looks;
	return 0;
}

static int looks_step(struct descent *t, struct walk_dir *d, const char *name, struct walk_found *f, bool last)
{
	struct tree_walk_entry e = {.path = t->w->path, .name = t->w->path + strlen(t->w->path) - strlen(name)};
	const struct looking *looking = t->arg;

	if (f->err < 0 || !last)
		return f->err;
	walk_describe(d, f, &e);
	return looking->each(looking->arg, &e);
}

/* Leaves the directories in which the path doesn't lie. */
static void looks_leave(struct tree_looks *looks, const char *path)
{
	const char *before = looks->w.path;

	while (looks->at) {
		struct walk_dir *d = looks->at;
		bool inside = d->parent ? !strncmp(before, path, d->path_len) && path[d->path_len] == '/' : *path;

		if (inside)
			return;
		looks->at = d->parent;
		walk_dir_free(d);
	}
}

int tree_looks_at(struct tree_looks *looks, const char *path, int (*each)(void *arg, const struct tree_walk_entry *e),
		  void *arg)
{
	struct looking looking = {.each = each, .arg = arg};
	struct descent t = {.w = &looks->w, .each = looks_step, .arg = &looking};
	int r;

	looks_leave(looks, path);
	t.at = looks->at;
	r = descend(&t, path + (t.at ? t.at->path_len : 0));
	looks->at = t.at;
	return r;
}

void tree_looks_free(struct tree_looks *looks)
{
	if (!looks)
		return;
	free_chain(looks->at);
	walk_finish(&looks->w);
	free(looks);
}
