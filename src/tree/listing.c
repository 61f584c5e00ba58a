/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept listings: entries by cookie, found by name, patched by our own changes.
 *
 * Entries stand in an array by rising cookie, names in one block beside it. A name that goes stays as a hidden entry,
 * and takes its cookie up again when it comes back: a reader that deletes and creates while it reads neither misses a
 * name nor meets one twice. When hidden entries outnumber the visible ones they are swept out; the cookies of the
 * others stay.
 *
 * Names are found by open addressing over indices, not by uthash: measured over 100,000 names of 9 letters, an entry
 * with a uthash handle takes 122 bytes against 51, and filling the table 26 ms against 10.
 *
 * One leaf lock covers all listings. What needs system calls is done outside: building, and the inode numbers of
 * copied-up entries, which are asked for when they are first read. A build without D is void if a patch was told
 * meanwhile.
 */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/macros.h"

#define FIRST_COOKIE 3
#define SWEEP_SLACK 256
/* What a directory entry costs in a reply besides its name. */
#define ENTRY_OVERHEAD 24

int listing_cache_new(struct tree *tree, size_t max_bytes)
{
	struct listing_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	lock_init(&cache->lock, LOCK_LEAF);
	cache->max_bytes = max_bytes;
	tree->listings = cache;
	return 0;
}

void listing_cache_free(struct tree *tree)
{
	if (!tree->listings)
		return;
	(void)CHECK(!tree->listings->lru);
	lock_finish(&tree->listings->lock);
	free(tree->listings);
	tree->listings = NULL;
}

/* --- the parts ---------------------------------------------------------------------------------------------------- */

struct listing *listing_new(void)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l)
		l->next_cookie = FIRST_COOKIE;
	return l;
}

void listing_free(struct listing *l)
{
	if (!l)
		return;
	free(l->entries);
	free(l->names);
	free(l->table);
	free(l);
}

static const char *listed_name(const struct listing *l, const struct listed *e)
{
	return l->names + e->name_off;
}

struct listed *listing_get(struct listing *l, const char *name, size_t len, uint32_t hash)
{
	if (!l->table)
		return NULL;
	for (uint32_t at = hash & l->mask; l->table[at]; at = (at + 1) & l->mask) {
		struct listed *e = &l->entries[l->table[at] - 1];

		if (e->hash == hash && e->name_len == len && !memcmp(listed_name(l, e), name, len))
			return e;
	}
	return NULL;
}

static void table_put(struct listing *l, uint32_t index)
{
	uint32_t at = l->entries[index].hash & l->mask;

	while (l->table[at])
		at = (at + 1) & l->mask;
	l->table[at] = index + 1;
}

/* Makes the table anew for at least `n` entries, at most half full. */
static bool table_build(struct listing *l, uint32_t n)
{
	uint32_t size = 16, *table;

	while (size < n * 2)
		size *= 2;
	table = calloc(size, sizeof(*table));
	if (!table)
		return false;
	free(l->table);
	l->table = table;
	l->mask = size - 1;
	for (uint32_t i = 0; i < l->n; i++)
		table_put(l, i);
	return true;
}

static bool listing_reserve(struct listing *l, size_t name_len)
{
	if (l->n == l->cap) {
		uint32_t cap = MAX(l->cap + l->cap / 2, 16U);
		struct listed *entries = reallocarray(l->entries, cap, sizeof(*entries));

		if (!entries)
			return false;
		l->entries = entries;
		l->cap = cap;
	}
	if (l->names_len + name_len > l->names_cap) {
		size_t cap = MAX(l->names_cap + l->names_cap / 2, (size_t)256) + name_len;
		char *names = cap <= UINT32_MAX ? realloc(l->names, cap) : NULL;

		if (!names)
			return false;
		l->names = names;
		l->names_cap = cap;
	}
	return l->table && (l->n + 1) * 4 <= (l->mask + 1) * 3 ? true : table_build(l, l->n + 1);
}

/* Gives back what growing has left over. */
static void listing_fit(struct listing *l)
{
	struct listed *entries = l->n ? reallocarray(l->entries, l->n, sizeof(*entries)) : NULL;
	char *names = l->names_len ? realloc(l->names, l->names_len) : NULL;

	if (entries) {
		l->entries = entries;
		l->cap = l->n;
	}
	if (names) {
		l->names = names;
		l->names_cap = l->names_len;
	}
}

