// SPDX-License-Identifier: Apache-2.0
/*
 * The store of podman, buildah and skopeo with its overlay driver (github.com/containers/storage): images, layers and
 * containers are lists in JSON, which are replaced as a whole, so no lock is needed to read them. A layer knows its
 * parent; its files are in overlay/ID/diff. The config and the manifest of an image are its "big data".
 *
 * The configuration names additional stores, of which images and layers are read. They are put behind those of the
 * store in the same lists, and each item gets the number of its store. What two stores have is the first one's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "blobs.h"
#include "config.h"
#include "document.h"
#include "image/error.h"
#include "manifest.h"
#include "model.h"
#include "os/fs.h"
#include "sources.h"
#include "storage_conf.h"

/* Lists grow with the store: about a kilobyte a layer. */
#define STORE_LIST_MAX (64 << 20)

#define STORES_MAX 64
/* The member of an item that has the number of its store. No member of the store's own begins so. */
#define STORE_NUMBER ".store"

struct store_files {
	struct blobs *files; /* owned */
	char *path;	     /* absolute; owned */
};

struct store {
	struct store_files all[STORES_MAX]; /* the store, and additional ones */
	size_t n;
	char *options; /* of the driver, that came with the name; NULL: none; owned */
	json_t *images, *layers, *containers;
	json_t *more_layers, *more_containers; /* volatile ones; NULL: none */
	json_t *by_id;			       /* layers by their ids, for who opens many images; NULL: not made */
};

static void store_finish(struct store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		blobs_free(s->all[i].files);
		free(s->all[i].path);
	}
	free(s->options);
	json_decref(s->images);
	json_decref(s->layers);
	json_decref(s->containers);
	json_decref(s->more_layers);
	json_decref(s->more_containers);
	json_decref(s->by_id);
}

/* A list that isn't there is empty. */
static int store_list(struct store *s, size_t store, const char *name, json_t **ret, struct image_error *error)
{
	const struct blobs *files = s->all[store].files;
	_cleanup_free_ char *text = NULL;
	json_t *item;
	size_t len, i;
	int r;

	if (!CHECK(!*ret && store < s->n))
		return -EIO;
	if (blobs_size(files, name) < 0) {
		*ret = json_array();
		return *ret ? 0 : image_fail_memory(error);
	}
	r = blobs_text(files, name, STORE_LIST_MAX, &text, &len, error);
	if (r == 0)
		r = document_parse(text, len, name, ret, error);
	if (r == 0 && !json_is_array(*ret))
		r = image_fail(error, -EBADMSG, "%s: no list", name);
	json_array_foreach(r == 0 ? *ret : NULL, i, item)
	{
		if (json_is_object(item) &&
		    json_object_set_new(item, STORE_NUMBER, json_integer((json_int_t)store)) < 0)
			r = image_fail_memory(error);
	}
	return r;
}

static const struct store_files *store_of(const struct store *s, const json_t *item)
{
	json_int_t number = json_integer_value(json_object_get(item, STORE_NUMBER));

	return CHECK(number >= 0 && (size_t)number < s->n) ? &s->all[number] : &s->all[0];
}

static int store_open_files(struct store *s, const char *path, struct image_error *error)
{
	struct store_files *files = &s->all[s->n];
	int r;

	(void)CHECK(*path == '/');
	if (s->n == STORES_MAX)
		return image_fail(error, -E2BIG, "more than %d stores", STORES_MAX);
	*files = (struct store_files){.path = strdup(path)};
	r = files->path ? blobs_open_folder(path, &files->files, error) : image_fail_memory(error);
	if (r < 0) {
		free(files->path);
		return r;
	}
	s->n++;
	if (blobs_size(files->files, "overlay-images/images.json") < 0)
		return image_fail(error, -ENOENT, "no store of the overlay driver with images");
	return 0;
}

