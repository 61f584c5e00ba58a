/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's version of a file is what the layer and those below it show: so a file without data of its own has the data
 * of the layer in which it lies.
 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/fs.h"

#define COPY_PIECE 262144

/* Whether the topmost layer has the object. */
static int is_of_top(void *arg, const struct tree_walk_entry *e)
{
	*(bool *)arg = e->layer == 0;
	return TREE_WALK_PRUNE;
}

struct layer_set *copy_source(const struct view_stack *stack, const char *text, const char *path)
{
	static const struct tree_walk_calls calls = {.entry = is_of_top, .failed = stack_failed_in};
	_cleanup_free_ char *error = NULL;
	struct layer_set *set = NULL;
	bool is_own = false;
	int layer, r;

	if (!text)
		return layer_set_get(stack->set);
	layer = stack_layer(stack, text);
	if (layer < 0)
		return NULL;
	r = view_stack_open_range(stack, (size_t)layer, stack->options.layer_count - 1, &set, &error);
	if (r < 0 || !set) {
		fail("%s", error ? error : "the layer shows no names");
		return NULL;
	}
	r = tree_walk(set, path, TREE_WALK_STAT, &calls, &is_own);
	if (r == 0 && is_own)
		return set;
	fail("%s:/%s: %s", text, path, r == 0 || r == -ENOENT ? "the layer doesn't hold it" : strerror(-r));
	layer_set_put(set);
	return NULL;
}

/* A fifo that took the place of the file meanwhile must not hold plyctl. */
int copy_open(struct layer_set *set, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (e->data_path)
		return e->data_layer == TREE_WALK_NO_LAYER
			       ? -EIO
			       : layer_open_path(&set->layers[e->data_layer], e->data_path, O_RDONLY | O_NONBLOCK);
	if (e->metacopy)
		return -EIO;
	r = tree_walk_layer_path(e, &path);
	return r < 0 ? r : layer_open_path(&set->layers[e->layer], path, O_RDONLY | O_NONBLOCK);
}

int copy_write(int out, const void *data, size_t len)
{
	const char *bytes = data;

	while (len) {
		ssize_t n = write(out, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int copy_bytes(int in, int out)
{
	_cleanup_free_ char *bytes = malloc(COPY_PIECE);
	off_t at = 0;
	int r = 0;

	if (!bytes)
		return -ENOMEM;
	while (r == 0) {
		ssize_t n = os_pread(in, bytes, COPY_PIECE, at);

		if (n <= 0)
			return (int)n;
		r = copy_write(out, bytes, (size_t)n);
		at += n;
	}
	return r;
}
