// SPDX-License-Identifier: Apache-2.0
/*
 * Docker's folder with its own image store and the overlay2 driver (github.com/moby/moby):
 *
 *	image/overlay2/repositories.json			names to ids
 *	image/overlay2/imagedb/content/sha256/ID		configs
 *	image/overlay2/layerdb/sha256/CHAIN/{diff,cache-id,size} layers
 *	image/overlay2/layerdb/mounts/CONTAINER/{mount-id,init-id}
 *	image/overlay2/distribution/v2metadata-by-diffid/sha256/DIFF	digests that registries gave
 *	overlay2/CACHE-ID/diff					files
 *	containers/CONTAINER/config.v2.json
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "blobs.h"
#include "config.h"
#include "image/digest.h"
#include "document.h"
#include "image/error.h"
#include "model.h"
#include "os/fs.h"
#include "sources.h"

#define DOCKER_DB "image/overlay2"

struct docker {
	struct blobs *files;
	int fd; /* the folder */
	json_t *repositories;
};

static void docker_finish(struct docker *d)
{
	blobs_free(d->files);
	if (d->fd >= 0)
		os_close(d->fd);
	json_decref(d->repositories);
}

static int docker_start(struct docker *d, const char *path, struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = blobs_open_folder(path, &d->files, error);

	if (r < 0)
		return r;
	d->fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	if (d->fd < 0)
		return image_fail(error, d->fd, "%s", strerror(-d->fd));
	r = blobs_text(d->files, DOCKER_DB "/repositories.json", IMAGE_JSON_MAX, &text, &len, error);
	return r < 0 ? r : document_parse(text, len, "repositories.json", &d->repositories, error);
}

/* A small file of one line. */
static int docker_line(const struct docker *d, const char *name, char *ret, size_t size, struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = blobs_text(d->files, name, size - 1, &text, &len, error);

	if (r < 0)
		return r;
	if (!CHECK(len < size))
		return -EIO;
	text[strcspn(text, "\n")] = 0;
	strcpy(ret, text);
	return 0;
}

/* Calls back with each name and its id, until one result isn't 0. */
static int docker_names(const struct docker *d, int (*each)(void *arg, const char *name, const char *id), void *arg)
{
	json_t *all = json_object_get(d->repositories, "Repositories"), *repository, *id;
	const char *key, *name;
	int r = 0;

	json_object_foreach(all, key, repository)
	{
		json_object_foreach(repository, name, id)
		{
			if (r == 0 && digest_is_valid(json_string_value(id)))
				r = each(arg, name, json_string_value(id));
		}
	}
	return r;
}

struct docker_search {
	const char *wanted;
	char id[DIGEST_SIZE]; /* of what was found */
	int fit;
	bool several;
};

static void docker_found(struct docker_search *f, const char *id, int fit)
{
	if (!CHECK(digest_is_valid(id)))
		return;
	if (fit && fit == f->fit && strcmp(f->id, id) != 0)
		f->several = true;
	if (fit <= f->fit)
		return;
	strcpy(f->id, id);
	f->fit = fit;
	f->several = false;
}

static int docker_try_name(void *arg, const char *name, const char *id)
{
	struct docker_search *f = arg;

	docker_found(f, id, f->wanted ? 1 + model_name_fits(name, f->wanted) * (strchr(name, '@') ? 0 : 1) : 2);
	return 0;
}

static int docker_try_id(void *arg, const struct os_dirent *entry)
{
	struct docker_search *f = arg;
	char id[DIGEST_SIZE] = DIGEST_PREFIX;

	if (!digest_is_hex(entry->name, DIGEST_HEX))
		return 0;
	strcat(id, entry->name);
	docker_found(f, id, !f->wanted || model_id_fits(id, f->wanted) ? 2 : 0);
	return 0;
}

static int docker_read_dir(const struct docker *d, const char *name,
			   int (*each)(void *arg, const struct os_dirent *entry), void *arg)
{
	_cleanup_close_ int fd = os_openat(d->fd, name, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);

	return fd == -ENOENT ? 0 : fd < 0 ? fd : os_read_dir(fd, each, arg);
}

static int docker_find_image(const struct docker *d, const char *name, char ret[static DIGEST_SIZE],
			     struct image_error *error)
{
	struct docker_search f = {.wanted = name, .fit = 1};
	int r;

	docker_names(d, docker_try_name, &f);
	r = f.fit > 1 && name ? 0 : docker_read_dir(d, DOCKER_DB "/imagedb/content/sha256", docker_try_id, &f);
	if (r < 0)
		return image_fail(error, r, "imagedb: %s", strerror(-r));
	if (f.several)
		return image_fail(error, -ENOENT, name ? "several images are called %s" : "several images: name one",
				  name);
	if (f.fit < 2)
		return image_fail(error, -ENOENT, name ? "no image is called %s" : "there is no image", name);
	strcpy(ret, f.id);
	return 0;
}

