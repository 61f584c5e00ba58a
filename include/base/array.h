/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing arrays. An array is a pointer and a number of elements. Its owner frees it with free(). NULL and 0 are an
 * empty array. There are two ways to make room:
 *
 *	ARRAY_NEXT()  for arrays that grow by one; the room is the least power of two that holds the elements
 *	ARRAY_ROOM()  for arrays that grow by several, or of which there are thousands with little room to spare;
 *	              the owner keeps the size of the room
 *
 * An array that one of the two has made room for is never given to the other. Without memory the array stays the same.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* A pointer to the uninitialised element behind the last of `n`, or NULL without memory. The owner fills the element
 * and then adds it to `n`. `array` and `n` are evaluated several times. */
#define ARRAY_NEXT(array, n)                                                                                           \
	({                                                                                                             \
		void *_array_grown = array_of_power((array), (n), sizeof(*(array)));                                   \
		if (_array_grown)                                                                                      \
			(array) = _array_grown;                                                                        \
		_array_grown ? &(array)[n] : NULL;                                                                     \
	})

/* Makes room for `more` elements behind `n`. False without memory, or if `cap`, an unsigned number of any width, can't
 * count them. All arguments except `more` are evaluated several times. */
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

/* For the macros. The array with room for one more than n, or NULL without memory. */
void *array_of_power(void *array, size_t n, size_t size);
/* The array with room for `want` elements, or for half as much again as *cap if that is more. Without memory NULL, with
 * *cap unchanged. */
void *array_grow(void *array, size_t size, size_t max, size_t want, size_t *cap);

#endif
