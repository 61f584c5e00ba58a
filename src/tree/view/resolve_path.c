/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for a path from a layer's root, which an absolute redirect leads to. On the way every component counts as if
 * it had been looked up in that layer: whiteouts and opaque directories end the search below, redirects change the path
 * for the layers below. The rules are kernel overlayfs's (ovl_lookup_layer in fs/overlayfs/namei.c).
 */
#include "resolve_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"

/* `name` at dirfd, on the way along a path from a layer's root. 1: the layer has nothing of it. */
static int walk_look(struct search *s, const struct layer *l, int dirfd, const char *name, struct layer_lookup *p)
{
	const struct layer_set *set = s->stack->layers;
	int r, hides = 0;

	*p = (struct layer_lookup){0};
	if (layer_reserves_name(set, name))
		return 1;
	r = layer_statx(l, dirfd, name, &p->stx, &p->overmounted);
	if (r == 0)
		r = layer_object(set, l, dirfd, name, &p->stx, &p->id);
	if (r == 0)
		layer_number_by_name(l, s->walked_ino, name, &p->id);
	if (r < 0 && r != -ENOENT && r != -ENAMETOOLONG)
		return r;
	if (set->aufs && l->index + 1 < set->n && (r < 0 || S_ISDIR(p->stx.stx_mode)))
		hides = layer_lookup_aufs(s->stack, layer_aufs_hides, l, dirfd, name);
	if (hides < 0)
		return hides;
	p->hides_below = hides;
	if (r < 0)
		resolve_end_below(s, p, s->redirects);
	return r < 0;
}

/* With what follows the name at `at`. 1: this layer has nothing at the path. */
static int walk_through(struct search *s, const struct layer *l, int dirfd, const char *name, const char *at)
{
	unsigned redirects = s->redirects;
	struct layer_lookup p;
	int r = walk_look(s, l, dirfd, name, &p);

	if (r != 0)
		return r;
	if (p.overmounted)
		return 1;
	if (!S_ISDIR(p.stx.stx_mode)) {
		s->done = true;
		return 1;
	}
	if (resolve_is_forbidden(s->stack->layers, l, &p.stx))
		return -ELOOP;
	r = layer_lookup_xattr_flags(s->stack, l, dirfd, name, &p);
	if (r < 0)
		return r;
	if (p.xattr_flags & XATTR_FLAG_OPAQUE)
		s->done = true;
	r = resolve_redirect(s, l, dirfd, name, &p, at, strlen(name));
	resolve_end_below(s, &p, redirects);
	s->walked_ino = p.id.ino;
	return r;
}

/* The last component, which is a directory or not what is looked for: a directory has been found above. */
static int walk_end(struct search *s, const struct layer *l, int dirfd, const char *name, struct layer_lookup *p)
{
	unsigned redirects = s->redirects;
	int r = walk_look(s, l, dirfd, name, p);

	if (r != 0)
		return MIN(r, 0);
	s->walked_to = p;
	r = resolve_object(s, l, dirfd, name, p);
	resolve_end_below(s, p, redirects);
	return r;
}

static int walk_components(struct search *s, const struct layer *l, const char *path, struct layer_lookup *p)
{
	_cleanup_close_ int fd = -1;
	char name[TREE_NAME_MAX + 1];

	for (;;) {
		const char *at = path + 1;
		size_t len = strcspn(at, "/");
		int dirfd = fd < 0 ? l->root_fd : fd, next, r;

		if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
			return -EIO;
		memcpy(name, at, len);
		name[len] = '\0';
		if (!at[len])
			return walk_end(s, l, dirfd, name, p);
		r = walk_through(s, l, dirfd, name, at);
		if (r != 0)
			return MIN(r, 0);
		next = stack_open_name(s->stack, l, dirfd, name);
		if (next < 0)
			return next == -ENOENT || next == -ENOTDIR || next == -ELOOP || next == -EXDEV ? 0 : next;
		cleanup_close(&fd);
		fd = next;
		path = at + len;
	}
}

int resolve_walk(struct search *s, const struct layer *l)
{
	_cleanup_free_ char *path = strdup(s->path);
	struct search_state before = resolve_state(s);
	struct layer_lookup p = {0};
	int r;

	if (!path)
		return -ENOMEM;
	s->walked = path;
	s->walked_ino = l->root_number;
	s->walked_to = NULL;
	r = walk_components(s, l, path, &p);
	resolve_tell(s, l, before, s->walked_to ? LAYER_LOOKUP_OBJECT : LAYER_LOOKUP_NOTHING, &p, path, r);
	s->walked = NULL;
	return r;
}
