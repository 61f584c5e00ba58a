/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept listings: built from the layers, found by name, patched by our own changes. listed.c has the entries,
 * listing_read.c reads them by cookie.
 *
 * A name has its position from its key alone, so nothing has to be kept for a reader: a listing may be dropped at any
 * time, and one that is read again leads him on from where he is. A name that goes stays as a hidden entry, because the
 * upper may have a whiteout of it. What goes for memory leaves a set of its names (nameset.c), by which those that are
 * missing are told.
 *
 * One leaf lock covers all listings. Building needs system calls and is done outside. A build without D is void if a
 * patch was told meanwhile.
 */
#include "view.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/check.h"
#include "base/counter.h"

int listing_cache_new(struct tree *tree, size_t max_bytes)
{
	struct listing_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	lock_init(&cache->lock, LOCK_LEAF);
	cache->max_bytes = max_bytes;
	cache->page_size = (size_t)sysconf(_SC_PAGESIZE);
	cache->tree = tree;
	tree->listings = cache;
	return 0;
}

void listing_cache_free(struct tree *tree)
{
	if (!tree->listings)
		return;
	(void)CHECK(!tree->listings->list && !tree->listings->set_bytes);
	lock_finish(&tree->listings->lock);
	free(tree->listings);
	tree->listings = NULL;
}

/* --- the cache ---------------------------------------------------------------------------------------------------- */

/* Takes the listing out of the cache and its directory, and puts it before *gone. */
static void cache_remove_locked(struct listing_cache *cache, struct listing *l, struct listing **gone)
{
	(void)CHECK(lock_held(&cache->lock));
	DL_DELETE(cache->list, l);
	cache->n--;
	cache->bytes -= l->bytes;
	l->dir->listing = NULL;
	LL_PREPEND(*gone, l);
}

void listings_free(struct listing *gone)
{
	struct listing *l, *next;

	LL_FOREACH_SAFE(gone, l, next)
		listing_free(l);
}

static void names_drop_locked(struct listing_cache *cache, struct dir *dir)
{
	(void)CHECK(lock_held(&cache->lock));
	cache->set_bytes -= name_set_size(dir->names);
	free(dir->names);
	dir->names = NULL;
}

/* The listing is going: what is missing stays known, unless the layers are asked each time. */
static void names_keep_locked(struct listing_cache *cache, const struct listing *l)
{
	bool wanted = !cache->tree->revalidate && cache->set_bytes < cache->max_bytes;
	struct name_set *names = wanted ? name_set_of(l) : NULL;

	(void)CHECK(lock_held(&cache->lock));
	if (!names)
		return;
	l->dir->names = names;
	cache->set_bytes += name_set_size(names);
}

/* Back within the budget. A listing that was used since it was last at this place comes back to the end, so that the
 * one that goes wasn't used for long, and to use one moves none. `keep` and a few others stay, whatever their size:
 * work in one huge directory and some others must not read it again each time. */
#define KEEP_NEWEST 4
static void listing_cache_trim_locked(struct listing_cache *cache, const struct listing *keep, struct listing **gone)
{
	(void)CHECK(lock_held(&cache->lock));
	while (cache->n > KEEP_NEWEST && cache->bytes > cache->max_bytes) {
		struct listing *l = cache->list;

		if (l == keep || l->used) {
			l->used = false;
			DL_DELETE(cache->list, l);
			DL_APPEND(cache->list, l);
			continue;
		}
		names_keep_locked(cache, l);
		cache_remove_locked(cache, l, gone);
	}
}

/* The listing has grown or shrunk. */
static void cache_account_locked(struct listing_cache *cache, struct listing *l, struct listing **gone)
{
	size_t bytes = listing_size(l);

	(void)CHECK(lock_held(&cache->lock));
	cache->bytes += bytes - l->bytes;
	l->bytes = bytes;
	listing_cache_trim_locked(cache, l, gone);
}

