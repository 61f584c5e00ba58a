/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting the text of -o into options and lowerdir= into layers. There is one level of escapes, as in kernel overlayfs:
 * cutting looks past a backslash and the character behind it, and only the value's last user resolves them. Two levels
 * would turn `\:` into `:` before the layers are cut.
 */
#include "option_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"

/* The end of the field that starts at `raw`: at an unescaped `separator` or at `end`. */
static const char *field_end(const char *raw, const char *end, char separator)
{
	const char *p = raw;

	(void)CHECK(raw <= end);
	while (p < end && *p != separator)
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return p;
}

static bool may_be_quoted(const struct option_token *token)
{
	const struct option_desc *desc = option_find(token->name, token->name_len);

	return desc && desc->arg == OPTION_ARG_QUOTED;
}

/* The end of a value in quotes; NULL when they aren't closed or something follows them. */
static const char *quoted_end(const char *value)
{
	const char *close = strchr(value + 1, '"');

	(void)CHECK(*value == '"');
	return close && (!close[1] || close[1] == ',') ? close + 1 : NULL;
}

int option_next(const char **text, struct option_token *ret)
{
	const char *p = *text + strspn(*text, ","), *end = p + strlen(p);
	struct option_token token = {.name = p, .name_len = strcspn(p, "=,")};
	const char *stop;

	if (!*p)
		return 0;
	stop = p + token.name_len;
	if (*stop == '=') {
		token.value = stop + 1;
		stop = field_end(token.value, end, ',');
		if (*token.value == '"' && may_be_quoted(&token))
			stop = quoted_end(token.value);
		token.value_len = (size_t)((stop ? stop : end) - token.value);
	}
	token.end = stop ? stop : end;
	(void)CHECK(token.end >= p + token.name_len);
	*ret = token;
	*text = token.end;
	return stop ? 1 : -EINVAL;
}

char *option_unescape(const char *raw, size_t len)
{
	char *text = malloc(len + 1), *out = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (raw[i] == '\\' && i + 1 < len)
			i++;
		*out++ = raw[i];
	}
	*out = '\0';
	return text;
}

int option_list_add(struct option_list *list, const char *format, ...)
{
	char **next = ARRAY_NEXT(list->items, list->count);
	va_list args;
	int r;

	if (!next)
		return -ENOMEM;
	va_start(args, format);
	r = vasprintf(next, format, args);
	va_end(args);
	if (r < 0)
		return -ENOMEM;
	list->count++;
	return 0;
}

void option_layers_clear(struct options *options)
{
	for (size_t i = 0; i < options->layer_count; i++)
		free(options->layers[i].path);
	free(options->layers);
	options->layers = NULL;
	options->layer_count = 0;
}

/* Takes `path` over, also when it fails. */
static int layer_append(struct options *options, char *path, bool data_only)
{
	_cleanup_free_ char *owned = path;
	struct stack_layer *next = ARRAY_NEXT(options->layers, options->layer_count);

	if (!next || !owned)
		return -ENOMEM;
	*next = (struct stack_layer){.path = TAKE_PTR(owned), .data_only = data_only};
	options->layer_count++;
	return 0;
}

static bool has_data_layer(const struct options *options)
{
	return options->layer_count && options->layers[options->layer_count - 1].data_only;
}

/* `A:B::D1::D2`: a double colon makes what follows it data-only, and only data-only layers may follow. */
int option_layers_set(struct options *options, const char *raw, size_t len, struct option_error *error)
{
	const char *end = raw + len;
	bool data_only = false;

	option_layers_clear(options);
	for (const char *p = raw;; p++) {
		const char *stop = field_end(p, end, ':');
		const char *cause = NULL;

		if (stop == p) {
			if (p == raw || p == end || data_only)
				return option_refuse(error, "lowerdir", 8, raw, len, "empty layer");
			data_only = true;
			continue;
		}
		if (has_data_layer(options) && !data_only)
			cause = "a layer can't follow a data-only one";
		if (cause)
			return option_refuse(error, "lowerdir", 8, p, (size_t)(stop - p), cause);
		if (layer_append(options, option_unescape(p, (size_t)(stop - p)), data_only) < 0)
			return option_no_memory(error);
		data_only = false;
		if (stop == end)
			return 0;
		p = stop;
	}
}

int option_layers_add(struct options *options, const struct option_token *token, bool data_only,
		      struct option_error *error)
{
	(void)CHECK(token->value || !token->value_len);
	if (!token->value_len)
		return option_refuse(error, token->name, token->name_len, NULL, 0, "empty path");
	if (has_data_layer(options) && !data_only)
		return option_refuse(error, token->name, token->name_len, token->value, token->value_len,
				     "a layer can't follow a data-only one");
	if (layer_append(options, option_unescape(token->value, token->value_len), data_only) < 0)
		return option_no_memory(error);
	return 0;
}

int options_show_upper(struct options *options)
{
	size_t n = options->layer_count;
	struct stack_layer upper;

	(void)CHECK(options->upperdir && !options->shows_upper);
	if (layer_append(options, TAKE_PTR(options->upperdir), false) < 0)
		return -ENOMEM;
	upper = options->layers[n];
	memmove(options->layers + 1, options->layers, n * sizeof(upper));
	options->layers[0] = upper;
	options->shows_upper = true;
	options->timeout = 0;
	return 0;
}

/* Whether the last `len` bytes before `end` are of `set` and begin a component; `path` is where it begins at the
 * earliest. */
static bool is_component(const char *path, const char *end, size_t len, const char *set)
{
	(void)CHECK(path <= end);
	if ((size_t)(end - path) < len || strspn(end - len, set) < len)
		return false;
	return end - len == path || end[-(ptrdiff_t)len - 1] == '/';
}

bool option_is_image_layer(const char *path)
{
	const char *name = strrchr(path, '/');

	if (!name)
		return false;
	if (!strcmp(name, "/diff") || !strcmp(name, "/empty"))
		return is_component(path, name, 64, "0123456789abcdef");
	return is_component(path, name, 1, "l") && strlen(name + 1) == 26 &&
	       strspn(name + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == 26;
}
