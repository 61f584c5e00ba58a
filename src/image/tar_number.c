// SPDX-License-Identifier: Apache-2.0
#include "tar_number.h"

#include <string.h>

#include "base/check.h"
#include "image/tar.h"

#define CHECKSUM_AT 148
#define CHECKSUM_LEN 8

/* Two's complement, big endian; the topmost bit is the flag, the next one the sign. */
static bool binary_number(const char *field, size_t len, int64_t *ret)
{
	const unsigned char *bytes = (const unsigned char *)field;
	bool negative = bytes[0] & 0x40;
	uint64_t value = negative ? UINT64_MAX << 7 | bytes[0] : bytes[0] & 0x7f;

	for (size_t i = 1; i < len; i++) {
		uint64_t top = value >> 55;

		if (top != (negative ? 0x1ff : 0))
			return false;
		value = value << 8 | bytes[i];
	}
	*ret = (int64_t)value;
	return true;
}

bool tar_number(const char *field, size_t len, int64_t *ret)
{
	size_t i = 0;
	int64_t value = 0;

	if (!CHECK(len >= 2 && len < 21))
		return false;
	if (field[0] & 0x80)
		return binary_number(field, len, ret);
	while (i < len && (field[i] == ' ' || !field[i]))
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (field[i] - '0');
	while (i < len && (field[i] == ' ' || !field[i]))
		i++;
	*ret = value;
	return i == len;
}

/* Some old archives have a sum of signed characters. */
bool tar_checksum_holds(const char *block)
{
	int64_t want, plain = 0, with_sign = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool own = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LEN;

		plain += own ? ' ' : (unsigned char)block[i];
		with_sign += own ? ' ' : (signed char)block[i];
	}
	return tar_number(block + CHECKSUM_AT, CHECKSUM_LEN, &want) && (want == plain || want == with_sign);
}

/* The first nine digits of a fraction. */
static bool decimal_fraction(const char *text, uint32_t *ret_nsec)
{
	uint32_t nsec = 0, digits = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		if (digits++ < 9)
			nsec = nsec * 10 + (uint32_t)(*text - '0');
	for (; digits < 9; digits++)
		nsec *= 10;
	*ret_nsec = nsec;
	return !*text;
}

bool tar_decimal(const char *text, int64_t *ret, uint32_t *ret_nsec)
{
	bool negative = *text == '-';
	int64_t value = 0;
	uint32_t nsec = 0;

	text += negative;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *text - '0', &value))
			return false;
	if (*text && (*text != '.' || !ret_nsec || !decimal_fraction(text + 1, &nsec)))
		return false;
	value = negative ? -value : value;
	if (negative && nsec) {
		value--;
		nsec = 1000000000 - nsec;
	}
	*ret = value;
	if (ret_nsec)
		*ret_nsec = nsec;
	return true;
}
