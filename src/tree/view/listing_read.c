/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a kept listing: what a stream's cookies say, the entries after one of them, and their numbers where those
 * aren't final yet.
 *
 * Nothing is kept for a reader (listing.c). Numbers of entries that may have been copied up are asked for when they are
 * first read, with no lock held, and remembered unless the listing has changed meanwhile.
 */
#include "view.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"

uint64_t listing_begin(struct tree *tree, struct inode *dir)
{
	struct dir *d = dir->dir;

	LOCK_SCOPE(&tree->listings->lock);
	/* With timeout=0 the kernel keeps nothing. */
	if (d->changed && !tree->revalidate && d->generation + 1u < LISTING_GENERATIONS)
		d->generation++;
	d->changed = false;
	return cookie_of_rank(d->generation, 0);
}

unsigned listing_dots(uint64_t cookie)
{
	return MIN(cookie_rank_of(cookie), LISTING_FIRST);
}

uint64_t listing_dot(uint64_t cookie, unsigned nth)
{
	return cookie_of_rank(cookie_position(NULL, cookie).generation, nth);
}

static bool may_be_kept_locked(const struct listing_cache *cache, const struct dir *dir, uint64_t cookie)
{
	(void)CHECK(lock_held(&cache->lock));
	return cookie_position(NULL, cookie).generation >= dir->steady_from &&
	       !listing_fills_page(dir->listing, cache->page_size);
}

/* The slot of the first entry from a position on. */
static uint32_t slot_of_position(const struct listing *l, const struct position *position)
{
	return listing_slot(l, position->from ? position->from : (uint64_t)l->first_live << 32);
}

/* Copies entries from `cookie` on; *flags gets those of each. */
static void batch_fill_locked(struct dir *dir, uint64_t cookie, size_t max_bytes, struct listing_batch *b,
			      uint8_t *flags)
{
	struct position position = cookie_position(dir->notes, cookie);
	uint32_t first_hash = UINT32_MAX;
	struct listing *l = dir->listing;
	const struct listed *last = NULL;
	size_t bytes = 0, names = 0;

	b->n = 0;
	for (uint32_t slot = slot_of_position(l, &position); slot < l->n_slots; slot++) {
		const struct listed *e = listing_at(l, slot);

		if (!e || (e->flags & LISTED_HIDDEN))
			continue;
		if (last && cookie_rank(last->hash) == cookie_rank(e->hash))
			b->entries[b->n - 1].cookie =
				cookie_between(&dir->notes, position.generation, listed_key(l, last));
		bytes += e->name_len + ENTRY_OVERHEAD;
		/* One entry at least, or the caller would take it for the end. */
		if (b->n == LISTING_BATCH || (bytes > max_bytes && last))
			break;
		memcpy(b->names + names, listed_name(l, e), e->name_len);
		b->names[names + e->name_len] = '\0';
		flags[b->n] = e->flags;
		b->entries[b->n++] =
			(struct listing_entry){.cookie = cookie_of_rank(position.generation, cookie_rank(e->hash)),
					       .ino = e->ino,
					       .layer = e->layer,
					       .type = e->type,
					       .name_len = e->name_len,
					       .name = b->names + names};
		names += e->name_len + 1u;
		if (!last)
			first_hash = e->hash;
		last = e;
	}
	if (!position.from)
		l->first_live = first_hash;
}

/* Remembers an inode number that was asked for, unless something has changed meanwhile. */
static void listing_settle_ino(struct tree *tree, struct inode *dir, const struct listing_entry *entry,
			       uint32_t patches)
{
	struct listed *e;

	LOCK_SCOPE(&tree->listings->lock);
	if (!dir->dir->listing || dir->dir->patches != patches)
		return;
	e = listing_get(dir->dir->listing, entry->name, entry->name_len, listing_key(entry->name, entry->name_len),
			NULL);
	if (!e || !(e->flags & LISTED_PENDING))
		return;
	e->ino = entry->ino;
	e->flags &= (uint8_t) ~(LISTED_PENDING | LISTED_MERGES | LISTED_FORMER);
}

/* The number that a lookup would show, from the known inode where there is one. */
static int entry_final_ino(struct tree *tree, struct inode *dir, struct listing_entry *entry, unsigned flags,
			   uint32_t patches)
{
	struct inode *known = inode_peek(tree, dir, entry->name);
	int r = 0;

	if (known)
		entry->ino = inode_ino(known);
	else
		r = final_ino(tree, dir, entry->name, flags, &entry->ino);
	inode_put(tree, known);
	if (r == 0)
		listing_settle_ino(tree, dir, entry, patches);
	/* It went meanwhile: its number says nothing any more. */
	return r == -ENOENT ? 0 : r;
}

int listing_read(struct tree *tree, struct inode *dir, uint64_t cookie, size_t max_bytes,
		 struct listing_batch *ret_batch)
{
	bool again = tree->revalidate && listing_dots(cookie) < LISTING_FIRST;
	struct listing *gone = NULL;
	uint8_t flags[LISTING_BATCH];
	uint32_t patches;
	int r;

	ret_batch->n = 0;
	ret_batch->may_be_kept = false;
	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	if (inode_is_unlinked(dir))
		return 0;
	r = listing_ensure_and_lock(tree, dir, again, &gone);
	if (r < 0)
		return r;
	dir->dir->listing->used = true;
	batch_fill_locked(dir->dir, cookie, max_bytes, ret_batch, flags);
	ret_batch->may_be_kept = ret_batch->n == 0 && may_be_kept_locked(tree->listings, dir->dir, cookie);
	patches = dir->dir->patches;
	lock_drop(&tree->listings->lock);
	listings_free(gone);
	for (unsigned i = 0; i < ret_batch->n && r == 0; i++)
		if (flags[i] & LISTED_PENDING)
			r = entry_final_ino(tree, dir, &ret_batch->entries[i], flags[i], patches);
	return r;
}
