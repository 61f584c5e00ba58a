/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer caches (option layer_cache): what the directories of a lower layer hold, from a file that was made once. A
 * layer has one when its file system keeps times that can be relied on and is known by a uuid, its root has a file
 * handle, its mount clone leaves no other mount in it, and it doesn't keep owners in attributes; and when an earlier
 * mount has made it. One that is missing is made by a thread of this mount (layer_caches_start()), for the mounts that
 * come after it.
 *
 * What it says is true of a directory only while that is as it was: who asks gives fresh attributes of the directory to
 * layer_cache_confirm() first. The first mismatch, or a damaged or changed file, ends the use of the layer's cache and
 * removes the file; then all these functions say -ENODATA and the layer itself is to be asked.
 */
#ifndef LAYER_CACHE_H
#define LAYER_CACHE_H

#include "format/cachefile.h"
#include "layer/layer.h"
#include "os/fs.h"

/* How long a directory that was confirmed is taken to be the same. A change of a layer beneath the mount shows as late
 * as this, and else as without a cache. */
#define LAYER_CACHE_TRUST_MS 1

/* Number of the root directory's record, or 0 without a cache. */
uint32_t layer_cache_root(const struct layer *l);
/* Whether the directory is as it was recorded under `number`, which may be 0. */
bool layer_cache_confirm(const struct layer *l, uint32_t number, const struct statx *stx);
/* Of a confirmed directory: its xattr flags, as layer_read_xattr_flags() would read them. 0, -ENODATA. */
int layer_cache_xattr_flags(const struct layer *l, uint32_t number, unsigned *ret_flags);
/* 1: the directory has the name; 0: it hasn't; -ENODATA. */
int layer_cache_find(const struct layer *l, uint32_t number, const char *name, struct cachefile_entry *ret);
/* All names in the order of the directory; those of type DT_WHT are whiteouts. Ends at the first non-zero value of
 * `each` and returns it. -ENODATA: what was told so far is void. */
int layer_cache_read(const struct layer *l, uint32_t number, int (*each)(void *arg, const struct os_dirent *entry),
		     void *arg);

/* Starts making what is missing, when the process has its threads; ends it, finished or not. */
void layer_caches_start(struct layer_set *set);
void layer_caches_stop(struct layer_set *set);

#endif
