/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of the daemon.
 */
#include "plyfs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void plyfs_append(char **text, const char *option, const char *path, bool is_list)
{
	_cleanup_free_ char *old = *text, *escaped = malloc(2 * strlen(path) + 1);
	char *out = escaped;

	if (!escaped)
		abort();
	for (; *path; path++) {
		if (*path == ',' || *path == '\\' || (*path == ':' && is_list))
			*out++ = '\\';
		*out++ = *path;
	}
	*out = '\0';
	if (asprintf(text, "%s%s%s", old ? old : "", option, escaped) < 0)
		abort();
}

/* An equal layer above has all that this one has, and no union can be mounted over one directory twice. */
static bool is_repeated(const struct view_stack *stack, size_t layer)
{
	for (size_t i = 0; stack->image && i < layer; i++)
		if (!strcmp(stack->options.layers[i].path, stack->options.layers[layer].path))
			return true;
	return false;
}

char *plyfs_options(const struct view_stack *stack, const char *upperdir, const char *workdir)
{
	char *text = NULL;

	for (size_t i = 0; i < stack->options.layer_count; i++) {
		const struct stack_layer *layer = &stack->options.layers[i];
		char resolved[PATH_MAX];
		const char *path = realpath(layer->path, resolved) ? resolved : layer->path;

		if (is_repeated(stack, i))
			continue;
		plyfs_append(&text, !i ? "lowerdir=" : layer->data_only ? "::" : ":", path, true);
	}
	if (upperdir) {
		plyfs_append(&text, ",upperdir=", upperdir, false);
		plyfs_append(&text, ",workdir=", workdir, false);
	}
	return text;
}

int plyfs_exec(const char *options, const char *mountpoint)
{
	char self[PATH_MAX - 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		strcpy(slash + 1, "plyfs");
		execl(self, "plyfs", "-o", options, mountpoint, NULL);
	}
	execlp("plyfs", "plyfs", "-o", options, mountpoint, NULL);
	return fail("plyfs: %s", strerror(errno));
}
