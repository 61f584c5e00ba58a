/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a listing that went for memory: which names are missing.
 *
 * Each name leaves 16 bits of its hash, in a table of open addressing whose slots the hash is spread over. A name whose
 * bits aren't found is missing, without a look at any layer; of those that are missing, a few in ten thousand seem to
 * be there, and the layers are asked about them. Entries are added and never removed. When there is no room the set is
 * given up: names can't be had back from it.
 *
 * Measured: 2.3 bytes a name, where the listing takes 43.
 */
#include "view.h"

#include <stdlib.h>

/* In use, of 8: at first, and when a set is given up. */
#define FILL_AT_FIRST 7
#define LEAST_FREE 8

struct name_set {
	uint32_t n, n_slots;
	bool unsure;	  /* of a name that isn't found the upper may have a whiteout */
	uint16_t slots[]; /* 0: free */
};

static uint16_t name_set_bits_of(uint32_t hash)
{
	return (uint16_t)hash ? (uint16_t)hash : 1;
}

/* The slot that has the bits of the hash, or the free slot that ends the search for them. */
static uint32_t name_set_slot_of(const struct name_set *s, uint32_t hash)
{
	uint32_t slot = (uint32_t)((uint64_t)hash * s->n_slots >> 32);
	uint16_t bits = name_set_bits_of(hash);

	while (s->slots[slot] && s->slots[slot] != bits)
		slot = slot + 1 < s->n_slots ? slot + 1 : 0;
	return slot;
}

size_t name_set_size(const struct name_set *s)
{
	return s ? sizeof(*s) + s->n_slots * sizeof(s->slots[0]) : 0;
}

static bool leaves_bits(const struct listed *e)
{
	return !(e->flags & LISTED_HIDDEN) || (e->flags & LISTED_WHITEOUT);
}

struct name_set *name_set_of(const struct listing *l)
{
	uint64_t n_slots = l->n * UINT64_C(8) / FILL_AT_FIRST + LEAST_FREE;
	struct name_set *s = n_slots <= UINT32_MAX ? calloc(1, sizeof(*s) + n_slots * sizeof(s->slots[0])) : NULL;

	if (!s)
		return NULL;
	s->n_slots = (uint32_t)n_slots;
	s->unsure = l->unsure;
	for (uint32_t i = 0; i < l->n; i++)
		if (leaves_bits(&l->entries[i]))
			(void)name_set_add(s, (uint64_t)l->entries[i].hash << 32);
	return s;
}

bool name_set_add(struct name_set *s, uint64_t key)
{
	uint32_t hash = (uint32_t)(key >> 32), slot = name_set_slot_of(s, hash);

	if (s->slots[slot])
		return true;
	/* The search for what isn't there ends at a free slot. */
	if (s->n + s->n / 16 + 2 > s->n_slots)
		return false;
	s->slots[slot] = name_set_bits_of(hash);
	s->n++;
	return true;
}

bool name_set_has(const struct name_set *s, uint64_t key)
{
	uint32_t hash = (uint32_t)(key >> 32);

	return s->slots[name_set_slot_of(s, hash)] != 0;
}

bool name_set_is_unsure(const struct name_set *s)
{
	return s->unsure;
}
