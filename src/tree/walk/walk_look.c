/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a walk finds out about one name. What shows is the resolver's result. What each layer says is what the resolver
 * told while it searched; layers that it had no reason to ask are asked here, and what they have is hidden by what
 * ended the search.
 */
#include "walk_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "os/fs.h"

/* The state of one look with TREE_WALK_HIDDEN. */
struct look {
	struct walk_dir *d;
	const char *name;
	struct walk_found *f;
	int upto;		  /* the last layer that the resolver has asked for this name, or -1 */
	bool found;		  /* the topmost object has been met */
	unsigned top;		  /* in this layer */
	struct walk_hidden below; /* what hides what the layers below have by this name */
	bool redirected;
	int err;
};

/* --- what a layer says -------------------------------------------------------------------------------------------- */

/* Room for one more, zeroed. NULL: no memory. */
static struct tree_say *more_room(struct walk_found *f)
{
	if (!ARRAY_NEXT(f->says, f->n_says))
		return NULL;
	f->says[f->n_says] = (struct tree_say){.by = TREE_WALK_NO_LAYER};
	return &f->says[f->n_says++];
}

/* A directory that doesn't show, to be entered all the same. */
static int add_hidden_dir(struct walk_found *f, const struct tree_say *say, const struct layer_lookup *p)
{
	struct dirref ref = {
		.layer = (uint16_t)say->layer, .device = p->id.device, .ino = p->id.ino, .path = strdup(say->path)};

	if (!ref.path || !ARRAY_NEXT(f->hidden_dirs, f->n_hidden) || !ARRAY_NEXT(f->hidden, f->n_hidden)) {
		free(ref.path);
		return -ENOMEM;
	}
	if (p->xattr_flags & XATTR_FLAG_XWHITEOUTS)
		ref.flags |= DIRREF_XWHITEOUTS;
	f->hidden_dirs[f->n_hidden] = ref;
	f->hidden[f->n_hidden++] = (struct walk_hidden){.why = say->why, .by = say->by};
	return 0;
}

/* Takes ownership of `path`. */
static int add_say(struct walk_found *f, const struct tree_say *what, char *path, const struct layer_lookup *p)
{
	struct tree_say *say = path ? more_room(f) : NULL;

	if (!say) {
		free(path);
		return -ENOMEM;
	}
	*say = *what;
	say->path = path;
	if (say->object) {
		say->stx = p->stx;
		say->xattr_flags = p->xattr_flags;
	}
	return say->object && say->role == TREE_SAY_HIDDEN && S_ISDIR(p->stx.stx_mode) && !p->overmounted
		       ? add_hidden_dir(f, say, p)
		       : 0;
}

/* The path of what was looked for in the part, by another name or along a path where `other` says so. NULL: no
 * memory. */
static char *path_in_part(const struct walk_dir *d, unsigned layer, const char *name, const char *other)
{
	const struct dirref *ref = walk_dir_part(d, layer);
	char *path = NULL;

	if (other && *other == '/')
		return strdup(other + 1);
	return ref && walk_dir_compose(d, ref, other ? other : name, &path) == 0 ? path : NULL;
}

/* --- what the resolver meets -------------------------------------------------------------------------------------- */

static enum tree_say_why why_of_end(const struct resolve_met *m)
{
	bool is_dir = m->kind == LAYER_LOOKUP_OBJECT && S_ISDIR(m->p->stx.stx_mode);

	if (m->kind == LAYER_LOOKUP_WHITEOUT || (m->p->hides_below && (is_dir || m->kind == LAYER_LOOKUP_NOTHING)))
		return TREE_WHY_WHITEOUT;
	if (is_dir && (m->p->xattr_flags & XATTR_FLAG_OPAQUE))
		return TREE_WHY_OPAQUE;
	return m->kind == LAYER_LOOKUP_OBJECT ? TREE_WHY_OBJECT : TREE_WHY_REDIRECT;
}

