/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of live unions are the same if their directories are. No union is opened for that.
 */
#include "view/sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "internal.h"
#include "os/fs.h"

struct identity {
	uint64_t ino;
	dev_t dev;
	bool known;
};

struct sharing {
	const struct view_stack *stack;
	struct identity *own; /* owned; by layer */
	unsigned *counts;
};

static struct identity identity_of(const char *path)
{
	_cleanup_close_ int fd = path ? os_open_path(path, O_PATH | O_DIRECTORY, 0) : -1;
	struct statx stx;

	/* A hanging file system isn't asked. */
	if (fd < 0 || os_statx_cached(fd, "", &stx) < 0)
		return (struct identity){.known = false};
	return (struct identity){
		.known = true, .ino = stx.stx_ino, .dev = makedev(stx.stx_dev_major, stx.stx_dev_minor)};
}

/* A union whose upper is that of a container of the source, which was counted there. */
static bool is_of_source(const struct view_stack *stack, const struct view_stack *union_)
{
	const char *path = stack->image ? stack->image->path : NULL, *upper = union_->options.layers[0].path;
	size_t len = path ? strlen(path) : 0;

	(void)CHECK(union_->options.layer_count > 0);
	return path && union_->has_upper && !strncmp(upper, path, len) && upper[len] == '/';
}

static void count_union(struct sharing *s, const struct view_stack *union_)
{
	size_t n = view_layer_count(s->stack);

	(void)CHECK(s->own && s->counts);
	for (size_t i = 0; i < union_->options.layer_count; i++) {
		struct identity its = identity_of(union_->options.layers[i].path);

		for (size_t k = 0; k < n && its.known; k++)
			s->counts[k] += s->own[k].known && s->own[k].ino == its.ino && s->own[k].dev == its.dev;
	}
}

static int sharing_live(void *arg, struct view_stack *union_, const char *cause)
{
	struct sharing *s = arg;
	bool is_itself = union_ && s->stack->mountpoint && union_->dev == s->stack->dev;

	(void)CHECK(union_ || cause);
	if (!cause && !is_itself && !is_of_source(s->stack, union_))
		count_union(s, union_);
	view_stack_free(union_);
	return 0;
}

int view_layers_shared(const struct view_stack *stack, unsigned *ret_counts, char **ret_error)
{
	size_t n = view_layer_count(stack);
	struct sharing s = {.stack = stack, .own = calloc(n + 1, sizeof(*s.own)), .counts = ret_counts};
	_cleanup_free_ unsigned *counts = calloc(n + 1, sizeof(*counts));
	struct image_error error = {.text = ""};
	int r = s.own && counts ? 0 : -ENOMEM;
	bool has_directory = false;

	memset(ret_counts, 0, n * sizeof(*ret_counts));
	if (r == 0 && stack->image)
		r = image_layers_shared(stack->image, counts, &error);
	for (size_t i = 0; r == 0 && i < n; i++) {
		ret_counts[i] = counts[n - 1 - i]; /* an image's are lowest first */
		s.own[i] = identity_of(view_layer_facts(stack, i)->directory);
		has_directory |= s.own[i].known;
	}
	if (r == 0 && has_directory)
		r = view_each_live(sharing_live, &s);
	free(s.own);
	return r < 0 ? view_refuse(ret_error, r, "%s: %s", stack->name, *error.text ? error.text : strerror(-r)) : 0;
}
