/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of stacks, their opened layers, and the names of layers.
 */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"
#include "os/task.h"

#define XATTR_NAMES_MAX 65536

/* --- names -------------------------------------------------------------------------------------------------------- */

/* `A:B:C` as the option lowerdir has it, but commas are plain. */
static int stack_of_directories(const char *name, struct view_stack *stack, char **ret_error)
{
	_cleanup_free_ char *text = malloc(2 * strlen(name) + 16);
	char *out;
	int r;

	(void)CHECK(*name && !stack->options.layer_count);
	if (!text)
		return -ENOMEM;
	out = stpcpy(text, "lowerdir=");
	for (const char *c = name; *c; c++) {
		if (*c == ',')
			*out++ = '\\';
		*out++ = *c;
		if (*c == '\\' && c[1])
			*out++ = *++c;
	}
	*out = '\0';
	r = view_parse_options(text, &stack->options, ret_error);
	if (r == 0)
		view_use_all_forms(&stack->options);
	return r;
}

struct mstack_names {
	char **names; /* owned */
	size_t n, room;
	bool has_rw;
};

static int mstack_add(void *arg, const struct os_dirent *entry)
{
	struct mstack_names *all = arg;

	all->has_rw |= !strcmp(entry->name, "rw");
	if (strncmp(entry->name, "layer@", 6) != 0)
		return 0;
	if (!ARRAY_ROOM(all->names, all->n, all->room, 1))
		return -ENOMEM;
	all->names[all->n] = strdup(entry->name);
	return all->names[all->n++] ? 0 : -ENOMEM;
}

static void mstack_free(struct mstack_names *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->names[i]);
	free(all->names);
}

static int mstack_by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)b, *(char *const *)a);
}

static int mstack_append(char **text, const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	r = view_append(text, *text ? ",lowerdir+=" : "lowerdir+=");
	return r < 0 ? r : view_append_path(text, path);
}

static int stack_of_mstack(const char *name, int dirfd, struct view_stack *stack, char **ret_error)
{
	_cleanup_(mstack_free) struct mstack_names all = {.n = 0};
	_cleanup_free_ char *text = NULL;
	struct statx stx;
	int r = os_read_dir(dirfd, mstack_add, &all);

	(void)CHECK(dirfd >= 0 && r <= 0);
	if (r < 0)
		return view_refuse(ret_error, r, "%s: %s", name, strerror(-r));
	if (!all.n)
		return view_refuse(ret_error, -EINVAL, "%s: it has no layer@ID", name);
	qsort(all.names, all.n, sizeof(*all.names), mstack_by_version);
	_cleanup_close_ int rw = all.has_rw ? os_openat(dirfd, "rw", O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS) : -1;
	stack->kind = VIEW_MSTACK;
	stack->has_upper = rw >= 0 && os_statx(rw, "data", &stx) == 0;
	r = stack->has_upper ? mstack_append(&text, name, "rw/data") : 0;
	for (size_t i = 0; i < all.n && r == 0; i++)
		r = mstack_append(&text, name, all.names[i]);
	if (r < 0)
		return view_refuse(ret_error, r, "%s: out of memory", name);
	r = view_parse_options(text, &stack->options, ret_error);
	if (r == 0)
		view_use_all_forms(&stack->options);
	return r;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), len = strlen(suffix);

	while (n > 1 && name[n - 1] == '/')
		n--;
	return n > len && !strncmp(name + n - len, suffix, len);
}

/* *ret stays NULL: nothing that is known is mounted there. */
static int stack_of_mountpoint(const char *name, struct view_stack **ret, char **ret_error)
{
	_cleanup_close_ int fd = os_open_path(name, O_PATH | O_DIRECTORY, 0);
	char path[PATH_MAX];
	struct statx stx;
	ssize_t n;
	int r;

	if (fd < 0)
		return 0;
	/* A hanging file system isn't asked. */
	n = os_fd_target(fd, path, sizeof(path) - 1);
	if (n <= 0 || os_statx_cached(fd, "", &stx) < 0)
		return 0;
	path[n] = '\0';
	r = view_live_at(makedev(stx.stx_dev_major, stx.stx_dev_minor), path, ret, ret_error);
	return r == -ENOENT && !*ret_error ? 0 : r;
}

