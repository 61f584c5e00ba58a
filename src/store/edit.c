// SPDX-License-Identifier: Apache-2.0
#include "store/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"

#define PORT_MAX 65535

struct editing {
	json_t *config, *manifest;
	json_t *inner; /* the member `config` of the config */
	struct image_error *error;
};

/* The object or list of a key, which is made if it isn't there. Null counts as nothing. NULL after an error. */
static json_t *edit_member(const struct editing *e, json_t *in, const char *key, bool list)
{
	json_t *member = json_object_get(in, key);

	if (!member || json_is_null(member)) {
		member = list ? json_array() : json_object();
		if (json_object_set_new(in, key, member) < 0)
			return NULL;
	}
	if (list ? json_is_array(member) : json_is_object(member))
		return member;
	image_fail(e->error, -EBADMSG, "the config is damaged: %s is no %s", key, list ? "list" : "object");
	return NULL;
}

static int edit_refuse(const struct editing *e, const char *value, const char *cause)
{
	return image_fail(e->error, -EINVAL, "\"%s\": %s", value, cause);
}

/* A text, or without one the key goes. */
static int edit_text(json_t *in, const char *key, const char *value)
{
	if (!*value) {
		json_object_del(in, key);
		return 0;
	}
	return json_object_set_new(in, key, json_string(value)) < 0 ? -ENOMEM : 0;
}

/* --- NAME=VALUE, and NAME- ---------------------------------------------------------------------------------------- */

/* The length of NAME; *ret_goes says that it is taken away. 0: it is neither. */
static size_t edit_name(const char *value, bool *ret_goes)
{
	const char *equals = strchr(value, '=');
	size_t len = strlen(value);

	*ret_goes = !equals && len && value[len - 1] == '-';
	return equals ? (size_t)(equals - value) : *ret_goes ? len - 1 : 0;
}

static int edit_env(const struct editing *e, const char *value)
{
	json_t *list = edit_member(e, e->inner, "Env", true);
	bool goes, found = false;
	size_t len = edit_name(value, &goes);

	if (!list)
		return -EBADMSG;
	if (!len)
		return edit_refuse(e, value, "NAME=VALUE or NAME- is wanted");
	for (size_t i = json_array_size(list); i-- > 0;) {
		const char *has = json_string_value(json_array_get(list, i));

		if (!has || strncmp(has, value, len) != 0 || has[len] != '=')
			continue;
		if (goes)
			json_array_remove(list, i);
		else
			json_array_set_new(list, i, json_string(value));
		found = true;
	}
	return goes || found || json_array_append_new(list, json_string(value)) == 0 ? 0 : -ENOMEM;
}

static int edit_pair(const struct editing *e, json_t *in, const char *key, const char *value)
{
	json_t *object = edit_member(e, in, key, false);
	bool goes;
	size_t len = edit_name(value, &goes);
	_cleanup_free_ char *name = strndup(value, len);

	if (!object)
		return -EBADMSG;
	if (!len)
		return edit_refuse(e, value, "NAME=VALUE or NAME- is wanted");
	if (!name)
		return -ENOMEM;
	if (goes)
		json_object_del(object, name);
	else if (json_object_set_new(object, name, json_string(value + len + 1)) < 0)
		return -ENOMEM;
	return 0;
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* The next word, as a shell splits it: quotes and backslashes. NULL at the end; *ret_open: a quote isn't closed. */
static char *next_word(const char **at, bool *ret_open)
{
	const char *from = *at + strspn(*at, " \t\n");
	char *word = malloc(strlen(from) + 1), *out = word, quote = 0;

	*at = from;
	*ret_open = false;
	if (!word || !*from) {
		free(word);
		return NULL;
	}
	for (; *from && (quote || !strchr(" \t\n", *from)); from++) {
		if (*from == quote)
			quote = 0;
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else if (*from == '\\' && quote != '\'' && from[1] && (!quote || strchr("\"\\$`", from[1])))
			*out++ = *++from;
		else
			*out++ = *from;
	}
	*out = '\0';
	*at = from;
	*ret_open = quote;
	return word;
}

static json_t *command_of_words(const char *value)
{
	json_t *list = json_array();
	bool open = false;
	char *word;

	while (list && !open && (word = next_word(&value, &open))) {
		if (json_array_append_new(list, json_string(word)) < 0)
			open = true;
		free(word);
	}
	if (!open)
		return list;
	json_decref(list);
	return NULL;
}

static bool is_list_of_texts(const json_t *list)
{
	size_t i;
	json_t *item;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, item) if (!json_is_string(item)) return false;
	return true;
}

