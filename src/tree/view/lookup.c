/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lookup in a directory of a mount: the resolver with what the inode table and the listings know beforehand.
 *
 * Lookups that find nothing are counted in the directory. When they have cost about as much as reading it, its listing
 * is built, and from then on a miss costs no system call and a hit starts in the layer that has it: a lookup doesn't
 * grow with the number of layers.
 */
#include "view.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"

/* Wasted lookups that are worth a listing. */
#define WASTE_LIMIT 64

static void count_waste(struct tree *tree, struct inode *dir, unsigned wasted)
{
	unsigned before;

	if (!wasted || tree->revalidate)
		return;
	before = atomic_fetch_add_explicit(&dir->dir->misses, wasted, memory_order_relaxed);
	if (before + wasted < WASTE_LIMIT)
		return;
	/* Whether it succeeds or not: the next try has to be earned again. */
	atomic_store_explicit(&dir->dir->misses, 0, memory_order_relaxed);
	listing_try_build(tree, dir);
}

/* Which layers to ask, from the kept listing. False when the name is absent and no layer needs to be asked. */
static bool search_range(struct tree *tree, struct inode *dir, const char *name, unsigned *ret_first,
			 unsigned *ret_last)
{
	struct listing_hint hint = {.answer = LISTING_UNKNOWN};

	*ret_first = 0;
	*ret_last = UINT16_MAX;
	if (!tree->revalidate)
		listing_hint_of(tree, dir, name, &hint);
	if (hint.answer == LISTING_PRESENT) {
		*ret_first = hint.layer;
		*ret_last = MAX(hint.layer, hint.last_layer);
	} else if (hint.answer == LISTING_ABSENT) {
		/* Only whether the upper has a whiteout may be left to ask. */
		*ret_last = 0;
		return hint.may_whiteout && tree->layers->has_upper;
	}
	return true;
}

static int resolve_once(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret)
{
	unsigned first, last, wasted = 0;
	struct inode_stack stack;
	int r;

	memset(ret, 0, sizeof(*ret));
	inode_stack_init(&stack, tree, dir);
	if (!search_range(tree, dir, name, &first, &last))
		return -ENOENT;
	r = resolve_in_stack(&stack.stack, name, first, last, NULL, ret, &wasted);
	/* The listing promised it: the layer was changed underneath. */
	if (r == -ENOENT && !ret->upper_whiteout && first > 0)
		r = resolve_in_stack(&stack.stack, name, 0, UINT16_MAX, NULL, ret, &wasted);
	if (stack_depth(&stack.stack) > 1)
		count_waste(tree, dir, wasted);
	return r;
}

/* Another mount hides the last name of a copy before it takes the entry out of the index. Where that is missed, the
 * name may have gone since it was looked at. */
static bool may_have_gone(const struct tree *tree, const struct resolved *resolved)
{
	return tree->layers->shows_upper && resolved->index_name && !resolved->indexed;
}

int resolve_child(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	if (strlen(name) > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	if (inode_is_unlinked(dir) || layer_reserves_name(tree->layers, name))
		return -ENOENT;
	r = resolve_once(tree, dir, name, ret);
	if (r < 0 || !may_have_gone(tree, ret))
		return r;
	resolved_finish(ret);
	return resolve_once(tree, dir, name, ret);
}

int resolve_lower_positive(struct tree *tree, struct inode *dir, const char *name)
{
	struct inode_stack stack;

	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	inode_stack_init(&stack, tree, dir);
	for (unsigned i = 0; i < stack.stack.n_lower; i++) {
		struct dirfd fd;
		struct layer_lookup p;
		int r = layer_lookup_name(&stack.stack, &stack.stack.lower[i], name, &fd, &p);

		dirfd_put(tree, &fd);
		if (r == LAYER_LOOKUP_NOWHERE)
			continue;
		if (r != LAYER_LOOKUP_NOTHING || p.hides_below)
			return r == LAYER_LOOKUP_OBJECT ? 1 : MIN(r, 0);
	}
	return 0;
}
