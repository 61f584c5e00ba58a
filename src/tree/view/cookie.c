/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cookies: what an entry's d_off says.
 *
 * Names stand in the order of their keys, which are hashes of them. So the position after a name is a key, and it is
 * the same whatever becomes of the listing: it may be changed, dropped and read again from other layers, in another
 * order. But an offset has 31 bits, or programs of 32 bits can't read the directory, and 5 of them are the stream's
 * generation. So a cookie mostly has the upper part of the key alone, its rank, and says that all names of this rank
 * are behind.
 *
 * Where a directory has two names of one rank, the position between them is noted: the cookie has the number of the
 * note (among 10,000 names that is so once, among 100,000 a hundred times). A note stays as long as the directory is
 * known, because somebody may come back to its position. Beyond the room for notes, and without memory, a cookie is 63
 * bits long and has the key itself.
 *
 *   0   | generation: 5 | rank or number of a note: 26
 *   1   | generation: 5 | key: 57
 */
#include "view.h"

#include <stdlib.h>

#define RANK_BITS 26
#define LONG_BITS 57
#define LONG_MASK ((UINT64_C(1) << LONG_BITS) - 1)
#define LONG_FLAG (UINT64_C(1) << 62)
#define MAX_NOTES (1u << 13)
#define NOTES_FROM ((1u << RANK_BITS) - MAX_NOTES)
#define RANKS (NOTES_FROM - LISTING_FIRST)

struct position_notes {
	uint32_t n, cap;
	uint64_t keys[]; /* their upper LONG_BITS */
};

uint32_t cookie_rank(uint32_t hash)
{
	return LISTING_FIRST + (uint32_t)((uint64_t)hash * RANKS >> 32);
}

/* The first key of a rank or of a later one. */
static uint64_t rank_key(uint32_t rank)
{
	uint64_t nth = rank - LISTING_FIRST;

	return nth < RANKS ? ((nth << 32) + RANKS - 1) / RANKS << 32 : POSITION_END;
}

static uint64_t key_after(uint64_t upper_bits)
{
	return upper_bits < LONG_MASK ? (upper_bits + 1) << (64 - LONG_BITS) : POSITION_END;
}

uint64_t cookie_of_rank(unsigned generation, uint32_t rank)
{
	return (uint64_t)generation << RANK_BITS | rank;
}

static uint64_t cookie_of_key(unsigned generation, uint64_t upper_bits)
{
	return LONG_FLAG | (uint64_t)generation << LONG_BITS | upper_bits;
}

uint32_t cookie_rank_of(uint64_t cookie)
{
	return cookie & LONG_FLAG ? NOTES_FROM : (uint32_t)cookie & ((1u << RANK_BITS) - 1);
}

/* The number of the note of a position, made where there is none; MAX_NOTES: it can't be made. */
static uint32_t note_position(struct position_notes **notes, uint64_t upper_bits)
{
	struct position_notes *p = *notes;
	uint32_t n = p ? p->n : 0;

	for (uint32_t i = 0; i < n; i++)
		if (p->keys[i] == upper_bits)
			return i;
	if (n == MAX_NOTES)
		return MAX_NOTES;
	if (!p || n == p->cap) {
		uint32_t cap = p ? p->cap * 2 : 4;

		p = realloc(p, sizeof(*p) + cap * sizeof(p->keys[0]));
		if (!p)
			return MAX_NOTES;
		p->cap = cap;
		p->n = n;
		*notes = p;
	}
	p->keys[p->n++] = upper_bits;
	return n;
}

uint64_t cookie_between(struct position_notes **notes, unsigned generation, uint64_t key)
{
	uint64_t upper_bits = key >> (64 - LONG_BITS);
	uint32_t note = note_position(notes, upper_bits);

	return note < MAX_NOTES ? cookie_of_rank(generation, NOTES_FROM + note) : cookie_of_key(generation, upper_bits);
}

struct position cookie_position(const struct position_notes *notes, uint64_t cookie)
{
	struct position position = {.generation = (cookie >> RANK_BITS) % LISTING_GENERATIONS};
	uint32_t rank = cookie_rank_of(cookie);

	if (cookie & LONG_FLAG) {
		position.generation = (cookie >> LONG_BITS) % LISTING_GENERATIONS;
		position.from = key_after(cookie & LONG_MASK);
	} else if (rank >= NOTES_FROM) {
		/* A number that was never given is one that somebody made up. */
		position.from = notes && rank - NOTES_FROM < notes->n ? key_after(notes->keys[rank - NOTES_FROM])
								      : POSITION_END;
	} else {
		position.from = rank < LISTING_FIRST ? 0 : rank_key(rank + 1);
	}
	return position;
}