static int edit_command(const struct editing *e, const char *key, const char *value)
{
	json_t *list;

	if (!*value) {
		json_object_del(e->inner, key);
		return 0;
	}
	list = *value == '[' ? json_loads(value, 0, NULL) : command_of_words(value);
	if (!is_list_of_texts(list)) {
		json_decref(list);
		return edit_refuse(e, value,
				   *value == '[' ? "no JSON list of strings" : "a quotation mark isn't closed");
	}
	return json_object_set_new(e->inner, key, list) < 0 ? -ENOMEM : 0;
}

/* --- ports, volumes, platform ------------------------------------------------------------------------------------- */

static int edit_key(json_t *object, const char *key, bool goes)
{
	if (!goes)
		return json_object_set_new(object, key, json_object()) < 0 ? -ENOMEM : 0;
	json_object_del(object, key);
	return 0;
}

/* FIRST[-LAST][/PROTOCOL][-] */
static int edit_ports(const struct editing *e, const char *value)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	json_t *object = edit_member(e, e->inner, "ExposedPorts", false);
	unsigned first = 0, last = 0;
	const char *protocol = protocols[0];
	int n = -1, r = 0;
	const char *rest;

	if (!object)
		return -EBADMSG;
	if (strspn(value, "0123456789") > 5 || sscanf(value, "%5u%n", &first, &n) != 1 || n < 0)
		return edit_refuse(e, value, "no port");
	rest = value + n;
	last = first;
	if (*rest == '-' && rest[1] >= '0' && rest[1] <= '9') {
		last = (unsigned)strtoul(rest + 1, NULL, 10);
		rest += 1 + strspn(rest + 1, "0123456789");
	}
	for (size_t i = 0; *rest == '/' && i < ARRAY_SIZE(protocols); i++) {
		size_t len = strlen(protocols[i]);

		if (!strncmp(rest + 1, protocols[i], len) && (!rest[1 + len] || rest[1 + len] == '-')) {
			protocol = protocols[i];
			rest += 1 + len;
		}
	}
	if ((*rest && strcmp(rest, "-") != 0) || !first || last < first || last > PORT_MAX)
		return edit_refuse(e, value, "no port");
	for (unsigned port = first; port <= last && r == 0; port++) {
		char key[32];

		snprintf(key, sizeof(key), "%u/%s", port, protocol);
		r = edit_key(object, key, *rest == '-');
	}
	return r;
}

static int edit_volume(const struct editing *e, const char *value)
{
	json_t *object = edit_member(e, e->inner, "Volumes", false);
	size_t len = strlen(value);
	bool goes = len && value[len - 1] == '-';
	_cleanup_free_ char *path = strndup(value, len - goes);

	if (!object)
		return -EBADMSG;
	if (*value != '/')
		return edit_refuse(e, value, "no absolute path");
	return path ? edit_key(object, path, goes) : -ENOMEM;
}

static int edit_workdir(const struct editing *e, const char *value)
{
	return *value && *value != '/' ? edit_refuse(e, value, "no absolute path")
				       : edit_text(e->inner, "WorkingDir", value);
}