struct listed *listing_append(struct listing *l, const char *name, size_t len, uint32_t hash)
{
	struct listed *e;

	if (len > TREE_NAME_MAX || !listing_reserve(l, len))
		return NULL;
	e = &l->entries[l->n];
	*e = (struct listed){
		.cookie = l->next_cookie++, .name_off = (uint32_t)l->names_len, .hash = hash, .name_len = (uint8_t)len};
	memcpy(l->names + l->names_len, name, len);
	l->names_len += len;
	table_put(l, l->n++);
	l->n_live++;
	return e;
}

/* Index of the first entry whose cookie is above the given one. */
static uint32_t listing_after(const struct listing *l, uint64_t cookie)
{
	uint32_t low = l->first_live, high = l->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (l->entries[mid].cookie > cookie)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static size_t listing_size(const struct listing *l)
{
	return sizeof(*l) + l->cap * sizeof(l->entries[0]) + l->names_cap +
	       (l->table ? (l->mask + 1) * sizeof(uint32_t) : 0);
}

/* Takes hidden entries out. On failure they just stay. */
static void listing_sweep(struct listing *l)
{
	size_t names_len = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		struct listed e = l->entries[i];

		if (e.flags & LISTED_HIDDEN)
			continue;
		memmove(l->names + names_len, listed_name(l, &e), e.name_len);
		e.name_off = (uint32_t)names_len;
		names_len += e.name_len;
		l->entries[n++] = e;
	}
	l->n = n;
	l->names_len = names_len;
	l->first_live = 0;
	l->unsure = true;
	memset(l->table, 0, (l->mask + 1) * sizeof(uint32_t));
	for (uint32_t i = 0; i < n; i++)
		table_put(l, i);
}

static void listed_hide(struct listing *l, struct listed *e)
{
	if (e->flags & LISTED_HIDDEN)
		return;
	e->flags = LISTED_HIDDEN | LISTED_WHITEOUT;
	l->n_live--;
}

static void listed_show(struct listing *l, struct listed *e)
{
	uint32_t index = (uint32_t)(e - l->entries);

	if (e->flags & LISTED_HIDDEN) {
		l->n_live++;
		l->first_live = MIN(l->first_live, index);
	}
	e->flags = 0;
}

/* --- the cache ---------------------------------------------------------------------------------------------------- */

/* Takes the listing out of the cache and its directory, and puts it before *gone. */
static void cache_remove_locked(struct listing_cache *cache, struct listing *l, struct listing **gone)
{
	DL_DELETE(cache->lru, l);
	cache->n--;
	cache->bytes -= l->bytes;
	l->dir->listing = NULL;
	l->next = *gone;
	*gone = l;
}

static void listings_free(struct listing *gone)
{
	while (gone) {
		struct listing *l = gone;

		gone = l->next;
		listing_free(l);
	}
}

static void cache_touch_locked(struct listing_cache *cache, struct listing *l)
{
	if (!l->next)
		return;
	DL_DELETE(cache->lru, l);
	DL_APPEND(cache->lru, l);
}

/* Back within the budget, `keep` and those that were used last left alone, whatever their size: work in one huge directory and some others
 * must not read it again each time. Unpatched ones go first, because those come back with the same cookies. */
#define KEEP_NEWEST 4
static void cache_trim_locked(struct listing_cache *cache, const struct listing *keep, struct listing **gone)
{
	for (int patched = 0; patched < 2; patched++) {
		struct listing *l = cache->lru;
		unsigned left = cache->n;

		while (left-- > KEEP_NEWEST && cache->bytes > cache->max_bytes) {
			struct listing *next = l->next;

			if (l != keep && l->patched <= patched)
				cache_remove_locked(cache, l, gone);
			l = next;
		}
	}
}

/* The listing has grown or shrunk. */
static void cache_account_locked(struct listing_cache *cache, struct listing *l, struct listing **gone)
{
	size_t bytes = listing_size(l);

	cache->bytes += bytes - l->bytes;
	l->bytes = bytes;
	cache_trim_locked(cache, l, gone);
}

static void cache_publish_locked(struct listing_cache *cache, struct dir *dir, struct listing *l, struct listing **gone)
{
	if (dir->listing)
		cache_remove_locked(cache, dir->listing, gone);
	l->dir = dir;
	l->bytes = 0;
	DL_APPEND(cache->lru, l);
	cache->n++;
	dir->listing = l;
	cache_account_locked(cache, l, gone);
}

