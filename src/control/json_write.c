/* SPDX-License-Identifier: Apache-2.0 */
#include "control/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/utf8.h"

void json_init(struct json *json, size_t max)
{
	(void)CHECK(max > 2);
	*json = (struct json){.max = max};
}

void json_free(struct json *json)
{
	free(json->text);
	json->text = NULL;
	json->len = json->room = 0;
}

static void put(struct json *json, const char *bytes, size_t n)
{
	(void)CHECK(json->len <= json->max);
	/* A newline has room always. */
	if (json->failed || n >= json->max - json->len || !ARRAY_ROOM(json->text, json->len, json->room, n + 1)) {
		json->failed = true;
		return;
	}
	memcpy(json->text + json->len, bytes, n);
	json->len += n;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

/* As a JSON text: control characters, quotes and backslashes are escaped. */
static void put_quoted(struct json *json, const char *text)
{
	const char *plain = text;
	char escape[8];

	put(json, "\"", 1);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		put(json, plain, (size_t)(text - plain));
		snprintf(escape, sizeof(escape), "\\u%04x", c);
		put_text(json, escape);
		plain = text + 1;
	}
	put(json, plain, (size_t)(text - plain));
	put(json, "\"", 1);
}

static void begin_value(struct json *json, const char *name)
{
	if (json->separates)
		put(json, ",", 1);
	json->separates = true;
	if (!name)
		return;
	(void)CHECK(utf8_is(name, strlen(name)));
	put_quoted(json, name);
	put(json, ":", 1);
}

static void open_bracket(struct json *json, const char *name, const char *bracket)
{
	begin_value(json, name);
	put_text(json, bracket);
	json->separates = false;
}

static void close_bracket(struct json *json, const char *bracket)
{
	put_text(json, bracket);
	json->separates = true;
}

void json_open_object(struct json *json, const char *name)
{
	open_bracket(json, name, "{");
}

void json_close_object(struct json *json)
{
	close_bracket(json, "}");
}

void json_open_array(struct json *json, const char *name)
{
	open_bracket(json, name, "[");
}

void json_close_array(struct json *json)
{
	close_bracket(json, "]");
}

void json_text(struct json *json, const char *name, const char *value)
{
	(void)CHECK(utf8_is(value, strlen(value)));
	begin_value(json, name);
	put_quoted(json, value);
}

void json_bytes(struct json *json, const char *name, const char *value)
{
	char hex_name[64], digits[3];

	if (!CHECK(name && strlen(name) < sizeof(hex_name) - 4))
		return;
	if (utf8_is(value, strlen(value))) {
		json_text(json, name, value);
		return;
	}
	snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
	begin_value(json, hex_name);
	put(json, "\"", 1);
	for (; *value; value++) {
		snprintf(digits, sizeof(digits), "%02x", (unsigned char)*value);
		put_text(json, digits);
	}
	put(json, "\"", 1);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
	char digits[24];

	begin_value(json, name);
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	put_text(json, digits);
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin_value(json, name);
	put_text(json, value ? "true" : "false");
}

int json_finish(struct json *json)
{
	if (json->failed || !json->text)
		return -EMSGSIZE;
	(void)CHECK(json->len < json->room && json->len < json->max);
	json->text[json->len++] = '\n';
	return 0;
}
