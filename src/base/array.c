/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/macros.h"

void *array_of_power(void *array, size_t n, size_t size)
{
	if (!CHECK(array || n == 0))
		return NULL;
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? 2 * n : 1, size);
}

void *array_grow(void *array, size_t size, size_t max, size_t want, size_t *cap)
{
	size_t room = MAX(*cap + *cap / 2 + 1, want);
	void *grown;

	if (!CHECK(size > 0 && want > *cap))
		return NULL;
	/* No array is larger than half of the memory that addresses reach. */
	max = MIN(max, SIZE_MAX / 2 / size);
	if (want > max)
		return NULL;
	room = MIN(room, max);
	grown = reallocarray(array, room, size);
	if (grown)
		*cap = room;
	return grown;
}
