// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/digest.h"
#include "image/error.h"
#include "model.h"
#include "os/fs.h"
#include "sources.h"
#include "storage_conf.h"

struct source {
	const char *name;
	int (*open)(enum image_source source, const char *path, const char *name, struct image **ret,
		    struct image_error *error);
	int (*list)(enum image_source source, const char *path, image_each each, void *arg, struct image_error *error);
	bool store; /* "[ROOT]NAME"; otherwise "PATH[:NAME]" */
};

static const struct source sources[] = {
	[IMAGE_OCI] = {"oci", oci_open, oci_list, false},
	[IMAGE_OCI_ARCHIVE] = {"oci-archive", oci_open, oci_list, false},
	[IMAGE_DOCKER_ARCHIVE] = {"docker-archive", docker_archive_open, docker_archive_list, false},
	[IMAGE_CONTAINERS_STORAGE] = {"containers-storage", containers_storage_open, containers_storage_list, true},
	[IMAGE_DOCKER_OVERLAY2] = {"docker-overlay2", docker_overlay2_open, docker_overlay2_list, true},
	[IMAGE_STORE] = {"store", plyfs_store_open, plyfs_store_list, true},
};

bool image_ref_split(const char *ref, enum image_source *ret_source, const char **ret_rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		size_t len = strlen(sources[i].name);

		if (!strncmp(ref, sources[i].name, len) && ref[len] == ':') {
			*ret_source = (enum image_source)i;
			*ret_rest = ref + len + 1;
			return true;
		}
	}
	return false;
}

const char *image_source_name(enum image_source source)
{
	if (!CHECK(source < IMAGE_SOURCE_COUNT))
		return "?";
	return sources[source].name;
}

/* Makes the path of a directory absolute. */
static int absolute_path(char **path)
{
	_cleanup_close_ int fd = **path == '/' ? -1 : os_open_path(*path, O_PATH | O_DIRECTORY, 0);
	char target[PATH_MAX];
	ssize_t n;

	if (fd < 0)
		return **path == '/' ? 0 : fd;
	n = os_fd_target(fd, target, sizeof(target) - 1);
	if (n < 0)
		return (int)n;
	target[n] = 0;
	free(*path);
	*path = strdup(target);
	return *path ? 0 : -ENOMEM;
}

/* "[OPTIONS]DIR" with DIR made absolute. */
static int absolute_spec(char **spec)
{
	const char *dir = storage_spec_dir(*spec);
	_cleanup_free_ char *options = strndup(*spec, (size_t)(dir - *spec)), *path = strdup(dir);
	int r = options && path ? absolute_path(&path) : -ENOMEM;

	if (r < 0)
		return r;
	free(*spec);
	return asprintf(spec, "%s%s", options, path) < 0 ? (*spec = NULL, -ENOMEM) : 0;
}

/* The store's directory without "/" at its end, which paths are made of. */
static int chosen_path(enum image_source source, const char *path, char **ret, struct image_error *error)
{
	size_t len;
	int r;

	if (!path)
		r = image_default_path(source, ret);
	else
		r = (*ret = strdup(path)) ? 0 : -ENOMEM;
	if (r == 0 && sources[source].store)
		r = source == IMAGE_CONTAINERS_STORAGE ? absolute_spec(ret) : absolute_path(ret);
	if (r < 0)
		return image_fail(error, r, "%s: %s", path ? storage_spec_dir(path) : sources[source].name,
				  r == -EOPNOTSUPP ? "a path is needed" : strerror(-r));
	for (len = strlen(*ret); len > 1 && (*ret)[len - 1] == '/'; len--)
		(*ret)[len - 1] = 0;
	return 0;
}

static int named_failure(struct image_error *error, int r, const char *path, const struct image_error *why)
{
	path = storage_spec_dir(path);
	if (!strncmp(why->text, path, strlen(path)))
		return image_fail(error, r, "%s", why->text);
	return image_fail(error, r, "%s: %s", path, why->text);
}

int image_open_in(enum image_source source, const char *path, const char *name, struct image **ret,
		  struct image_error *error)
{
	struct image_error why = {.text = "fails"};
	_cleanup_free_ char *chosen = NULL;
	int r;

	if (!CHECK(source < IMAGE_SOURCE_COUNT))
		return -EIO;
	r = chosen_path(source, path, &chosen, error);
	if (r < 0)
		return r;
	r = sources[source].open(source, chosen, name && *name ? name : NULL, ret, &why);
	if (r < 0)
		return named_failure(error, r, chosen, &why);
	model_finish(*ret);
	return 0;
}

