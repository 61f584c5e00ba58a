/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants. A broken invariant aborts in debug builds, where a test must see it. In release builds it is logged and
 * the caller answers -EIO, because a dead daemon strands its mount.
 *
 * A fault elsewhere in the program breaks an invariant: a count, a state, a lock that is held, membership of a list, a
 * caller's promise about an argument. The content of a layer or a request, a full disk and an option are no invariants:
 * these are errors, and have an answer.
 *
 * x_check() checks the whole state of an object. It has a CHECK() for each numbered invariant of x and returns whether
 * all of them hold. Functions that rely on the invariants begin with CHECK_DEBUG(x_check(x)).
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdbool.h>

/* Logs "broken invariant"; aborts in debug builds. Always returns false. */
bool check_failed(const char *expr, const char *file, int line, const char *func) __attribute__((cold));

/* True when the invariant holds; use as: if (!CHECK(x > 0)) return -EIO; */
#define CHECK(expr) (__builtin_expect(!!(expr), 1) || check_failed(#expr, __FILE__, __LINE__, __func__))

/* The same for a check that takes time, such as a walk through a list: release builds don't make it. */
#ifdef PLYFS_DEBUG
#define CHECK_DEBUG(expr) ((void)CHECK(expr))
#else
#define CHECK_DEBUG(expr) ((void)(false && (expr)))
#endif

#endif
