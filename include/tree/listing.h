/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merged content of a directory: one entry a visible name, upper first, whiteouts removed.
 *
 * Each name gets a cookie (d_off) once; cookies rise along the stream and are not reused while the listing is kept, so reading
 * resumes at the first cookie above the given one, also when that name has gone. plyfs's own changes patch the listing; it is
 * built once, deterministically: a rebuilt listing of an unchanged directory has the same cookies. Listings age by LRU within a byte
 * budget, unchanged ones first. Cookies 1 and 2 are "." and ".." (made by the caller); names start at 3.
 *
 * Locking: building holds D of the directory (taken inside unless `_locked`); reading and patching take the leaf lock of the listing.
 */
#ifndef TREE_LISTING_H
#define TREE_LISTING_H

#include "tree/tree.h"

struct listing_entry {
	uint64_t cookie;
	uint64_t ino;   /* d_ino, equal to st_ino */
	unsigned layer; /* the topmost layer that has the name */
	unsigned char type; /* DT_*, never DT_UNKNOWN */
	uint8_t name_len;
	const char *name; /* in the batch's buffer */
};

#define LISTING_BATCH 128

/* A copy of some entries, so that no lock is held while they are used. */
struct listing_batch {
	unsigned n;
	struct listing_entry entries[LISTING_BATCH];
	char names[LISTING_BATCH * (TREE_NAME_MAX + 1)];
};

/* The entries after `cookie` (0, 1, 2 = from the start), at most LISTING_BATCH and at most `max_bytes` of names + 24 each. n == 0 at the
 * end. Builds the listing if needed. */
int listing_read(struct tree *tree, struct inode *dir, uint64_t cookie, size_t max_bytes, struct listing_batch *ret_batch);

enum listing_answer { LISTING_UNKNOWN, LISTING_ABSENT, LISTING_PRESENT };
/* What a kept listing says of a name; never builds. */
enum listing_answer listing_find(struct tree *tree, struct inode *dir, const char *name, unsigned *ret_layer);

/* The name after `name` in a kept listing; false when there is none, no listing, or many names went in
 * between. Never builds. */
bool listing_next(struct tree *tree, struct inode *dir, const char *name, char ret_next[TREE_NAME_MAX + 1]);

/* Builds the listing if it isn't known (caller holds no D). */
int listing_build(struct tree *tree, struct inode *dir);
/* 1 when no visible entry is left, 0 when there is one. Caller holds D of `dir`. */
int listing_is_empty_locked(struct tree *tree, struct inode *dir);
/* The same; caller holds no D. */
int listing_is_empty(struct tree *tree, struct inode *dir);

/* Patches after a change on disk; the caller holds D of `dir`. No-ops where no listing is kept. */
void listing_add(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino, unsigned layer);
void listing_remove(struct tree *tree, struct inode *dir, const char *name);
/* The name's object now has these (copy-up, replaced by rename). */
void listing_update(struct tree *tree, struct inode *dir, const char *name, unsigned char type, uint64_t ino, unsigned layer);
/* Forgets the listing (inode freed, or after an error). */
void listing_drop(struct tree *tree, struct inode *dir);

#endif
