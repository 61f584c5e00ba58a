// SPDX-License-Identifier: Apache-2.0
/*
 * The objects of an addition, and their order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addition_state.h"
#include "base/array.h"
#include "base/check.h"
#include "image/error.h"

int addition_order(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	if (*a == '/' || *b == '/')
		return *a == *b ? 0 : *a == '/' ? (*b ? -1 : 1) : (*a ? 1 : -1);
	return (unsigned char)*a - (unsigned char)*b;
}

void addition_object_finish(struct added_object *o)
{
	free(o->path);
	free(o->name);
	free(o->where);
	free(o->data_where);
	free(o->attributes);
}

int addition_object(struct addition *a, const char *path, const char *name, struct added_object **ret)
{
	struct added_object *next = ARRAY_NEXT(a->objects, a->n);

	(void)CHECK(*path != '/');
	if (!next)
		return -ENOMEM;
	*next = (struct added_object){.path = strdup(path),
				      .name = name ? strdup(name) : NULL,
				      .order = a->n,
				      .data_layer = TREE_WALK_NO_LAYER};
	a->n++;
	*ret = next;
	return next->path && (!name || next->name) ? 0 : -ENOMEM;
}

static int by_path_and_order(const void *x, const void *y)
{
	const struct added_object *a = x, *b = y;
	int order = addition_order(a->path, b->path);

	return order ? order : a->order < b->order ? -1 : 1;
}

int addition_sort(struct addition *a, struct image_error *error)
{
	size_t kept = 0;

	if (a->n)
		qsort(a->objects, a->n, sizeof(*a->objects), by_path_and_order);
	for (size_t i = 0; i < a->n; i++) {
		struct added_object *o = &a->objects[i], *last = kept ? &a->objects[kept - 1] : NULL, moved;
		size_t len = last ? strlen(last->path) : 0;
		bool same = last && !strcmp(last->path, o->path);

		if (last && !S_ISDIR(last->stx.stx_mode) && !strncmp(last->path, o->path, len) &&
		    (o->path[len] == '/' || (same && S_ISDIR(o->stx.stx_mode))))
			return image_fail(error, -ENOTDIR, "/%s: it is a directory in one source, and none in another",
					  last->path);
		if (same && S_ISDIR(last->stx.stx_mode) && !S_ISDIR(o->stx.stx_mode))
			return image_fail(error, -EISDIR, "/%s: it is a directory in one source, and none in another",
					  last->path);
		if (same)
			addition_object_finish(last);
		else
			kept++;
		/* After a failure all slots are freed: each object is in one. */
		moved = *o;
		*o = (struct added_object){.path = NULL};
		a->objects[kept - 1] = moved;
	}
	a->n = kept;
	return 0;
}
