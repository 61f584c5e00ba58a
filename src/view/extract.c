/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union tells which layer has the content of each object, and by which path. With these two, entries of the tars
 * are found. Several objects with one entry are names of one file.
 */
#include "view/extract.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/read.h"
#include "image/toc.h"
#include "internal.h"
#include "merged.h"

#define ALL_FORMS (1u << OVERRIDE_PRIVILEGED | 1u << OVERRIDE_CONTAINERS | 1u << OVERRIDE_USER)

struct kept_xattrs {
	struct tar_xattr *list; /* owned, with names and values */
	size_t n;
};

/* An object of the union. */
struct taken {
	uint32_t node;
	uint16_t layer; /* with the entry; MERGED_NO_LAYER: none is looked for */
	bool made;
	char *path;		   /* in the union; owned */
	const char *from;	   /* path of the entry */
	char *same;		   /* another entry, to which the entry of a link or a device is a hard link; owned */
	struct kept_xattrs xattrs; /* of all but files */
};

struct extracting {
	const struct view_extract_calls *calls;
	void *arg;
	struct merged *m;
	struct taken *all; /* in the order of paths; owned */
	size_t n, room;
	struct taken **sorted; /* by layer and entry; owned */
	size_t xattrs_bytes;

	uint16_t layer; /* that is being read */
	struct taken *file;
	struct kept_xattrs xattrs; /* of the file */
};

/* --- xattrs ------------------------------------------------------------------------------------------------------- */

static void xattrs_free(struct kept_xattrs *xattrs)
{
	for (size_t i = 0; i < xattrs->n; i++) {
		free((char *)xattrs->list[i].name);
		free((void *)xattrs->list[i].value);
	}
	free(xattrs->list);
	*xattrs = (struct kept_xattrs){.n = 0};
}

/* The name that a user sees; false: none. */
static bool xattr_shown(const char *name, char ret[static XATTR_NAME_SIZE])
{
	ssize_t size = (ssize_t)strlen(name) + 1;

	if (size > XATTR_NAME_SIZE || xattr_is_override(ALL_FORMS, name) || xattr_is_fuseoverlayfs(name) ||
	    !strcmp(name, "security.selinux"))
		return false;
	strcpy(ret, name);
	for (enum xattr_ns ns = 0; ns < XATTR_NS_COUNT; ns++) {
		ssize_t left = xattr_list_filter(ns, ret, (size_t)size);

		if (left != size) /* private, or unescaped once */
			return left > 0;
	}
	return true;
}

static int xattrs_copy(const struct tar_entry *e, struct kept_xattrs *ret, size_t *ret_bytes)
{
	char name[XATTR_NAME_SIZE];

	(void)CHECK(!ret->n && !ret->list);
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];
		struct tar_xattr *next;

		if (!xattr_shown(x->name, name))
			continue;
		next = ARRAY_NEXT(ret->list, ret->n);
		if (!next)
			return -ENOMEM;
		*next = (struct tar_xattr){.name = strdup(name), .value = malloc(x->len + 1), .len = x->len};
		ret->n++;
		if (!next->name || !next->value)
			return -ENOMEM;
		memcpy((void *)next->value, x->value, x->len);
		*ret_bytes += x->len + strlen(name);
	}
	return 0;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static struct view_object taken_object(const struct extracting *x, const struct taken *t)
{
	const struct merged_node *n = &x->m->nodes[t->node];

	(void)CHECK(t->node < x->m->n);
	return (struct view_object){.path = t->path,
				    .link = S_ISLNK(n->mode) ? merged_text(x->m, n->text) : NULL,
				    .size = n->size,
				    .mode = n->mode,
				    .uid = n->uid,
				    .gid = n->gid,
				    .major = n->major,
				    .minor = n->minor,
				    .mtime = n->mtime,
				    .mtime_nsec = n->mtime_nsec};
}

static int take_node(struct extracting *x, uint32_t node)
{
	const struct merged_node *n = &x->m->nodes[node];
	bool own = S_ISDIR(n->mode) || S_ISREG(n->mode) || n->layer == n->data_layer;
	struct taken *t;

	if (!ARRAY_ROOM(x->all, x->n, x->room, 1))
		return -ENOMEM;
	t = &x->all[x->n];
	*t = (struct taken){
		.node = node, .layer = own ? n->data_layer : MERGED_NO_LAYER, .path = merged_path(x->m, node)};
	if (!t->path)
		return -ENOMEM;
	t->from = S_ISREG(n->mode) && n->text ? merged_text(x->m, n->text) : t->path;
	x->n++;
	return 0;
}