/* A directory alone: an mstack, or a layer. */
static int stack_of_directory(const char *name, struct view_stack *stack, char **ret_error)
{
	_cleanup_close_ int fd = os_open_path(name, O_PATH | O_DIRECTORY, 0);
	int r;

	if (fd < 0)
		return view_refuse(ret_error, fd, "%s: %s", name, strerror(-fd));
	if (has_suffix(name, ".mstack"))
		return stack_of_mstack(name, fd, stack, ret_error);
	/* A colon in the name of one directory that is there is no separator. */
	_cleanup_free_ char *escaped = NULL;
	r = view_append_path(&escaped, name);
	return r < 0 ? r : stack_of_directories(escaped, stack, ret_error);
}

static bool is_directory(const char *name)
{
	_cleanup_close_ int fd = os_open_path(name, O_PATH | O_DIRECTORY, 0);

	return fd >= 0;
}

/* A path, or directories with colons between them. One word is an image's name first, as `alpine` is. */
static bool names_directories(const char *name)
{
	const char *last = strrchr(name, ':');
	_cleanup_free_ char *first = strndup(name, strcspn(name, ":"));

	if (*name == '/' || *name == '.' || !first)
		return true;
	if (is_directory(name))
		return strchr(name, '/') || has_suffix(name, ".mstack");
	return is_directory(first) && (!last || is_directory(last + 1));
}

static bool has_transport(const char *name)
{
	enum image_source source;
	const char *rest;

	return image_ref_split(name, &source, &rest);
}

/* All directories of A:B:C, however they are escaped. A mountpoint alone needs no answer: its layers are looked at. */
static int pieces_answer(const char *name, char **ret_error)
{
	_cleanup_free_ char *copy = strdup(name);
	_cleanup_free_ const char **paths = calloc(strlen(name) + 2, sizeof(*paths));
	size_t n = 0;
	int r = copy && paths ? view_paths_answer(name, &name, 1, false, ret_error) : -ENOMEM;

	if (r < 0 || !strchr(name, ':'))
		return r < 0 ? view_refuse(ret_error, r, "%s: out of memory", name) : 0;
	for (char *rest = copy, *piece; (piece = strsep(&rest, ":"));)
		if (*piece)
			paths[n++] = piece;
	(void)CHECK(n <= strlen(name) + 1);
	return view_paths_answer(name, paths, n, true, ret_error);
}

/* *ret is set for a mountpoint. */
static int stack_of_name(const char *name, struct view_stack *stack, struct view_stack **ret, char **ret_error)
{
	int r = has_transport(name) ? 0 : pieces_answer(name, ret_error);

	(void)CHECK(!stack->set && !stack->image);
	if (r == 0)
		r = stack_of_mountpoint(name, ret, ret_error);
	if (r < 0 || *ret)
		return r;
	if (has_transport(name))
		return is_directory(name) ? stack_of_directory(name, stack, ret_error)
					  : view_image_find(name, stack, ret_error);
	/* Names of plyctl's own store (`store:NAME`, and NAME alone) come here. */
	r = names_directories(name) ? -ENOENT : view_image_find_stored(name, stack, ret_error);
	if (r != -ENOENT)
		return r;
	/* For the cause, if there is no directory. */
	return strchr(name, ':') && !is_directory(name) ? stack_of_directories(name, stack, ret_error)
							: stack_of_directory(name, stack, ret_error);
}

int view_stack_find(const char *name, struct view_stack **ret, char **ret_error)
{
	struct view_stack *stack = calloc(1, sizeof(*stack)), *live = NULL;
	int r;

	if (!stack)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", name);
	stack->name = strdup(name);
	r = stack->name ? stack_of_name(name, stack, &live, ret_error) : -ENOMEM;
	if (r < 0 || live) {
		view_stack_free(stack);
		stack = live;
	}
	if (r < 0)
		return view_refuse(ret_error, r, "%s: %s", name, strerror(-r));
	(void)CHECK(stack && (stack->image || stack->options.layer_count > 0));
	*ret = stack;
	return 0;
}

/* --- open --------------------------------------------------------------------------------------------------------- */

static bool lists_user_xattr(const char *path)
{
	_cleanup_free_ char *names = malloc(XATTR_NAMES_MAX);
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	ssize_t n = fd < 0 || !names ? -1 : os_listxattr(fd, "", names, XATTR_NAMES_MAX);

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		if (!strncmp(names + i, "user.overlay.", 13))
			return true;
	return false;
}