static void cache_publish_locked(struct listing_cache *cache, struct dir *dir, struct listing *l, struct listing **gone)
{
	(void)CHECK(lock_held(&cache->lock));
	if (dir->listing)
		cache_remove_locked(cache, dir->listing, gone);
	names_drop_locked(cache, dir);
	l->dir = dir;
	l->bytes = 0;
	DL_APPEND(cache->list, l);
	cache->n++;
	dir->listing = l;
	cache_account_locked(cache, l, gone);
}

static void note_change_locked(struct dir *dir)
{
	dir->patches++;
	dir->changed = true;
}

/* What is listed isn't any more what streams of the generations so far have been given. */
static void note_difference_locked(struct dir *dir)
{
	note_change_locked(dir);
	dir->steady_from = (uint8_t)(dir->generation + 1);
}

void listing_drop(struct tree *tree, struct inode *dir)
{
	struct listing_cache *cache = tree->listings;
	struct listing *gone = NULL;

	if (!cache || !inode_is_dir(dir))
		return;
	lock_take(&cache->lock);
	note_difference_locked(dir->dir);
	if (dir->dir->listing)
		cache_remove_locked(cache, dir->dir->listing, &gone);
	names_drop_locked(cache, dir->dir);
	lock_drop(&cache->lock);
	listings_free(gone);
}

/* --- patches ------------------------------------------------------------------------------------------------------ */

/* The entry of a visible name, made where it isn't there. NULL: no memory. */
static struct listed *patch_entry(struct listing *l, const char *name, bool *ret_was_live)
{
	size_t len = strlen(name);
	uint64_t key = listing_key(name, len);
	struct listed *e = listing_get(l, name, len, key, NULL);

	*ret_was_live = e && !(e->flags & LISTED_HIDDEN);
	return e ? e : listing_append(l, name, len, key);
}

static void entry_put(struct listing *l, struct listed *e, bool was_live, unsigned char type, uint64_t ino,
		      unsigned layer)
{
	/* A directory that goes on being one may still merge with those beneath. */
	if (type != DT_DIR)
		e->last_layer = (uint16_t)layer;
	else if (!was_live || e->type != DT_DIR)
		e->last_layer = UINT16_MAX;
	listed_show(l, e);
	e->type = type;
	e->ino = ino;
	e->layer = (uint16_t)layer;
}

/* A name came or went while there is no listing: the set has it, or is of no use. */
static void names_add_locked(struct listing_cache *cache, struct dir *dir, const char *name)
{
	(void)CHECK(lock_held(&cache->lock));
	if (dir->names && !name_set_add(dir->names, listing_key(name, strlen(name))))
		names_drop_locked(cache, dir);
}

