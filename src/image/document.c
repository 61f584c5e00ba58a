// SPDX-License-Identifier: Apache-2.0
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "image/error.h"

/* How deep brackets are nested outside of strings. jansson's own limit is fixed, and far above the need. */
static size_t document_depth(const char *text, size_t len)
{
	size_t depth = 0, most = 0;
	bool inside = false;

	for (size_t i = 0; i < len; i++) {
		if (inside && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			inside = !inside;
		else if (!inside && (text[i] == '[' || text[i] == '{'))
			most = ++depth > most ? depth : most;
		else if (!inside && depth && (text[i] == ']' || text[i] == '}'))
			depth--;
	}
	return most;
}

int document_parse(const char *text, size_t len, const char *what, json_t **ret, struct image_error *error)
{
	json_error_t problem;

	if (!CHECK(text && what))
		return -EIO;
	if (document_depth(text, len) > IMAGE_JSON_DEPTH)
		return image_fail(error, -E2BIG, "%s: more than %d levels", what, IMAGE_JSON_DEPTH);
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
	if (*ret)
		return 0;
	if (json_error_code(&problem) == json_error_out_of_memory)
		return image_fail_memory(error);
	return image_fail(error, -EBADMSG, "%s: no JSON, at byte %d: %s", what, problem.position, problem.text);
}

const char *document_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? text : NULL;
}

bool document_copy(const json_t *object, const char *key, char **to)
{
	const char *text = document_text(object, key);

	free(*to);
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

int64_t document_number(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_integer(number) && json_integer_value(number) >= 0 ? json_integer_value(number) : IMAGE_UNKNOWN;
}
