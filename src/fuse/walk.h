/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks: which entries of a listing are answered with their attributes, by what readers did before.
 *
 * Owns struct walk, of which a mount has one: fs->walk.
 */
#ifndef FUSE_WALK_H
#define FUSE_WALK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tree/tree.h"

struct fs;

/* The requests that were seen lately. All of it is a guess: relaxed, without a lock. */
struct walk {
	_Atomic int plus_bias;	     /* readers that ask for attributes were seen */
	_Atomic int walk_bias;	     /* walks were */
	_Atomic int found_bias;	     /* files were read right after they had been looked up */
	_Atomic uint64_t file_found; /* the file that was looked up last: its id */
	_Atomic uint64_t file_next;  /* the one after the file that was read last, in its directory */
	_Atomic uint64_t dir;	     /* the directory that somebody began to read last: its id */
	_Atomic uint64_t parent;     /* its parent's, or 0 */
};

/* The entries of a stream that carry attributes. It is decided at the start of the stream and then kept by the
 * directory, unless more is wanted. */
enum dir_plus walk_plus(struct fs *fs, struct dir *dir, bool start);
/* `name` of parent was looked up. */
void walk_note_lookup(struct fs *fs, struct inode *parent, const struct statx *stx, const char *name);
/* Somebody begins to read `dir`, whose parent may be NULL. */
void walk_note(struct fs *fs, const struct inode *dir, const struct inode *parent);
/* A file was looked up, and its reply is on its way. */
void walk_file_found(struct fs *fs, struct inode *inode, const struct statx *stx);
/* A file is read. */
void walk_file_read(struct fs *fs, struct inode *inode);

#endif
