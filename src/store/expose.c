// SPDX-License-Identifier: Apache-2.0
/*
 * The store as containers/storage reads it (its images.go, layers.go and drivers/overlay/overlay.go). The documents
 * layers.json and images.json are replaced as a whole, when all that they name is there.
 */
#include "store/expose.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/error.h"
#include "internal.h"

#define LINK_LEN 26 /* of the short names of layers */
#define NOTE "plyctl"
#define NOTE_TEXT "Made by plyctl expose, and changed by it alone.\n"

struct exposing {
	struct store *s;
	const char *root; /* the real path of the store */
	const char *path; /* of the directory */
	int fd;		  /* of the directory */
	void (*passed)(void *arg, const char *name, const char *cause);
	void *arg;
	struct store_exposed *ret;
	struct image_error *error;
	json_t *images, *layers; /* the documents */
	json_t *known;		 /* names of `overlay` and of the directory itself that are wanted */
	char *text;		 /* of store_exposed_set(); owned */
};

/* --- files -------------------------------------------------------------------------------------------------------- */

static int expose_dir(int dirfd, const char *name)
{
	int r = os_mkdirat(dirfd, name, 0755);

	(void)CHECK(*name);
	if (r < 0 && r != -EEXIST)
		return r;
	return os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
}

/* A file that is replaced as a whole. What is in it may change, so it isn't synced one by one. */
static int expose_file(int dirfd, const char *name, const void *data, size_t len)
{
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int r = os_unlinkat(dirfd, ".new", 0);

	if (r < 0 && r != -ENOENT)
		return r;
	fd = os_openat(dirfd, ".new", O_WRONLY | O_CREAT | O_EXCL, 0644, OS_NO_XDEV);
	n = fd < 0 ? fd : os_pwrite_all(fd, data, len, 0);
	if (n >= 0 && (size_t)n < len)
		n = -ENOSPC;
	return n < 0 ? (int)n : os_renameat2(dirfd, ".new", dirfd, name, 0);
}

static int expose_json(int dirfd, const char *name, const json_t *document)
{
	_cleanup_free_ char *text = json_dumps(document, JSON_COMPACT);

	return text ? expose_file(dirfd, name, text, strlen(text)) : -ENOMEM;
}

/* One that leads elsewhere, to where the store was, is replaced. */
static int expose_link(int dirfd, const char *target, const char *name)
{
	int r = os_symlinkat(target, dirfd, name);
	char is[PATH_MAX];
	ssize_t n;

	(void)CHECK(*target);
	if (r != -EEXIST)
		return r;
	n = os_readlinkat(dirfd, name, is, sizeof(is));
	if (n < 0)
		return (int)n;
	if ((size_t)n == strlen(target) && !memcmp(is, target, (size_t)n))
		return 0;
	r = os_unlinkat(dirfd, ".new", 0);
	if (r == 0 || r == -ENOENT)
		r = os_symlinkat(target, dirfd, ".new");
	return r < 0 ? r : os_renameat2(dirfd, ".new", dirfd, name, 0);
}