/* Puts the items of an additional store behind those that are there. */
static int store_append(struct store *s, size_t store, const char *name, json_t *list, struct image_error *error)
{
	json_auto_t *more = NULL, *known = json_object();
	json_t *item;
	size_t i;
	int r = known ? store_list(s, store, name, &more, error) : image_fail_memory(error);

	json_array_foreach(r == 0 ? list : NULL, i, item)
	{
		const char *id = document_text(item, "id");

		if (id && json_object_set_new(known, id, json_true()) < 0)
			r = image_fail_memory(error);
	}
	json_array_foreach(r == 0 ? more : NULL, i, item)
	{
		const char *id = document_text(item, "id");

		if (id && !json_object_get(known, id) && json_array_append(list, item) < 0)
			r = image_fail_memory(error);
	}
	return r;
}

static int store_add(struct store *s, const char *path, struct image_error *error)
{
	size_t store = s->n;
	(void)CHECK(store > 0 && s->images && s->layers);
	int r = store_open_files(s, path, error);

	if (r == 0)
		r = store_append(s, store, "overlay-images/images.json", s->images, error);
	return r < 0 ? r : store_append(s, store, "overlay-layers/layers.json", s->layers, error);
}

static bool is_same_folder(const char *a, const char *b)
{
	_cleanup_close_ int a_fd = os_open_path(a, O_PATH | O_DIRECTORY, 0),
			    b_fd = os_open_path(b, O_PATH | O_DIRECTORY, 0);
	struct statx a_stx, b_stx;

	return a_fd >= 0 && b_fd >= 0 && os_statx(a_fd, "", &a_stx) == 0 && os_statx(b_fd, "", &b_stx) == 0 &&
	       a_stx.stx_ino == b_stx.stx_ino && a_stx.stx_dev_major == b_stx.stx_dev_major &&
	       a_stx.stx_dev_minor == b_stx.stx_dev_minor;
}

/* Of options that came with the name, else of this user's store. */
static int store_conf(const struct store *s, struct storage_conf *ret)
{
	if (s->options)
		return storage_conf_add_options(ret, s->options);
	if (storage_conf_read(ret) < 0 || (ret->n_stores && !is_same_folder(ret->graphroot, s->all[0].path)))
		storage_conf_finish(ret);
	return 0;
}

/* The additional stores. One that can't be read has no images: `image`, which may be NULL, lacks it. */
static int store_add_all(struct store *s, struct image *image, struct image_error *error)
{
	_cleanup_(storage_conf_finish) struct storage_conf conf = {.n_stores = 0};
	int r = store_conf(s, &conf);

	if (r < 0)
		return image_fail_memory(error);
	for (size_t i = 0; i < conf.n_stores && r == 0; i++) {
		struct image_error why = {.text = ""};

		if (*conf.stores[i] == '/' && store_add(s, conf.stores[i], &why) == 0)
			continue;
		if (image)
			r = model_lacks(image, error, "the additional image store %s can't be read: %s", conf.stores[i],
					why.text);
	}
	return r;
}

static int store_start(struct store *s, const char *spec, struct image *image, struct image_error *error)
{
	const char *dir = storage_spec_dir(spec);
	int r = 0;

	if (dir > spec) {
		s->options = strndup(spec + 1, (size_t)(dir - spec) - 2);
		r = s->options ? 0 : image_fail_memory(error);
	}
	if (r == 0)
		r = store_open_files(s, dir, error);
	if (r == 0)
		r = store_list(s, 0, "overlay-images/images.json", &s->images, error);
	if (r == 0)
		r = store_list(s, 0, "overlay-layers/layers.json", &s->layers, error);
	if (r == 0)
		r = store_list(s, 0, "overlay-layers/volatile-layers.json", &s->more_layers, error);
	if (r == 0)
		r = store_list(s, 0, "overlay-containers/containers.json", &s->containers, error);
	if (r == 0)
		r = store_list(s, 0, "overlay-containers/volatile-containers.json", &s->more_containers, error);
	return r < 0 ? r : store_add_all(s, image, error);
}

static const json_t *store_find(const json_t *list, const char *id)
{
	const json_t *item;
	const char *found;
	size_t i;

	json_array_foreach(list, i, item)
	{
		found = document_text(item, "id");
		if (found && id && !strcmp(found, id))
			return item;
	}
	return NULL;
}

