/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: node id -> inode.
 *
 * A node id is a slot number and, above it, the slot's generation, which is counted up when an inode is freed; so an id
 * is never used again and a late or forged one is answered by NULL, never by another file. Slots lie in chunks of the
 * id space that never move: inode_find() takes no lock.
 */
#include "table.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>

static struct slot_chunk *chunk_of(const struct inode_table *t, uint32_t slot)
{
	return atomic_load_explicit(&t->chunks[slot / SLOT_CHUNK], memory_order_acquire);
}

struct inode_slot *inode_slot(struct tree *tree, uint32_t slot)
{
	struct slot_chunk *chunk;

	if (slot / SLOT_CHUNK >= SLOT_CHUNKS)
		return NULL;
	chunk = chunk_of(tree->inodes, slot);
	if (!chunk || atomic_load_explicit(&chunk->tree, memory_order_acquire) != tree)
		return NULL;
	return &chunk->slots[slot % SLOT_CHUNK];
}

static uint32_t first_of_chunk(uint32_t chunk)
{
	/* Slot 0 is none. */
	return chunk == CHUNK_NONE ? 0 : MAX(chunk * SLOT_CHUNK, 1U);
}

uint32_t slot_first(struct tree *tree)
{
	return first_of_chunk(tree->inodes->newest_chunk);
}

uint32_t slot_after(struct tree *tree, uint32_t slot)
{
	const struct inode_table *t = tree->inodes;

	if ((slot + 1) % SLOT_CHUNK && slot + 1 != t->next_slot)
		return slot + 1;
	return first_of_chunk(chunk_of(t, slot)->next);
}

static int take_chunk_locked(struct tree *tree)
{
	struct inode_table *t = tree->inodes;
	uint32_t number;
	int r = id_space_take(t->space, tree, &number);

	(void)CHECK(lock_held(&tree->table));
	if (r < 0)
		return r;
	t->chunks[number]->next = t->newest_chunk;
	t->newest_chunk = number;
	t->next_slot = first_of_chunk(number);
	return 0;
}

/* One that wasn't handed out, and whose generations an earlier tree hasn't used up; 0 without memory. */
static uint32_t fresh_slot_locked(struct tree *tree)
{
	struct inode_table *t = tree->inodes;
	uint32_t slot;

	(void)CHECK(lock_held(&tree->table));
	do {
		if (t->next_slot % SLOT_CHUNK == 0 && take_chunk_locked(tree) < 0)
			return 0;
		slot = t->next_slot++;
	} while (atomic_load_explicit(&inode_slot(tree, slot)->generation, memory_order_relaxed) == UINT32_MAX);
	return slot;
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
		slot = fresh_slot_locked(tree);
		if (!slot)
			return -ENOMEM;
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
