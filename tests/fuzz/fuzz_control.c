/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a line to the control socket. What is taken obeys the limits; what is refused has a cause; and what the
 * reader says of a text, the writer can write and the reader read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "base/utf8.h"
#include "control/json.h"
#include "control/protocol.h"

static void check_member(const struct json_member *m)
{
	const char *cause = NULL;
	struct json_object again;
	struct json json;

	MUST(utf8_is(m->name, strlen(m->name)));
	if (m->type != JSON_TEXT)
		return;
	json_init(&json, CONTROL_ANSWER);
	json_open_object(&json, NULL);
	json_text(&json, "text", m->text);
	json_bytes(&json, "bytes", m->text);
	json_close_object(&json);
	MUST(json_finish(&json) == 0 && memchr(json.text, '\n', json.len) == json.text + json.len - 1);
	MUST(json_parse(json.text, json.len - 1, &again, &cause) == 0 && again.n == 2);
	MUST(!strcmp(json_find(&again, "text")->text, m->text) && !strcmp(json_find(&again, "bytes")->text, m->text));
	json_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request;
	char *copy = malloc(size + 1);
	const char *cause = NULL;
	struct json_object object;

	MUST(copy);
	memcpy(copy, data, size);
	if (json_parse(copy, size, &object, &cause) == 0) {
		MUST(object.n <= JSON_MEMBERS_MAX);
		for (unsigned i = 0; i < object.n; i++)
			check_member(&object.members[i]);
	} else {
		MUST(cause && *cause);
	}
	memcpy(copy, data, size);
	cause = NULL;
	if (control_parse(copy, size, &request, &cause) == 0) {
		MUST(strlen(request.path) < CONTROL_PATH_MAX && *request.path != '/');
		MUST(request.timeout_ms > 0 && request.timeout_ms <= CONTROL_FREEZE_MAX_MS);
	} else {
		MUST(cause && *cause);
	}
	free(copy);
	return 0;
}