/* Sets the directory of a layer. */
static int docker_directory(const struct docker *d, struct image *image, struct image_layer *l, const char *cache_id,
			    struct image_error *error)
{
	char path[256];
	int fd;

	if (!CHECK(!l->directory && !l->id))
		return -EIO;
	if (!*cache_id || strchr(cache_id, '/') || *cache_id == '.' || strlen(cache_id) > 200)
		return image_fail(error, -EBADMSG, "layerdb: \"%s\" is no id", cache_id);
	snprintf(path, sizeof(path), "overlay2/%s/diff", cache_id);
	fd = os_openat(d->fd, path, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	if (fd < 0)
		return model_lacks(image, error, "the directory of layer %s isn't there: %s", cache_id, strerror(-fd));
	os_close(fd);
	if (asprintf(&l->directory, "%s/%s", image->path, path) < 0) {
		l->directory = NULL;
		return image_fail_memory(error);
	}
	return model_set(&l->id, cache_id, error);
}

/* The digest that a registry gave to a layer, if it came from one. */
static int docker_distribution(const struct docker *d, struct image_layer *l, struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *list = NULL;
	const char *digest;
	char name[256];
	size_t len;

	snprintf(name, sizeof(name), DOCKER_DB "/distribution/v2metadata-by-diffid/sha256/%s",
		 l->diff_id + strlen(DIGEST_PREFIX));
	if (blobs_text(d->files, name, IMAGE_JSON_MAX, &text, &len, NULL) < 0 ||
	    document_parse(text, len, "distribution", &list, NULL) < 0)
		return 0;
	digest = document_text(json_array_get(list, 0), "Digest");
	return digest_is_valid(digest) ? model_set(&l->digest, digest, error) : 0;
}

static int docker_layer(const struct docker *d, struct image *image, size_t i, struct image_error *error)
{
	struct image_layer *l = &image->layers[i];
	char folder[160], name[200], line[256];
	struct image_error why;
	int r;

	if (!CHECK(l->chain_id && l->diff_id))
		return -EIO;
	snprintf(folder, sizeof(folder), DOCKER_DB "/layerdb/sha256/%s", l->chain_id + strlen(DIGEST_PREFIX));
	snprintf(name, sizeof(name), "%s/cache-id", folder);
	r = docker_line(d, name, line, sizeof(line), &why);
	if (r < 0)
		return model_lacks(image, error, "layer %zu isn't in the store: %s", i, why.text);
	r = docker_directory(d, image, l, line, error);
	snprintf(name, sizeof(name), "%s/size", folder);
	if (r == 0 && docker_line(d, name, line, sizeof(line), NULL) == 0 && strspn(line, "0123456789") == strlen(line))
		l->apparent = strtoll(line, NULL, 10);
	return r < 0 ? r : docker_distribution(d, l, error);
}

static int docker_config(const struct docker *d, struct image *image, const char *id, struct image_error *error)
{
	char name[160], *text;
	size_t len;
	int r;

	if (!CHECK(digest_is_valid(id)))
		return -EIO;
	snprintf(name, sizeof(name), DOCKER_DB "/imagedb/content/sha256/%s", id + strlen(DIGEST_PREFIX));
	r = blobs_checked(d->files, name, id, &text, &len, error);
	return r < 0 ? r : config_take(image, text, len, id, error);
}

struct docker_naming {
	struct image *image;
	struct image_error *error;
};

static int docker_add_name(void *arg, const char *name, const char *id)
{
	struct docker_naming *n = arg;

	if (strcmp(id, n->image->id) != 0 || strchr(name, '@'))
		return 0;
	return model_add_text(&n->image->names, &n->image->n_names, name, n->error);
}

static int docker_image(const struct docker *d, struct image *image, const char *id, struct image_error *error)
{
	struct docker_naming naming = {.image = image, .error = error};
	int r = docker_config(d, image, id, error);

	for (size_t i = 0; i < image->n_layers && r == 0; i++)
		r = docker_layer(d, image, i, error);
	return r < 0 ? r : docker_names(d, docker_add_name, &naming);
}

/* The config of a container, NULL if it can't be read. */
static json_t *docker_container(const struct docker *d, const char *id)
{
	_cleanup_free_ char *text = NULL;
	json_t *config = NULL;
	char name[160];
	size_t len;

	snprintf(name, sizeof(name), "containers/%s/config.v2.json", id);
	if (!digest_is_hex(id, DIGEST_HEX) || blobs_text(d->files, name, IMAGE_JSON_MAX, &text, &len, NULL) < 0)
		return NULL;
	return document_parse(text, len, "config.v2.json", &config, NULL) == 0 ? config : NULL;
}

static const char *docker_container_name(const json_t *config)
{
	const char *name = document_text(config, "Name");

	return name && *name == '/' ? name + 1 : name;
}

struct docker_containers {
	const struct docker *docker;
	const char *wanted;
	char id[DIGEST_HEX + 1];
	unsigned found;
};

static int docker_try_container(void *arg, const struct os_dirent *entry)
{
	struct docker_containers *c = arg;
	json_auto_t *config = docker_container(c->docker, entry->name);
	const char *name = docker_container_name(config);

	if (!config || !((name && !strcmp(name, c->wanted)) || model_id_fits(entry->name, c->wanted)))
		return 0;
	strcpy(c->id, entry->name);
	c->found++;
	return 0;
}

static int docker_mount_layer(const struct docker *d, struct image *image, const char *which, bool writable,
			      struct image_error *error)
{
	struct image_layer *l;
	char name[200], line[256];
	int r;