/* How well an image or container fits: 3 by its whole name, 2 by the end of one, 1 by its id, 0 not at all. */
static int store_fit(const json_t *item, const char *name)
{
	const char *id = document_text(item, "id");
	const json_t *full;
	int best = 0;
	size_t i;

	json_array_foreach(json_object_get(item, "names"), i, full)
	{
		if (json_is_string(full))
			best = MAX(best, model_name_fits(json_string_value(full), name));
	}
	return best ? best + 1 : id && model_id_fits(id, name);
}

/* The best of a list so far. Two of one store that fit equally well are counted. */
struct store_choice {
	const json_t *item;
	int fit;
	unsigned equal;
};

static void store_choose(const json_t *list, const char *name, struct store_choice *c)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		int fit = name ? store_fit(item, name) : 1;

		if (fit && fit == c->fit &&
		    json_equal(json_object_get(item, STORE_NUMBER), json_object_get(c->item, STORE_NUMBER)))
			c->equal++;
		if (fit > c->fit)
			*c = (struct store_choice){.item = item, .fit = fit, .equal = 1};
	}
}

static int store_pick(const struct store *s, const char *name, const json_t **ret_image, const json_t **ret_container,
		      struct image_error *error)
{
	/* The image of a container may be missing. */
	struct store_choice image = {0}, container = {0};
	const char *id;

	store_choose(s->images, name, &image);
	if (name)
		store_choose(s->containers, name, &container);
	if (name)
		store_choose(s->more_containers, name, &container);
	if (MAX(image.fit, container.fit) == 0)
		return image_fail(error, -ENOENT, name ? "no image or container is called %s" : "there is no image",
				  name);
	if ((image.fit >= container.fit ? image : container).equal > 1)
		return image_fail(error, -EINVAL, name ? "several are called %s" : "several images: name one", name);
	if (!CHECK(image.item || container.item))
		return -EIO;
	*ret_image = image.item;
	*ret_container = NULL;
	if (container.fit <= image.fit)
		return 0;
	*ret_container = container.item;
	id = document_text(container.item, "image");
	*ret_image = id ? store_find(s->images, id) : NULL;
	return 0;
}

/* The file of a big data: names with other characters than a-z, 0-9 and "." are in base 64. */
static int store_big_data(const struct store *s, const json_t *item, const char *key, char **ret, size_t *ret_len,
			  struct image_error *error)
{
	const char *id = document_text(item, "id");
	unsigned char encoded[4 * DIGEST_SIZE];
	char name[512];
	size_t len = strlen(key);
	bool plain = strspn(key, "0123456789abcdefghijklmnopqrstuvwxyz.") == len;

	if (!id || !digest_is_hex(id, DIGEST_HEX) || len > DIGEST_SIZE)
		return image_fail(error, -EBADMSG, "images.json: \"%s\" is no id", id ? id : "");
	EVP_EncodeBlock(encoded, (const unsigned char *)key, (int)len);
	snprintf(name, sizeof(name), "overlay-images/%s/%s%s", id, plain ? "" : "=", plain ? key : (char *)encoded);
	return blobs_text(store_of(s, item)->files, name, IMAGE_JSON_MAX, ret, ret_len, error);
}

static int store_config(const struct store *s, struct image *image, const json_t *item, const char *digest,
			struct image_error *error)
{
	char found[DIGEST_SIZE], *text;
	size_t len;
	int r = store_big_data(s, item, digest, &text, &len, error);

	if (r == 0)
		r = digest_of(text, len, found);
	if (r < 0)
		return r;
	if (strcmp(found, digest) != 0) {
		free(text);
		return image_fail(error, -EBADMSG, "the config of image %s has the digest %s",
				  digest + strlen(DIGEST_PREFIX), found);
	}
	return config_take(image, text, len, digest, error);
}

static int storage_layer(const struct store *s, struct image *image, struct image_layer *l, const json_t *item,
			 struct image_error *error)
{
	const char *id = document_text(item, "id"), *root = store_of(s, item)->path;
	char path[256];
	struct statx stx;
	int fd, r;