/* What hides the name in the layers below this one. The first reason stays. */
static void note_below(struct look *k, const struct resolve_met *m)
{
	if (k->below.why == TREE_WHY_SHOWN && m->redirects)
		k->below = (struct walk_hidden){.why = TREE_WHY_REDIRECT, .by = m->layer};
	else if (k->below.why == TREE_WHY_SHOWN && m->ends)
		k->below = (struct walk_hidden){.why = why_of_end(m), .by = m->layer};
}

static enum tree_say_role role_of(const struct look *k, const struct resolve_met *m)
{
	if (m->kind != LAYER_LOOKUP_OBJECT || !m->counts)
		return TREE_SAY_HIDDEN;
	if (!k->found)
		return TREE_SAY_TOP;
	return S_ISDIR(m->p->stx.stx_mode) ? TREE_SAY_PART : TREE_SAY_DATA;
}

static void look_met(void *arg, const struct resolve_met *m)
{
	struct look *k = arg;
	struct tree_say say = {.layer = m->layer, .by = TREE_WALK_NO_LAYER};

	if (!m->path)
		k->upto = (int)m->layer;
	say.object = m->kind == LAYER_LOOKUP_OBJECT;
	say.whiteout = m->kind == LAYER_LOOKUP_WHITEOUT || m->p->hides_below;
	say.role = role_of(k, m);
	if (say.role == TREE_SAY_TOP) {
		k->found = true;
		k->top = m->layer;
	}
	if (say.object && say.role == TREE_SAY_HIDDEN) {
		say.why = TREE_WHY_OBJECT;
		say.by = k->found ? k->top : m->layer;
	}
	if (k->err == 0 && (say.object || say.whiteout))
		k->err = add_say(k->f, &say, path_in_part(k->d, m->layer, k->name, m->path), m->p);
	note_below(k, m);
}

/* --- what it had no reason to ask ------------------------------------------------------------------------------- */

static int ask_part(struct look *k, unsigned i)
{
	struct walk_dir *d = k->d;
	struct dirref *ref = &d->refs[i];
	const struct layer *l = &d->walk->layers->layers[ref->layer];
	struct walk_hidden hidden = i < d->n_shown ? k->below : d->hidden[i - d->n_shown];
	struct tree_say say = {.layer = ref->layer, .by = TREE_WALK_NO_LAYER};
	char *path = NULL;
	struct dirfd fd;
	struct layer_lookup p;
	int kind = layer_lookup_name(&d->stack, ref, k->name, &fd, &p), r = 0;

	if (kind == LAYER_LOOKUP_OBJECT && S_ISDIR(p.stx.stx_mode))
		r = layer_lookup_xattr_flags(&d->stack, l, fd.fd, k->name, &p);
	d->stack.calls->put(&d->stack, &fd);
	say.err = kind < 0 && kind != -ENOENT ? kind : r;
	say.object = kind == LAYER_LOOKUP_OBJECT;
	say.whiteout = kind == LAYER_LOOKUP_WHITEOUT || p.hides_below;
	if (!say.object && !say.whiteout && !say.err)
		return 0;
	if (say.object) {
		say.why = hidden.why;
		say.by = hidden.by;
	}
	r = walk_dir_compose(d, ref, k->name, &path);
	return r < 0 ? r : add_say(k->f, &say, path, &p);
}

static int ask_others(struct look *k, const struct walk_held *held, size_t n_held)
{
	const struct walk_dir *d = k->d;
	size_t n = held ? n_held : d->n_refs;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		unsigned part = held ? held[i].part : (unsigned)i;

		/* One part may hold a name twice, with its whiteout. */
		if (held && i > 0 && held[i - 1].part == part)
			continue;
		if (part >= d->n_shown || (int)d->refs[part].layer > k->upto)
			r = ask_part(k, part);
	}
	return r;
}

/* --- data that lies elsewhere ------------------------------------------------------------------------------------- */

