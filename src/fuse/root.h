/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a host that has several unions: a directory of the host's own, whose names are those of its unions. It
 * can be looked at and not changed, and nobody but the host's own programs is to see it.
 *
 * Owns nothing.
 */
#ifndef FUSE_ROOT_H
#define FUSE_ROOT_H

#include "state.h"

/* Whether the node is that root. Other operations than those below answer EOPNOTSUPP for it. */
static inline bool is_host_root(fuse_req_t req, fuse_ino_t node)
{
	return node == FUSE_ROOT_ID && !host_of(req)->single;
}
void root_lookup(fuse_req_t req, const char *name);
void root_getattr(fuse_req_t req);
void root_statfs(fuse_req_t req);
void root_read(fuse_req_t req, size_t size, off_t off, bool plus_format);

#endif