void listing_drop(struct tree *tree, struct inode *dir)
{
	struct listing_cache *cache = tree->listings;
	struct listing *gone = NULL;

	if (!cache || !inode_is_dir(dir))
		return;
	lock_take(&cache->lock);
	dir->dir->patches++;
	if (dir->dir->listing)
		cache_remove_locked(cache, dir->dir->listing, &gone);
	lock_drop(&cache->lock);
	listings_free(gone);
}

/* --- patches ------------------------------------------------------------------------------------------------------ */

/* The entry of a visible name, made where it isn't there. NULL: no memory. */
static struct listed *patch_entry(struct listing *l, const char *name, bool *ret_was_live)
{
	size_t len = strlen(name);
	uint32_t hash = (uint32_t)hash_bytes(name, len);
	struct listed *e = listing_get(l, name, len, hash);

	*ret_was_live = e && !(e->flags & LISTED_HIDDEN);
	return e ? e : listing_append(l, name, len, hash);
}

static void listing_put(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
			unsigned layer)
{
	struct listing_cache *cache = tree->listings;
	struct listing *gone = NULL, *l;
	struct listed *e;
	bool was_live;

	lock_take(&cache->lock);
	dir->dir->patches++;
	l = dir->dir->listing;
	if (l) {
		l->patched = true;
		e = patch_entry(l, name, &was_live);
		if (e) {
			/* A directory that goes on being one may still merge with those beneath. */
			if (type != DT_DIR)
				e->last_layer = (uint16_t)layer;
			else if (!was_live || e->type != DT_DIR)
				e->last_layer = UINT16_MAX;
			listed_show(l, e);
			e->type = type;
			e->ino = ino;
			e->layer = (uint16_t)layer;
			cache_account_locked(cache, l, &gone);
		} else {
			cache_remove_locked(cache, l, &gone);
		}
	}
	lock_drop(&cache->lock);
	listings_free(gone);
}

void listing_add(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
		 unsigned layer)
{
	listing_put(tree, dir, name, type, ino, layer);
}

void listing_update(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
		    unsigned layer)
{
	listing_put(tree, dir, name, type, ino, layer);
}

