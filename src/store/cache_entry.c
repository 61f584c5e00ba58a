// SPDX-License-Identifier: Apache-2.0
/*
 * Entries of the cache as documents. What is read may be hostile: nothing of it counts unless its parts give its key.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "image/error.h"
#include "store/cache.h"

#define SCHEMA "plyfs.cache/1"

const char *cache_field_name(enum cache_field field)
{
	static const char *const names[CACHE_FIELDS] = {[CACHE_VALUE] = "value",     [CACHE_TYPE] = "type",
							[CACHE_MODE] = "mode",	     [CACHE_OWNER] = "owner",
							[CACHE_CONTENT] = "content", [CACHE_TARGET] = "target",
							[CACHE_DEVICE] = "device",   [CACHE_ATTRIBUTES] = "attributes"};

	return CHECK(field < CACHE_FIELDS) ? names[field] : "";
}

void cache_entry_finish(struct cache_entry *e)
{
	cache_parts_finish(&e->parts);
	free(e->step);
	e->step = NULL;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* A name is bytes: one that is no UTF-8 is written in digits. */
static json_t *name_to_json(const char *name, const char **ret_member)
{
	size_t len = strlen(name);
	_cleanup_free_ char *digits = NULL;

	*ret_member = "name";
	if (utf8_is(name, len))
		return json_string(name);
	*ret_member = "name_hex";
	digits = malloc(2 * len + 1);
	if (!digits)
		return NULL;
	hex_text(name, len, digits);
	return json_string(digits);
}

static json_t *part_to_json(const struct cache_part *part)
{
	json_t *object = json_object();
	const char *member;
	json_t *name = name_to_json(part->name, &member);
	bool bad = json_object_set_new(object, member, name) < 0;

	for (size_t field = 0; field < CACHE_FIELDS; field++)
		if (part->fields[field])
			bad |= json_object_set_new(object, cache_field_name(field), json_string(part->fields[field])) <
			       0;
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

void cache_entry_head(const struct cache_entry *e, char ret[static CACHE_HEAD + 1])
{
	int n = snprintf(ret, CACHE_HEAD + 1, "{\n \"hits\": %19lld,\n \"last_used_ms\": %19lld,", (long long)e->hits,
			 (long long)e->last_used);

	(void)CHECK(n > 0 && n <= CACHE_HEAD && e->hits >= 0 && e->last_used >= 0);
	memset(ret + n, ' ', (size_t)(CACHE_HEAD - n));
	ret[CACHE_HEAD] = '\0';
}

char *cache_entry_text(const struct cache_entry *e)
{
	json_auto_t *parts = json_array(), *doc = NULL;
	_cleanup_free_ char *rest = NULL;
	char head[CACHE_HEAD + 1], *text = NULL;

	(void)CHECK(digest_is_valid(e->key) && digest_is_valid(e->diff_id));
	for (size_t i = 0; i < e->parts.n; i++)
		if (json_array_append_new(parts, part_to_json(&e->parts.list[i])) < 0)
			return NULL;
	doc = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:O}", "schema", SCHEMA, "key", e->key, "step", e->step,
			"diff_id", e->diff_id, "size", (json_int_t)e->size, "created_ms", (json_int_t)e->created,
			"dated", (json_int_t)e->dated, "parts", parts);
	rest = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	cache_entry_head(e, head);
	/* Without its brace. */
	return !rest || asprintf(&text, "%s%s", head, rest + 1) < 0 ? NULL : text;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What name_to_json() has written; NULL: it is none. */
static char *name_of_json(const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *digits = json_string_value(json_object_get(object, "name_hex"));
	size_t len = digits ? strlen(digits) / 2 : 0;
	char *bytes;

	if (name)
		return *name ? strdup(name) : NULL;
	bytes = len ? calloc(1, len + 1) : NULL;
	for (size_t i = 0; bytes && i < len; i++) {
		int high = hex_value(digits[2 * i]), low = hex_value(digits[2 * i + 1]);

		/* A null byte ends the name, and the key is another one then. */
		bytes[i] = high < 0 || low < 0 ? '\0' : (char)(high << 4 | low);
	}
	if (!bytes || *bytes)
		return bytes;
	free(bytes);
	return NULL;
}

static bool part_of_json(struct cache_parts *parts, const json_t *object)
{
	_cleanup_free_ char *name = name_of_json(object);
	struct cache_part *part;
	bool any = false;

	if (!name || cache_parts_add(parts, name, &part) < 0)
		return false;
	for (size_t field = 0; field < CACHE_FIELDS; field++) {
		const char *text = json_string_value(json_object_get(object, cache_field_name(field)));

		if (text && cache_part_set(part, field, text) < 0)
			return false;
		any |= text != NULL;
	}
	return any;
}

static bool parts_of_json(struct cache_parts *parts, const json_t *list)
{
	size_t i;
	json_t *object;

	json_array_foreach((json_t *)list, i, object)
	{
		if (!part_of_json(parts, object))
			return false;
	}
	return parts->n;
}

static bool member_digest(const json_t *doc, const char *member, char ret[static DIGEST_SIZE])
{
	const char *text = json_string_value(json_object_get(doc, member));

	if (!text || !digest_is_valid(text))
		return false;
	strcpy(ret, text);
	return true;
}

static bool member_number(const json_t *doc, const char *member, int64_t *ret)
{
	const json_t *value = json_object_get(doc, member);

	*ret = json_integer_value(value);
	return json_is_integer(value) && *ret >= 0;
}

static const char *entry_of_json(const json_t *doc, const char *key, struct cache_entry *ret)
{
	const char *schema = json_string_value(json_object_get(doc, "schema"));
	const char *step = json_string_value(json_object_get(doc, "step"));
	char of_parts[DIGEST_SIZE];

	if (!schema || strcmp(schema, SCHEMA) != 0)
		return "it is no document of a cache";
	if (!step || !member_digest(doc, "key", ret->key) || !member_digest(doc, "diff_id", ret->diff_id) ||
	    !member_number(doc, "size", &ret->size) || !member_number(doc, "created_ms", &ret->created) ||
	    !member_number(doc, "dated", &ret->dated) || !member_number(doc, "hits", &ret->hits) ||
	    !member_number(doc, "last_used_ms", &ret->last_used))
		return "a member is missing or malformed";
	if (!parts_of_json(&ret->parts, json_object_get(doc, "parts")))
		return "its parts are malformed";
	if (cache_parts_key(&ret->parts, of_parts) < 0 || strcmp(of_parts, ret->key) != 0 || strcmp(key, ret->key) != 0)
		return "its parts don't give its key";
	ret->step = strdup(step);
	return ret->step ? NULL : strerror(ENOMEM);
}

int cache_entry_parse(const char *text, size_t len, const char *key, struct cache_entry *ret, struct image_error *error)
{
	json_auto_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	struct cache_entry e = {.step = NULL};
	const char *cause = doc ? entry_of_json(doc, key, &e) : "it is no JSON";

	(void)CHECK(digest_is_valid(key));
	if (cause) {
		cache_entry_finish(&e);
		return image_fail(error, -EBADMSG, "%s", cause);
	}
	*ret = e;
	return 0;
}
