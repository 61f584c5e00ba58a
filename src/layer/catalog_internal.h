/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader (catalog.c) and the maker (catalog_build.c) of catalogs share.
 */
#ifndef LAYER_CATALOG_INTERNAL_H
#define LAYER_CATALOG_INTERNAL_H

#include <stdatomic.h>

#include "base/pool.h"
#include "internal.h"
#include "layer/catalog.h"
#include "os/map.h"

/* Of one layer. */
struct layer_catalog {
	struct os_map map;
	struct catalog catalog;
	char name[CATALOG_FILE_NAME_SIZE];
	int dir_fd;		   /* the set's */
	struct catalog_stamp file; /* as it was when it was mapped */
	_Atomic bool dropped;
	_Atomic uint64_t looked; /* when the file was found unchanged, os_now_ms() */
};

/* Of a set. */
struct layer_catalogs {
	char *path;	      /* as given, for messages; owned */
	int dir_fd;	      /* O_RDONLY; owned */
	struct layer_id id;   /* of the directory */
	bool wanted;	      /* those that are missing are to be made */
	struct pool *pool;    /* NULL: nothing is being made */
	struct pool_task task;
	struct layer_set *set;
	_Atomic bool stop;
};

/* The key of a layer's catalog; *ret_why tells why it can have none. */
bool catalog_key_of(const struct layer_set *set, const struct layer *l, struct catalog_key *ret, const char **ret_why);
struct catalog_stamp catalog_stamp_of(const struct statx *stx);
bool catalog_stamp_equal(const struct catalog_stamp *a, const struct catalog_stamp *b);

#endif
