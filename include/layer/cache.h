/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer caches (option layer_cache): the content of the directories of a lower layer, from a file that was made once. A
 * layer has a cache if an earlier mount has made it and these conditions hold:
 *
 * - The file system of the layer keeps reliable times and has a uuid.
 * - The root of the layer has a file handle.
 * - The layer has a mount clone, so nothing in it is overmounted.
 * - The layer doesn't keep owners in xattrs.
 *
 * A thread of this mount makes a missing cache (layer_caches_start()), for later mounts.
 *
 * A record is true only while its directory is unchanged. A caller gives fresh attributes of the directory to
 * layer_cache_confirm() first. The first mismatch ends the use of the layer's cache and removes the file, and so does a
 * damaged or changed file. From then on all these functions return -ENODATA, and the layer itself must be asked.
 */
#ifndef LAYER_CACHE_H
#define LAYER_CACHE_H

#include "format/cachefile.h"
#include "layer/layer.h"
#include "os/fs.h"

/* How long a confirmed directory is taken to be unchanged. A change of a layer beneath the mount shows this much later
 * than without a cache. */
#define LAYER_CACHE_TRUST_MS 1

/* Whether the layer has a cache whose use hasn't ended. */
bool layer_cache_is_used(const struct layer *l);
/* Number of the root directory's record, or 0 without a cache. */
uint32_t layer_cache_root(const struct layer *l);
/* Whether the directory is as recorded under `number`, which may be 0. */
bool layer_cache_confirm(const struct layer *l, uint32_t number, const struct statx *stx);
/* The xattr flags of a confirmed directory, as layer_read_xattr_flags() would read them. 0, -ENODATA. */
int layer_cache_xattr_flags(const struct layer *l, uint32_t number, unsigned *ret_flags);
/* 1: the directory has the name. 0: it doesn't. -ENODATA. */
int layer_cache_find(const struct layer *l, uint32_t number, const char *name, struct cachefile_entry *ret);
/* Calls `each` for all names, in the order of the directory. Names of type DT_WHT are whiteouts. Ends at the first
 * non-zero value of `each` and returns it. -ENODATA: all names so far are void. */
int layer_cache_read(const struct layer *l, uint32_t number, int (*each)(void *arg, const struct os_dirent *entry),
		     void *arg);

/* layer_caches_start() starts making missing caches, after the process has its threads. layer_caches_stop() ends this,
 * finished or not. */
void layer_caches_start(struct layer_set *set);
void layer_caches_stop(struct layer_set *set);

#endif
