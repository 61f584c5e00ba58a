/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants. A broken invariant aborts in debug builds, where a test must see it. In release builds it is logged and
 * the caller answers -EIO, because a dead daemon strands its mount.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdbool.h>

/* Logs "broken invariant"; aborts in debug builds. Always returns false. */
bool check_failed(const char *expr, const char *file, int line, const char *func) __attribute__((cold));

/* True when the invariant holds; use as: if (!CHECK(x > 0)) return -EIO; */
#define CHECK(expr) (__builtin_expect(!!(expr), 1) || check_failed(#expr, __FILE__, __LINE__, __func__))

/* The same where looking costs time, a walk through a list or more: release builds don't look. */
#ifdef PLYFS_DEBUG
#define CHECK_DEBUG(expr) ((void)CHECK(expr))
#else
#define CHECK_DEBUG(expr) ((void)(false && (expr)))
#endif

#endif