/* Base64 in the common alphabet. */
static char *base64(const char *text)
{
	size_t len = strlen(text);
	char *out = malloc(4 * (len / 3 + 1) + 1);

	if (out)
		EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
	return out;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* The id that the engines give a layer over `parent`. */
static int layer_id(const char *parent, const char *diff_id, char ret[static DIGEST_HEX + 1])
{
	char text[2 * DIGEST_HEX + 2], digest[DIGEST_SIZE];
	int r = 0;

	(void)CHECK(digest_is_valid(diff_id));
	if (*parent) {
		snprintf(text, sizeof(text), "%s+%s", parent, digest_digits(diff_id));
		r = digest_of(text, strlen(text), digest);
	} else {
		strcpy(digest, diff_id);
	}
	strcpy(ret, r < 0 ? "" : digest_digits(digest));
	return r;
}

/* overlay/ID: the layer's directory, its short name, and the short names of the layers below. */
static int layer_directory(struct exposing *e, const char *id, const struct image_layer *l, const char *digest,
			   const char *lower)
{
	_cleanup_close_ int all = expose_dir(e->fd, "overlay"), links = -1, dir = -1;
	_cleanup_free_ char *target = NULL, *back = NULL, *alone = NULL;
	char link[LINK_LEN + 1];
	int r;

	snprintf(link, sizeof(link), "%.*s", LINK_LEN, id);
	dir = all < 0 ? all : expose_dir(all, id);
	links = dir < 0 ? dir : expose_dir(all, "l");
	if (links < 0)
		return links;
	if (asprintf(&target, "%s/layers/%s/diff", e->root, digest_digits(l->diff_id)) < 0 ||
	    asprintf(&back, "../%s/diff", id) < 0 || asprintf(&alone, "%s/%s", e->path, digest) < 0)
		return -ENOMEM;
	r = expose_link(dir, target, "diff");
	if (r == 0)
		r = expose_link(links, back, link);
	if (r == 0)
		r = expose_file(dir, "link", link, strlen(link));
	if (r == 0 && *lower)
		r = expose_file(dir, "lower", lower, strlen(lower));
	/* Whose blob is the layer's tar, for an engine that saves the image. */
	if (r == 0 && *digest)
		r = expose_file(dir, "additionallayer", alone, strlen(alone));
	return r;
}

static json_t *layer_facts(const struct image_layer *l)
{
	json_t *facts = json_pack("{s:s, s:I}", "diff-digest", l->diff_id, "diff-size", (json_int_t)l->tar);

	if (facts && l->digest && l->compressed >= 0) {
		json_object_set_new(facts, "compressed-diff-digest", json_string(l->digest));
		json_object_set_new(facts, "compressed-size", json_integer(l->compressed));
	}
	return facts;
}

/* As pkg/archive/archive.go counts them. */
enum { COMPRESSION_NONE, COMPRESSION_BZIP2, COMPRESSION_GZIP, COMPRESSION_XZ, COMPRESSION_ZSTD };

/* By the first bytes: kept blobs are compressed in one of two ways. */
static int compression_of(int fd)
{
	unsigned char head[2] = "";

	return os_pread_all(fd, head, sizeof(head), 0) < 0 ? COMPRESSION_NONE
	       : head[0] == 0x1f && head[1] == 0x8b	   ? COMPRESSION_GZIP
							   : COMPRESSION_ZSTD;
}

/* The digest of a blob of the layer that is kept: that of the image, or any. *ret is "" if there is none. */
static int kept_blob(const struct exposing *e, const struct image_layer *l, char ret[static DIGEST_SIZE])
{
	_cleanup_close_ int fd = l->digest ? store_open_blob(e->s, l->diff_id, l->digest) : -ENOENT;

	strcpy(ret, fd >= 0 ? l->digest : "");
	if (fd == -ENOENT)
		fd = store_find_blob(e->s, l->diff_id, ret);
	return fd == -ENOENT ? 0 : MIN(fd, 0);
}

/* DIGEST/{diff,info,blob}, if the blob is kept. `use` leads nowhere, which tells an engine that nobody counts users. */
static int layer_alone(struct exposing *e, const struct image_layer *l, const char *digest)
{
	_cleanup_close_ int kept = store_open_blob(e->s, l->diff_id, digest), dir = -1;
	_cleanup_free_ char *diff = NULL, *blob = NULL;
	json_auto_t *facts = NULL;
	struct statx stx;
	int r = kept < 0 ? kept : os_statx(kept, "", &stx);

	if (r < 0)
		return r;
	dir = expose_dir(e->fd, digest);
	if (dir < 0)
		return dir;
	if (asprintf(&diff, "%s/layers/%s/diff", e->root, digest_digits(l->diff_id)) < 0 ||
	    asprintf(&blob, "%s/layers/%s/blobs/%s", e->root, digest_digits(l->diff_id), digest_digits(digest)) < 0)
		return -ENOMEM;
	facts = json_pack("{s:s, s:I, s:s, s:I, s:i}", "diff-digest", l->diff_id, "diff-size", (json_int_t)l->tar,
			  "compressed-diff-digest", digest, "compressed-size", (json_int_t)stx.stx_size, "compression",
			  compression_of(kept));
	r = facts ? expose_link(dir, diff, "diff") : -ENOMEM;
	if (r == 0)
		r = expose_link(dir, blob, "blob");
	if (r == 0)
		r = expose_link(dir, "nowhere/use", "use");
	if (r == 0)
		r = expose_json(dir, "info", facts);
	json_object_set_new(e->known, digest, json_true());
	return r;
}

static int add_text(struct exposing *e, const char *diff_id)
{
	_cleanup_free_ char *old = e->text;

	e->text = NULL;
	return asprintf(&e->text, "%s/layers/%s\n", old, digest_digits(diff_id)) < 0 ? -ENOMEM : 0;
}

/* *lower gets the short name of the layer before those that are there. */
static int lower_add(char **lower, const char *id)
{
	_cleanup_free_ char *old = *lower;

	*lower = NULL;
	return asprintf(lower, "l/%.*s%s%s", LINK_LEN, id, *old ? ":" : "", old) < 0 ? -ENOMEM : 0;
}

static int add_layer(struct exposing *e, const struct image_layer *l, const char *parent, const char *id,
		     const char *lower)
{
	char link[LINK_LEN + 1], digest[DIGEST_SIZE];
	json_t *item;
	int r = add_text(e, l->diff_id);

	if (r == 0)
		r = kept_blob(e, l, digest);
	if (r == 0 && *digest)
		r = layer_alone(e, l, digest);
	if (r < 0 || json_object_get(e->known, id))
		return r;
	item = layer_facts(l);
	if (!item)
		return -ENOMEM;
	json_object_set_new(item, "id", json_string(id));
	if (*parent)
		json_object_set_new(item, "parent", json_string(parent));
	json_object_set_new(item, "created", json_string(l->created ? l->created : "1970-01-01T00:00:00Z"));
	json_array_append_new(e->layers, item);
	json_object_set_new(e->known, id, json_true());
	snprintf(link, sizeof(link), "%.*s", LINK_LEN, id);
	json_object_set_new(e->known, link, json_true());
	e->ret->layers++;
	return layer_directory(e, id, l, digest, lower);
}

static int add_layers(struct exposing *e, const struct image *image, char ret_top[static DIGEST_HEX + 1])
{
	_cleanup_free_ char *lower = strdup("");
	char parent[DIGEST_HEX + 1] = "";
	int r = lower ? 0 : -ENOMEM;

	*ret_top = '\0';
	for (size_t i = 0; i < image->n_layers && r == 0; i++) {
		r = layer_id(parent, image->layers[i].diff_id, ret_top);
		if (r == 0)
			r = add_layer(e, &image->layers[i], parent, ret_top, lower);
		if (r == 0)
			r = lower_add(&lower, ret_top);
		strcpy(parent, ret_top);
	}
	return r;
}

/* --- images ------------------------------------------------------------------------------------------------------- */

/* An image that has come without a manifest: its layers as plain tars. */
static char *make_manifest(const struct image *image)
{
	json_auto_t *manifest = NULL, *layers = json_array();

	for (size_t i = 0; i < image->n_layers; i++)
		json_array_append_new(layers,
				      json_pack("{s:s, s:s, s:I}", "mediaType",
						"application/vnd.oci.image.layer.v1.tar", "digest",
						image->layers[i].diff_id, "size", (json_int_t)image->layers[i].tar));
	manifest = json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:O}", "schemaVersion", 2, "mediaType",
			     "application/vnd.oci.image.manifest.v1+json", "config", "mediaType",
			     "application/vnd.oci.image.config.v1+json", "digest", image->id, "size",
			     (json_int_t)image->config_len, "layers", layers);
	return manifest ? json_dumps(manifest, JSON_COMPACT) : NULL;
}