static int taken_order(uint16_t layer, const char *from, const struct taken *t)
{
	return layer != t->layer ? (layer < t->layer ? -1 : 1) : strcmp(from, t->from);
}

static int taken_compare(const void *a, const void *b)
{
	const struct taken *x = *(struct taken *const *)a, *y = *(struct taken *const *)b;
	int r = taken_order(x->layer, x->from, y);

	return r ? r : x < y ? -1 : x > y;
}

/* The first object with an entry, or NULL. */
static struct taken *taken_find(const struct extracting *x, uint16_t layer, const char *from)
{
	size_t low = 0, high = x->n;

	(void)CHECK(layer != MERGED_NO_LAYER);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (taken_order(layer, from, x->sorted[middle]) <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low < x->n && taken_order(layer, from, x->sorted[low]) == 0 ? x->sorted[low] : NULL;
}

static int take_all(struct extracting *x, uint32_t top)
{
	int r = 0;

	(void)CHECK(top < x->m->n && !x->n);
	for (uint32_t node = top; node != MERGED_NONE && r == 0; node = merged_next(x->m, top, node))
		r = take_node(x, node);
	x->sorted = r == 0 ? malloc(x->n * sizeof(*x->sorted)) : NULL;
	if (!x->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < x->n; i++)
		x->sorted[i] = &x->all[i];
	qsort(x->sorted, x->n, sizeof(*x->sorted), taken_compare);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* What the entry of a directory, a link or a device says that the table of contents doesn't. */
static int extract_attributes(struct extracting *x, struct taken *t, const struct tar_entry *e)
{
	uint32_t mode = x->m->nodes[t->node].mode;

	/* The last entry of a path counts. */
	free(t->same);
	t->same = NULL;
	if (e->hardlink) {
		t->same = S_ISDIR(mode) ? NULL : strdup(e->link);
		return S_ISDIR(mode) ? 0 : t->same ? layer_tar_path(t->same, NULL) : -ENOMEM;
	}
	if ((e->mode & S_IFMT) != (mode & S_IFMT))
		return 0;
	xattrs_free(&t->xattrs);
	int r = xattrs_copy(e, &t->xattrs, &x->xattrs_bytes);
	return r == 0 && x->xattrs_bytes > VIEW_EXTRACT_XATTRS ? -E2BIG : r;
}

static int extract_entry(void *arg, const char *path, const struct tar_entry *e)
{
	struct extracting *x = arg;
	struct taken *t = taken_find(x, x->layer, path);
	struct view_object o;
	size_t bytes = 0;
	bool again;
	int r;

	if (!t)
		return 0;
	if (!S_ISREG(x->m->nodes[t->node].mode))
		return extract_attributes(x, t, e);
	if (!S_ISREG(e->mode) || e->hardlink)
		return 0;
	xattrs_free(&x->xattrs);
	r = xattrs_copy(e, &x->xattrs, &bytes);
	if (r < 0)
		return r;
	x->file = t;
	again = t->made;
	t->made = true;
	o = taken_object(x, t);
	r = x->calls->file(x->arg, &o, again);
	return r < 0 ? r : 1;
}

static int extract_data(void *arg, uint64_t at, const void *data, size_t len)
{
	const struct extracting *x = arg;

	(void)CHECK(x->file);
	return x->calls->data(x->arg, at, data, len);
}

static int extract_end(void *arg)
{
	const struct extracting *x = arg;
	struct view_object o = taken_object(x, x->file);

	return x->calls->file_end(x->arg, &o, x->xattrs.list, x->xattrs.n);
}

static int extract_layer(struct extracting *x, uint16_t layer, char **ret_error)
{
	static const struct image_entry_calls calls = {extract_entry, extract_data, extract_end};
	const struct view_stack *stack = x->m->stack;
	struct image_error error = {.text = ""};
	int r;

	(void)CHECK(layer < stack->image->n_layers);
	x->layer = layer;
	r = image_toc_entries(stack->image, stack->image->n_layers - 1 - layer, &calls, x, &error);
	xattrs_free(&x->xattrs);
	if (r < 0 && *error.text)
		return view_refuse(ret_error, r, "%s: @%u: %s", stack->name, layer, error.text);
	return r == -E2BIG || r == -ENOMEM ? view_refuse(ret_error, r, "%s: @%u: too many xattrs", stack->name, layer)
					   : r;
}

static int extract_layers(struct extracting *x, char **ret_error)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++) {
		uint16_t layer = x->sorted[i]->layer;

		if (layer != MERGED_NO_LAYER && (!i || x->sorted[i - 1]->layer != layer))
			r = extract_layer(x, layer, ret_error);
	}
	return r;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int extract_directories(struct extracting *x)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++) {
		struct view_object o = taken_object(x, &x->all[i]);

		if (S_ISDIR(o.mode))
			r = x->calls->directory(x->arg, &o);
	}
	return r;
}