	if (!CHECK(!l->directory && !l->id))
		return -EIO;
	if (!id || !digest_is_hex(id, DIGEST_HEX))
		return image_fail(error, -EBADMSG, "layers.json: \"%s\" is no id", id ? id : "");
	l->tar = document_number(item, "diff-size");
	l->compressed = document_number(item, "compressed-size");
	if (!document_copy(item, "compressed-diff-digest", &l->digest) || !document_copy(item, "id", &l->id) ||
	    !document_copy(item, "created", &l->store_created))
		return image_fail_memory(error);
	fd = os_open_path(root, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return image_fail(error, fd, "%s", strerror(-fd));
	snprintf(path, sizeof(path), "overlay/%s/diff", id);
	r = os_openat(fd, path, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	os_close(fd);
	if (r < 0)
		return model_lacks(image, error, "the directory of layer %s isn't there: %s", id, strerror(-r));
	fd = r;
	r = os_statx(fd, "", &stx);
	os_close(fd);
	if (r == 0 && asprintf(&l->directory, "%s/%s", root, path) < 0) {
		l->directory = NULL;
		return image_fail_memory(error);
	}
	return 0;
}

static const json_t *store_find_layer(const struct store *s, const char *id)
{
	const json_t *found;

	if (s->by_id)
		return id ? json_object_get(s->by_id, id) : NULL;
	found = store_find(s->layers, id);

	if (!CHECK(s->more_layers))
		return NULL;
	return found ? found : store_find(s->more_layers, id);
}

/* Fills the layers of the image, the topmost of which is `id`, going down from parent to parent. */
static int storage_layers(const struct store *s, struct image *image, const char *id, struct image_error *error)
{
	size_t i = image->n_layers;
	int r;

	for (; i > 0 && id; i--) {
		struct image_layer *l = &image->layers[i - 1];
		const json_t *item = store_find_layer(s, id);
		const char *diff_id = document_text(item, "diff-digest");

		if (!item)
			return model_lacks(image, error, "the store has no layer %s", id);
		r = storage_layer(s, image, l, item, error);
		if (r == 0 && diff_id && strcmp(diff_id, l->diff_id) != 0)
			r = model_lacks(image, error, "layer %s has the diff_id %s in the store", id, diff_id);
		if (r < 0)
			return r;
		id = document_text(item, "parent");
	}
	if (i)
		return model_lacks(image, error, "the store has none of the %zu lowest layers", i);
	return id ? model_lacks(image, error, "the store has more layers than the config, from %s on", id) : 0;
}

/* What the manifest knows of the layers. Images that were built here have one too. */
static int storage_manifest(const struct store *s, struct image *image, const json_t *item, struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	struct image_error why;
	struct manifest m = {0};
	char digest[DIGEST_SIZE];
	size_t len;
	int r = store_big_data(s, item, "manifest", &text, &len, &why);

	if (r == 0)
		r = manifest_parse(text, len, &m, &why);
	if (r < 0)
		return model_lacks(image, error, "no manifest: %s", why.text);
	r = digest_of(text, len, digest);
	if (r == 0)
		r = model_set(&image->manifest_digest, digest, error);
	for (size_t i = 0; i < MIN(m.n_layers, image->n_layers) && r == 0; i++) {
		struct image_layer *l = &image->layers[i];

		if (l->digest && strcmp(l->digest, m.layers[i].digest) != 0)
			continue;
		r = model_set(&l->digest, m.layers[i].digest, error);
		l->compressed = l->compressed > 0 ? l->compressed : m.layers[i].size;
		if (r == 0)
			r = model_set(&l->media_type, m.layers[i].media_type, error);
	}
	manifest_finish(&m);
	return r;
}

static int storage_names(const json_t *item, char ***names, size_t *n, struct image_error *error)
{
	const json_t *name;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(item, "names"), i, name)
	{
		if (r == 0 && json_is_string(name))
			r = model_add_text(names, n, json_string_value(name), error);
	}
	return r;
}

static int storage_image(const struct store *s, struct image *image, const json_t *item, struct image_error *error)
{
	const char *id = document_text(item, "id"), *top = document_text(item, "layer");
	char digest[DIGEST_SIZE] = DIGEST_PREFIX;
	int r;

	if (!id || !digest_is_hex(id, DIGEST_HEX))
		return image_fail(error, -EBADMSG, "images.json: \"%s\" is no id", id ? id : "");
	strcat(digest, id);
	r = store_config(s, image, item, digest, error);
	if (r == 0)
		r = storage_layers(s, image, top, error);
	if (r == 0)
		r = storage_manifest(s, image, item, error);
	return r < 0 ? r : storage_names(item, &image->names, &image->n_names, error);
}

static int storage_container(const struct store *s, struct image *image, const json_t *item, struct image_error *error)
{
	const json_t *layer = store_find_layer(s, document_text(item, "layer"));
	struct image_layer *l;
	int r;

	if (!layer)
		return image_fail(error, -ENOENT, "the layer of the container isn't there");
	r = model_add_layer(image, &l, error);
	if (r < 0)
		return r;
	l->writable = true;
	if (!CHECK(!image->container && !l->diff_id))
		return -EIO;
	if (!document_copy(item, "id", &image->container) || !document_copy(item, "created", &image->container_created))
		return image_fail_memory(error);
	r = storage_layer(s, image, l, layer, error);
	return r < 0 ? r : storage_names(item, &image->container_names, &image->n_container_names, error);
}

/* The layers below a container's own, as far as the store has them: `id` is the topmost. */
static int storage_layers_alone(const struct store *s, struct image *image, const char *id, struct image_error *error)
{
	const json_t *items[IMAGE_LAYERS_MAX];
	size_t n = 0;
	int r = 0;

	for (; id && n < IMAGE_LAYERS_MAX - 1; n++) {
		items[n] = store_find_layer(s, id);
		if (!items[n])
			break;
		id = document_text(items[n], "parent");
	}
	if (id)
		r = model_lacks(image, error, "the store has no layer %s", id);
	for (size_t i = n; i-- > 0 && r == 0;) {
		const char *diff_id = document_text(items[i], "diff-digest");
		struct image_history *h;
		struct image_layer *l;

		r = model_add_layer(image, &l, error);
		if (r == 0)
			r = storage_layer(s, image, l, items[i], error);
		/* The chain is one from the lowest layer on. */
		if (r == 0 && digest_is_valid(diff_id) && (i == n - 1 || image->layers[image->n_layers - 2].chain_id))
			r = model_chain(image, diff_id, error);
		if (r == 0)
			r = model_add_history(image, &h, error);
		if (r == 0)
			h->layer = (int)image->n_layers - 1;
	}
	return r;
}

/* A container that was made without an image, or whose image was removed. */
static int storage_no_image(const struct store *s, struct image *image, const json_t *container,
			    struct image_error *error)
{
	const char *id = document_text(container, "image");
	int r = id ? model_lacks(image, error, "the image of the container isn't there: %s", id)
		   : model_lacks(image, error, "the container was made without an image");

