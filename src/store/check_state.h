/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CHECK_STATE_H
#define STORE_CHECK_STATE_H

#include "base/macros.h"
#include "internal.h"
#include "store/check.h"

struct checking {
	struct store *s;
	struct store_check *ret;
	struct image_error *error;
	uid_t owner; /* of the store's directory */
	bool digests;
	char *buffer; /* owned; with `digests` */
};

/* Adds a finding at the path that the format makes. `detail` may be NULL. -ENOMEM. */
int fsck_add(struct checking *c, enum store_fault fault, const char *detail, const char *format, ...)
	PRINTF_FORMAT(4, 5);
/* Owner and mode of something that the store itself has made. `type` is S_IFDIR or S_IFREG; another one is a stray.
 * -ENOENT: it isn't there, and nothing was added. */
int fsck_own(struct checking *c, int dirfd, const char *name, mode_t type, const char *path);
/* The same for its attributes. */
int fsck_mode(struct checking *c, const struct statx *stx, const char *path);
bool fsck_is_hex(const char *name);
/* Anything in the directory but the names of `known`, which ends with NULL, is a stray. */
int fsck_only(struct checking *c, int dir, const char *const *known, const char *parent);

int fsck_layers(struct checking *c);
int fsck_uppers(struct checking *c);
int fsck_steps(struct checking *c);

#endif
