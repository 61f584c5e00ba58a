/* SPDX-License-Identifier: Apache-2.0 */
#include "lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

/* Who can't write to the store has no lease, and can't help it. */
static bool is_read_only(int r)
{
	return r == -EROFS || r == -EACCES || r == -EPERM;
}

static int take(struct store *s, const struct view_stack *stack, bool is_inherited, char **ret_path,
		struct image_error *error)
{
	size_t n = stack->options.layer_count;
	char **dirs = calloc(n + 1, sizeof(*dirs));
	int fd = -1, r;

	if (!dirs)
		abort();
	for (size_t i = 0; i < n; i++) {
		dirs[i] = realpath(stack->options.layers[i].path, NULL);
		if (!dirs[i] && !(dirs[i] = strdup("")))
			abort();
	}
	r = store_lease(s, (const char *const *)dirs, n, ret_path, &fd, error);
	/* It stays open until the process ends. */
	if (fd >= 0 && is_inherited && fcntl(fd, F_SETFD, 0) < 0)
		abort();
	for (size_t i = 0; i < n; i++)
		free(dirs[i]);
	free(dirs);
	return r;
}

int lease_take(const struct view_stack *stack, bool is_inherited, char **ret_path)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	bool is_stored = stack->image && stack->image->source == IMAGE_STORE;
	struct image_error error = {.text = "fails"};
	int r = store_open(is_stored ? stack->image->path : NULL, false, &store, &error);

	*ret_path = NULL;
	/* Directories alone need no store. */
	if (r < 0 && !is_stored)
		return EXIT_FINE;
	if (r == 0)
		r = store_lock(store, false, &error);
	if (r == 0)
		r = take(store, stack, is_inherited, ret_path, &error);
	return r < 0 && !is_read_only(r) ? fail("%s: %s", stack->name, error.text) : EXIT_FINE;
}
