/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners at the border between the mount and the layers. Requests and replies carry the mount's ids, and the tiers
 * below have those of the layers. Each id that crosses the border passes here.
 *
 * Owns struct id_rules, of which a mount has one, constant: fs->ids.
 */
#ifndef FUSE_IDS_H
#define FUSE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/idmap.h"

struct fs;

struct id_rules {
	bool on;			     /* c else ids are the same on both sides */
	const struct idmap *uidmap, *gidmap; /* c */
	uint32_t squash_uid, squash_gid;     /* c ID_UNSET without */
	uint32_t overflow_uid, overflow_gid; /* c shown in an ACL where the map has none */
	uint32_t no_uid, no_gid;	     /* c the same of an owner */
};

void ids_init(struct fs *fs);
/* From the layers' ids to the mount's. */
void ids_show(const struct fs *fs, uint32_t *uid, uint32_t *gid);
/* From the mount's ids to the layers'; either may be NULL. -EOVERFLOW when there is none, unless owners are
 * squashed. */
int ids_store(const struct fs *fs, uint32_t *uid, uint32_t *gid);
/* The same of who makes something. The mount's root, where the map lacks it, makes what belongs to the layers' root. */
int ids_store_caller(const struct fs *fs, uint32_t *uid, uint32_t *gid);
/* Whether the attribute's value holds ids. */
bool ids_in_xattr(const struct fs *fs, const char *name);
/* Such a value, in place: for the mount (-ENODATA: it means nothing there), and for the layers (-EINVAL: an id that
 * they don't have). */
int ids_show_xattr(const struct fs *fs, const char *name, void *value, size_t size);
int ids_store_xattr(const struct fs *fs, const char *name, void *value, size_t size);

#endif
