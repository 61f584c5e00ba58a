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
	bool has_layer;
	const char *image; /* the first name of an image that has the layer, or NULL */
	const char *made;  /* the same of an image that has it as its topmost */
};

struct cached_list {
	struct cached *list; /* owned */
	size_t n;
	char **names; /* of images, of which members speak; owned */
	size_t n_names;
};

/* EXIT_FAILED after one line. The lock is held. */
int cached_read(struct store *s, struct cached_list *ret);
void cached_finish(struct cached_list *all);
#define _cleanup_cached_ _cleanup_(cached_finish)

/* cache why STEP: the beginning of a key, or the name of an image. An exit status. */
int cache_why(const struct cached_list *all, const char *step);

#endif