void listing_remove(struct tree *tree, struct inode *dir, const char *name)
{
	size_t len = strlen(name);
	struct listing *l;
	struct listed *e;

	LOCK_SCOPE(&tree->listings->lock);
	dir->dir->patches++;
	l = dir->dir->listing;
	if (!l)
		return;
	l->patched = true;
	e = listing_get(l, name, len, (uint32_t)hash_bytes(name, len));
	if (!e) {
		/* Not known here, yet on disk it was: a whiteout may be there now. */
		l->unsure = true;
		return;
	}
	listed_hide(l, e);
	while (l->first_live < l->n && (l->entries[l->first_live].flags & LISTED_HIDDEN))
		l->first_live++;
	if (l->n - l->n_live > l->n_live + SWEEP_SLACK)
		listing_sweep(l);
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static int by_cookie(const void *a, const void *b)
{
	uint64_t ca = ((const struct listed *)a)->cookie, cb = ((const struct listed *)b)->cookie;

	return ca < cb ? -1 : ca > cb;
}

/* A listing read anew takes over the cookies of the one before, so that readers in between go on where they were. */
static void listing_inherit(struct listing *fresh, struct listing *old)
{
	fresh->next_cookie = old->next_cookie;
	for (uint32_t i = 0; i < fresh->n; i++) {
		struct listed *e = &fresh->entries[i];
		struct listed *before = listing_get(old, listed_name(fresh, e), e->name_len, e->hash);

		e->cookie = before ? before->cookie : fresh->next_cookie++;
	}
	/* An empty listing has no array. */
	if (fresh->n > 0)
		qsort(fresh->entries, fresh->n, sizeof(fresh->entries[0]), by_cookie);
	if (fresh->table)
		memset(fresh->table, 0, (fresh->mask + 1) * sizeof(uint32_t));
	for (uint32_t i = 0; i < fresh->n; i++)
		table_put(fresh, i);
	fresh->first_live = 0;
	fresh->patched = true;
}

static uint32_t listing_patches(struct tree *tree, struct dir *dir)
{
	LOCK_SCOPE(&tree->listings->lock);
	return dir->patches;
}

/* Reads the layers; with the leaf lock held afterwards, `dir` has the listing. -LOOK_AGAIN, not held: changed meanwhile.
 * What made way is put before *gone. */
static int build_and_lock(struct tree *tree, struct inode *dir, struct listing **gone)
{
	struct listing_cache *cache = tree->listings;
	struct listing *fresh = NULL;
	uint32_t patches = listing_patches(tree, dir->dir);
	int res = merge_dir(tree, dir, false, &fresh);

	if (res < 0)
		return res;
	listing_fit(fresh);
	counter_add(COUNTER_LISTING_BUILT, 1);
	lock_take(&cache->lock);
	if (dir->dir->patches != patches) {
		lock_drop(&cache->lock);
		listing_free(fresh);
		return -LOOK_AGAIN;
	}
	if (dir->dir->listing)
		listing_inherit(fresh, dir->dir->listing);
	cache_publish_locked(cache, dir->dir, fresh, gone);
	return 0;
}

void listing_try_build(struct tree *tree, struct inode *dir)
{
	struct listing *gone = NULL;
	bool known;

	lock_take(&tree->listings->lock);
	known = dir->dir->listing != NULL;
	lock_drop(&tree->listings->lock);
	if (!known && build_and_lock(tree, dir, &gone) == 0)
		lock_drop(&tree->listings->lock);
	listings_free(gone);
}

/* Leaves the leaf lock held when it returns 0: `dir` has a listing, read anew where `again`. Takes D. */
static int listing_ensure_and_lock(struct tree *tree, struct inode *dir, bool again, struct listing **gone)
{
	int res;

	lock_take(&tree->listings->lock);
	if (dir->dir->listing && !again)
		return 0;
	lock_drop(&tree->listings->lock);
	LOCK_SCOPE(&dir->dir->lock);
	lock_take(&tree->listings->lock);
	if (dir->dir->listing && !again)
		return 0;
	lock_drop(&tree->listings->lock);
	do
		res = build_and_lock(tree, dir, gone);
	while (res == -LOOK_AGAIN);
	return res;
}

int listing_build(struct tree *tree, struct inode *dir)
{
	struct listing *gone = NULL;
	int res;

	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	if (inode_is_unlinked(dir))
		return -ENOENT;
	res = listing_ensure_and_lock(tree, dir, false, &gone);
	if (res == 0)
		lock_drop(&tree->listings->lock);
	listings_free(gone);
	return res;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Copies entries from `cookie` on; *flags gets those of each. */
static void batch_fill_locked(struct listing *l, uint64_t cookie, size_t max_bytes, struct listing_batch *b,
			      uint8_t *flags)
{
	size_t bytes = 0, names = 0;

	b->n = 0;
	for (uint32_t i = listing_after(l, cookie); i < l->n && b->n < LISTING_BATCH; i++) {
		const struct listed *e = &l->entries[i];

		if (e->flags & LISTED_HIDDEN)
			continue;
		bytes += e->name_len + ENTRY_OVERHEAD;
		/* One entry at least, or the caller would take it for the end. */
		if (bytes > max_bytes && b->n)
			break;
		memcpy(b->names + names, listed_name(l, e), e->name_len);
		b->names[names + e->name_len] = '\0';
		flags[b->n] = e->flags;
		b->entries[b->n++] = (struct listing_entry){.cookie = e->cookie,
							    .ino = e->ino,
							    .layer = e->layer,
							    .type = e->type,
							    .name_len = e->name_len,
							    .name = b->names + names};
		names += e->name_len + 1u;
	}
}

/* Remembers an inode number that was asked for, if the entry is still the same. */
static void listing_settle_ino(struct tree *tree, struct inode *dir, const struct listing_entry *entry)
{
	struct listed *e;

	LOCK_SCOPE(&tree->listings->lock);
	if (!dir->dir->listing)
		return;
	e = listing_get(dir->dir->listing, entry->name, entry->name_len,
			(uint32_t)hash_bytes(entry->name, entry->name_len));
	if (!e || e->cookie != entry->cookie || !(e->flags & LISTED_PENDING))
		return;
	e->ino = entry->ino;
	e->flags &= (uint8_t) ~(LISTED_PENDING | LISTED_MERGES | LISTED_FORMER);
}

/* The number that a lookup would show, from the known inode where there is one. */
static int entry_final_ino(struct tree *tree, struct inode *dir, struct listing_entry *entry, unsigned flags)
{
	struct inode *known = inode_peek(tree, dir, entry->name);
	int res = 0;

	if (known)
		entry->ino = inode_ino(known);
	else
		res = merge_final_ino(tree, dir, entry->name, flags, &entry->ino);
	inode_put(tree, known);
	if (res == 0)
		listing_settle_ino(tree, dir, entry);
	/* It went meanwhile: its number says nothing any more. */
	return res == -ENOENT ? 0 : res;
}

int listing_read(struct tree *tree, struct inode *dir, uint64_t cookie, size_t max_bytes,
		 struct listing_batch *ret_batch)
{
	bool again = tree->revalidate && cookie < FIRST_COOKIE;
	struct listing *gone = NULL;
	uint8_t flags[LISTING_BATCH];
	int res;

	ret_batch->n = 0;
	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	if (inode_is_unlinked(dir))
		return 0;
	res = listing_ensure_and_lock(tree, dir, again, &gone);
	if (res < 0)
		return res;
	cache_touch_locked(tree->listings, dir->dir->listing);
	batch_fill_locked(dir->dir->listing, cookie, max_bytes, ret_batch, flags);
	lock_drop(&tree->listings->lock);
	listings_free(gone);
	for (unsigned i = 0; i < ret_batch->n && res == 0; i++)
		if (flags[i] & LISTED_PENDING)
			res = entry_final_ino(tree, dir, &ret_batch->entries[i], flags[i]);
	return res;
}

void listing_probe(struct tree *tree, struct inode *dir, const char *name, struct listing_hint *ret)
{
	size_t len = strlen(name);
	struct listing *l;
	struct listed *e;

	*ret = (struct listing_hint){.answer = LISTING_UNKNOWN};
	LOCK_SCOPE(&tree->listings->lock);
	l = dir->dir->listing;
	if (!l)
		return;
	cache_touch_locked(tree->listings, l);
	e = listing_get(l, name, len, (uint32_t)hash_bytes(name, len));
	if (e && !(e->flags & LISTED_HIDDEN)) {
		*ret = (struct listing_hint){.answer = LISTING_PRESENT, .layer = e->layer, .last_layer = e->last_layer};
		return;
	}
	ret->answer = LISTING_ABSENT;
	ret->may_whiteout = e ? (e->flags & LISTED_WHITEOUT) != 0 : l->unsure;
}

enum listing_answer listing_find(struct tree *tree, struct inode *dir, const char *name, unsigned *ret_layer)
{
	struct listing_hint hint;

	listing_probe(tree, dir, name, &hint);
	if (hint.answer == LISTING_PRESENT && ret_layer)
		*ret_layer = hint.layer;
	return hint.answer;
}

/* Names that went are passed over, but no more of them than costs nothing under a lock that is everybody's. */
#define NEXT_LOOKS 64

bool listing_next(struct tree *tree, struct inode *dir, const char *name, char ret_next[TREE_NAME_MAX + 1])
{
	size_t len = strlen(name);
	const struct listing *l;
	const struct listed *e;

	LOCK_SCOPE(&tree->listings->lock);
	l = dir->dir->listing;
	e = l ? listing_get(dir->dir->listing, name, len, (uint32_t)hash_bytes(name, len)) : NULL;
	if (!e)
		return false;
	for (unsigned left = NEXT_LOOKS; ++e < l->entries + l->n && left > 0; left--) {
		if (e->flags & LISTED_HIDDEN)
			continue;
		memcpy(ret_next, listed_name(l, e), e->name_len);
		ret_next[e->name_len] = '\0';
		return true;
	}
	return false;
}

int listing_is_empty_locked(struct tree *tree, struct inode *dir)
{
	struct listing *unused = NULL;
	int known = -1, res;

	if (!CHECK(inode_is_dir(dir) && lock_held(&dir->dir->lock)))
		return -EIO;
	lock_take(&tree->listings->lock);
	if (dir->dir->listing && !tree->revalidate)
		known = dir->dir->listing->n_live == 0;
	lock_drop(&tree->listings->lock);
	if (known >= 0)
		return known;
	res = merge_dir(tree, dir, true, &unused);
	listing_free(unused);
	return res < 0 ? res : res == 0;
}

int listing_is_empty(struct tree *tree, struct inode *dir)
{
	LOCK_SCOPE(&dir->dir->lock);
	return listing_is_empty_locked(tree, dir);
}
