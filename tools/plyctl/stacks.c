/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks and layers that operands name.
 */
#include "plyctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ids.h"
#include "os/fs.h"
#include "uppers.h"
#include "view/explain.h"

bool stack_incomplete;

bool path_is_below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") ? strlen(dir) : 0;

	return !n || (!strncmp(path, dir, n) && (!path[n] || path[n] == '/'));
}

/* What a name without a transport means, and what its source lacks. */
static void stack_tell(const struct view_stack *stack)
{
	if (stack->found)
		fail("%s: found as %s", stack->name, stack->found);
	for (size_t i = 0; stack->image && i < stack->image->n_lacks; i++)
		fail("%s: %s", stack->name, stack->image->lacks[i]);
}

struct view_stack *stack_open_any(const char *name)
{
	_cleanup_free_ char *error = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	int r = view_stack_find(name, &stack, &error);

	/* An upper of the store has an id too. */
	_cleanup_free_ char *of_upper = r == -ENOENT ? upper_stack(name) : NULL;
	if (of_upper) {
		free(error);
		error = NULL;
		r = view_stack_find(of_upper, &stack, &error);
	}
	if (r == 0)
		r = view_stack_open(stack, common.userxattr, &error);
	if (r < 0) {
		fail("%s", error ? error : strerror(-r));
		return NULL;
	}
	stack_tell(stack);
	return TAKE_PTR(stack);
}

/* Frees a stack that isn't of directories, after one line. */
static struct view_stack *stack_with_set(struct view_stack *stack)
{
	if (!stack || stack->set)
		return stack;
	fail("%s: its layers aren't directories", stack->name);
	view_stack_free(stack);
	return NULL;
}

struct view_stack *stack_open(const char *name)
{
	return stack_with_set(stack_open_any(name));
}

bool stack_is_store(const char *name, enum image_source *ret_source, char **ret_path)
{
	_cleanup_free_ char *brackets = NULL;
	const char *rest;
	size_t len;

	if (!image_ref_split(name, ret_source, &rest) ||
	    (*ret_source != IMAGE_CONTAINERS_STORAGE && *ret_source != IMAGE_DOCKER_OVERLAY2 &&
	     *ret_source != IMAGE_STORE))
		return false;
	len = strlen(rest);
	*ret_path = NULL;
	if (len && (*rest != '[' || rest[len - 1] != ']'))
		return false;
	if (len > 2)
		brackets = strndup(rest + 1, len - 2);
	if (brackets && image_store_spec(*ret_source, brackets, ret_path) < 0)
		abort();
	return true;
}

struct listing {
	enum image_source source;
	const char *path;
	int (*each)(void *arg, struct view_stack *stack);
	void *arg;
};

/* NULL after one line. */
static struct view_stack *stack_of_listed(const struct image_listed *item, const char *name)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *error = NULL;
	struct image_error why;
	struct image *image;
	int r = image_open_listed(item, &image, &why);

	if (r < 0) {
		fail("%s: %s", name, why.text);
		return NULL;
	}
	r = view_stack_of_image(image, name, &stack, &error);
	if (r == 0)
		r = view_stack_open(stack, common.userxattr, &error);
	if (r < 0) {
		fail("%s", error ? error : strerror(-r));
		return NULL;
	}
	stack_tell(stack);
	return TAKE_PTR(stack);
}

static int stack_listed(void *arg, const struct image_listed *item)
{
	const struct listing *l = arg;
	_cleanup_free_ char *name = NULL;
	const char *own = item->name ? item->name : item->container;
	struct view_stack *stack;

	/* The layers of a step of a build are those of the image. */
	if (item->between || (!own && !item->id))
		return 0;
	if (!own)
		own = strncmp(item->id, "sha256:", 7) ? item->id : item->id + 7;
	if (asprintf(&name, "%s:%s%s%s%s", image_source_name(l->source), l->path ? "[" : "", l->path ? l->path : "",
		     l->path ? "]" : "", own) < 0)
		abort();
	stack = stack_of_listed(item, name);
	if (stack)
		return l->each(l->arg, stack);
	stack_incomplete = true;
	return 0;
}

/* Directories as an operand: a colon within a name has a backslash before it. */
static void add_directory(char **text, const char *path)
{
	size_t used = *text ? strlen(*text) : 0;
	char *out;

	*text = realloc(*text, used + 2 * strlen(path) + 2);
	if (!*text)
		abort();
	out = *text + used;
	if (used)
		*out++ = ':';
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			*out++ = '\\';
		*out++ = *path;
	}
	*out = '\0';
}

struct upper_listing {
	const struct listing *of;
	int status;
};

/* An upper of plyctl's store, over its layers. It has the name of its directory. */
static void stack_of_upper(void *arg, const struct upper *u)
{
	struct upper_listing *l = arg;
	_cleanup_free_ char *name = NULL;
	struct view_stack *stack;

	if (l->status || !u->n_layers)
		return;
	add_directory(&name, u->dir);
	for (size_t i = 0; i < u->n_layers; i++)
		add_directory(&name, u->layers[i]);
	stack = stack_open_any(name);
	if (!stack) {
		stack_incomplete = true;
		return;
	}
	stack->has_upper = true;
	free(stack->name);
	stack->name = strdup(u->dir);
	if (!stack->name)
		abort();
	l->status = l->of->each(l->of->arg, stack);
}

