/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of build steps, for the verb of this name: all entries in memory, the newest first.
 */
#ifndef PLYCTL_CACHE_H
#define PLYCTL_CACHE_H

#include "plyctl.h"
#include "store/cache.h"

/* An entry, or one that is damaged. */
struct cached {
	struct cache_entry entry; /* owned; of a damaged one the key alone */
	char *damage;		  /* why it can't be used, or NULL; owned */
	bool unread;		  /* it couldn't be read, and may be whole */
	bool has_layer;
	const char *image; /* the first name of an image that has the layer, or NULL */
	const char *made;  /* the same of an image whose layers are those below the step and this one */
};

struct cached_list {
	struct cached *list; /* owned */
	size_t n;
	char **names; /* of images, of which members speak; owned */
	size_t n_names;
};

/* What a part says, or NULL. */
const char *cached_value(const struct cache_entry *e, const char *part);
/* The chain_id of the layers below with the one that the step made. -1: what is below isn't told by a digest. */
int cached_chain(const struct cache_entry *e, char ret[static DIGEST_SIZE]);

/* EXIT_FAILED after one line. The lock is held. */
int cached_read(struct store *s, struct cached_list *ret);
void cached_finish(struct cached_list *all);
#define _cleanup_cached_ _cleanup_(cached_finish)

/* cache why STEP: the beginning of a key, or the name of an image. An exit status. */
int cache_why(const struct cached_list *all, const char *step);

#endif
