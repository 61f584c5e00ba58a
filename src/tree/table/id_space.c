/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of slots, and the trees that have them.
 *
 * A chunk that was given back keeps its slots: their generations are those of ids that were used.
 */
#include "tree/id_space.h"
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"

int id_space_new(bool root_is_apart, struct id_space **ret_space)
{
	struct id_space *space = calloc(1, sizeof(*space));

	if (!space)
		return -ENOMEM;
	space->chunks = calloc(SLOT_CHUNKS, sizeof(*space->chunks));
	if (!space->chunks) {
		free(space);
		return -ENOMEM;
	}
	lock_init(&space->lock, LOCK_LEAF);
	space->unused = root_is_apart ? 1 : 0;
	space->free = CHUNK_NONE;
	*ret_space = space;
	return 0;
}

void id_space_free(struct id_space *space)
{
	if (!space)
		return;
	for (uint32_t i = 0; i < space->unused; i++) {
		struct slot_chunk *chunk = atomic_load_explicit(&space->chunks[i], memory_order_relaxed);

		(void)CHECK(!chunk || !atomic_load(&chunk->tree));
		free(chunk);
	}
	lock_finish(&space->lock);
	free(space->chunks);
	free(space);
}

struct tree *id_space_tree(const struct id_space *space, uint64_t id)
{
	uint32_t number = (uint32_t)id / SLOT_CHUNK;
	struct slot_chunk *chunk;

	if (number >= SLOT_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&space->chunks[number], memory_order_acquire);
	return chunk ? atomic_load_explicit(&chunk->tree, memory_order_acquire) : NULL;
}

/* A chunk that nobody has, CHUNK_NONE without one; -ENOMEM. */
static int new_chunk_locked(struct id_space *space, uint32_t *ret_number)
{
	struct slot_chunk *chunk;

	(void)CHECK(lock_held(&space->lock) && space->free == CHUNK_NONE);
	if (space->unused >= SLOT_CHUNKS)
		return -ENOMEM;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	*ret_number = space->unused++;
	atomic_store_explicit(&space->chunks[*ret_number], chunk, memory_order_release);
	return 0;
}

int id_space_take(struct id_space *space, struct tree *tree, uint32_t *ret_number)
{
	struct slot_chunk *chunk;
	int r = 0;

	LOCK_SCOPE(&space->lock);
	if (space->free == CHUNK_NONE) {
		r = new_chunk_locked(space, ret_number);
	} else {
		*ret_number = space->free;
		space->free = space->chunks[*ret_number]->next;
	}
	if (r < 0)
		return r;
	chunk = space->chunks[*ret_number];
	(void)CHECK(!atomic_load(&chunk->tree));
	atomic_store_explicit(&chunk->tree, tree, memory_order_release);
	return 0;
}

void id_space_give_back(struct id_space *space, uint32_t number)
{
	struct slot_chunk *chunk = space->chunks[number];

	LOCK_SCOPE(&space->lock);
	(void)CHECK(atomic_load(&chunk->tree));
	atomic_store_explicit(&chunk->tree, NULL, memory_order_release);
	chunk->next = space->free;
	space->free = number;
}