/* A document of an image, in a file that is named by its key, and what images.json says of it. */
static int add_big_data(int dir, json_t *item, const char *key, const char *data, size_t len)
{
	_cleanup_free_ char *code = base64(key), *name = NULL;
	char digest[DIGEST_SIZE];
	int r = digest_of(data, len, digest);

	if (!code || asprintf(&name, "=%s", code) < 0)
		return -ENOMEM;
	if (r == 0)
		r = expose_file(dir, strchr(key, ':') ? name : key, data, len);
	json_array_append_new(json_object_get(item, "big-data-names"), json_string(key));
	json_object_set_new(json_object_get(item, "big-data-sizes"), key, json_integer((json_int_t)len));
	json_object_set_new(json_object_get(item, "big-data-digests"), key, json_string(digest));
	return r;
}

/* As the engines have names: with a host, and with a tag. */
static char *reference_of(const char *name)
{
	const char *slash = strchr(name, '/'), *last = strrchr(name, '/');
	size_t host = slash ? (size_t)(slash - name) : 0;
	bool has_host = host && (strcspn(name, ".:") < host || (host == 9 && !strncmp(name, "localhost", 9)));
	char *full = NULL;

	if (asprintf(&full, "%s%s%s", has_host ? "" : "localhost/", name,
		     strpbrk(last ? last : name, ":@") ? "" : ":latest") < 0)
		return NULL;
	return full;
}

