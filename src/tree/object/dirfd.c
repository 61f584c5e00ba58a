/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening directories of layers; what is open is in dirfd_cache.c.
 *
 * What isn't open is reached from the nearest ancestor that is open in the same layer, one name at a time, or from the
 * layer's root where a redirect gave an ancestor another place: no path is ever opened as a whole, so depth has no
 * limit. Each step is checked to lead to the directory meant; a mismatch or a missing name means that a rename ran in
 * between, and the climb starts again.
 */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"
#include "os/task.h"

#define SHRINK_TRIES 8

void open_real_pause(unsigned attempt)
{
	if (attempt >= 4)
		os_sleep_us(20u << MIN(attempt - 4, 7u));
}

/* Opens a name as a directory (O_PATH); closes other directories where descriptors have run out. */
static int dirfd_open_name(struct tree *tree, const struct layer *l, int dirfd, const char *name)
{
	for (unsigned i = 0;; i++) {
		int fd = layer_openat(l, dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);

		if ((fd != -EMFILE && fd != -ENFILE) || i == SHRINK_TRIES || !dirfd_shrink(tree))
			return fd;
	}
}

int layer_path_open(struct tree *tree, const struct layer *l, const char *path)
{
	_cleanup_close_ int fd = -1;
	char name[TREE_NAME_MAX + 1];

	for (;;) {
		size_t len = strcspn(path, "/");
		int next;

		if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
			return -EIO;
		memcpy(name, path, len);
		name[len] = '\0';
		next = dirfd_open_name(tree, l, fd < 0 ? l->root_fd : fd, name);
		if (next < 0)
			return next;
		cleanup_close(&fd);
		fd = next;
		path += len;
		if (!*path)
			return TAKE_FD(fd);
		path++;
	}
}

/* The ancestors of a directory that must be opened, itself first; each is referenced. */
struct climb {
	struct inode **chain;
	size_t n;
	struct inode *base_dir; /* the directory that `base` is open on; referenced */
	struct dirfd base;
};

static int climb_push_locked(struct climb *c, struct inode *inode)
{
	if (!ARRAY_NEXT(c->chain, c->n))
		return -ENOMEM;
	inode->refs++;
	c->chain[c->n++] = inode;
	return 0;
}

/* Walks up from `dir` to the nearest ancestor that is open in `layer`, or that has its own path from the layer's
 * root. */
static int climb_up(struct tree *tree, struct inode *dir, unsigned layer, struct climb *c)
{
	struct inode *at = dir;

	LOCK_SCOPE(&tree->table);
	for (;;) {
		struct dirref *ref = dir_ref_of_layer(at->dir, layer);
		int r;

		/* I5 */
		if (!CHECK(ref))
			return -EIO;
		if (ref->flags & DIRREF_OVERMOUNTED)
			return -EXDEV;
		if (dirfd_get_open(tree, at, ref, &c->base)) {
			at->refs++;
			c->base_dir = at;
			return 0;
		}
		r = climb_push_locked(c, at);
		if (r < 0)
			return r;
		if (!at->names && !ref->path)
			return -ESTALE;
		at = ref->path ? tree->root : at->names->parent;
	}
}

