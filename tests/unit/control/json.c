/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader and the writer of JSON: what hostile lines may hold, and what they get.
 */
#include "control/json.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "unit.h"

static char line[1 << 16];
static struct json_object object;

static int parse_n(const char *text, size_t len)
{
	const char *cause = NULL;
	int r;

	memcpy(line, text, len);
	r = json_parse(line, len, &object, &cause);
	EXPECT((r < 0) == (cause != NULL));
	return r;
}

static int parse(const char *text)
{
	return parse_n(text, strlen(text));
}

TEST("an object of plain values is taken apart")
{
	ASSERT_INT(parse(" {\"op\" : \"explain\",\t\"n\":12, \"yes\":true,\"no\":false,\"null\":null } "), 0);
	EXPECT_INT(object.n, 5);
	EXPECT_STR(json_find(&object, "op")->text, "explain");
	EXPECT_INT(json_find(&object, "n")->number, 12);
	EXPECT_INT(json_find(&object, "n")->type, JSON_NUMBER);
	EXPECT_INT(json_find(&object, "yes")->number, 1);
	EXPECT_INT(json_find(&object, "no")->type, JSON_BOOL);
	EXPECT_INT(json_find(&object, "null")->type, JSON_NULL);
	EXPECT(!json_find(&object, "none"));
	EXPECT_INT(parse("{}"), 0);
	EXPECT_INT(object.n, 0);
}

TEST("escapes become characters, and pairs one character")
{
	ASSERT_INT(parse("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}"), 0);
	EXPECT_STR(json_find(&object, "a")->text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST("what isn't one flat object is refused")
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[]",
		"1",
		"\"a\"",
		"{}{}",
		"{} x",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,}",
		"{a:1}",
		"{\"a\":1 \"b\":2}",
		"{\"a\":{}}",
		"{\"a\":[1]}",
		"{\"a\":-1}",
		"{\"a\":1.5}",
		"{\"a\":1e3}",
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":18446744073709551616}",
		"{\"a\":truee}",
		"{\"a\":nul}",
		"{\"a\":\"b",
		"{\"a\":\"b}",
		"{\"a",
		"{\"a\":\"\\",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":1,\"a\":2}",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != -EINVAL)
			UNIT_FAIL("taken: %s", bad[i]);
}

TEST("null characters, control characters and half pairs are refused")
{
	EXPECT_INT(parse("{\"a\":\"\\u0000\"}"), -EINVAL);
	EXPECT_INT(parse("{\"a\":\"\n\"}"), -EINVAL);
	EXPECT_INT(parse_n("{\"a\":\"\0\"}", 9), -EINVAL);
	EXPECT_INT(parse_n("\0{}", 3), -EINVAL);
	EXPECT_INT(parse("{\"a\":\"\\ud800\"}"), -EINVAL);
	EXPECT_INT(parse("{\"a\":\"\\ud800\\u0041\"}"), -EINVAL);
	EXPECT_INT(parse("{\"a\":\"\\udc00\"}"), -EINVAL);
}

TEST("bytes that aren't UTF-8 are refused")
{
	static const char *const bad[] = {"\x80",
					  "\xc0\xaf",
					  "\xc1\xbf",
					  "\xe0\x80\xaf",
					  "\xed\xa0\x80",
					  "\xf0\x80\x80\xaf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xff",
					  "\xc3",
					  "\xe2\x82",
					  "\xf0\x9f\x98"};
	char text[64];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		UNIT_PRINT(text, "{\"a\":\"%s\"}", bad[i]);
		if (parse(text) != -EINVAL || utf8_is(bad[i], strlen(bad[i])))
			UNIT_FAIL("taken: number %u", i);
	}
	EXPECT(utf8_is("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 10));
}

TEST("depth costs nothing, and many members are too many")
{
	char text[4096];
	size_t used = 1;

	memset(line, '[', sizeof(line) - 1);
	memcpy(line, "{\"a\":", 5);
	const char *cause;

	EXPECT_INT(json_parse(line, sizeof(line) - 1, &object, &cause), -EINVAL);
	strcpy(text, "{");
	for (unsigned i = 0; i <= JSON_MEMBERS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\"m%u\":%u", i ? "," : "", i, i);
	snprintf(text + used, sizeof(text) - used, "}");
	EXPECT_INT(parse(text), -E2BIG);
}

TEST("every beginning of a line is refused and nothing behind it is read")
{
	static const char whole[] = "{\"op\":\"explain\",\"path\":\"a\\u00e9\\ud83d\\ude00\",\"n\":12,\"t\":true}";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		char *exact = malloc(len + 1);
		const char *cause;

		ASSERT(exact);
		memcpy(exact, whole, len);
		EXPECT_INT(json_parse(exact, len, &object, &cause), -EINVAL);
		free(exact);
	}
}

TEST("what is written is JSON on one line")
{
	struct json json;

	json_init(&json, 4096);
	json_open_object(&json, NULL);
	json_bool(&json, "ok", true);
	json_text(&json, "text", "a\"b\\c\nd\x7f\xc3\xa9");
	json_bytes(&json, "name", "\xff/x");
	json_bytes(&json, "plain", "x");
	json_open_array(&json, "list");
	json_number(&json, NULL, 1);
	json_open_object(&json, NULL);
	json_close_object(&json);
	json_number(&json, NULL, UINT64_MAX);
	json_close_array(&json);
	json_close_object(&json);
	EXPECT_INT(json_finish(&json), 0);
	ASSERT(json.len < sizeof(line));
	memcpy(line, json.text, json.len);
	line[json.len] = '\0';
	EXPECT_STR(line, "{\"ok\":true,\"text\":\"a\\u0022b\\u005cc\\u000ad\\u007f\xc3\xa9\",\"name_hex\":\"ff2f78\","
			 "\"plain\":\"x\",\"list\":[1,{},18446744073709551615]}\n");
	json_free(&json);
}

TEST("a line that becomes too long is not finished, and takes no more memory")
{
	struct json json;

	json_init(&json, 100);
	json_open_array(&json, NULL);
	for (int i = 0; i < 100000; i++)
		json_text(&json, NULL, "text");
	json_close_array(&json);
	EXPECT_INT(json_finish(&json), -EMSGSIZE);
	EXPECT(json.len <= 100 && json.room <= 200);
	json_free(&json);
}