struct listing {
	enum image_source source;
	const char *path;
	int (*each)(void *arg, const struct image_listed *item);
	void *arg;
};

static int list_each(void *arg, const struct image_listed *item)
{
	const struct listing *l = arg;
	struct image_listed full = *item;

	(void)CHECK(l->source < IMAGE_SOURCE_COUNT);
	full.source = l->source;
	full.path = l->path;
	return l->each(l->arg, &full);
}

int image_open_listed(const struct image_listed *item, struct image **ret, struct image_error *error)
{
	const char *own = item->container ? item->container : item->id ? item->id : item->name;
	struct image_error why = {.text = "fails"};
	int r;

	if (!CHECK(item->source < IMAGE_SOURCE_COUNT && item->path))
		return -EIO;
	/* Ids are unique, names aren't. */
	if (own && !strncmp(own, DIGEST_PREFIX, strlen(DIGEST_PREFIX)))
		own += strlen(DIGEST_PREFIX);
	r = item->open ? item->open(item, ret, &why)
		       : sources[item->source].open(item->source, item->path, own, ret, &why);
	if (r < 0)
		return named_failure(error, r, item->path, &why);
	model_finish(*ret);
	return 0;
}

int image_list(enum image_source source, const char *path, int (*each)(void *arg, const struct image_listed *item),
	       void *arg, struct image_error *error)
{
	struct listing l = {.source = source, .each = each, .arg = arg};
	struct image_error why = {.text = "fails"};
	_cleanup_free_ char *chosen = NULL;
	int r;

	if (!CHECK(source < IMAGE_SOURCE_COUNT))
		return -EIO;
	r = chosen_path(source, path, &chosen, error);
	if (r < 0)
		return r;
	l.path = chosen;
	r = sources[source].list(source, chosen, list_each, &l, &why);
	return r < 0 ? named_failure(error, r, chosen, &why) : r;
}

int image_store_spec(enum image_source source, const char *brackets, char **ret)
{
	_cleanup_free_ char *copy = strdup(brackets);
	char *at = copy ? strchr(copy, '@') : NULL, *path = at && at[1] == '/' ? at + 1 : copy, *run, *options;

	if (!copy)
		return -ENOMEM;
	run = *path == '/' ? strstr(path, "+/") : NULL;
	/* A directory alone may have a colon in its name. */
	options = run ? strchr(run, ':') : path > copy ? strchr(path, ':') : NULL;
	if (options)
		*options++ = 0;
	if (run)
		*run = 0;
	if (source == IMAGE_CONTAINERS_STORAGE && options && *options)
		return asprintf(ret, "[%s]%s", options, path) < 0 ? (*ret = NULL, -ENOMEM) : 0;
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

/* "[BRACKETS]NAME" of a store. */
static int split_store(enum image_source source, char *rest, char **ret_path, char **ret_name)
{
	char *end = *rest == '[' ? strchr(rest, ']') : NULL;

	*ret_path = NULL;
	*ret_name = rest;
	if (!end)
		return *rest == '[' ? -EINVAL : 0;
	*end = 0;
	*ret_name = end + 1;
	return image_store_spec(source, rest + 1, ret_path);
}

/* "PATH[:NAME]": NAME begins behind the first colon, as in containers/image. image_open_in() takes any path. */
static void split_path(char *rest, char **ret_path, char **ret_name)
{
	char *colon = strchr(rest, ':');

	*ret_path = rest;
	*ret_name = colon ? colon + 1 : NULL;
	if (colon)
		*colon = 0;
}

int image_open(const char *ref, struct image **ret, struct image_error *error)
{
	enum image_source source;
	_cleanup_free_ char *copy = NULL, *spec = NULL;
	const char *rest;
	char *path, *name;
	int r = 0;

	if (!image_ref_split(ref, &source, &rest))
		return image_fail(error, -EINVAL, "%s: no transport of images", ref);
	copy = strdup(rest);
	if (!copy)
		return image_fail_memory(error);
	if (!sources[source].store)
		split_path(copy, &path, &name);
	else
		r = split_store(source, copy, &path, &name);
	spec = sources[source].store ? path : NULL;
	if (r < 0)
		return r == -ENOMEM ? image_fail_memory(error) : image_fail(error, r, "%s: no \"]\"", ref);
	if (path && !*path)
		return image_fail(error, -EINVAL, "%s: no path", ref);
	return image_open_in(source, path, name, ret, error);
}