static bool is_reference(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:");

	return *name && !name[n];
}

/* The names, and the directories of the layer store that an engine finds by them. */
static int add_names(struct exposing *e, const struct image *image, json_t *item)
{
	json_t *names = json_object_get(item, "names");
	int r = 0;

	for (size_t i = 0; i < image->n_names && r == 0; i++) {
		_cleanup_free_ char *full = reference_of(image->names[i]), *code = full ? base64(full) : NULL;

		if (!code)
			return -ENOMEM;
		if (!is_reference(full)) {
			e->passed(e->arg, image->names[i], "it is no name for an engine");
			continue;
		}
		json_array_append_new(names, json_string(full));
		json_object_set_new(e->known, code, json_true());
		r = expose_link(e->fd, ".", code);
	}
	return r;
}

static int add_documents(struct exposing *e, const struct image *image, json_t *item)
{
	_cleanup_close_ int all = expose_dir(e->fd, "overlay-images"), dir = -1;
	_cleanup_free_ char *made = image->manifest ? NULL : make_manifest(image);
	const char *manifest = image->manifest ? image->manifest : made;
	size_t len = image->manifest ? image->manifest_len : made ? strlen(made) : 0;
	char digest[DIGEST_SIZE], key[DIGEST_SIZE + 16];
	int r = manifest ? digest_of(manifest, len, digest) : -ENOMEM;

	dir = all < 0 ? all : expose_dir(all, digest_digits(image->id));
	if (r < 0 || dir < 0)
		return r < 0 ? r : dir;
	snprintf(key, sizeof(key), "manifest-%s", digest);
	json_object_set_new(item, "digest", json_string(digest));
	r = add_big_data(dir, item, "manifest", manifest, len);
	if (r == 0)
		r = add_big_data(dir, item, key, manifest, len);
	return r < 0 ? r : add_big_data(dir, item, image->id, image->config, image->config_len);
}

/* Why it can't be shown, or NULL. */
static const char *what_hinders(const struct image *image)
{
	for (size_t i = 0; i < image->n_layers; i++) {
		if (!image->layers[i].directory)
			return "a layer isn't in the store";
		for (size_t j = 0; j < i; j++)
			if (!strcmp(image->layers[i].diff_id, image->layers[j].diff_id))
				return "it has a layer twice, which the kernel can't mount";
	}
	return NULL;
}

static int add_image(struct exposing *e, const struct image *image)
{
	const char *cause = what_hinders(image);
	char top[DIGEST_HEX + 1];
	json_auto_t *item = NULL;
	int r;

	if (cause) {
		e->passed(e->arg, image->names[0], cause);
		return 0;
	}
	item = json_pack("{s:s, s:[], s:[], s:{}, s:{}, s:s, s:s}", "id", digest_digits(image->id), "names",
			 "big-data-names", "big-data-sizes", "big-data-digests", "metadata", "{}", "created",
			 image->created ? image->created : "1970-01-01T00:00:00Z");
	if (!item)
		return -ENOMEM;
	r = add_layers(e, image, top);
	if (r == 0 && *top)
		json_object_set_new(item, "layer", json_string(top));
	if (r == 0)
		r = add_names(e, image, item);
	if (r == 0)
		r = add_documents(e, image, item);
	json_array_append(e->images, item);
	json_object_set_new(e->known, digest_digits(image->id), json_true());
	e->ret->images++;
	return r;
}

static int expose_image(void *arg, const struct os_dirent *d)
{
	struct exposing *e = arg;
	_cleanup_(image_cleanup) struct image *image = NULL;
	int r;

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX))
		return 0;
	r = image_open_in(IMAGE_STORE, e->s->path, d->name, &image, e->error);
	return r < 0 || !image->n_names ? r : add_image(e, image);
}

/* --- what isn't wanted any more ----------------------------------------------------------------------------------- */

struct sweeping {
	const struct exposing *e;
	int fd;
	bool at_top; /* links and digests alone */
};

/* A directory of files, links and one empty directory at the most. */
static int sweep_file(void *arg, const struct os_dirent *d)
{
	const int *fd = arg;
	int r = os_unlinkat(*fd, d->name, 0);

	return r == -EISDIR ? os_unlinkat(*fd, d->name, AT_REMOVEDIR) : r;
}

