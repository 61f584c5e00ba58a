/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the verb check that looks at plyctl's store.
 */
#ifndef PLYCTL_CHECK_STORE_H
#define PLYCTL_CHECK_STORE_H

#include <stdbool.h>

/* Exit statuses are the bits of fsck(8). */
enum { CHECK_MENDED = 1, CHECK_LEFT = 4, CHECK_FAILED = 8, CHECK_USAGE = 16 };

/* `path` NULL: the store of this user. */
int check_of_store(const char *path, bool digests, bool fix, bool yes);

#endif