static void climb_finish(struct tree *tree, struct climb *c)
{
	struct inode *dead = NULL;

	if (c->base_dir)
		dirfd_put(tree, &c->base);
	lock_take(&tree->table);
	if (c->base_dir) {
		c->base_dir->refs--;
		inode_reap_locked(tree, c->base_dir, &dead);
	}
	for (size_t i = 0; i < c->n; i++) {
		c->chain[i]->refs--;
		inode_reap_locked(tree, c->chain[i], &dead);
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
	free(c->chain);
}

/* The name of `child` in `parent` now; -LOOK_AGAIN when it has gone elsewhere. Or its path in the layer, which stays as
 * long as the child. */
static int child_layer_path(struct tree *tree, struct inode *parent, struct inode *child, const struct dirref *ref,
			    char ret_name[TREE_NAME_MAX + 1], const char **ret_path)
{
	LOCK_SCOPE(&tree->table);
	*ret_path = ref->path;
	if (ref->path)
		return 0;
	if (!child->names || child->names->parent != parent)
		return -LOOK_AGAIN;
	memcpy(ret_name, child->names->name, child->names->len + 1u);
	return 0;
}

/* One step down: opens `child`, checks that it is the directory meant (I6) and makes it the base. */
static int climb_down(struct tree *tree, struct climb *c, unsigned layer, struct inode *child)
{
	struct dirref *ref = dir_ref_of_layer(child->dir, layer);
	const struct layer *l = &tree->layers->layers[layer];
	char name[TREE_NAME_MAX + 1];
	_cleanup_close_ int fd = -1;
	const char *path;
	struct dirfd next;
	struct statx stx;
	int r = child_layer_path(tree, c->base_dir, child, ref, name, &path);

	if (r < 0)
		return r;
	fd = path ? layer_path_open(tree, l, path) : dirfd_open_name(tree, l, c->base.fd, name);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return -LOOK_AGAIN;
	if (fd < 0)
		return fd;
	r = os_statx(fd, "", &stx);
	if (r < 0)
		return r;
	if (!layer_is_object(tree->layers, dirref_object(ref), &stx))
		return -LOOK_AGAIN;
	r = dirfd_insert(tree, ref, TAKE_FD(fd), &next);
	if (r < 0)
		return r;
	dirfd_put(tree, &c->base);
	c->base = next;
	inode_put(tree, c->base_dir);
	c->base_dir = inode_get(tree, child);
	return 0;
}

static int dirfd_climb(struct tree *tree, struct inode *dir, unsigned layer, struct dirfd *ret_fd)
{
	struct climb c = {.base = {.fd = -1}};
	int r = climb_up(tree, dir, layer, &c);

	for (size_t i = c.n; i-- > 0 && r == 0;)
		r = climb_down(tree, &c, layer, c.chain[i]);
	if (r == 0) {
		*ret_fd = c.base;
		c.base = (struct dirfd){.fd = -1};
	}
	climb_finish(tree, &c);
	return r;
}

int dirfd_get_held(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd)
{
	if (!CHECK(inode_is_dir(dir) && tree_names_held(tree)))
		return -EIO;
	if (ref->flags & DIRREF_OVERMOUNTED)
		return -EXDEV;
	for (unsigned i = 0; i < OPEN_REAL_TRIES; i++) {
		int r;

		if (dirfd_get_open(tree, dir, ref, ret_fd))
			return 0;
		r = dirfd_climb(tree, dir, ref->layer, ret_fd);
		if (r != -LOOK_AGAIN)
			return r;
		open_real_pause(i);
	}
	return -ESTALE;
}

int dirfd_get(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd)
{
	_cleanup_tree_names_ struct rwlock *names = tree_names_read(tree);

	return dirfd_get_held(tree, dir, ref, ret_fd);
}

/* The name by which the directory lies in its parent's part of the layer; the parent is referenced. NULL: it lies
 * elsewhere. */
static struct inode *parent_in_layer(struct tree *tree, struct inode *dir, const struct dirref *ref,
				     char ret_name[TREE_NAME_MAX + 1])
{
	LOCK_SCOPE(&tree->table);
	if (ref->path || !dir->names)
		return NULL;
	memcpy(ret_name, dir->names->name, dir->names->len + 1u);
	dir->names->parent->refs++;
	return dir->names->parent;
}

/* Opens the directory by its name in the parent. An errno means no more than that it isn't had this way. */
static int open_to_read(struct tree *tree, struct inode *parent, const char *name, struct dirref *ref)
{
	const struct layer *l = &tree->layers->layers[ref->layer];
	struct dirref *above = dir_ref_of_layer(parent->dir, ref->layer);
	_cleanup_close_ int fd = -1;
	struct statx stx;
	struct dirfd at;
	int r = above ? dirfd_get_held(tree, parent, above, &at) : -ESTALE;

	if (r < 0)
		return r;
	fd = layer_openat(l, at.fd, name, O_RDONLY | O_DIRECTORY | O_NOATIME);
	dirfd_put(tree, &at);
	r = fd < 0 ? fd : os_statx(fd, "", &stx);
	if (r == 0 && !layer_is_object(tree->layers, dirref_object(ref), &stx))
		r = -ESTALE;
	return r < 0 ? r : TAKE_FD(fd);
}

int dirfd_open_to_read(struct tree *tree, struct inode *dir, struct dirref *ref)
{
	_cleanup_tree_names_ struct rwlock *names = tree_names_read(tree);
	char name[TREE_NAME_MAX + 1];
	struct inode *parent;
	struct dirfd fd;
	int r;

	if (ref->flags & DIRREF_OVERMOUNTED)
		return -EXDEV;
	if (dirfd_get_open(tree, dir, ref, &fd)) {
		dirfd_put(tree, &fd);
		return -EEXIST;
	}
	parent = parent_in_layer(tree, dir, ref, name);
	if (!parent)
		return -ESTALE;
	r = open_to_read(tree, parent, name, ref);
	inode_put(tree, parent);
	return r;
}

int dirfd_statx(struct tree *tree, struct inode *dir, struct dirref *ref, struct statx *ret_stx)
{
	_cleanup_tree_names_ struct rwlock *names = tree_names_read(tree);
	const struct layer *l = &tree->layers->layers[ref->layer];
	char name[TREE_NAME_MAX + 1] = "";
	struct inode *parent = NULL;
	struct dirref *above = NULL;
	struct statx stx;
	struct dirfd fd;
	int r = 0;

	if (!dirfd_get_open(tree, dir, ref, &fd)) {
		parent = parent_in_layer(tree, dir, ref, name);
		above = parent ? dir_ref_of_layer(parent->dir, ref->layer) : NULL;
		r = above ? dirfd_get_held(tree, parent, above, &fd) : dirfd_get_held(tree, dir, ref, &fd);
	}
	if (r == 0) {
		r = layer_statx(l, fd.fd, above ? name : "", &stx, NULL);
		dirfd_put(tree, &fd);
	}
	inode_put(tree, parent);
	if (r == 0 && !layer_is_object(tree->layers, dirref_object(ref), &stx))
		r = -ESTALE;
	if (r == 0)
		*ret_stx = stx;
	return r;
}

int dirfd_get_upper(struct tree *tree, struct inode *dir, struct dirfd *ret_fd)
{
	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	if (!atomic_load_explicit(&dir->dir->in_upper, memory_order_acquire))
		return -EROFS;
	return dirfd_get(tree, dir, &dir->dir->upper, ret_fd);
}
