/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory on the way of a walk, as the resolver and the merge see it. A part that isn't open is opened by its name
 * in its parent's part where that is open, else by its path from the layer's root. A few descriptors are kept; when a
 * new one is opened in a full table, another one makes way and is opened again when it is needed.
 */
#include "walk_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"

#define SHRINK_TRIES 8

static struct walk_dir *of_stack(struct dir_stack *ds)
{
	return container_of(ds, struct walk_dir, stack);
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

struct dirref *walk_dir_part(const struct walk_dir *d, unsigned layer)
{
	unsigned from = 0, to = d->n_shown;

	while (from < to) {
		unsigned mid = from + (to - from) / 2;

		if (d->refs[mid].layer == layer)
			return &d->refs[mid];
		if (d->refs[mid].layer < layer)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

/* One step up from a part: its own piece of the path, and the part that it lies in, or NULL where the piece begins at
 * the layer's root. */
static const char *path_piece(const struct walk_dir **d, const struct dirref **ref)
{
	const char *piece = (*ref)->path;

	if (piece || !(*d)->parent) {
		*ref = NULL;
		return piece ? piece : "";
	}
	piece = (*d)->name;
	*d = (*d)->parent;
	*ref = walk_dir_part(*d, (*ref)->layer);
	(void)CHECK(*ref);
	return piece;
}

int walk_dir_compose(const struct walk_dir *d, const struct dirref *ref, const char *name, char **ret_path)
{
	const struct walk_dir *at_dir = d;
	size_t len = strlen(name), at;
	char *path;

	for (const struct dirref *r = ref; r;)
		len += strlen(path_piece(&at_dir, &r)) + 1;
	path = malloc(len + 1);
	if (!path)
		return -ENOMEM;
	at = len - strlen(name);
	memcpy(path + at, name, len - at + 1);
	at_dir = d;
	for (const struct dirref *r = ref; r;) {
		const char *piece = path_piece(&at_dir, &r);
		size_t n = strlen(piece);

		/* The root has no piece, and an empty name at the end no slash. */
		if (!n)
			continue;
		if (path[at])
			path[--at] = '/';
		at -= n;
		memmove(path + at, piece, n);
	}
	memmove(path, path + at, strlen(path + at) + 1);
	*ret_path = path;
	return 0;
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

static void part_close(struct walk *w, struct walk_part *p)
{
	if (p->fd < 0)
		return;
	w->slots[p->slot].dir = NULL;
	os_close(p->fd);
	p->fd = -1;
}

static void slot_empty(struct walk *w, unsigned slot)
{
	struct walk_dir *d = w->slots[slot].dir;

	if (d)
		part_close(w, &d->parts[w->slots[slot].part]);
}

static unsigned stack_shrink(struct dir_stack *ds)
{
	struct walk *w = of_stack(ds)->walk;
	unsigned gone = 0;

	for (unsigned i = 0; i < TREE_WALK_FDS; i++) {
		if (!w->slots[i].dir || i == w->in_use)
			continue;
		slot_empty(w, i);
		gone++;
	}
	return gone;
}

/* Takes ownership of fd. */
static void part_keep(struct walk_dir *d, unsigned i, int fd, bool fresh)
{
	struct walk *w = d->walk;
	unsigned slot = w->hand;

	if (slot == w->in_use)
		slot = (slot + 1) % TREE_WALK_FDS;
	slot_empty(w, slot);
	w->slots[slot].dir = d;
	w->slots[slot].part = i;
	w->hand = (slot + 1) % TREE_WALK_FDS;
	d->parts[i] = (struct walk_part){.fd = fd, .slot = slot, .fresh = fresh};
}

/* Opens a directory to be read, or where that isn't allowed, to look names up in it. */
static int open_either(const struct layer *l, int dirfd, const char *path, bool *ret_readable)
{
	int fd = layer_openat(l, dirfd, path, O_RDONLY | O_DIRECTORY | O_NOATIME);

	if (fd == -EPERM)
		fd = layer_openat(l, dirfd, path, O_RDONLY | O_DIRECTORY);
	*ret_readable = fd >= 0;
	return fd == -EACCES ? layer_openat(l, dirfd, path, O_PATH | O_DIRECTORY) : fd;
}

/* The same by a path of any length, in pieces that a system call takes. */
static int open_long(const struct layer *l, char *path, bool *ret_readable)
{
	_cleanup_close_ int at = -1;

	while (strlen(path) >= PATH_MAX) {
		char *slash = path + PATH_MAX - 1;
		int next;

		while (slash > path && *slash != '/')
			slash--;
		if (!CHECK(slash > path))
			return -EIO;
		*slash = '\0';
		next = layer_openat(l, at < 0 ? l->root_fd : at, path, O_PATH | O_DIRECTORY);
		if (next < 0)
			return next;
		cleanup_close(&at);
		at = next;
		path = slash + 1;
	}
	return open_either(l, at < 0 ? l->root_fd : at, path, ret_readable);
}

static int part_open_once(struct walk_dir *d, struct dirref *ref, bool *ret_readable)
{
	const struct layer *l = &d->walk->layers->layers[ref->layer];
	_cleanup_free_ char *path = NULL;
	struct dirref *above;
	int r;

	if (!d->parent)
		return open_either(l, l->root_fd, ".", ret_readable);
	above = ref->path ? NULL : walk_dir_part(d->parent, ref->layer);
	if (above && d->parent->parts[above - d->parent->refs].fd >= 0)
		return open_either(l, d->parent->parts[above - d->parent->refs].fd, d->name, ret_readable);
	r = walk_dir_compose(d, ref, "", &path);
	return r < 0 ? r : open_long(l, *path ? path : (char[]){"."}, ret_readable);
}

static int part_open(struct walk_dir *d, struct dirref *ref, bool *ret_readable)
{
	for (unsigned i = 0;; i++) {
		int fd = part_open_once(d, ref, ret_readable);

		if ((fd != -EMFILE && fd != -ENFILE) || i == SHRINK_TRIES || !stack_shrink(&d->stack)) {
			/* What was a directory has gone, or is none any more. */
			return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
		}
	}
}

static int stack_get(struct dir_stack *ds, struct dirref *ref, struct dirfd *ret_fd)
{
	struct walk_dir *d = of_stack(ds);
	unsigned i = (unsigned)(ref - d->refs);

	if (!CHECK(i < d->n_refs))
		return -EIO;
	if (ref->flags & DIRREF_OVERMOUNTED)
		return -EXDEV;
	d->walk->asked_layer = ref->layer;
	if (d->parts[i].fd < 0) {
		bool readable = false;
		int fd = part_open(d, ref, &readable);

		if (fd < 0)
			return fd;
		part_keep(d, i, fd, readable);
	}
	d->walk->in_use = d->parts[i].slot;
	*ret_fd = (struct dirfd){.fd = d->parts[i].fd};
	return 0;
}

static void stack_put(struct dir_stack *ds, struct dirfd *fd)
{
	of_stack(ds)->walk->in_use = TREE_WALK_FDS;
	*fd = (struct dirfd){.fd = -1};
}

/* Only once, because the copy has the same offset. */
static int stack_open_to_read(struct dir_stack *ds, struct dirref *ref)
{
	struct walk_part *p = &of_stack(ds)->parts[ref - of_stack(ds)->refs];
	struct dirfd fd;
	int r = stack_get(ds, ref, &fd);

	if (r < 0)
		return r;
	stack_put(ds, &fd);
	if (!p->fresh)
		return -EEXIST;
	p->fresh = false;
	return os_dup(p->fd);
}

static int stack_statx(struct dir_stack *ds, struct dirref *ref, struct statx *ret_stx)
{
	const struct layer *l = &ds->layers->layers[ref->layer];
	struct dirfd fd;
	int r = stack_get(ds, ref, &fd);

	if (r == 0) {
		r = layer_statx_unchecked(l, fd.fd, "", ret_stx);
		stack_put(ds, &fd);
	}
	return r;
}

static int stack_compose(struct dir_stack *ds, unsigned layer, const char *name, char **ret_path)
{
	struct dirref *ref = walk_dir_part(of_stack(ds), layer);

	return CHECK(ref) ? walk_dir_compose(of_stack(ds), ref, name, ret_path) : -EIO;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static const struct stack_calls walk_calls = {
	.get = stack_get,
	.put = stack_put,
	.statx = stack_statx,
	.open_to_read = stack_open_to_read,
	.compose = stack_compose,
	.shrink = stack_shrink,
};

/* The parts that show, whose paths are taken. */
static void take_parts(struct walk_dir *d, struct resolved *resolved)
{
	if (resolved->in_upper)
		d->refs[d->n_shown++] = resolved->upper_ref;
	for (unsigned i = 0; i < resolved->n_lower; i++) {
		d->redirected |= resolved->lower[i].path != NULL;
		d->refs[d->n_shown] = resolved->lower[i];
		d->refs[d->n_shown++].fd = NULL;
		resolved->lower[i].path = NULL;
	}
	d->stack.upper = resolved->in_upper ? &d->refs[0] : NULL;
	d->stack.lower = d->refs + resolved->in_upper;
	d->stack.n_lower = resolved->n_lower;
	d->stack.last_root = d->parent ? d->parent->stack.last_root : d->refs[d->n_shown - 1].layer;
}

static bool dir_alloc(struct walk_dir *d, const char *name, unsigned n_parts, unsigned n_hidden)
{
	d->name = strdup(name);
	d->refs = calloc(n_parts + n_hidden, sizeof(*d->refs));
	d->parts = calloc(n_parts + n_hidden, sizeof(*d->parts));
	d->hidden = calloc(n_hidden + 1, sizeof(*d->hidden));
	return d->name && d->refs && d->parts && d->hidden;
}

int walk_dir_new(struct walk *w, struct walk_dir *parent, const char *name, struct resolved *resolved,
		 struct dirref *refs, const struct walk_hidden *hidden, unsigned n_hidden, struct walk_dir **ret)
{
	struct walk_dir *d = calloc(1, sizeof(*d));
	unsigned n_parts = resolved ? resolved->n_lower + resolved->in_upper : 0;

	if (!d)
		return -ENOMEM;
	*d = (struct walk_dir){.stack = {.calls = &walk_calls, .layers = w->layers}, .walk = w, .parent = parent};
	d->depth = parent ? parent->depth + 1 : 0;
	d->redirected = parent && parent->redirected;
	if (!dir_alloc(d, name, n_parts, n_hidden)) {
		walk_dir_free(d);
		return -ENOMEM;
	}
	if (resolved)
		take_parts(d, resolved);
	d->n_refs = d->n_shown + n_hidden;
	for (unsigned i = 0; i < n_hidden; i++) {
		d->refs[d->n_shown + i] = refs[i];
		refs[i].path = NULL;
		d->hidden[i] = hidden[i];
	}
	for (unsigned i = 0; i < d->n_refs; i++)
		d->parts[i].fd = -1;
	*ret = d;
	return 0;
}

void walk_dir_free(struct walk_dir *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->n_refs; i++) {
		part_close(d->walk, &d->parts[i]);
		free(d->refs[i].path);
	}
	listing_free(d->listing);
	free(d->order);
	free(d->bytes);
	free(d->held);
	free(d->hidden);
	free(d->parts);
	free(d->refs);
	free(d->name);
	free(d);
}
