/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing arrays. An array is a pointer and a number of elements, which belong to its owner, who frees it with free().
 * NULL and 0 are an empty one. Two ways to make room:
 *
 *	ARRAY_NEXT()  the room follows from the number of elements: it is the least power of two that holds them. For
 *	              what grows by one.
 *	ARRAY_ROOM()  the owner keeps the room too. For what grows by several, or lies by the thousand and is to have
 *	              little to spare.
 *
 * An array that has been made room for by one of the two is never given to the other. Without memory the array stays as
 * it was.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* A pointer to the element behind the last of `n`, uninitialised, or NULL without memory. The owner adds it to `n` when
 * it has been filled. `array` and `n` are evaluated several times. */
#define ARRAY_NEXT(array, n)                                                                                           \
	({                                                                                                             \
		void *_array_grown = array_of_power((array), (n), sizeof(*(array)));                                   \
		if (_array_grown)                                                                                      \
			(array) = _array_grown;                                                                        \
		_array_grown ? &(array)[n] : NULL;                                                                     \
	})

/* Makes room for `more` elements behind `n`; false without memory, or where `cap`, an unsigned number of any width,
 * can't count them. All arguments but `more` are evaluated several times. */
#define ARRAY_ROOM(array, n, cap, more)                                                                                \
	({                                                                                                             \
		size_t _array_want = (size_t)(n) + (more), _array_cap = (cap);                                         \
		void *_array_grown = NULL;                                                                             \
		if (_array_want > _array_cap)                                                                          \
			_array_grown =                                                                                 \
				array_grow((array), sizeof(*(array)), (__typeof__(cap))-1, _array_want, &_array_cap);  \
		if (_array_grown) {                                                                                    \
			(array) = _array_grown;                                                                        \
			(cap) = (__typeof__(cap))_array_cap;                                                           \
		}                                                                                                      \
		_array_want <= _array_cap;                                                                             \
	})

/* Of the macros. The array with room for one more than n; NULL without memory. */
void *array_of_power(void *array, size_t n, size_t size);
/* The array with room for `want` elements, half as much again as *cap if that is more; NULL, and *cap as it was,
 * without memory. */
void *array_grow(void *array, size_t size, size_t max, size_t want, size_t *cap);

#endif
