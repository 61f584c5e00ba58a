/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants. A broken one aborts in debug builds, where a test must see it; in release it is logged and the caller answers
 * -EIO, because a dead daemon strands its mount.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdbool.h>

/* Logs "broken invariant"; aborts in debug builds. Always returns false. */
bool check_failed(const char *expr, const char *file, int line, const char *func);

/* True when the invariant holds; use as: if (!CHECK(x > 0)) return -EIO; */
#define CHECK(expr) (__builtin_expect(!!(expr), 1) || check_failed(#expr, __FILE__, __LINE__, __func__))

#endif
