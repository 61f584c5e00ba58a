/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values. The C library's number parsers take signs, blanks, hexadecimal and "infinity", and follow the locale; these
 * take what the manual says and nothing else.
 */
#include "option_internal.h"
#include "base/check.h"

#include <ctype.h>
#include <strings.h>
#include <string.h>

/* The digits at *text, which moves behind them. False when there are none or too many. */
static bool digits_parse(const char **text, uint64_t limit, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *text;

	(void)CHECK(limit >= 9);
	for (; isdigit((unsigned char)*p); p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	*ret = value;
	return true;
}

const char *option_parse_number(const char *text, uint32_t *field)
{
	uint64_t value;

	if (!isdigit((unsigned char)*text))
		return "not a number";
	if (!digits_parse(&text, UINT32_MAX - 1, &value))
		return "number too large";
	if (*text)
		return "not a number";
	*field = (uint32_t)value;
	return NULL;
}

const char *option_parse_size(const char *text, uint64_t *field)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t value;
	unsigned shift = 0;

	if (!isdigit((unsigned char)*text))
		return "not a size";
	if (!digits_parse(&text, INT64_MAX, &value))
		return "size too large";
	if (*text) {
		unit = strchr(units, toupper((unsigned char)*text));
		if (!unit || text[1])
			return "not a size";
		shift = 10 * (unsigned)(unit - units + 1);
	}
	(void)CHECK(shift < 64);
	if (value > (uint64_t)INT64_MAX >> shift)
		return "size too large";
	*field = value << shift;
	return NULL;
}

const char *option_parse_seconds(const char *text, double *field)
{
	uint64_t whole = 0;
	double value, location = 1;

	if (!isdigit((unsigned char)*text))
		return "not a number of seconds";
	if (!digits_parse(&text, (uint64_t)OPTIONS_TIMEOUT_FOREVER, &whole))
		return "number too large";
	value = (double)whole;
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++)
			value += (double)(*text - '0') * (location /= 10);
	if (*text)
		return "not a number of seconds";
	*field = value;
	return NULL;
}

const char *option_parse_bool(const char *text, bool *field)
{
	static const char *const words[][2] = {{"0", "1"}, {"off", "on"}, {"no", "yes"}, {"false", "true"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int value = 0; value < 2; value++) {
			if (!strcasecmp(text, words[i][value])) {
				*field = value;
				return NULL;
			}
		}
	}
	return "neither 0 nor 1";
}

const struct option_choice *option_parse_choice(const struct option_choice *choices, const char *text)
{
	(void)CHECK(choices);
	for (; choices->word; choices++)
		if (!strcmp(choices->word, text))
			return choices;
	return NULL;
}
