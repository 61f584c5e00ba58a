/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the reader (cache.c) and the maker (cache_build.c) of layer caches.
 */
#ifndef LAYER_CACHE_INTERNAL_H
#define LAYER_CACHE_INTERNAL_H

#include <stdatomic.h>

#include "base/pool.h"
#include "internal.h"
#include "layer/cache.h"
#include "os/map.h"

/* Of one layer. */
struct layer_cache {
	struct os_map map;
	struct cachefile cachefile;
	char name[CACHEFILE_FILE_NAME_SIZE];
	int dir_fd;		     /* the set's */
	struct cachefile_stamp file; /* as it was when it was mapped */
	_Atomic bool dropped;
	_Atomic uint64_t looked; /* when the file was found unchanged, os_now_ms() */
};

/* Of a set. */
struct layer_caches {
	char *path;	    /* as given, for messages; owned */
	int dir_fd;	    /* O_RDONLY; owned */
	struct layer_id id; /* of the directory */
	bool wanted;	    /* those that are missing are to be made */
	struct pool *pool;  /* NULL: nothing is being made */
	struct pool_task task;
	struct layer_set *set;
	_Atomic bool stop;
};

/* The key of a layer's cache; *ret_why tells why it can have none. */
bool layer_cache_key_of(const struct layer_set *set, const struct layer *l, struct cachefile_key *ret,
			const char **ret_why);
struct cachefile_stamp layer_cache_stamp_of(const struct statx *stx);
bool layer_cache_stamp_equal(const struct cachefile_stamp *a, const struct cachefile_stamp *b);

#endif
