/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nlink xattr: how many names the union has for an object in the index. The count is relative to another count, and
 * both change together. `U+2` is two more than the upper object's own links, of which the index entry is one. `L-1` is
 * one less than the lower object's links. The text is kernel overlayfs's (ovl_set_nlink_common() in
 * fs/overlayfs/util.c), without a final newline.
 */
#ifndef FORMAT_NLINK_H
#define FORMAT_NLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NLINK_SIZE 13

struct nlink_xattr {
	bool upper; /* `U`: relative to the upper object's links */
	int32_t diff;
};

/* The text, terminated; returns its length. */
size_t nlink_encode(struct nlink_xattr nlink, char ret_text[static NLINK_SIZE]);
/* -EINVAL for any other text. */
int nlink_decode(const void *text, size_t size, struct nlink_xattr *ret);
/* The union's count. -EINVAL if it makes no sense with these counts. */
int64_t nlink_apply(struct nlink_xattr nlink, uint32_t upper, uint32_t lower);

#endif
