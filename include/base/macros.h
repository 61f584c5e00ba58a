/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Macros for every tier.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* Not for constant expressions. Each argument is evaluated once. */
#define MIN(a, b)                                                                                                      \
	({                                                                                                             \
		__typeof__((a) < (b) ? (a) : (b)) _min_a = (a), _min_b = (b);                                          \
		_min_a < _min_b ? _min_a : _min_b;                                                                     \
	})
#define MAX(a, b)                                                                                                      \
	({                                                                                                             \
		__typeof__((a) > (b) ? (a) : (b)) _max_a = (a), _max_b = (b);                                          \
		_max_a > _max_b ? _max_a : _max_b;                                                                     \
	})
#define PRINTF_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
