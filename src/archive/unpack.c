// SPDX-License-Identifier: Apache-2.0
#include "archive/unpack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/meter.h"
#include "format/name.h"
#include "image/error.h"
#include "image/read.h"
#include "image/toc.h"
#include "unpack_internal.h"

#define AUFS_OWN ".wh..wh."

static int unpack_taps(void *arg, const void *data, size_t len, struct image_error *error)
{
	struct unpack *u = arg;

	return u->options->recipe ? recipe_add_bytes(u->options->recipe, data, len, error) : 0;
}

/* The first component that begins with `.wh.`, or NULL. */
static const char *aufs_component(const char *path)
{
	while (strncmp(path, AUFS_PREFIX, strlen(AUFS_PREFIX)) != 0) {
		path = strchr(path, '/');
		if (!path)
			return NULL;
		path++;
	}
	return path;
}

/* A name of the aufs dialect, which is at `name` in `path`. */
static int unpack_aufs(struct unpack *u, char *path, char *name)
{
	const char *target = name + strlen(AUFS_PREFIX);

	(void)CHECK(name >= path && name <= path + strlen(path));
	if (!strcmp(name, AUFS_OPAQUE)) {
		if (name == path)
			return image_fail(u->error, -EOPNOTSUPP,
					  "/%s: unions show what is below the root of a layer, so it can't be opaque",
					  path);
		name[-1] = '\0';
		return unpack_opaque(u, path);
	}
	if (!strncmp(name, AUFS_OWN, strlen(AUFS_OWN)))
		return 0;
	if (!*target || !strcmp(target, ".") || !strcmp(target, "..") || strchr(name, '/'))
		return image_fail(u->error, -EBADMSG, "/%s: a whiteout of nothing", path);
	memmove(name, target, strlen(target) + 1);
	return unpack_whiteout(u, path);
}

static int unpack_root(struct unpack *u, const struct tar_entry *e)
{
	int r;

	if (!S_ISDIR(e->mode))
		return image_fail(u->error, -EBADMSG, "the root of the layer is no directory");
	r = unpack_attributes(u, "", u->options->root_fd, e);
	return r < 0 ? r : unpack_keep_entry(u, "", e);
}

static int unpack_link(struct unpack *u, const char *path, const struct tar_entry *e)
{
	_cleanup_free_ char *target = strdup(e->link);
	int r;

	if (!target)
		return image_fail_memory(u->error);
	r = layer_tar_path(target, u->error);
	if (r < 0)
		return r;
	if (!*target || !strcmp(target, path) || aufs_component(target))
		return image_fail(u->error, -EBADMSG, "/%s: a hard link to /%s", path, target);
	return unpack_hardlink(u, path, target);
}

static int unpack_entry(struct unpack *u, const struct tar_entry *e)
{
	_cleanup_free_ char *path = strdup(e->path);
	const char *aufs;
	int r;

	if (!path)
		return image_fail_memory(u->error);
	r = layer_tar_path(path, u->error);
	if (r < 0 || layer_tar_is_landmark(path))
		return r;
	if (strlen(path) >= PATH_MAX)
		return image_fail(u->error, -ENAMETOOLONG, "a path of %zu bytes: /%.64s..", strlen(path), path);
	if (!*path)
		return unpack_root(u, e);
	aufs = aufs_component(path);
	if (aufs)
		return unpack_aufs(u, path, path + (aufs - path));
	return e->hardlink ? unpack_link(u, path, e) : unpack_object(u, path, e);
}

static int unpack_entries(struct unpack *u)
{
	struct tar_entry e;
	int r;

	while ((r = tar_next(u->tar, &e, u->error)) > 0) {
		if (u->result->entries++ == IMAGE_TOC_ENTRIES)
			return image_fail(u->error, -E2BIG, "the layer has more than %d entries", IMAGE_TOC_ENTRIES);
		meter_objects(1);
		r = unpack_entry(u, &e);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : tar_drain(u->tar, u->error);
}

int unpack_tar(struct tar *tar, const struct unpack_options *options, struct unpacked *ret, struct image_error *error)
{
	struct unpack u = {.options = options,
			   .tar = tar,
			   .result = ret,
			   .error = error,
			   .parent_fd = -1,
			   .uid = geteuid(),
			   .gid = getegid(),
			   .buffer = malloc(UNPACK_BUFFER)};
	int r = u.buffer ? 0 : image_fail_memory(error);

	if (!CHECK(!tar->left && options->root_fd >= 0))
		return -EIO;
	*ret = (struct unpacked){0};
	tar->tap = unpack_taps;
	tar->tap_arg = &u;
	/* The root has an attribute of its own form even if the tar doesn't list it. */
	if (r == 0 && !options->over)
		r = unpack_root(&u, &(struct tar_entry){.mode = S_IFDIR | 0755});
	if (r == 0)
		r = unpack_entries(&u);
	if (r == 0)
		r = unpack_finish_dirs(&u);
	if (r == 0 && options->recipe)
		r = recipe_writer_end(options->recipe, error);
	tar->tap = NULL;
	unpack_free_dirs(&u);
	cleanup_close(&u.parent_fd);
	free(u.parent_path);
	free(u.buffer);
	if (r < 0)
		unpacked_finish(ret);
	return r;
}

void unpacked_finish(struct unpacked *u)
{
	for (size_t i = 0; i < u->n_links; i++) {
		free(u->links[i].path);
		free(u->links[i].target);
	}
	free(u->links);
	*u = (struct unpacked){0};
}