static int edit_signal(const struct editing *e, const char *value)
{
	const char *name = strncmp(value, "SIG", 3) ? "" : value + 3;
	bool is_number = value[strspn(value, "0123456789")] == '\0';

	if (!is_number && (!*name || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-")]))
		return edit_refuse(e, value, "no signal: SIGTERM or a number is wanted");
	return edit_text(e->inner, "StopSignal", value);
}

static int edit_platform(const struct editing *e, const char *value)
{
	_cleanup_free_ char *copy = strdup(value);
	char *architecture = copy ? strchr(copy, '/') : NULL, *variant = NULL;
	int r;

	if (!copy)
		return -ENOMEM;
	if (architecture) {
		*architecture++ = '\0';
		variant = strchr(architecture, '/');
	}
	if (variant)
		*variant++ = '\0';
	if (!*copy || !architecture || !*architecture || (variant && (!*variant || strchr(variant, '/'))))
		return edit_refuse(e, value, "OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT is wanted");
	r = edit_text(e->config, "os", copy);
	if (r == 0)
		r = edit_text(e->config, "architecture", architecture);
	return r < 0 ? r : edit_text(e->config, "variant", variant ? variant : "");
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int edit_one(const struct editing *e, const struct edit *edit)
{
	const char *value = edit->value;

	(void)CHECK(value && json_is_object(e->inner));
	switch (edit->field) {
	case EDIT_ENV:
		return edit_env(e, value);
	case EDIT_ENTRYPOINT:
		return edit_command(e, "Entrypoint", value);
	case EDIT_CMD:
		return edit_command(e, "Cmd", value);
	case EDIT_SHELL:
		return edit_command(e, "Shell", value);
	case EDIT_WORKDIR:
		return edit_workdir(e, value);
	case EDIT_USER:
		return edit_text(e->inner, "User", value);
	case EDIT_LABEL:
		return edit_pair(e, e->inner, "Labels", value);
	case EDIT_EXPOSE:
		return edit_ports(e, value);
	case EDIT_VOLUME:
		return edit_volume(e, value);
	case EDIT_STOP_SIGNAL:
		return edit_signal(e, value);
	case EDIT_AUTHOR:
		return edit_text(e->config, "author", value);
	case EDIT_PLATFORM:
		return edit_platform(e, value);
	case EDIT_ANNOTATION:
		return edit_pair(e, e->manifest, "annotations", value);
	}
	return -EINVAL;
}

int store_edit(json_t *config, json_t *manifest, const struct edit *edits, size_t n, struct image_error *error)
{
	struct editing e = {.config = config, .manifest = manifest, .error = error};
	int r = 0;

	if (!CHECK(json_is_object(config) && json_is_object(manifest)))
		return -EIO;
	e.inner = edit_member(&e, config, "config", false);
	if (!e.inner)
		return -EBADMSG;
	for (size_t i = 0; i < n && r == 0; i++)
		r = edit_one(&e, &edits[i]);
	return r == -ENOMEM ? image_fail_memory(error) : r;
}

char *store_edit_text(const struct edit *edits, size_t n)
{
	/* As instructions of a Dockerfile where there is one. */
	static const char *const words[] = {
		[EDIT_ENV] = "ENV",
		[EDIT_ENTRYPOINT] = "ENTRYPOINT",
		[EDIT_CMD] = "CMD",
		[EDIT_SHELL] = "SHELL",
		[EDIT_WORKDIR] = "WORKDIR",
		[EDIT_USER] = "USER",
		[EDIT_LABEL] = "LABEL",
		[EDIT_EXPOSE] = "EXPOSE",
		[EDIT_VOLUME] = "VOLUME",
		[EDIT_STOP_SIGNAL] = "STOPSIGNAL",
		[EDIT_AUTHOR] = "MAINTAINER",
		[EDIT_PLATFORM] = "PLATFORM",
		[EDIT_ANNOTATION] = "ANNOTATION",
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		(void)CHECK((size_t)edits[i].field < ARRAY_SIZE(words));
		fprintf(out, "%s%s %s", i ? "; " : "", words[edits[i].field], edits[i].value);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
