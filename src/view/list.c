/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One directory of a union: a walk that enters nothing below it.
 */
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"

struct listing_walk {
	struct view_list *list;
	bool begun; /* the directory itself was told */
	int (*failed)(void *arg, const char *path, int err);
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

int view_list_read(struct layer_set *set, const char *path, int (*failed)(void *arg, const char *path, int err),
		   void *arg, struct view_list *ret)
{
	static const struct tree_walk_calls calls = {.entry = list_entry, .failed = list_failed};
	struct listing_walk w = {.list = ret, .failed = failed, .arg = arg};
	int r;

	*ret = (struct view_list){.n = 0};
	if (!set)
		return 0;
	r = tree_walk(set, path, TREE_WALK_STAT, &calls, &w);
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