/* The file in the first data-only layer that has it, as open_data.c finds it. */
static int find_data_only(struct walk_dir *d, const char *path, struct statx *ret_stx, unsigned *ret_layer)
{
	const struct layer_set *set = d->walk->layers;

	for (unsigned i = set->n; i < set->n + set->n_data; i++) {
		_cleanup_close_ int fd = layer_open_path(&set->layers[i], path, O_PATH | O_NOFOLLOW);

		if ((fd == -EMFILE || fd == -ENFILE) && d->stack.calls->shrink(&d->stack))
			fd = layer_open_path(&set->layers[i], path, O_PATH | O_NOFOLLOW);
		if (fd < 0 || os_statx(fd, "", ret_stx) < 0 || !S_ISREG(ret_stx->stx_mode))
			continue;
		*ret_layer = i;
		return 0;
	}
	return -ENOENT;
}

static int find_data(struct walk_dir *d, struct walk_found *f)
{
	struct layer_lookup p = {0};
	unsigned layer;

	f->data_layer = f->resolved.data_layer;
	if (!f->resolved.metacopy || f->resolved.data_layer != LOWERDATA_LAZY)
		return 0;
	f->data_layer = TREE_WALK_NO_LAYER;
	if (find_data_only(d, f->resolved.data_path, &p.stx, &layer) < 0)
		return 0;
	/* Wrong data otherwise: opening it is refused. */
	if (p.stx.stx_size == f->resolved.stx.stx_size) {
		f->data_layer = layer;
		f->resolved.data_blocks = p.stx.stx_blocks;
	}
	if (!(d->walk->flags & TREE_WALK_HIDDEN))
		return 0;
	return add_say(
		f, &(struct tree_say){.layer = layer, .role = TREE_SAY_DATA, .by = TREE_WALK_NO_LAYER, .object = true},
		strdup(f->resolved.data_path), &p);
}