	(void)CHECK(!image->id && !image->n_layers);
	return r < 0 ? r
		     : storage_layers_alone(
			       s, image,
			       document_text(store_find_layer(s, document_text(container, "layer")), "parent"), error);
}

/* `item` is NULL for a container without its image, `container` for an image. */
static int storage_fill(const struct store *s, struct image *image, const json_t *item, const json_t *container,
			struct image_error *error)
{
	int r;

	(void)CHECK(item || container);
	r = item ? storage_image(s, image, item, error) : storage_no_image(s, image, container, error);
	return r < 0 || !container ? r : storage_container(s, image, container, error);
}

int containers_storage_open(enum image_source source, const char *path, const char *name, struct image **ret,
			    struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	_cleanup_(store_finish) struct store s = {.n = 0};
	const json_t *item, *container;
	int r = model_new(source, storage_spec_dir(path), &image, error);

	if (!CHECK(source == IMAGE_CONTAINERS_STORAGE))
		return -EIO;
	if (r == 0)
		r = store_start(&s, path, image, error);
	if (r == 0)
		r = model_set(&image->options, s.options, error);
	if (r == 0)
		r = store_pick(&s, name, &item, &container, error);
	if (r == 0)
		r = storage_fill(&s, image, item, container, error);
	if (r == 0)
		*ret = TAKE_PTR(image);
	return r;
}

/* --- sharing ------------------------------------------------------------------------------------------------------ */

struct storage_sharing {
	const struct image *image;
	json_t *parents; /* by id of a layer; the text is the list's */
	json_t *own;	 /* by id of a layer of the image: its number */
	json_t *named;	 /* by id of a layer: an image with a name has it */
	unsigned *counts;
};

static void sharing_finish(struct storage_sharing *s)
{
	json_decref(s->parents);
	json_decref(s->own);
	json_decref(s->named);
}

static bool storage_index(struct storage_sharing *s, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *id = document_text(item, "id"), *parent = document_text(item, "parent");

		if (id && json_object_set_new(s->parents, id, json_string(parent ? parent : "")) < 0)
			return false;
	}
	return true;
}