static int sweep_entry(void *arg, const struct os_dirent *d)
{
	const struct sweeping *s = arg;
	bool is_digest = digest_is_valid(d->name);
	struct statx stx;
	int r = os_statx(s->fd, d->name, &stx);

	if (r < 0 || json_object_get(s->e->known, d->name))
		return r;
	if (S_ISLNK(stx.stx_mode))
		return os_unlinkat(s->fd, d->name, 0);
	if (!S_ISDIR(stx.stx_mode) || (s->at_top ? !is_digest : !digest_is_hex(d->name, DIGEST_HEX)))
		return 0;
	_cleanup_close_ int dir = os_openat(s->fd, d->name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);

	r = dir < 0 ? dir : os_read_dir(dir, sweep_file, &dir);
	return r < 0 ? r : os_unlinkat(s->fd, d->name, AT_REMOVEDIR);
}

static int sweep_in(const struct exposing *e, const char *name)
{
	_cleanup_close_ int dir = os_openat(e->fd, *name ? name : ".", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct sweeping s = {.e = e, .fd = dir, .at_top = !*name};

	(void)CHECK(e->known);
	if (dir == -ENOENT)
		return 0;
	return dir < 0 ? dir : os_read_dir(dir, sweep_entry, &s);
}

static int sweep(const struct exposing *e)
{
	static const char *const names[] = {"", "overlay", "overlay/l", "overlay-images"};
	int r = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && r == 0; i++)
		r = sweep_in(e, names[i]);
	return r;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int note_name(void *arg, const struct os_dirent *d)
{
	return strcmp(d->name, "lost+found") ? 1 : 0;
}

/* A directory that plyctl has made, or an empty one. */
static int open_exposed(const char *path, int *ret_fd, struct image_error *error)
{
	_cleanup_close_ int fd = os_open_path(path, O_RDONLY | O_DIRECTORY, 0);
	struct statx stx;
	int r = fd < 0 ? fd : os_statx(fd, NOTE, &stx);

	(void)CHECK(*path == '/');
	if (r == -ENOENT && fd >= 0) {
		r = os_read_dir(fd, note_name, NULL);
		if (r == 1)
			return image_fail(error, -EEXIST, "it isn't empty, and plyctl has not made it");
		if (r == 0)
			r = expose_file(fd, NOTE, NOTE_TEXT, strlen(NOTE_TEXT));
	}
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r < 0 ? image_fail(error, r, "%s", strerror(-r)) : 0;
}

/* Engines lock these files to read, and can't make them. */
static int write_documents(struct exposing *e)
{
	_cleanup_close_ int images = expose_dir(e->fd, "overlay-images"), layers = expose_dir(e->fd, "overlay-layers");
	int r = images < 0 ? images : layers;

	if (r >= 0)
		r = os_syncfs(e->fd);
	if (r == 0)
		r = expose_json(layers, "layers.json", e->layers);
	if (r == 0)
		r = expose_file(layers, "layers.lock", "", 0);
	if (r == 0)
		r = expose_json(images, "images.json", e->images);
	if (r == 0)
		r = expose_file(images, "images.lock", "", 0);
	return r < 0 ? r : sweep(e);
}

int store_expose(struct store *s, const char *path, void (*passed)(void *arg, const char *name, const char *cause),
		 void *arg, struct store_exposed *ret, struct image_error *error)
{
	json_auto_t *images = json_array(), *layers = json_array(), *known = json_object();
	char root[PATH_MAX] = "";
	ssize_t n = os_fd_target(s->fd, root, sizeof(root) - 1);
	_cleanup_close_ int fd = -1;
	struct image_error why = {.text = ""};
	struct exposing e = {.s = s,
			     .root = root,
			     .path = path,
			     .passed = passed,
			     .arg = arg,
			     .ret = ret,
			     .error = &why,
			     .images = images,
			     .layers = layers,
			     .known = known};
	int r;

	*ret = (struct store_exposed){.images = 0};
	if (!CHECK(s->locked))
		return -EIO;
	if (n < 0)
		return image_fail(error, (int)n, "%s: %s", s->path, strerror((int)-n));
	if (!images || !layers || !known || asprintf(&e.text, "%s\n", path) < 0)
		return image_fail_memory(error);
	r = open_exposed(path, &fd, error);
	e.fd = fd;
	if (r < 0) {
		free(e.text);
		return r;
	}
	r = os_read_dir(s->images_fd, expose_image, &e);
	/* Layers are kept before anybody is told of them. */
	if (r == 0)
		r = store_exposed_set(s, path, e.text, &why);
	if (r == 0)
		r = write_documents(&e);
	free(e.text);
	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : 0;
}
