/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an inode has that is a directory: its stack, one reference for each layer that holds it.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

void dir_free(struct dir *dir)
{
	for (unsigned i = 0; i < dir->n_lower; i++)
		free(dir->lower[i].path);
	lock_finish(&dir->lock);
	free(dir->notes);
	free(dir);
}

static bool dir_copy_lower(struct dir *dir, const struct resolved *resolved)
{
	for (unsigned i = 0; i < resolved->n_lower; i++) {
		const char *path = resolved->lower[i].path;

		dir->lower[i] = resolved->lower[i];
		dir->lower[i].path = path ? strdup(path) : NULL;
		dir->n_lower++;
		if (path && !dir->lower[i].path)
			return false;
	}
	return true;
}

struct dir *dir_new(const struct resolved *resolved)
{
	struct dir *dir = calloc(1, sizeof(*dir) + resolved->n_lower * sizeof(dir->lower[0]));

	if (!dir)
		return NULL;
	lock_init(&dir->lock, LOCK_DIR);
	if (!dir_copy_lower(dir, resolved)) {
		dir_free(dir);
		return NULL;
	}
	if (resolved->in_upper) {
		bool acl = (resolved->xattr_flags & XATTR_FLAG_DEFAULT_ACL) != 0;

		dir->upper = resolved->upper_ref;
		atomic_store_explicit(&dir->default_acl, acl ? DIR_ACL_PRESENT : DIR_ACL_NONE, memory_order_relaxed);
		atomic_store_explicit(&dir->impure_set, (resolved->xattr_flags & XATTR_FLAG_IMPURE) != 0,
				      memory_order_relaxed);
		atomic_store_explicit(&dir->in_upper, true, memory_order_release);
	}
	return dir;
}

unsigned dir_depth(const struct dir *dir)
{
	return dir->n_lower + (atomic_load_explicit(&dir->in_upper, memory_order_acquire) ? 1 : 0);
}

struct dirref *dir_ref(struct dir *dir, unsigned i)
{
	if (atomic_load_explicit(&dir->in_upper, memory_order_acquire)) {
		if (i == 0)
			return &dir->upper;
		i--;
	}
	return i < dir->n_lower ? &dir->lower[i] : NULL;
}

struct dirref *dir_ref_of_layer(struct dir *dir, unsigned layer)
{
	unsigned low = 0, high = dir->n_lower;

	if (atomic_load_explicit(&dir->in_upper, memory_order_acquire) && dir->upper.layer == layer)
		return &dir->upper;
	/* Lower refs are in layer order, and there may be hundreds. */
	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (dir->lower[mid].layer == layer)
			return &dir->lower[mid];
		if (dir->lower[mid].layer < layer)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
