/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of a mount as the resolver and the merge see it (stack.h): its parts are reached through the inodes and
 * the cache of descriptors.
 */
#include "view.h"

#include <errno.h>

#include "base/macros.h"

static struct inode_stack *of_inode(struct dir_stack *ds)
{
	return container_of(ds, struct inode_stack, stack);
}

static int inode_stack_get(struct dir_stack *ds, struct dirref *ref, struct dirfd *ret_fd)
{
	return dirfd_get(of_inode(ds)->tree, of_inode(ds)->dir, ref, ret_fd);
}

static void inode_stack_put(struct dir_stack *ds, struct dirfd *fd)
{
	dirfd_put(of_inode(ds)->tree, fd);
}

static int inode_stack_statx(struct dir_stack *ds, struct dirref *ref, struct statx *ret_stx)
{
	return dirfd_statx(of_inode(ds)->tree, of_inode(ds)->dir, ref, ret_stx);
}

static int inode_stack_open_to_read(struct dir_stack *ds, struct dirref *ref)
{
	struct inode *dir = of_inode(ds)->dir;

	/* Where entries are looked up as well the cache's descriptor will be needed. */
	return dir_plus(dir->dir) == DIR_PLUS_ALL ? -EEXIST : dirfd_open_to_read(of_inode(ds)->tree, dir, ref);
}

static int inode_stack_compose(struct dir_stack *ds, unsigned layer, const char *name, char **ret_path)
{
	return layer_path_compose(of_inode(ds)->tree, of_inode(ds)->dir, layer, name, ret_path);
}

static const char *inode_stack_shown(struct dir_stack *ds, const char *name, char buf[TREE_PATH_SHOWN])
{
	return tree_path(of_inode(ds)->tree, of_inode(ds)->dir->id, name, buf);
}

static unsigned inode_stack_shrink(struct dir_stack *ds)
{
	return dirfd_shrink(of_inode(ds)->tree);
}

void inode_stack_init(struct inode_stack *ret, struct tree *tree, struct inode *dir)
{
	static const struct stack_calls calls = {
		.get = inode_stack_get,
		.put = inode_stack_put,
		.statx = inode_stack_statx,
		.open_to_read = inode_stack_open_to_read,
		.compose = inode_stack_compose,
		.shown = inode_stack_shown,
		.shrink = inode_stack_shrink,
	};
	struct dir *d = dir->dir, *root = tree->root->dir;

	*ret = (struct inode_stack){.stack = {.calls = &calls, .layers = tree->layers}, .tree = tree, .dir = dir};
	ret->stack.upper = dir_depth(d) > d->n_lower ? &d->upper : NULL;
	ret->stack.lower = d->lower;
	ret->stack.n_lower = d->n_lower;
	ret->stack.last_root = root->n_lower ? root->lower[root->n_lower - 1].layer : 0;
	ret->stack.impure = atomic_load_explicit(&d->impure_set, memory_order_acquire);
}