static void listing_put(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
			unsigned layer)
{
	struct listing_cache *cache = tree->listings;
	struct listing *gone = NULL, *l;
	struct listed *e;
	bool was_live;

	lock_take(&cache->lock);
	names_add_locked(cache, dir->dir, name);
	l = dir->dir->listing;
	e = l ? patch_entry(l, name, &was_live) : NULL;
	if (!e || !was_live || e->type != type || e->ino != ino)
		note_difference_locked(dir->dir);
	else
		note_change_locked(dir->dir);
	if (e) {
		entry_put(l, e, was_live, type, ino, layer);
		cache_account_locked(cache, l, &gone);
	} else if (l) {
		cache_remove_locked(cache, l, &gone);
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
	note_difference_locked(dir->dir);
	names_add_locked(tree->listings, dir->dir, name);
	l = dir->dir->listing;
	if (!l)
		return;
	e = listing_get(l, name, len, listing_key(name, len), NULL);
	if (e)
		listed_hide(l, e);
	else
		/* Not known here, yet on disk it was: a whiteout may be there now. */
		l->unsure = true;
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static uint32_t listing_patches(struct tree *tree, struct dir *dir)
{
	LOCK_SCOPE(&tree->listings->lock);
	return dir->patches;
}

/* Reads the layers; with the leaf lock held afterwards, `dir` has the listing. -LOOK_AGAIN, not held: changed
 * meanwhile. What made way is put before *gone. */
static int build_and_lock(struct tree *tree, struct inode *dir, struct listing **gone)
{
	struct listing_cache *cache = tree->listings;
	struct listing *fresh = NULL;
	uint32_t patches = listing_patches(tree, dir->dir);
	struct inode_stack stack;
	int r;

	inode_stack_init(&stack, tree, dir);
	r = merge_dir(&stack.stack, false, &fresh);
	if (r < 0)
		return r;
	listing_fit(fresh);
	counter_add(COUNTER_LISTING_BUILT, 1);
	lock_take(&cache->lock);
	if (dir->dir->patches != patches) {
		lock_drop(&cache->lock);
		listing_free(fresh);
		return -LOOK_AGAIN;
	}
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

int listing_ensure_and_lock(struct tree *tree, struct inode *dir, bool again, struct listing **gone)
{
	int r;

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
		r = build_and_lock(tree, dir, gone);
	while (r == -LOOK_AGAIN);
	return r;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* What is left of a listing says of a name that it is missing, or nothing. */
static void layer_lookup_names_locked(const struct dir *dir, uint64_t key, struct listing_hint *ret)
{
	if (!dir->names || name_set_has(dir->names, key))
		return;
	ret->answer = LISTING_ABSENT;
	ret->may_whiteout = name_set_is_unsure(dir->names);
}

static void layer_lookup_listing_locked(struct listing *l, const char *name, size_t len, uint64_t key,
					struct listing_hint *ret)
{
	const struct listed *e = listing_get(l, name, len, key, NULL);

	l->used = true;
	if (e && !(e->flags & LISTED_HIDDEN)) {
		*ret = (struct listing_hint){.answer = LISTING_PRESENT, .layer = e->layer, .last_layer = e->last_layer};
		return;
	}
	ret->answer = LISTING_ABSENT;
	ret->may_whiteout = e ? (e->flags & LISTED_WHITEOUT) != 0 : l->unsure;
}

void listing_hint_of(struct tree *tree, struct inode *dir, const char *name, struct listing_hint *ret)
{
	size_t len = strlen(name);
	uint64_t key = listing_key(name, len);

	*ret = (struct listing_hint){.answer = LISTING_UNKNOWN};
	LOCK_SCOPE(&tree->listings->lock);
	if (dir->dir->listing)
		layer_lookup_listing_locked(dir->dir->listing, name, len, key, ret);
	else
		layer_lookup_names_locked(dir->dir, key, ret);
}

enum listing_answer listing_find(struct tree *tree, struct inode *dir, const char *name, unsigned *ret_layer)
{
	struct listing_hint hint;

	listing_hint_of(tree, dir, name, &hint);
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
	uint32_t slot;

	LOCK_SCOPE(&tree->listings->lock);
	l = dir->dir->listing;
	if (!l || !listing_get(l, name, len, listing_key(name, len), &slot))
		return false;
	for (unsigned left = NEXT_LOOKS; ++slot < l->n_slots && left > 0;) {
		const struct listed *e = listing_at(l, slot);

		if (e && !(e->flags & LISTED_HIDDEN)) {
			memcpy(ret_next, listed_name(l, e), e->name_len);
			ret_next[e->name_len] = '\0';
			return true;
		}
		left -= e != NULL;
	}
	return false;
}

int listing_is_empty_locked(struct tree *tree, struct inode *dir)
{
	struct listing *unused = NULL;
	struct inode_stack stack;
	int known = -1, r;

	if (!CHECK(inode_is_dir(dir) && lock_held(&dir->dir->lock)))
		return -EIO;
	lock_take(&tree->listings->lock);
	if (dir->dir->listing && !tree->revalidate)
		known = dir->dir->listing->n_live == 0;
	lock_drop(&tree->listings->lock);
	if (known >= 0)
		return known;
	inode_stack_init(&stack, tree, dir);
	r = merge_dir(&stack.stack, true, &unused);
	listing_free(unused);
	return r < 0 ? r : r == 0;
}

int listing_is_empty(struct tree *tree, struct inode *dir)
{
	LOCK_SCOPE(&dir->dir->lock);
	return listing_is_empty_locked(tree, dir);
}
