/* SPDX-License-Identifier: Apache-2.0 */
#include "control/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/check.h"
#include "base/macros.h"
#include "control/json.h"

void control_name(dev_t dev, char ret[CONTROL_NAME_SIZE])
{
	int n = snprintf(ret, CONTROL_NAME_SIZE, "%u:%u", major(dev), minor(dev));

	(void)CHECK(n > 0 && n < CONTROL_NAME_SIZE);
}

static int parse_member_op(const struct json_object *object, enum control_op *ret, const char **ret_cause)
{
	static const char *const names[] = {
		[CONTROL_STATUS] = "status", [CONTROL_LAYERS_OF] = "layers", [CONTROL_EXPLAIN] = "explain",
		[CONTROL_FREEZE] = "freeze", [CONTROL_THAW] = "thaw",
	};
	const struct json_member *op = json_find(object, "op");

	for (unsigned i = 0; op && op->type == JSON_TEXT && i < ARRAY_SIZE(names); i++)
		if (!strcmp(op->text, names[i])) {
			*ret = (enum control_op)i;
			return 0;
		}
	*ret_cause = op ? "an unknown op" : "no op";
	return -EINVAL;
}

static int parse_member_number(const struct json_object *object, const char *name, unsigned least, unsigned most,
			       unsigned *number, const char **ret_cause)
{
	const struct json_member *m = json_find(object, name);

	if (!m)
		return 0;
	if (m->type != JSON_NUMBER || m->number < least || m->number > most) {
		*ret_cause = "a number that is out of range";
		return -EINVAL;
	}
	*number = (unsigned)m->number;
	return 0;
}

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of pairs of digits; false: they are none, or hold a null byte. */
static bool decode_hex(const char *digits, char *ret, size_t size)
{
	size_t n = 0;

	for (; digits[0]; digits += 2) {
		int high = digit_of(digits[0]), low = high < 0 ? -1 : digit_of(digits[1]);

		if (low < 0 || high + low == 0 || n + 1 >= size)
			return false;
		ret[n++] = (char)(high * 16 + low);
	}
	ret[n] = '\0';
	return true;
}

static void trim_slashes(char *path)
{
	size_t skipped = strspn(path, "/"), len = strlen(path + skipped);

	memmove(path, path + skipped, len + 1);
	while (len > 0 && path[len - 1] == '/')
		path[--len] = '\0';
	(void)CHECK(*path != '/');
}

static int parse_member_path(const struct json_object *object, char *ret, const char **ret_cause)
{
	const struct json_member *path = json_find(object, "path"), *hex = json_find(object, "path_hex");

	*ret_cause = "no path, or one that is no text or too long";
	if (path && !hex && path->type == JSON_TEXT && strlen(path->text) < CONTROL_PATH_MAX)
		strcpy(ret, path->text);
	else if (path || !hex || hex->type != JSON_TEXT || !decode_hex(hex->text, ret, CONTROL_PATH_MAX))
		return -EINVAL;
	trim_slashes(ret);
	return 0;
}

int control_parse(char *line, size_t len, struct control_request *ret, const char **ret_cause)
{
	struct json_object object;
	int r;

	ret->path[0] = '\0';
	ret->timeout_ms = CONTROL_FREEZE_MS;
	ret->from = 0;
	*ret_cause = "not a request";
	if (json_parse(line, len, &object, ret_cause) < 0)
		return -EINVAL;
	(void)CHECK(object.n <= JSON_MEMBERS_MAX);
	r = parse_member_op(&object, &ret->op, ret_cause);
	if (r == 0 && ret->op == CONTROL_EXPLAIN)
		r = parse_member_path(&object, ret->path, ret_cause);
	if (r == 0 && ret->op == CONTROL_FREEZE)
		r = parse_member_number(&object, "timeout_ms", 1, CONTROL_FREEZE_MAX_MS, &ret->timeout_ms, ret_cause);
	if (r == 0 && ret->op == CONTROL_LAYERS_OF)
		r = parse_member_number(&object, "from", 0, 1U << 30, &ret->from, ret_cause);
	return r;
}
