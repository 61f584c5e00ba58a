/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of images and containers. Where all layers are directories they become a stack like any other.
 */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "internal.h"
#include "os/fs.h"

/* Where root's engines have their store, for users that have another one. */
#define ROOT_STORAGE "/var/lib/containers/storage"

/* Layers that a user's engine has unpacked have private xattrs in user.*. */
static bool is_owned_by_user(const char *path)
{
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	struct statx stx;

	return fd >= 0 && os_statx(fd, "", &stx) == 0 && stx.stx_uid != 0;
}

static int use_directories(struct view_stack *stack, char **ret_error)
{
	const struct image *image = stack->image;
	_cleanup_free_ char *text = NULL;
	int r = image->n_layers ? 0 : -ENOENT;

	for (size_t i = image->n_layers; i-- > 0 && r == 0;) {
		if (!image->layers[i].directory)
			return 0;
		r = view_append(&text, text ? ",lowerdir+=" : "lowerdir+=");
		if (r == 0)
			r = view_append_path(&text, image->layers[i].directory);
	}
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)CHECK(!stack->options.layer_count);
	r = view_parse_options(text, &stack->options, ret_error);
	if (r < 0)
		return r;
	view_use_all_forms(&stack->options);
	stack->options.userxattr = is_owned_by_user(image->path);
	return 0;
}

static int image_adopt(struct view_stack *stack, struct image *image, char **ret_error)
{
	(void)CHECK(!stack->image);
	stack->image = image;
	stack->kind = image->container ? VIEW_CONTAINER : VIEW_IMAGE;
	stack->has_upper = image->container && image->n_layers && image->layers[image->n_layers - 1].writable;
	return use_directories(stack, ret_error);
}

int view_stack_of_image(struct image *image, const char *name, struct view_stack **ret, char **ret_error)
{
	struct view_stack *stack = calloc(1, sizeof(*stack));
	int r;

	if (!stack) {
		image_free(image);
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", name);
	}
	r = image_adopt(stack, image, ret_error);
	stack->name = strdup(name);
	if (r == 0 && !stack->name)
		r = -ENOMEM;
	if (r < 0) {
		view_stack_free(stack);
		return view_refuse(ret_error, r, "%s: %s", name, strerror(-r));
	}
	*ret = stack;
	return 0;
}

/* The user's store comes first, then root's. */
static int stored_open(const char *name, struct image **ret, struct image_error *error)
{
	int r = image_open_in(IMAGE_CONTAINERS_STORAGE, NULL, name, ret, error);
	struct image_error other;

	if (r != -ENOENT || geteuid() == 0)
		return r;
	return image_open_in(IMAGE_CONTAINERS_STORAGE, ROOT_STORAGE, name, ret, &other) < 0 ? r : 0;
}

/* plyctl's own store comes before those of engines. */
static int known_open(const char *name, struct image **ret, struct image_error *error)
{
	int r = image_open_in(IMAGE_STORE, NULL, name, ret, error);

	return r == -ENOENT || r == -EACCES || r == -ENOTDIR ? stored_open(name, ret, error) : r;
}

int view_image_find(const char *name, struct view_stack *stack, char **ret_error)
{
	struct image_error error = {.text = ""};
	struct image *image = NULL;
	enum image_source source;
	const char *rest;
	int r;

	if (!CHECK(image_ref_split(name, &source, &rest)))
		return -EINVAL;
	if (source == IMAGE_CONTAINERS_STORAGE && *rest != '[')
		r = stored_open(rest, &image, &error);
	else
		r = image_open(name, &image, &error);
	return r < 0 ? view_refuse(ret_error, r, "%s: %s", name, error.text) : image_adopt(stack, image, ret_error);
}

/* Of several names the one that was asked for, with or without the tag `latest`, or one that begins or ends with it. */
static const char *name_like(const struct image *image, const char *wanted)
{
	size_t len = strlen(wanted), tag = strlen(":latest");
	_cleanup_free_ char *plain = strdup(wanted);

	if (plain && len > tag && !strcmp(plain + len - tag, ":latest"))
		plain[len - tag] = '\0';
	for (size_t i = 0; plain && i < image->n_names; i++)
		if (!strcmp(image->names[i], wanted) || !strcmp(image->names[i], plain))
			return image->names[i];
	for (size_t i = 0; plain && i < image->n_names; i++)
		if (strstr(image->names[i], plain))
			return image->names[i];
	return image->names[0];
}

static int full_name(const struct image *image, const char *wanted, char **ret)
{
	const char *name = image->id;

	if (image->container)
		name = image->n_container_names ? image->container_names[0] : image->container;
	else if (image->n_names)
		name = name_like(image, wanted);
	return asprintf(ret, "%s:[%s]%s", image_source_name(image->source), image->path, name ? name : "") < 0 ? -ENOMEM
													       : 0;
}

int view_image_find_stored(const char *name, struct view_stack *stack, char **ret_error)
{
	struct image_error error = {.text = ""};
	struct image *image = NULL;
	int r = known_open(name, &image, &error);

	(void)CHECK(!stack->found);
	/* Somebody without a store has no image of this name either. */
	if (r == -ENOENT || r == -EACCES || r == -ENOTDIR)
		return -ENOENT;
	if (r < 0)
		return view_refuse(ret_error, r, "%s: %s", name, error.text);
	r = full_name(image, name, &stack->found);
	if (r < 0) {
		stack->found = NULL;
		image_free(image);
		return r;
	}
	return image_adopt(stack, image, ret_error);
}
