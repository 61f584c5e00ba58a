/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: node id -> inode.
 *
 * A node id is a slot number and, above it, the slot's generation, which is counted up when an inode is freed; so an id
 * is never used again and a late or forged one is answered by NULL, never by another file. Slots lie in chunks that
 * never move: inode_find() takes no lock.
 */
#include "table.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>

struct inode_slot *inode_slot(struct tree *tree, uint32_t slot)
{
	struct inode_slot *chunk;

	if (slot / SLOT_CHUNK >= SLOT_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&tree->inodes->chunks[slot / SLOT_CHUNK], memory_order_acquire);
	return chunk ? &chunk[slot % SLOT_CHUNK] : NULL;
}

int slot_take_locked(struct tree *tree, struct inode *inode, uint64_t *ret_id)
{
	struct inode_table *t = tree->inodes;
	uint32_t slot = t->free_slot;
	struct inode_slot *s;

	(void)CHECK(lock_held(&tree->table));
	if (slot) {
		s = inode_slot(tree, slot);
		t->free_slot = s->next_free;
	} else {
		uint32_t chunk = (t->n_slots + 1) / SLOT_CHUNK;

		if (chunk >= SLOT_CHUNKS)
			return -ENOMEM;
		if (!atomic_load_explicit(&t->chunks[chunk], memory_order_relaxed)) {
			struct inode_slot *fresh = calloc(SLOT_CHUNK, sizeof(*fresh));

			if (!fresh)
				return -ENOMEM;
			atomic_store_explicit(&t->chunks[chunk], fresh, memory_order_release);
		}
		slot = ++t->n_slots;
		s = inode_slot(tree, slot);
	}
	*ret_id = (uint64_t)atomic_load_explicit(&s->generation, memory_order_relaxed) << 32 | slot;
	atomic_store_explicit(&s->inode, inode, memory_order_release);
	t->n_inodes++;
	return 0;
}

void slot_release_locked(struct tree *tree, uint64_t id)
{
	struct inode_table *t = tree->inodes;
	uint32_t slot = (uint32_t)id;
	struct inode_slot *s = inode_slot(tree, slot);
	uint32_t generation = atomic_load_explicit(&s->generation, memory_order_relaxed);

	(void)CHECK(lock_held(&tree->table));
	atomic_store_explicit(&s->inode, NULL, memory_order_release);
	t->n_inodes--;
	/* A slot whose generations are used up is never taken again. */
	if (generation == UINT32_MAX)
		return;
	atomic_store_explicit(&s->generation, generation + 1, memory_order_release);
	s->next_free = t->free_slot;
	t->free_slot = slot;
}

struct inode *inode_find(struct tree *tree, uint64_t id)
{
	struct inode_slot *s = inode_slot(tree, (uint32_t)id);

	/* The generation is compared before the inode is touched: of a stale id it may be freed at this moment. */
	if (!s || atomic_load_explicit(&s->generation, memory_order_acquire) != (uint32_t)(id >> 32))
		return NULL;
	return atomic_load_explicit(&s->inode, memory_order_acquire);
}

size_t tree_inode_count(struct tree *tree)
{
	LOCK_SCOPE(&tree->table);
	return tree->inodes->n_inodes;
}
