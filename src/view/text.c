/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the view: errors of one line, the options of a stack, and its end. A stack is always described by a command
 * line, so that one parser reads all of them.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "os/task.h"

const char *view_kind_name(enum view_kind kind)
{
	static const char *const names[] = {"directories",    "mstack", "overlay",  "plyfs",
					    "fuse-overlayfs", "image",	"container"};

	(void)CHECK((size_t)kind < ARRAY_SIZE(names));
	return names[kind];
}

void view_stack_free(struct view_stack *stack)
{
	if (!stack)
		return;
	if (stack->set)
		layer_set_put(stack->set);
	view_memory_free(stack->memory);
	image_free(stack->image);
	options_free(&stack->options);
	free(stack->found);
	free(stack->name);
	free(stack->mountpoint);
	free(stack->mount_flags);
	free(stack->super_options);
	for (char **word = stack->command; word && *word; word++)
		free(*word);
	free(stack->command);
	free(stack);
}

int view_refuse(char **ret_error, int err, const char *fmt, ...)
{
	va_list ap;

	(void)CHECK(err < 0);
	if (*ret_error)
		return err;
	va_start(ap, fmt);
	if (vasprintf(ret_error, fmt, ap) < 0)
		*ret_error = NULL;
	va_end(ap);
	if (*ret_error)
		utf8_make_printable(*ret_error);
	return err;
}

int view_append(char **text, const char *piece)
{
	size_t used = *text ? strlen(*text) : 0, len = strlen(piece);
	char *grown = realloc(*text, used + len + 1);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + used, piece, len + 1);
	*text = grown;
	return 0;
}

int view_append_path(char **text, const char *path)
{
	size_t used = *text ? strlen(*text) : 0;
	char *grown = realloc(*text, used + 2 * strlen(path) + 1);

	(void)CHECK(*path);
	if (!grown)
		return -ENOMEM;
	*text = grown;
	for (grown += used; *path; path++) {
		if (strchr(":,\\", *path))
			*grown++ = '\\';
		*grown++ = *path;
	}
	*grown = '\0';
	return 0;
}

int view_parse_options(const char *text, struct options *ret, char **ret_error)
{
	_cleanup_free_ char *copy = strdup(text);
	char program[] = "plyfs", flag[] = "-o", mountpoint[] = "/";
	char *const argv[] = {program, flag, copy, mountpoint, NULL};
	struct option_env env = {.privileged = os_has_cap(21 /* CAP_SYS_ADMIN */)};
	struct option_error error = {.status = 0};
	int r;

	(void)CHECK(!ret->layers);
	if (!copy)
		return -ENOMEM;
	r = options_parse(4, argv, &env, ret, &error);
	return r < 0 ? view_refuse(ret_error, r, "%s", error.text) : 0;
}

void view_use_all_forms(struct options *options)
{
	(void)CHECK(options->layer_count > 0);
	options->whiteouts = WHITEOUTS_BOTH;
	options->redirect_dir = REDIRECT_DIR_FOLLOW;
	options->metacopy = METACOPY_FOLLOW;
}