/* From the topmost layer down to the first one that is the image's own. All below that are too. */
static void storage_count(struct storage_sharing *s, const char *top)
{
	const json_t *own = NULL;

	for (size_t hops = json_object_size(s->parents) + 1; hops && top && *top && !own; hops--) {
		own = json_object_get(s->own, top);
		top = json_string_value(json_object_get(s->parents, top));
	}
	for (json_int_t i = own ? json_integer_value(own) : -1; i >= 0; i--)
		s->counts[i]++;
}

static bool storage_is_named(const json_t *item)
{
	return json_array_size(json_object_get(item, "names")) > 0;
}

/* Notes the layers of all images with a name. */
static bool storage_note_named(struct storage_sharing *s, const json_t *images)
{
	const json_t *item;
	size_t i;

	json_array_foreach(images, i, item)
	{
		const char *at = storage_is_named(item) ? document_text(item, "layer") : NULL;

		for (; at && *at && !json_object_get(s->named, at);
		     at = json_string_value(json_object_get(s->parents, at)))
			if (json_object_set_new(s->named, at, json_true()) < 0)
				return false;
	}
	return true;
}

/* An image between the steps of a build: it has no name, and an image with a name is made of it. */
static bool storage_is_between(const struct storage_sharing *s, const json_t *item)
{
	const char *top = document_text(item, "layer");

	return !storage_is_named(item) && top && json_object_get(s->named, top);
}

static void storage_count_images(struct storage_sharing *s, const json_t *list)
{
	const char *own = s->image->container ? "" : s->image->id + strlen(DIGEST_PREFIX);
	const json_t *item;
	size_t i;

	(void)CHECK(json_is_array(list));
	json_array_foreach(list, i, item)
	{
		const char *id = document_text(item, "id");

		if (id && strcmp(id, own) != 0 && !storage_is_between(s, item))
			storage_count(s, document_text(item, "layer"));
	}
}

static void storage_count_containers(struct storage_sharing *s, const json_t *list)
{
	const char *own = s->image->container ? s->image->container : "";
	const json_t *item;
	size_t i;

	(void)CHECK(json_is_array(list));
	json_array_foreach(list, i, item)
	{
		const char *id = document_text(item, "id");

		if (id && strcmp(id, own) != 0)
			storage_count(s, document_text(item, "layer"));
	}
}

static int storage_indices(struct storage_sharing *s, const struct store *store)
{
	s->parents = json_object();
	s->own = json_object();
	s->named = json_object();
	if (!s->parents || !s->own || !s->named)
		return -ENOMEM;
	for (size_t i = 0; s->image && i < s->image->n_layers; i++)
		if (s->image->layers[i].id &&
		    json_object_set_new(s->own, s->image->layers[i].id, json_integer((json_int_t)i)) < 0)
			return -ENOMEM;
	return storage_index(s, store->layers) && storage_index(s, store->more_layers) &&
			       storage_note_named(s, store->images)
		       ? 0
		       : -ENOMEM;
}

