/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of names: (parent, name) -> entry, by linear hashing.
 *
 * It is the largest table of a union, and every lookup waits for T while it changes, so two things were measured that
 * uthash, which holds the other tables, can't give here. Memory: a uthash handle takes 56 bytes, the chain pointer 8; a
 * known file has 200 in all. The hash isn't kept: computing it again, of the one or two names that a split moves, costs
 * less than the memory. Pauses: uthash doubles its buckets and moves all entries at once, under T; here one bucket is
 * split for each name that comes and two are joined again for some that go.
 *
 * Buckets 0 .. base + split - 1 are in use; those below `split`, and their images above `base`, are addressed by one
 * more bit of the hash.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define BUCKET_CHUNK 1024u
#define BUCKET_CHUNKS 65536u

int name_table_init(struct name_table *t)
{
	t->chunks = calloc(BUCKET_CHUNKS, sizeof(*t->chunks));
	if (!t->chunks)
		return -ENOMEM;
	t->chunks[0] = calloc(BUCKET_CHUNK, sizeof(*t->chunks[0]));
	if (!t->chunks[0]) {
		free(t->chunks);
		t->chunks = NULL;
		return -ENOMEM;
	}
	t->base = BUCKET_CHUNK;
	t->split = 0;
	t->n = 0;
	return 0;
}

void name_table_finish(struct name_table *t)
{
	if (!t->chunks)
		return;
	(void)CHECK(t->n == 0);
	for (uint32_t i = 0; i < BUCKET_CHUNKS && t->chunks[i]; i++)
		free(t->chunks[i]);
	free(t->chunks);
	t->chunks = NULL;
}

static struct inode_name **bucket_at(const struct name_table *t, uint32_t index)
{
	return &t->chunks[index / BUCKET_CHUNK][index % BUCKET_CHUNK];
}

static struct inode_name **bucket_of(const struct name_table *t, uint32_t hash)
{
	uint32_t index = hash & (t->base - 1);

	if (index < t->split)
		index = hash & (2 * t->base - 1);
	return bucket_at(t, index);
}

static uint32_t nametable_name_hash(const struct inode *parent, const char *name, size_t len)
{
	return (uint32_t)hash_name((uintptr_t)parent, name, len);
}

struct inode_name *name_table_find(const struct name_table *t, const struct inode *parent, const char *name, size_t len)
{
	for (struct inode_name *n = *bucket_of(t, nametable_name_hash(parent, name, len)); n; n = n->chain)
		if (n->parent == parent && n->len == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

/* Splits the next bucket in two. Without memory, or at the end of all chunks, chains grow longer. */
static void table_grow(struct name_table *t)
{
	uint32_t fresh = t->base + t->split;
	struct inode_name *n, **low, **high;

	if (fresh / BUCKET_CHUNK >= BUCKET_CHUNKS)
		return;
	if (!t->chunks[fresh / BUCKET_CHUNK]) {
		t->chunks[fresh / BUCKET_CHUNK] = calloc(BUCKET_CHUNK, sizeof(*t->chunks[0]));
		if (!t->chunks[fresh / BUCKET_CHUNK])
			return;
	}
	low = bucket_at(t, t->split);
	high = bucket_at(t, fresh);
	n = *low;
	*low = NULL;
	while (n) {
		struct inode_name *next = n->chain,
				  **to = nametable_name_hash(n->parent, n->name, n->len) & t->base ? high : low;

		n->chain = *to;
		*to = n;
		n = next;
	}
	if (++t->split == t->base) {
		t->base *= 2;
		t->split = 0;
	}
}

/* Joins the bucket that was split last to its origin again; its chunk goes with its first bucket. */
static void table_shrink(struct name_table *t)
{
	struct inode_name **low, **high;
	uint32_t last;

	if (t->split == 0) {
		t->base /= 2;
		t->split = t->base;
	}
	t->split--;
	last = t->base + t->split;
	low = bucket_at(t, t->split);
	high = bucket_at(t, last);
	while (*low)
		low = &(*low)->chain;
	*low = *high;
	*high = NULL;
	if (last % BUCKET_CHUNK == 0) {
		free(t->chunks[last / BUCKET_CHUNK]);
		t->chunks[last / BUCKET_CHUNK] = NULL;
	}
}

void name_table_add(struct name_table *t, struct inode_name *n)
{
	struct inode_name **bucket = bucket_of(t, nametable_name_hash(n->parent, n->name, n->len));

	n->chain = *bucket;
	*bucket = n;
	n->in_table = true;
	if (++t->n > t->base + t->split)
		table_grow(t);
}

void name_table_remove(struct name_table *t, struct inode_name *n)
{
	struct inode_name **at = bucket_of(t, nametable_name_hash(n->parent, n->name, n->len));

	while (*at && *at != n)
		at = &(*at)->chain;
	if (!CHECK(*at == n))
		return;
	*at = n->chain;
	n->in_table = false;
	/* Half empty, so that coming and going at the edge doesn't split and join in turn. */
	if (--t->n < (t->base + t->split) / 2 && t->base + t->split > BUCKET_CHUNK)
		table_shrink(t);
}

struct inode *name_free_locked(struct tree *tree, struct inode_name *n)
{
	struct inode *parent = n->parent;

	(void)CHECK(lock_held(&tree->table));
	if (n->in_table)
		name_table_remove(&tree->inodes->names, n);
	if (n->apart)
		free(container_of(n, struct name_apart, name));
	return parent;
}