static int stack_each_upper(const struct listing *of)
{
	struct upper_listing l = {.of = of, .status = EXIT_FINE};
	_cleanup_free_ char *path = of->path ? strdup(of->path) : NULL;

	if (of->source != IMAGE_STORE || (!path && image_default_path(IMAGE_STORE, &path) < 0))
		return EXIT_FINE;
	(void)upper_each_in(path, stack_of_upper, &l);
	return l.status;
}

int stack_each(const char *name, int (*each)(void *arg, struct view_stack *stack), void *arg)
{
	struct listing l = {.each = each, .arg = arg};
	_cleanup_free_ char *path = NULL;
	struct image_error error;
	struct view_stack *stack;
	int r;

	if (stack_is_store(name, &l.source, &path)) {
		l.path = path;
		r = image_list(l.source, path, stack_listed, &l, &error);
		if (r == 0)
			r = stack_each_upper(&l);
		return r < 0 ? fail("%s: %s", name, error.text) : r;
	}
	stack = stack_open_any(name);
	return stack ? each(arg, stack) : EXIT_FAILED;
}

/* By the id that `history --ids` has told of a directory. */
static int layer_by_told_id(const struct view_stack *stack, const char *text)
{
	size_t n = view_layer_count(stack), len;
	int found = -ENOENT;

	text += strncmp(text, "sha256:", 7) ? 0 : 7;
	len = strlen(text);
	if (!stack->set || len < 4 || text[strspn(text, "0123456789abcdef")])
		return -ENOENT;
	for (size_t i = 0; i < n; i++) {
		char digest[DIGEST_SIZE];

		if (view_layer_facts(stack, i)->diff_id || !ids_recall(stack->set, &stack->set->layers[i], digest) ||
		    strncmp(digest + 7, text, len) != 0)
			continue;
		if (found >= 0)
			return -EINVAL;
		found = (int)i;
	}
	return found;
}

int stack_find_layer(const struct view_stack *stack, const char *text)
{
	int r = view_stack_layer(stack, text);

	return r == -ENOENT ? layer_by_told_id(stack, text) : r;
}

int stack_layer(const struct view_stack *stack, const char *text)
{
	int r = stack_find_layer(stack, text);

	if (r >= 0)
		return r;
	fail("%s: %s", text, r == -EINVAL ? "several layers have an id that begins so" : "the stack has no such layer");
	return -1;
}

int stack_follow(const struct view_stack *stack, char **path)
{
	_cleanup_free_ char *error = NULL;
	char *followed;
	int r = view_follow(stack, *path, &followed, &error);

	if (r < 0)
		return error ? fail("%s", error) : fail("/%s: %s", *path, strerror(-r));
	free(*path);
	*path = followed;
	return EXIT_FINE;
}

/* Without doubled slashes, `.`, and slashes at the ends. NULL for a path with `..`. */
static char *plain_path(const char *path)
{
	char *text = malloc(strlen(path) + 1), *out = text;

	while (text && *path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && !strncmp(path, "..", 2)) {
			free(text);
			return NULL;
		}
		if (n && !(n == 1 && *path == '.')) {
			if (out > text)
				*out++ = '/';
			out = mempcpy(out, path, n);
		}
		path += n + (path[n] == '/');
	}
	if (text)
		*out = '\0';
	return text;
}

/* The layer before the path. */
static const char *split_layer(const char *operand, char **ret_layer)
{
	const char *colon = strchr(operand, ':');

	*ret_layer = NULL;
	if (*operand != '@' || !colon)
		return operand;
	*ret_layer = strndup(operand, (size_t)(colon - operand));
	return colon + 1;
}

static struct view_stack *stack_around(const char *path, const char **ret_rest)
{
	_cleanup_free_ char *error = NULL, *absolute = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	char cwd[PATH_MAX];
	const char *rest;
	int r;

	if (*path == '/')
		absolute = strdup(path);
	else if (!getcwd(cwd, sizeof(cwd)) || asprintf(&absolute, "%s/%s", cwd, path) < 0)
		absolute = NULL;
	if (!absolute) {
		fail("%s: %s", path, strerror(errno));
		return NULL;
	}
	r = view_stack_containing(absolute, &stack, &rest, &error);
	if (r == 0)
		r = view_stack_open(stack, common.userxattr, &error);
	if (r < 0) {
		fail("%s", error ? error : strerror(-r));
		return NULL;
	}
	*ret_rest = strdup(rest);
	return TAKE_PTR(stack);
}

struct view_stack *stack_of_path_any(const char *name, const char *operand, char **ret_path, char **ret_layer)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ const char *around = NULL;
	const char *path = split_layer(operand, ret_layer);

	if (name) {
		stack = stack_open_any(name);
	} else {
		stack = stack_around(path, &around);
		path = around;
	}
	if (!stack)
		return NULL;
	*ret_path = plain_path(path);
	if (!*ret_path) {
		fail("%s: a path may not have ..", path);
		return NULL;
	}
	return TAKE_PTR(stack);
}

int stack_failed_at(void *arg, const char *path, int err)
{
	stack_incomplete = true;
	fail("/%s: %s", path, strerror(-err));
	return 0;
}

int stack_failed_in(void *arg, const char *path, unsigned layer, int err)
{
	return stack_failed_at(arg, path, err);
}

int stack_failed_layer(void *arg, const struct layer *l, const char *path, int err)
{
	stack_incomplete = true;
	fail("%s/%s: %s", l->path, path, strerror(-err));
	return 0;
}