static bool wants_userxattr(const struct view_stack *stack)
{
	if (stack->mountpoint)
		return stack->options.userxattr;
	/* The root of an upper says what its mount wrote; a layer below may have been another's upper. */
	for (size_t i = 0; i < (stack->options.shows_upper ? 1 : stack->options.layer_count); i++)
		if (lists_user_xattr(stack->options.layers[i].path))
			return true;
	return false;
}

int view_stack_open(struct view_stack *stack, bool userxattr, char **ret_error)
{
	int r = 0;

	(void)CHECK(!stack->set && !stack->memory);
	stack->options.userxattr = userxattr || stack->options.userxattr || wants_userxattr(stack);
	if (stack->options.layer_count)
		r = view_stack_open_range(stack, 0, stack->options.layer_count - 1, &stack->set, ret_error);
	if (r == 0)
		r = view_facts_gather(stack);
	return r < 0 ? view_refuse(ret_error, r, "%s: %s", stack->name, strerror(-r)) : 0;
}

int view_stack_open_range(const struct view_stack *stack, size_t first, size_t last, struct layer_set **ret_set,
			  char **ret_error)
{
	struct stack_spec spec = options_stack(&stack->options);
	_cleanup_free_ struct stack_layer *layers = calloc(spec.layer_count, sizeof(*layers));
	_cleanup_error_ struct error error = {.err = 0};
	size_t n = 0;
	int r;

	(void)CHECK(spec.layer_count && (first <= last || first >= spec.layer_count));
	if (!layers)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", stack->name);
	for (size_t i = first; i < spec.layer_count; i++)
		if (i <= last || spec.layers[i].data_only)
			layers[n++] = spec.layers[i];
	*ret_set = NULL;
	if (!n || layers[0].data_only)
		return 0;
	spec.layers = layers;
	spec.layer_count = n;
	spec.upperdir = NULL;
	/* What the index of an upper means is told by all of its layers. */
	spec.shows_upper = spec.shows_upper && first == 0 && last + 1 >= spec.layer_count;
	if (!spec.shows_upper)
		spec.workdir = NULL;
	spec.revalidate = false;
	spec.layer_cache = NULL;
	/* Two layers of an image may be equal: an engine's RUN that changes nothing makes an empty one each time. */
	spec.may_repeat = stack->image;
	r = layer_set_open(&spec, NULL, ret_set, &error);
	return r < 0 ? view_refuse(ret_error, r, "%s: %s", stack->name, error.text ? error.text : strerror(-r)) : 0;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static bool is_same_directory(const char *directory, const char *path)
{
	struct statx a, b;
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	_cleanup_close_ int own = directory ? os_open_path(directory, O_PATH | O_DIRECTORY, 0) : -1;

	return fd >= 0 && own >= 0 && os_statx(fd, "", &a) == 0 && os_statx(own, "", &b) == 0 &&
	       a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

static bool is_id_prefix(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	return n >= 4 && !text[n];
}

/* -EINVAL: several layers. */
static int layer_by_id(const struct view_stack *stack, const char *text)
{
	int found = -ENOENT;

	text += strncmp(text, "sha256:", 7) ? 0 : 7;
	for (size_t i = 0; is_id_prefix(text) && i < view_layer_count(stack); i++) {
		const char *id = view_layer_facts(stack, i)->id;

		if (strncmp(id, text, strlen(text)) != 0)
			continue;
		if (found >= 0)
			return -EINVAL;
		found = (int)i;
	}
	return found;
}

int view_stack_layer(const struct view_stack *stack, const char *text)
{
	size_t n = view_layer_count(stack);
	int found;

	(void)CHECK(stack->memory && n > 0);
	if (*text == '@') {
		char *end;
		unsigned long number = strtoul(text + 1, &end, 10);

		return isdigit((unsigned char)text[1]) && !*end && number < n ? (int)number : -ENOENT;
	}
	found = layer_by_id(stack, text);
	for (size_t i = 0; found == -ENOENT && i < n; i++)
		if (is_same_directory(view_layer_facts(stack, i)->directory, text))
			found = (int)i;
	return found;
}
