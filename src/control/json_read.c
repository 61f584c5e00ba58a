/* SPDX-License-Identifier: Apache-2.0 */
#include "control/json.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"
#include "base/utf8.h"

/* The bytes that are left. What is decoded is never longer than what it is decoded from. */
struct reader {
	char *at, *end;
	const char *cause;
};

static int refuse_text(struct reader *r, const char *cause)
{
	r->cause = cause;
	return -EINVAL;
}

static void skip_space(struct reader *r)
{
	(void)CHECK(r->at <= r->end);
	while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
		r->at++;
}

/* Whether the character comes next, which is skipped then. */
static bool skip(struct reader *r, char c)
{
	skip_space(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool skip_word(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static int json_digit(char c)
{
	const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Four hexadecimal digits, or -1. */
static long four_digits(struct reader *r)
{
	long value = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = json_digit(*r->at++);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* The character of \uXXXX, or of two of them; -1. */
static long escaped_character(struct reader *r)
{
	long high = four_digits(r), low;

	if (high < 0xd800 || high > 0xdfff)
		return high > 0 ? high : -1;
	if (high > 0xdbff || !skip_word(r, "\\u"))
		return -1;
	low = four_digits(r);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static char *put_character(char *to, long c)
{
	(void)CHECK(c > 0 && c <= 0x10ffff);
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | (c >> 6));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | (c >> 12));
		*to++ = (char)(0x80 | ((c >> 6) & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | (c >> 18));
		*to++ = (char)(0x80 | ((c >> 12) & 0x3f));
		*to++ = (char)(0x80 | ((c >> 6) & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* Behind the backslash. */
static int read_escape(struct reader *r, char **to)
{
	static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
	const char *found = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;
	long c;

	if (found) {
		*(*to)++ = is[found - from];
		r->at++;
		return 0;
	}
	if (!skip_word(r, "u"))
		return refuse_text(r, "an unknown escape");
	c = escaped_character(r);
	if (c < 0)
		return refuse_text(r, "an escape that is no character");
	*to = put_character(*to, c);
	return 0;
}

static int read_text(struct reader *r, const char **ret)
{
	char *start = r->at, *to = r->at;

	while (r->at < r->end && *r->at != '"') {
		size_t n = utf8_length_in((const unsigned char *)r->at, (size_t)(r->end - r->at));

		if (!n || (unsigned char)*r->at < 0x20)
			return refuse_text(r, n ? "a control character in a text" : "not UTF-8");
		if (*r->at == '\\') {
			r->at++;
			int err = read_escape(r, &to);

			if (err < 0)
				return err;
			continue;
		}
		memmove(to, r->at, n);
		to += n;
		r->at += n;
	}
	if (r->at == r->end)
		return refuse_text(r, "a text without its end");
	(void)CHECK(to <= r->at);
	*to = '\0';
	r->at++;
	*ret = start;
	return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int read_number(struct reader *r, uint64_t *ret)
{
	const char *start = r->at;
	uint64_t value = 0;

	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
		if (value > (UINT64_MAX - 9) / 10)
			return refuse_text(r, "too large a number");
		value = value * 10 + (uint64_t)(*r->at - '0');
	}
	if (r->at == start || (*start == '0' && r->at - start > 1) ||
	    (r->at < r->end && *r->at && strchr(".eE", *r->at)))
		return refuse_text(r, "a value that is no text, whole number, true, false or null");
	*ret = value;
	return 0;
}

static int read_value(struct reader *r, struct json_member *m)
{
	skip_space(r);
	if (skip(r, '"')) {
		m->type = JSON_TEXT;
		return read_text(r, &m->text);
	}
	m->type = JSON_BOOL;
	m->number = 1;
	if (skip_word(r, "true"))
		return 0;
	m->number = 0;
	if (skip_word(r, "false"))
		return 0;
	m->type = JSON_NULL;
	if (skip_word(r, "null"))
		return 0;
	m->type = JSON_NUMBER;
	return read_number(r, &m->number);
}

static int read_member(struct reader *r, struct json_object *object)
{
	struct json_member m = {0};
	int err;

	if (!skip(r, '"'))
		return refuse_text(r, "a member without a name");
	err = read_text(r, &m.name);
	if (err < 0)
		return err;
	if (!skip(r, ':'))
		return refuse_text(r, "a member without a value");
	err = read_value(r, &m);
	if (err < 0)
		return err;
	if (json_find(object, m.name))
		return refuse_text(r, "two members of one name");
	if (object->n == JSON_MEMBERS_MAX) {
		r->cause = "too many members";
		return -E2BIG;
	}
	object->members[object->n++] = m;
	return 0;
}

const struct json_member *json_find(const struct json_object *object, const char *name)
{
	if (!CHECK(object->n <= JSON_MEMBERS_MAX))
		return NULL;
	for (unsigned i = 0; i < object->n; i++)
		if (!strcmp(object->members[i].name, name))
			return &object->members[i];
	return NULL;
}

static int read_object(struct reader *r, struct json_object *object)
{
	int err = 0;

	if (!skip(r, '{'))
		return refuse_text(r, "no object");
	if (skip(r, '}'))
		return 0;
	do
		err = read_member(r, object);
	while (err == 0 && skip(r, ','));
	if (err == 0 && !skip(r, '}'))
		return refuse_text(r, "an object without its end");
	return err;
}

int json_parse(char *text, size_t len, struct json_object *ret, const char **ret_cause)
{
	struct reader r = {.at = text, .end = text + len};
	int err;

	ret->n = 0;
	err = read_object(&r, ret);
	skip_space(&r);
	if (err == 0 && r.at < r.end)
		err = refuse_text(&r, "more than one object");
	(void)CHECK((err < 0) == (r.cause != NULL));
	if (err < 0)
		*ret_cause = r.cause;
	return err;
}
