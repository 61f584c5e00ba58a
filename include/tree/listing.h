/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merged content of a directory: one entry for each visible name, upper first, whiteouts removed.
 *
 * Names are sorted by a secret hash. A cookie (d_off) says after which name reading goes on, even if that name has
 * gone. So cookies rise along the stream and hold as long as the directory is known. Names may come and go, and the
 * directory may be read anew from its layers: a name that stays is met exactly once. plyfs's own changes patch a
 * listing. Listings age by LRU within a byte budget.
 *
 * The first cookies are the caller's, for "." and "..".
 *
 * Locking: building holds D of the directory (taken inside unless `_locked`). Reading and patching take the leaf lock
 * of the listing.
 */
#ifndef TREE_LISTING_H
#define TREE_LISTING_H

#include "tree/tree.h"

struct listing_entry {
	uint64_t cookie;
	uint64_t ino;	    /* d_ino, equal to st_ino */
	unsigned layer;	    /* the topmost layer with the name */
	unsigned char type; /* DT_*, never DT_UNKNOWN */
	uint8_t name_len;
	const char *name; /* in the batch's buffer */
};

#define LISTING_BATCH 128

/* A copy of some entries, so that no lock is held during their use.
 *
 * The kernel may keep the entries of a stream that was read to its end. It gives them to other streams, even to those
 * that have begun. If the stream is from before a change, one that began after the change would get removed names. So a
 * cookie says when its stream began, in one of a few generations. A generation ends with the first change after a
 * stream has begun in it. Entries must not be kept if the directory has changed since their generation began. The same
 * goes for listings that the kernel gets wrong (listing_fills_page()). */
struct listing_batch {
	unsigned n;
	bool may_be_kept; /* at the end of a stream: the kernel may keep its entries for other streams */
	struct listing_entry entries[LISTING_BATCH];
	char names[LISTING_BATCH * (TREE_NAME_MAX + 1)];
};

/* The cookie of the start, for a stream that begins now. */
uint64_t listing_begin(struct tree *tree, struct inode *dir);
/* The number of dot entries that are already read: 0 none, 1 ".", 2 ".." as well; more: names were read. */
unsigned listing_dots(uint64_t cookie);
/* The cookie after the 1st or 2nd dot entry, in the stream of `cookie`. */
uint64_t listing_dot(uint64_t cookie, unsigned nth);
/* Reads the entries after `cookie`: at most LISTING_BATCH, and at most `max_bytes` of names + 24 each. n == 0 at the
 * end. Builds the listing if needed. */
int listing_read(struct tree *tree, struct inode *dir, uint64_t cookie, size_t max_bytes,
		 struct listing_batch *ret_batch);

enum listing_answer { LISTING_UNKNOWN, LISTING_ABSENT, LISTING_PRESENT };
/* The answer of a kept listing about a name. Never builds. */
enum listing_answer listing_find(struct tree *tree, struct inode *dir, const char *name, unsigned *ret_layer);

/* The name after `name` in a kept listing. False if there is none, no listing, or many names were removed in between.
 * Never builds. */
bool listing_next(struct tree *tree, struct inode *dir, const char *name, char ret_next[TREE_NAME_MAX + 1]);

/* 1: no visible entry is left. 0: there is one. Caller holds D of `dir`. */
int listing_is_empty_locked(struct tree *tree, struct inode *dir);
/* The same; caller holds no D. */
int listing_is_empty(struct tree *tree, struct inode *dir);

/* Patch the listing after a change on disk. The caller holds D of `dir`. They do nothing if no listing is kept. */
void listing_add(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
		 unsigned layer);
void listing_remove(struct tree *tree, struct inode *dir, const char *name);
/* The object of the name now has this type, number and layer (copy-up, replaced by rename). */
void listing_update(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino,
		    unsigned layer);
/* Drops the listing (inode freed, or after an error). */
void listing_drop(struct tree *tree, struct inode *dir);

#endif