/* A copy that the index leads to shows in the place of the lower object. */
static void settle_indexed(struct walk_found *f)
{
	for (unsigned i = 0; f->resolved.through_index && i < f->n_says; i++) {
		struct tree_say *say = &f->says[i];

		if (say->role != TREE_SAY_TOP || say->layer == f->resolved.layer)
			continue;
		if (f->resolved.metacopy && f->resolved.data_layer == say->layer) {
			say->role = TREE_SAY_DATA;
			continue;
		}
		say->role = TREE_SAY_HIDDEN;
		say->why = TREE_WHY_INDEX;
		say->by = f->resolved.layer;
	}
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int by_layer(const void *a, const void *b)
{
	const struct tree_say *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	return (x->role == TREE_SAY_HIDDEN) - (y->role == TREE_SAY_HIDDEN);
}

int walk_look(struct walk_dir *d, const char *name, unsigned first, unsigned last, const struct walk_held *held,
	      size_t n_held, struct walk_found *ret)
{
	bool hidden = d->walk->flags & TREE_WALK_HIDDEN;
	struct look k = {.d = d, .name = name, .f = ret, .upto = -1};
	struct resolve_trace trace = {.met = look_met, .arg = &k};

	*ret = (struct walk_found){.err = -ENOENT};
	if (strlen(name) > TREE_NAME_MAX || layer_reserves_name(d->walk->layers, name))
		return 0;
	if (d->n_shown)
		ret->err = resolve_in_stack(&d->stack, name, first, last, hidden ? &trace : NULL, &ret->resolved, NULL);
	if (ret->err == -ENOMEM)
		return -ENOMEM;
	if (ret->err == 0 && k.err == 0)
		k.err = find_data(d, ret);
	if (!hidden || k.err < 0)
		return k.err;
	if (k.below.why == TREE_WHY_SHOWN || (ret->err < 0 && ret->err != -ENOENT && k.below.why != TREE_WHY_REDIRECT))
		k.below = (struct walk_hidden){.why = TREE_WHY_ERROR, .by = TREE_WALK_NO_LAYER};
	k.err = ask_others(&k, held, n_held);
	settle_indexed(ret);
	if (ret->n_says)
		qsort(ret->says, ret->n_says, sizeof(*ret->says), by_layer);
	return k.err;
}

/* Parts of the root are those of all layers, unless one of them begins anew. */
static int say_of_root(struct walk *w, unsigned layer, struct walk_found *f)
{
	const struct layer *l = &w->layers->layers[layer];
	bool shows = f->n_says < f->resolved.n_lower + f->resolved.in_upper;
	struct tree_say say = {.layer = layer, .by = TREE_WALK_NO_LAYER, .object = true};
	struct layer_lookup p = {0};
	int r = layer_statx_unchecked(l, l->root_fd, "", &p.stx);

	if (r == 0)
		r = layer_root_object(w->layers, l, &p.stx, &p.id);
	if (r == 0)
		r = layer_read_xattr_flags(w->layers, l, l->root_fd, "", &p.xattr_flags);
	if (r < 0)
		return r;
	say.role = !shows ? TREE_SAY_HIDDEN : layer == 0 ? TREE_SAY_TOP : TREE_SAY_PART;
	if (!shows) {
		say.why = TREE_WHY_OPAQUE;
		say.by = f->resolved.n_lower + f->resolved.in_upper - 1;
	}
	return add_say(f, &say, strdup(""), &p);
}

int walk_look_at_root(struct walk *w, struct walk_found *ret)
{
	*ret = (struct walk_found){0};
	ret->err = resolve_root(w->layers, &ret->resolved);
	for (unsigned i = 0; (w->flags & TREE_WALK_HIDDEN) && i < w->layers->n && ret->err == 0; i++)
		ret->err = say_of_root(w, i, ret);
	return ret->err;
}

void walk_found_finish(struct walk_found *f)
{
	resolved_finish(&f->resolved);
	for (unsigned i = 0; i < f->n_says; i++)
		free(f->says[i].path);
	for (unsigned i = 0; i < f->n_hidden; i++)
		free(f->hidden_dirs[i].path);
	free(f->says);
	free(f->hidden_dirs);
	free(f->hidden);
	*f = (struct walk_found){0};
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

/* As inode_statx() turns the layer's attributes into the union's. */
static void describe_stx(const struct walk_dir *d, const struct resolved *resolved, struct tree_walk_entry *e)
{
	e->stx = resolved->stx;
	if (resolved->overmounted)
		statx_of_overmounted(resolved->stx.stx_mode & S_IFMT, &e->stx);
	e->stx.stx_ino = resolved->ino;
	if (S_ISDIR(resolved->stx.stx_mode) && (!d || e->n_parts > 1))
		e->stx.stx_nlink = 1;
	if (resolved->nlink)
		e->stx.stx_nlink = resolved->nlink;
	if (resolved->metacopy && e->data_layer != TREE_WALK_NO_LAYER)
		e->stx.stx_blocks = resolved->data_blocks;
}

void walk_describe(const struct walk_dir *d, const struct walk_found *f, struct tree_walk_entry *e)
{
	const struct resolved *resolved = &f->resolved;

	e->dir = d;
	e->depth = d ? d->depth + 1 : 0;
	e->says = f->says;
	e->n_says = f->n_says;
	e->shown = f->err == 0;
	e->err = f->err == -ENOENT ? 0 : f->err;
	if (!e->shown)
		return;
	e->indexed = resolved->through_index;
	e->index_name = e->indexed ? resolved->index_name : NULL;
	e->metacopy = resolved->metacopy;
	e->overmounted = resolved->overmounted;
	e->xattr_flags = resolved->xattr_flags;
	e->layer = resolved->layer;
	e->n_parts = S_ISDIR(resolved->stx.stx_mode) ? resolved->n_lower + resolved->in_upper : 0;
	e->data_layer = resolved->layer;
	/* An empty file's own object is as good. */
	if (resolved->metacopy && resolved->stx.stx_size) {
		e->data_layer = f->data_layer;
		e->data_path = f->data_layer == TREE_WALK_NO_LAYER ? NULL : resolved->data_path;
	}
	describe_stx(d, resolved, e);
}

int tree_walk_layer_path(const struct tree_walk_entry *e, char **ret_path)
{
	const struct walk_dir *d = e->dir;
	const struct dirref *ref;

	if (!e->shown || e->indexed)
		return -ENOENT;
	if (!d) {
		*ret_path = strdup("");
		return *ret_path ? 0 : -ENOMEM;
	}
	ref = walk_dir_part(d, e->layer);
	return ref ? walk_dir_compose(d, ref, e->name, ret_path) : -ENOENT;
}
