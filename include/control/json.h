/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of JSON (RFC 8259) as the control socket needs: a writer of bounded size, and a reader of one flat object.
 *
 * The writer puts out one line. Names of files need not be UTF-8. Such a text becomes a member NAME_hex with the bytes
 * in hexadecimal digits, in place of the member NAME. A text that doesn't fit, or for which there is no memory,
 * is noted, and json_finish() tells.
 *
 * The reader takes an object whose values are texts, whole numbers, true, false and null. It refuses arrays, objects
 * within the object and other numbers, so depth costs nothing. It decodes texts in place.
 */
#ifndef CONTROL_JSON_H
#define CONTROL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the writer --------------------------------------------------------------------------------------------------- */

struct json {
	char *text; /* owned */
	size_t len, room, max;
	bool failed;	/* it doesn't fit, or memory is short */
	bool separates; /* a comma comes before the next value */
};

/* `max`: bytes of the longest line. */
void json_init(struct json *json, size_t max);
void json_free(struct json *json);
/* In an object each value has a name; in an array, and at the top, the name is NULL. */
void json_open_object(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);
/* A text that is certainly UTF-8. */
void json_text(struct json *json, const char *name, const char *value);
/* Any bytes: NAME or NAME_hex. The name isn't NULL. */
void json_bytes(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
/* Ends the line. 0, or -EMSGSIZE: it isn't whole. */
int json_finish(struct json *json);

/* --- the reader --------------------------------------------------------------------------------------------------- */

#define JSON_MEMBERS_MAX 16

enum json_type { JSON_TEXT, JSON_NUMBER, JSON_BOOL, JSON_NULL };

struct json_member {
	const char *name; /* ends with a null byte, and so does the text */
	enum json_type type;
	const char *text;
	uint64_t number; /* JSON_BOOL: 0 or 1 */
};

struct json_object {
	struct json_member members[JSON_MEMBERS_MAX];
	unsigned n;
};

/* Decodes the object in the `len` bytes, which it overwrites and which stay alive as long as the result. 0, or -EINVAL
 * and the cause: it is no such object, not UTF-8, has a null character, or a name twice. -E2BIG: it has too many
 * members. */
int json_parse(char *text, size_t len, struct json_object *ret, const char **ret_cause);
/* NULL: there is none. */
const struct json_member *json_find(const struct json_object *object, const char *name);

#endif
