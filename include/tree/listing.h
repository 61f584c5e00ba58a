/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merged content of a directory: one entry a visible name, upper first, whiteouts removed.
 *
 * Names stand in the order of a secret hash of each, and a cookie (d_off) says after which name reading goes on, also
 * when that has gone. So cookies rise along the stream and hold as long as the directory is known: whatever comes and
 * goes, however often and from which layers it is read anew, a name that stays is met exactly once. plyfs's own changes
 * patch a listing; listings age by LRU within a byte budget.
 *
 * The first cookies are the caller's, for "." and "..".
 *
 * Locking: building holds D of the directory (taken inside unless `_locked`); reading and patching take the leaf lock
 * of the listing.
 */
#ifndef TREE_LISTING_H
#define TREE_LISTING_H

#include "tree/tree.h"

struct listing_entry {
	uint64_t cookie;
	uint64_t ino;	    /* d_ino, equal to st_ino */
	unsigned layer;	    /* the topmost layer that has the name */
	unsigned char type; /* DT_*, never DT_UNKNOWN */
	uint8_t name_len;
	const char *name; /* in the batch's buffer */
};

#define LISTING_BATCH 128

/* A copy of some entries, so that no lock is held while they are used.
 *
 * What a stream has read to its end the kernel may keep and give to others, also to those that are in the middle. If it
 * was told before a change, one that began after it would get names that are gone. So a cookie says when its stream
 * began: in one of few generations, each of which ends with the first change after a stream has begun in it. What has
 * changed since its generation began must not be kept, and no listing must that the kernel gets wrong
 * (listing_fills_page()). */
struct listing_batch {
	unsigned n;
	bool may_be_kept; /* at the end: by the kernel, for other streams, what it holds of this one */
	struct listing_entry entries[LISTING_BATCH];
	char names[LISTING_BATCH * (TREE_NAME_MAX + 1)];
};

/* The cookie of the start, for a stream that begins now. */
uint64_t listing_begin(struct tree *tree, struct inode *dir);
/* How much of what comes before the names is behind: 0 nothing, 1 ".", 2 ".." as well; more: names. */
unsigned listing_dots(uint64_t cookie);
/* The cookie after the 1st or 2nd of them, in the stream that `cookie` is of. */
uint64_t listing_dot(uint64_t cookie, unsigned nth);
/* The entries after `cookie`, at most LISTING_BATCH and at most `max_bytes` of names + 24 each. n == 0 at the
 * end. Builds the listing if needed. */
int listing_read(struct tree *tree, struct inode *dir, uint64_t cookie, size_t max_bytes,
		 struct listing_batch *ret_batch);

enum listing_answer { LISTING_UNKNOWN, LISTING_ABSENT, LISTING_PRESENT };
/* What a kept listing says of a name; never builds. */
enum listing_answer listing_find(struct tree *tree, struct inode *dir, const char *name, unsigned *ret_layer);

/* The name after `name` in a kept listing; false when there is none, no listing, or many names went in
 * between. Never builds. */
bool listing_next(struct tree *tree, struct inode *dir, const char *name, char ret_next[TREE_NAME_MAX + 1]);

/* 1 when no visible entry is left, 0 when there is one. Caller holds D of `dir`. */
int listing_is_empty_locked(struct tree *tree, struct inode *dir);
/* The same; caller holds no D. */
int listing_is_empty(struct tree *tree, struct inode *dir);

/* Patches after a change on disk; the caller holds D of `dir`. No-ops where no listing is kept. */
void listing_add(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
		 unsigned layer);
void listing_remove(struct tree *tree, struct inode *dir, const char *name);
/* The name's object now has these (copy-up, replaced by rename). */
void listing_update(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
		    unsigned layer);
/* Forgets the listing (inode freed, or after an error). */
void listing_drop(struct tree *tree, struct inode *dir);

#endif