	if (!CHECK(image->container))
		return -EIO;
	snprintf(name, sizeof(name), DOCKER_DB "/layerdb/mounts/%s/%s", image->container, which);
	r = docker_line(d, name, line, sizeof(line), error);
	if (r == 0)
		r = model_add_layer(image, &l, error);
	if (r < 0)
		return r;
	l->writable = writable;
	return docker_directory(d, image, l, line, error);
}

/* Docker puts a layer of its own between: mount points of a container, such as /etc/hosts. */
static int docker_fill_container(const struct docker *d, struct image *image, const char *id, struct image_error *error)
{
	json_auto_t *config = docker_container(d, id);
	const char *image_id = document_text(config, "Image"), *name = docker_container_name(config);
	int r;

	if (!digest_is_valid(image_id))
		return image_fail(error, -EBADMSG, "config.v2.json: no image");
	r = docker_image(d, image, image_id, error);
	if (r == 0)
		r = model_set(&image->container, id, error);
	if (r == 0 && name)
		r = model_add_text(&image->container_names, &image->n_container_names, name, error);
	if (r == 0 && !document_copy(config, "Created", &image->container_created))
		r = image_fail_memory(error);
	if (r == 0)
		r = docker_mount_layer(d, image, "init-id", false, error);
	return r < 0 ? r : docker_mount_layer(d, image, "mount-id", true, error);
}

int docker_overlay2_open(enum image_source source, const char *path, const char *name, struct image **ret,
			 struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	_cleanup_(docker_finish) struct docker d = {.fd = -1};
	struct docker_containers c = {.docker = &d, .wanted = name};
	char id[DIGEST_SIZE];
	int r = model_new(source, path, &image, error);

	if (!CHECK(source == IMAGE_DOCKER_OVERLAY2))
		return -EIO;
	if (r == 0)
		r = docker_start(&d, path, error);
	if (r < 0)
		return r;
	r = docker_find_image(&d, name, id, error);
	if (r == -ENOENT && name && docker_read_dir(&d, "containers", docker_try_container, &c) == 0 && c.found == 1)
		r = docker_fill_container(&d, image, c.id, error);
	else if (r == 0)
		r = docker_image(&d, image, id, error);
	if (r == 0)
		*ret = TAKE_PTR(image);
	return r;
}

struct docker_listing {
	const struct docker *docker;
	image_each each;
	void *arg;
	const char *id, *name; /* of the image at hand; its first name */
};

static int docker_first_name(void *arg, const char *name, const char *id)
{
	struct docker_listing *l = arg;

	if (!l->name && !strcmp(id, l->id) && !strchr(name, '@'))
		l->name = name;
	return 0;
}

static int docker_list_image(void *arg, const struct os_dirent *entry)
{
	struct docker_listing *l = arg;
	char id[DIGEST_SIZE] = DIGEST_PREFIX;

	if (!digest_is_hex(entry->name, DIGEST_HEX))
		return 0;
	strcat(id, entry->name);
	l->id = id;
	l->name = NULL;
	docker_names(l->docker, docker_first_name, l);
	return l->each(l->arg, &(struct image_listed){.id = id, .name = l->name, .between = !l->name});
}

static int docker_list_container(void *arg, const struct os_dirent *entry)
{
	struct docker_listing *l = arg;
	json_auto_t *config = docker_container(l->docker, entry->name);
	struct image_listed listed = {.container = entry->name, .created = document_text(config, "Created")};

	listed.id = document_text(config, "Image");
	listed.name = docker_container_name(config);
	return config && listed.id ? l->each(l->arg, &listed) : 0;
}

int docker_overlay2_list(enum image_source source, const char *path, image_each each, void *arg,
			 struct image_error *error)
{
	_cleanup_(docker_finish) struct docker d = {.fd = -1};
	struct docker_listing l = {.docker = &d, .each = each, .arg = arg};
	int r = docker_start(&d, path, error);

	if (r == 0)
		r = docker_read_dir(&d, DOCKER_DB "/imagedb/content/sha256", docker_list_image, &l);
	return r ? r : docker_read_dir(&d, "containers", docker_list_container, &l);
}
