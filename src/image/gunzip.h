/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflating gzip with ISA-L, which is more than twice as fast as zlib. Builds without it have no struct gunzip.
 */
#ifndef IMAGE_GUNZIP_H
#define IMAGE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

struct gunzip;

/* Whether plyfs is built with ISA-L. */
bool gunzip_is_there(void);
/* NULL without memory. */
struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);

/* Takes bytes from *in, and writes up to `size` bytes to `out`: *ret_n. 0: it goes on with more of one or the other. 1:
 * a member (RFC 1952) has ended, and its checksum is right; the next bytes begin another one. -EBADMSG: the data is
 * damaged. */
int gunzip_step(struct gunzip *g, const unsigned char **in, size_t *in_len, void *out, size_t size, size_t *ret_n);

#endif
