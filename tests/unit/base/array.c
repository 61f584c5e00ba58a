/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing arrays: what is in them stays, and what can't grow stays as it was.
 */
#include "base/array.h"

#include <stdint.h>

#include "unit.h"

TEST("elements keep their values and their order while the room doubles")
{
	unsigned *numbers = NULL;
	size_t n = 0;

	for (unsigned i = 0; i < 1000; i++) {
		unsigned *next = ARRAY_NEXT(numbers, n);

		ASSERT(next == &numbers[n]);
		*next = i;
		n++;
	}
	for (unsigned i = 0; i < 1000; i++)
		EXPECT_INT(numbers[i], i);
	free(numbers);
}

TEST("an element that wasn't counted isn't there, and its place is given again")
{
	char **texts = NULL;
	size_t n = 0;

	ASSERT(ARRAY_NEXT(texts, n));
	ASSERT(ARRAY_NEXT(texts, n) == &texts[0]);
	texts[n++] = NULL;
	ASSERT(ARRAY_NEXT(texts, n) == &texts[1]);
	free(texts);
}

TEST("an array that shrank grows again")
{
	uint64_t *numbers = NULL;
	size_t n = 0;

	for (uint64_t i = 0; i < 16; i++) {
		ASSERT(ARRAY_NEXT(numbers, n));
		numbers[n++] = i;
	}
	n = 3;
	for (uint64_t i = 3; i < 40; i++) {
		ASSERT(ARRAY_NEXT(numbers, n));
		numbers[n++] = i;
	}
	for (uint64_t i = 0; i < 40; i++)
		EXPECT_INT(numbers[i], i);
	free(numbers);
}

TEST("room for several is there at once, and is told")
{
	char *text = NULL;
	size_t len = 0, cap = 0;

	ASSERT(ARRAY_ROOM(text, len, cap, 100));
	EXPECT_INT(cap, 100);
	memset(text, 'a', 100);
	len = 100;
	ASSERT(ARRAY_ROOM(text, len, cap, 1));
	EXPECT_INT(cap, 151);
	EXPECT(text[0] == 'a' && text[99] == 'a');
	ASSERT(ARRAY_ROOM(text, len, cap, 51));
	EXPECT_INT(cap, 151);
	free(text);
}

TEST("no room is asked for where none is wanted")
{
	char *text = NULL;
	size_t len = 0, cap = 0;

	EXPECT(ARRAY_ROOM(text, len, cap, 0));
	EXPECT(!text);
}

TEST("the room never exceeds what its number can count, and the array stays as it was")
{
	char *text = NULL;
	uint8_t len = 0, cap = 0;

	ASSERT(ARRAY_ROOM(text, len, cap, 200));
	memset(text, 'b', 200);
	len = 200;
	ASSERT(ARRAY_ROOM(text, len, cap, 10));
	EXPECT_INT(cap, 255);
	EXPECT(!ARRAY_ROOM(text, len, cap, 56));
	EXPECT_INT(cap, 255);
	EXPECT(text[0] == 'b' && text[199] == 'b');
	free(text);
}

TEST("more than there can be is no memory, and the array stays as it was")
{
	uint64_t *numbers = NULL;
	size_t n = 0, cap = 0;

	ASSERT(ARRAY_ROOM(numbers, n, cap, 1));
	numbers[n++] = 7;
	EXPECT(!ARRAY_ROOM(numbers, n, cap, SIZE_MAX / 8));
	EXPECT_INT(cap, 1);
	EXPECT_INT(numbers[0], 7);
	free(numbers);
}
