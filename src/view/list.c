/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unions, and one directory of them: a walk that enters nothing below it, looks at single names, or the nodes of a tree
 * in memory.
 */
#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "format/name.h"
#include "internal.h"
#include "os/fs.h"

/* --- unions ------------------------------------------------------------------------------------------------------- */

static int union_open(const struct view_stack *stack, size_t first, const struct view_union *below,
		      struct view_union **ret, char **ret_error)
{
	size_t n = view_layer_count(stack);
	struct view_union *u = calloc(1, sizeof(*u));
	int r = 0;

	(void)CHECK(first <= n && n > 0);
	if (!u)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", stack->name);
	u->stack = stack;
	u->first = first;
	if (first < n && stack->set)
		r = view_stack_open_range(stack, first, n - 1, &u->set, ret_error);
	else if (first < n && below && below->merged)
		r = merged_read_above(below->merged, &u->merged, ret_error);
	else if (first < n)
		r = merged_read(stack, first, &u->merged, ret_error);
	if (r == 0 && u->set)
		r = tree_looks_new(u->set, &u->looks);
	if (r < 0) {
		view_union_free(u);
		return view_refuse(ret_error, r, "%s: %s", stack->name, strerror(-r));
	}
	*ret = u;
	return 0;
}

int view_union_open(const struct view_stack *stack, size_t first, struct view_union **ret, char **ret_error)
{
	return union_open(stack, first, NULL, ret, ret_error);
}

int view_union_open_above(const struct view_union *below, struct view_union **ret, char **ret_error)
{
	(void)CHECK(below->first > 0);
	return union_open(below->stack, below->first - 1, below, ret, ret_error);
}

void view_union_free(struct view_union *u)
{
	if (!u)
		return;
	tree_looks_free(u->looks);
	if (u->set)
		layer_set_put(u->set);
	merged_free(u->merged);
	free(u);
}

/* --- layers that are directories ---------------------------------------------------------------------------------- */

struct listing_walk {
	struct view_list *list;
	bool begun; /* the directory itself was told */
	view_list_failed failed;
	void *arg;
};

static char *unless_equal(char *path, const char *usual)
{
	if (path && !strcmp(path, usual)) {
		free(path);
		return NULL;
	}
	return path;
}

static int list_add(struct view_list *list, const struct tree_walk_entry *e)
{
	struct view_item item = {.stx = e->stx,
				 .xattr_flags = e->xattr_flags,
				 .layer = e->layer,
				 .data_layer = e->data_layer,
				 .n_parts = e->n_parts,
				 .overmounted = e->overmounted};
	_cleanup_free_ char *path = NULL;
	int r = tree_walk_layer_path(e, &path);

	item.no_path = r == -ENOENT;
	if ((r < 0 && !item.no_path) || !ARRAY_ROOM(list->items, list->n, list->room, 1))
		return -ENOMEM;
	(void)CHECK(e->shown);
	item.name = strdup(e->name);
	item.path = unless_equal(TAKE_PTR(path), e->path);
	item.data_path = e->data_path ? strdup(e->data_path) : NULL;
	list->items[list->n++] = item;
	return item.name && (!e->data_path || item.data_path) ? 0 : -ENOMEM;
}

static int list_entry(void *arg, const struct tree_walk_entry *e)
{
	struct listing_walk *w = arg;
	int r;

	if (!w->begun) {
		w->begun = true;
		return 0;
	}
	r = list_add(w->list, e);
	return r < 0 ? r : S_ISDIR(e->stx.stx_mode) ? TREE_WALK_PRUNE : 0;
}

static int list_failed(void *arg, const char *path, unsigned layer, int err)
{
	struct listing_walk *w = arg;

	(void)CHECK(err < 0);
	return w->failed(w->arg, path, err);
}

static int list_look(void *arg, const struct tree_walk_entry *e)
{
	return list_add(arg, e);
}

