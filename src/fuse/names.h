/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of names that are told as errors: with dirsync the change has come when the sync fails.
 *
 * Owns the pool host->tell and host->telling_ends: the thread that tells the kernel of names which it may know wrongly.
 */
#ifndef FUSE_NAMES_H
#define FUSE_NAMES_H

#include "state.h"

/* The names that a request changes; all of it does nothing without dirsync. */
struct names_change {
	struct fs *fs;
	unsigned n;
	struct {
		struct inode *dir;
		const char *name;
		struct inode *object; /* what the name led to; referenced; may be NULL */
		int fd;		      /* the directory in the upper, owned; -1: none, or it is the other name's */
	} at[2];
};

/* One of two names at the most, before anything is changed: an error leaves all as it was. Its strings live as long as
 * `c`. */
int names_add(struct names_change *c, struct inode *dir, const char *name);
/* After the change, before the answer: syncs the directories. */
int names_sync(struct names_change *c);
/* The change has come and an error is answered: the kernel asks again for the names and for what they led to. */
void names_doubt(struct names_change *c);
void names_finish(struct names_change *c);
#define _cleanup_names_ _cleanup_(names_finish)

/* Removes a new name that an error is answered for, before that is. */
void name_take_back(struct fs *fs, struct inode *dir, const char *name, bool is_dir);
/* The kernel may know the name wrongly: it asks again, soon after the request that changed it was answered. Never
 * waits; any lock may be held but T and a leaf. */
void name_doubt(struct fs *fs, struct inode *dir, const char *name);
/* The kernel may know the attributes wrongly: it asks again. Never waits. */
void attributes_doubt(struct fs *fs, const struct inode *inode);

#endif
