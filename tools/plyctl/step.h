/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step of a build: a stack that is its parent, the parts of its key, and a new image with one layer more. run --cache
 * and copy are made of it. The order of calls:
 *
 *	step_open()	locks the store, opens the parent, and makes its chain_id the first part
 *	..		the caller adds further parts to `parts`
 *	step_find()	a hit: the image is made of the known layer
 *	step_make()	a miss: the layer is made, and gets its entry
 *	step_tell(), step_finish()
 *
 * Before step_make() the store may be left open to others by step_unlock() while a command runs. What the parent needs
 * is kept then by the upper over it, or by a lease in another store.
 */
#ifndef PLYCTL_STEP_H
#define PLYCTL_STEP_H

#include "archive/tar_writer.h"
#include "plyctl.h"
#include "store/cache.h"

struct step {
	struct view_stack *stack;      /* the parent; owned */
	struct store *store;	       /* locked; NULL: it isn't now */
	char (*diff_ids)[DIGEST_SIZE]; /* of the parent's layers, lowest first; owned */
	size_t n;
	struct cache_parts parts;
	char *text;	  /* what the history says; UTF-8; owned */
	const char *name; /* of the new image, or NULL */
	char *lease;	  /* of the parent's layers; owned */
	bool told;	  /* that the entry is damaged */
	/* the result */
	bool hit;
	char key[DIGEST_SIZE], id[DIGEST_SIZE], diff_id[DIGEST_SIZE];
};

/* 0, or -1 after one line. */
int step_open(struct step *s, const char *operand);
/* A stack as directories, while the store is locked: packed layers are put into the store. *ret_lease keeps the layers
 * of another store until this process ends; the caller frees it; NULL: there is none. NULL after one line. */
struct view_stack *step_open_stack(const struct step *s, const char *operand, char **ret_lease);
/* Takes the lock again. */
int step_lock(struct step *s);
void step_unlock(struct step *s);
/* 1: a hit; 0: none, or -1 after one line. */
int step_find(struct step *s);
/* `write` gives the tar of the layer to the sink. 0, or -1 after one line. */
int step_make(struct step *s, int (*write)(void *arg, archive_sink sink, void *sink_arg, struct image_error *error),
	      void *arg);
/* Adds a part, or ends the program without memory. */
void step_add(struct step *s, const char *name, const char *value);
void step_add_digest(struct step *s, const char *name, const void *data, size_t len);
/* Prints the result: JSON for `verb`, or a line on stderr. */
void step_tell(const struct step *s, const char *verb);
void step_finish(struct step *s);

/* Words with spaces between them, and UTF-8. The caller frees it. */
char *step_words(const char *first, char *const *words);

#endif