int containers_storage_shared(const struct image *image, unsigned *counts, struct image_error *error)
{
	_cleanup_(store_finish) struct store store = {.n = 0};
	_cleanup_(sharing_finish) struct storage_sharing s = {.image = image, .counts = counts};
	_cleanup_free_ char *spec = NULL;
	int r = asprintf(&spec, "%s%s%s%s", image->options ? "[" : "", image->options ? image->options : "",
			 image->options ? "]" : "", image->path);

	if (r < 0) {
		spec = NULL;
		return image_fail_memory(error);
	}
	r = store_start(&store, spec, NULL, error);
	if (r < 0)
		return r;
	r = storage_indices(&s, &store);
	if (r == 0) {
		storage_count_images(&s, store.images);
		storage_count_containers(&s, store.containers);
		storage_count_containers(&s, store.more_containers);
	}
	return r < 0 ? image_fail_memory(error) : 0;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

/* What is listed comes from here. */
struct storage_listed {
	const struct store *store;
	const json_t *item;
	bool is_container;
};

static int storage_open_listed(const struct image_listed *listed, struct image **ret, struct image_error *error)
{
	const struct storage_listed *from = listed->from;
	const json_t *container = from->is_container ? from->item : NULL, *item = from->item;
	_cleanup_(image_cleanup) struct image *image = NULL;
	int r = model_new(IMAGE_CONTAINERS_STORAGE, from->store->all[0].path, &image, error);

	if (r == 0)
		r = model_set(&image->options, from->store->options, error);
	(void)CHECK(from->store->by_id);
	if (container)
		item = document_text(container, "image")
			       ? store_find(from->store->images, document_text(container, "image"))
			       : NULL;
	if (r == 0)
		r = storage_fill(from->store, image, item, container, error);
	if (r == 0)
		*ret = TAKE_PTR(image);
	return r;
}

/* With `sharing` NULL the list is one of containers. */
static int storage_each(const struct store *store, const json_t *list, const struct storage_sharing *sharing,
			image_each each, void *arg)
{
	bool containers = !sharing;
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *id = document_text(item, "id"), *image = document_text(item, containers ? "image" : "id");
		char digest[DIGEST_SIZE] = DIGEST_PREFIX;
		struct image_listed listed = {
			.id = containers ? document_text(item, "image") : id,
			.name = json_string_value(json_array_get(json_object_get(item, "names"), 0)),
			.container = containers ? id : NULL,
			.created = document_text(item, "created"),
			.between = sharing && storage_is_between(sharing, item),
			.open = storage_open_listed};
		struct storage_listed from = {.store = store, .item = item, .is_container = containers};
		int r = 0;

		if (image && digest_is_hex(image, DIGEST_HEX)) {
			strcat(digest, image);
			listed.id = digest;
		}
		listed.from = &from;
		if (id)
			r = each(arg, &listed);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The first of an id counts, as for store_find(). */
static bool storage_by_id(struct store *s)
{
	const json_t *lists[] = {s->layers, s->more_layers};

	(void)CHECK(!s->by_id);
	s->by_id = json_object();
	for (size_t k = 0; s->by_id && k < ARRAY_SIZE(lists); k++) {
		json_t *item;
		size_t i;

		json_array_foreach(lists[k], i, item)
		{
			const char *id = document_text(item, "id");

			if (id && !json_object_get(s->by_id, id) && json_object_set(s->by_id, id, item) < 0)
				return false;
		}
	}
	return s->by_id;
}

int containers_storage_list(enum image_source source, const char *path, image_each each, void *arg,
			    struct image_error *error)
{
	_cleanup_(store_finish) struct store s = {.n = 0};
	_cleanup_(sharing_finish) struct storage_sharing sharing = {.image = NULL};
	int r = store_start(&s, path, NULL, error);

	if (r == 0 && (storage_indices(&sharing, &s) < 0 || !storage_by_id(&s)))
		r = image_fail_memory(error);
	if (r == 0)
		r = storage_each(&s, s.images, &sharing, each, arg);
	if (r == 0)
		r = storage_each(&s, s.containers, NULL, each, arg);
	return r ? r : storage_each(&s, s.more_containers, NULL, each, arg);
}
