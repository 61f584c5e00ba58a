/* SPDX-License-Identifier: Apache-2.0 */
#include "live_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/fs.h"
#include "plyctl.h"

/* Any layer may be one of such a union. */
static void keep_unknown(struct live_layers *all, const char *union_name, const char *cause)
{
	if (!all->unknown && asprintf(&all->unknown, "%s%s%s", union_name, *union_name ? ": " : "", cause) < 0)
		abort();
}

static void add_layer(struct live_layers *all, const char *name, const char *path)
{
	struct statx *grown = reallocarray(all->list, all->n + 1, sizeof(*grown));
	_cleanup_close_ int fd = -1;

	if (!grown)
		abort();
	all->list = grown;
	/* The kernel tells the path as it was given, and not where it began. */
	if (*path != '/')
		keep_unknown(all, name, "its layers have relative paths");
	fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	/* Identity alone is wanted: a hanging file system isn't asked. */
	if (fd >= 0 && os_statx_cached(fd, "", &all->list[all->n]) == 0)
		all->n++;
	else if (fd != -ENOENT)
		keep_unknown(all, name, "a layer can't be opened");
}

static int add_live(void *arg, struct view_stack *stack, const char *cause)
{
	struct live_layers *all = arg;

	if (cause)
		keep_unknown(all, "", cause);
	for (size_t i = 0; stack && i < stack->options.layer_count; i++)
		add_layer(all, stack->name, stack->options.layers[i].path);
	view_stack_free(stack);
	return 0;
}

int live_layers_gather(struct live_layers *ret)
{
	*ret = (struct live_layers){.n = 0};
	return view_each_live(add_live, ret);
}

bool live_layers_have(void *arg, const char *dir)
{
	const struct live_layers *all = arg;
	_cleanup_close_ int fd = os_open_path(dir, O_PATH | O_DIRECTORY, 0);
	struct statx stx;

	if (fd < 0 || os_statx_cached(fd, "", &stx) < 0)
		return fd != -ENOENT;
	if (all->unknown)
		return true;
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].stx_ino == stx.stx_ino && all->list[i].stx_dev_major == stx.stx_dev_major &&
		    all->list[i].stx_dev_minor == stx.stx_dev_minor)
			return true;
	return false;
}

void live_layers_finish(struct live_layers *all)
{
	free(all->list);
	free(all->unknown);
	*all = (struct live_layers){.n = 0};
}