int view_list_look(struct view_union *u, const char *path, view_list_failed failed, void *arg, struct view_list *list)
{
	int r;

	(void)CHECK(u->looks);
	r = tree_looks_at(u->looks, path, list_look, list);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r == 0 || r == -ENOMEM ? r : failed(arg, path, r);
}

/* --- a tree in memory --------------------------------------------------------------------------------------------- */

struct view_item view_item_of_node(const struct merged *m, uint32_t node)
{
	const struct merged_node *n = &m->nodes[node];

	(void)CHECK(node < m->n);
	return (struct view_item){.node = node,
				  .layer = n->layer - (unsigned)m->first,
				  .stx = {.stx_mode = (uint16_t)n->mode,
					  .stx_uid = n->uid,
					  .stx_gid = n->gid,
					  .stx_size = n->size,
					  .stx_rdev_major = n->major,
					  .stx_rdev_minor = n->minor,
					  .stx_mtime = {.tv_sec = n->mtime, .tv_nsec = n->mtime_nsec}}};
}

static int list_nodes(const struct merged *m, uint32_t dir, struct view_list *ret)
{
	(void)CHECK(dir < m->n);
	for (uint32_t at = m->nodes[dir].child; at; at = m->nodes[at].next) {
		struct view_item item = view_item_of_node(m, at);

		item.name = strdup(merged_text(m, m->nodes[at].name));
		if (!item.name || !ARRAY_ROOM(ret->items, ret->n, ret->room, 1)) {
			free(item.name);
			return -ENOMEM;
		}
		ret->items[ret->n++] = item;
	}
	return 0;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

int view_list_read(struct view_union *u, const char *path, uint32_t node, view_list_failed failed, void *arg,
		   struct view_list *ret)
{
	static const struct tree_walk_calls calls = {.entry = list_entry, .failed = list_failed};
	struct listing_walk w = {.list = ret, .failed = failed, .arg = arg};
	int r;

	*ret = (struct view_list){.n = 0};
	if (u->merged)
		r = list_nodes(u->merged, node, ret);
	else
		r = u->set ? tree_walk(u->set, path, TREE_WALK_STAT, &calls, &w) : 0;
	if (r == -ENOENT || r == -ENOTDIR)
		r = 0;
	if (r != 0)
		view_list_free(ret);
	return r;
}

void view_list_free(struct view_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].name);
		free(list->items[i].path);
		free(list->items[i].data_path);
	}
	free(list->items);
	*list = (struct view_list){.n = 0};
}

/* --- the topmost layer -------------------------------------------------------------------------------------------- */

struct top_names {
	const struct layer_set *set;
	char **names; /* owned */
	size_t n, room;
};

static int top_name(void *arg, const struct os_dirent *e)
{
	struct top_names *t = arg;
	const char *name = e->name;

	if (layer_reserves_name(t->set, name))
		name = aufs_whiteout_target(name);
	if (!name)
		return 0;
	if (!ARRAY_ROOM(t->names, t->n, t->room, 1))
		return -ENOMEM;
	t->names[t->n] = strdup(name);
	return t->names[t->n++] ? 0 : -ENOMEM;
}

static int top_by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int view_top_names(const struct view_union *u, const char *path, char ***ret, size_t *ret_n)
{
	struct top_names t = {.set = u->set};
	size_t n = 0;
	_cleanup_close_ int fd = layer_open_path(&u->set->layers[0], *path ? path : ".", O_RDONLY | O_DIRECTORY);
	int r = fd < 0 ? fd : os_read_dir(fd, top_name, &t);

	(void)CHECK(u->set->n > 0);
	if (t.n)
		qsort(t.names, t.n, sizeof(*t.names), top_by_name);
	for (size_t i = 0; i < t.n; i++) {
		if (n && !strcmp(t.names[n - 1], t.names[i]))
			free(t.names[i]);
		else
			t.names[n++] = t.names[i];
	}
	*ret = t.names;
	*ret_n = n;
	return r;
}