/* A link or a device that is a hard link to another one. */
static const struct taken *other_same(const struct extracting *x, const struct taken *t)
{
	const struct taken *to = t->same && t->layer != MERGED_NO_LAYER ? taken_find(x, t->layer, t->same) : NULL;

	return to && !to->same && to->node != t->node &&
			       (x->m->nodes[to->node].mode & S_IFMT) == (x->m->nodes[t->node].mode & S_IFMT)
		       ? to
		       : NULL;
}

static int extract_others(struct extracting *x)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++) {
		const struct taken *t = &x->all[i];
		struct view_object o = taken_object(x, t);

		if (!S_ISDIR(o.mode) && !S_ISREG(o.mode) && !other_same(x, t))
			r = x->calls->other(x->arg, &o, t->xattrs.list, t->xattrs.n);
	}
	return r;
}

static int extract_name(struct extracting *x, const struct taken *t, char **ret_error)
{
	uint32_t mode = x->m->nodes[t->node].mode;
	const struct taken *to = S_ISREG(mode) ? NULL : other_same(x, t);

	if (S_ISDIR(mode) || (!S_ISREG(mode) && !to))
		return 0;
	if (!to && t->layer == MERGED_NO_LAYER)
		return x->calls->failed(x->arg, t->path, "a hard link to a file that no layer has");
	if (!to)
		to = taken_find(x, t->layer, t->from);
	if (!CHECK(to))
		return -EIO;
	if (S_ISREG(mode) && !to->made)
		return view_refuse(ret_error, -EBADMSG, "/%s: the layer was changed while it was read", t->path);
	return to == t ? 0 : x->calls->link(x->arg, t->path, to->path);
}

static int extract_steps(struct extracting *x, char **ret_error)
{
	int r = extract_directories(x);

	if (r == 0)
		r = extract_layers(x, ret_error);
	if (r == 0)
		r = extract_others(x);
	for (size_t i = 0; i < x->n && r == 0; i++)
		r = extract_name(x, &x->all[i], ret_error);
	for (size_t i = x->n; i-- > 0 && r == 0;) {
		struct view_object o = taken_object(x, &x->all[i]);

		if (S_ISDIR(o.mode))
			r = x->calls->leave(x->arg, &o, x->all[i].xattrs.list, x->all[i].xattrs.n);
	}
	return r;
}

static void extracting_finish(struct extracting *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->all[i].path);
		free(x->all[i].same);
		xattrs_free(&x->all[i].xattrs);
	}
	free(x->all);
	free(x->sorted);
	merged_free(x->m);
}

int view_extract(const struct view_stack *stack, size_t first, bool own, const char *path,
		 const struct view_extract_calls *calls, void *arg, char **ret_error)
{
	struct extracting x = {.calls = calls, .arg = arg};
	uint32_t top;
	int r;

	(void)CHECK(*path != '/' && first < view_layer_count(stack));
	if (stack->set || !stack->image)
		return view_refuse(ret_error, -EOPNOTSUPP, "%s: its layers are directories", stack->name);
	r = merged_read(stack, first, &x.m, ret_error);
	if (r < 0)
		return r;
	top = merged_find(x.m, path);
	if (top == MERGED_NONE || (own && x.m->nodes[top].layer != first))
		r = -ENOENT;
	if (r == 0)
		r = take_all(&x, top);
	if (r == -ENOMEM)
		view_refuse(ret_error, r, "%s: out of memory", stack->name);
	if (r == 0)
		r = extract_steps(&x, ret_error);
	extracting_finish(&x);
	return r;
}
