// SPDX-License-Identifier: Apache-2.0
#include "store/export.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/check.h"
#include "base/macros.h"
#include "export_internal.h"
#include "image/error.h"
#include "manifest.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define REF_NAME "org.opencontainers.image.ref.name"
#define INDEX_MAX (4 << 20)

struct document {
	char *text; /* owned */
	size_t len;
	char digest[DIGEST_SIZE];
};

static void document_finish(struct document *d)
{
	free(d->text);
}
#define _cleanup_document_ _cleanup_(document_finish)

static int document_of(json_t *json, size_t flags, struct document *ret)
{
	ret->text = json ? json_dumps(json, flags) : NULL;
	if (!ret->text)
		return -ENOMEM;
	ret->len = strlen(ret->text);
	return digest_of(ret->text, ret->len, ret->digest);
}

/* --- config and manifest ------------------------------------------------------------------------------------------ */

static int export_config(const struct store_export *e, const struct export_blob *blobs, struct document *ret)
{
	_cleanup_free_ const char **diff_ids = calloc(e->n_layers + 1, sizeof(*diff_ids));

	if (!diff_ids)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_layers; i++) {
		(void)CHECK(digest_is_valid(blobs[i].diff_id));
		diff_ids[i] = blobs[i].diff_id;
	}
	if (e->image) {
		ret->text = malloc(e->image->config_len + 1);
		if (ret->text)
			memcpy(ret->text, e->image->config, e->image->config_len + 1);
		ret->len = e->image->config_len;
	} else {
		ret->text = e->config(e->arg, diff_ids, e->n_layers);
		ret->len = ret->text ? strlen(ret->text) : 0;
	}
	return ret->text ? digest_of(ret->text, ret->len, ret->digest) : -ENOMEM;
}

static bool all_kept(const struct store_export *e, const struct export_blob *blobs)
{
	if (!e->image || !e->image->manifest)
		return false;
	for (size_t i = 0; i < e->n_layers; i++)
		if (!e->image->layers[i].digest || strcmp(blobs[i].digest, e->image->layers[i].digest) != 0)
			return false;
	return true;
}

/* Annotations of a layer are those of its blob, so they stay with one that is kept. */
static json_t *made_manifest(const struct store_export *e, const struct export_blob *blobs,
			     const struct document *config)
{
	json_auto_t *old = e->image && e->image->manifest ? json_loads(e->image->manifest, 0, NULL) : NULL;
	_cleanup_free_ struct manifest_blob *list = calloc(e->n_layers + 1, sizeof(*list));
	const json_t *layers = json_object_get(old, "layers");

	for (size_t i = 0; list && i < e->n_layers; i++)
		list[i] = (struct manifest_blob){
			.media_type = blobs[i].media_type,
			.digest = blobs[i].digest,
			.size = blobs[i].size,
			.notes = blobs[i].kept ? json_object_get(json_array_get(layers, i), "annotations") : NULL};
	return list ? manifest_new(old, config->digest, config->len, list, e->n_layers) : NULL;
}

static int export_manifest(const struct store_export *e, const struct export_blob *blobs, const struct document *config,
			   struct document *ret, char **ret_type)
{
	json_auto_t *manifest = NULL;
	const char *type;
	int r;

	if (all_kept(e, blobs)) {
		ret->len = e->image->manifest_len;
		ret->text = malloc(ret->len + 1);
		if (!ret->text)
			return -ENOMEM;
		memcpy(ret->text, e->image->manifest, ret->len + 1);
		r = digest_of(ret->text, ret->len, ret->digest);
		manifest = json_loadb(ret->text, ret->len, 0, NULL);
	} else {
		manifest = made_manifest(e, blobs, config);
		r = document_of(manifest, JSON_COMPACT, ret);
	}
	type = json_string_value(json_object_get(manifest, "mediaType"));
	*ret_type = strdup(type ? type : OCI_MANIFEST);
	return r < 0 ? r : *ret_type ? 0 : -ENOMEM;
}

/* --- index -------------------------------------------------------------------------------------------------------- */

/* The index that a layout has already; an empty one if there is none. One that can't be understood may have other
 * images, so it isn't replaced. */
static int present_index(const struct export_dest *p, json_t **ret)
{
	_cleanup_close_ int fd = os_openat(p->dir_fd, "index.json", O_RDONLY | O_NONBLOCK, 0, OS_CROSS_MOUNTS);
	_cleanup_free_ char *text = malloc(INDEX_MAX);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	if (fd == -ENOENT) {
		*ret = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", OCI_INDEX, "manifests");
		return *ret ? 0 : -ENOMEM;
	}
	n = fd < 0 ? fd : os_pread_all(fd, text, INDEX_MAX, 0);
	if (n < 0)
		return (int)n;
	*ret = n < INDEX_MAX ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	if (json_is_array(json_object_get(*ret, "manifests")))
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return n < INDEX_MAX ? -EBADMSG : -EFBIG;
}

/* An entry of the same name is replaced; without a name, that of the same manifest. */
static void index_remove(json_t *list, const char *name, const char *digest)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *item = json_array_get(list, i);
		const char *tag = json_string_value(json_object_get(json_object_get(item, "annotations"), REF_NAME));
		const char *has = json_string_value(json_object_get(item, "digest"));

		if (name ? tag && !strcmp(tag, name) : !tag && has && !strcmp(has, digest))
			json_array_remove(list, i);
	}
}

static int export_index(struct export_dest *p, const struct document *manifest, const char *type,
			struct image_error *error)
{
	(void)CHECK(p->e->kind != EXPORT_DOCKER_ARCHIVE);
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	json_auto_t *index = NULL;
	json_t *list;
	_cleanup_document_ struct document text = {0};
	json_t *item = json_pack("{s:s, s:s, s:I}", "mediaType", type, "digest", manifest->digest, "size",
				 (json_int_t)manifest->len);
	/* Until the directory is closed: two exports would lose each other's entry. */
	int r = p->e->kind == EXPORT_OCI ? os_flock(p->dir_fd, LOCK_EX) : 0;

	if (r == 0)
		r = present_index(p, &index);
	if (r < 0 || !item) {
		json_decref(item);
		return !item ? -ENOMEM
			     : image_fail(error, r, "%s: index.json: %s", p->e->path,
					  r == -EBADMSG ? "it is no index of a layout" : strerror(-r));
	}
	list = json_object_get(index, "manifests");
	if (p->e->name)
		json_object_set_new(item, "annotations", json_pack("{s:s}", REF_NAME, p->e->name));
	index_remove(list, p->e->name, manifest->digest);
	json_array_append_new(list, item);
	/* What the index leads to is on the disk before it. */
	r = p->e->kind == EXPORT_OCI ? os_syncfs(p->dir_fd) : 0;
	if (r == 0)
		r = dest_write_top(p, "oci-layout", layout, strlen(layout));
	if (r == 0)
		r = document_of(index, JSON_COMPACT, &text);
	return r < 0 ? r : dest_write_top(p, "index.json", text.text, text.len);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int export_oci(struct export_dest *p, struct export_blob *blobs, const struct document *config,
		      struct image_error *error)
{
	_cleanup_document_ struct document manifest = {0};
	_cleanup_free_ char *type = NULL;
	int r = export_manifest(p->e, blobs, config, &manifest, &type);

	if (r == 0)
		r = dest_write(p, config->digest + strlen(DIGEST_PREFIX), config->text, config->len);
	if (r == 0)
		r = dest_write(p, manifest.digest + strlen(DIGEST_PREFIX), manifest.text, manifest.len);
	return r < 0 ? r : export_index(p, &manifest, type, error);
}

static int export_docker(struct export_dest *p, const struct export_blob *blobs, const struct document *config)
{
	json_auto_t *list = NULL;
	json_t *layers = json_array(), *tags = json_array();
	_cleanup_document_ struct document text = {0};
	char name[DEST_NAME_SIZE];
	int r;

	for (size_t i = 0; i < p->e->n_layers; i++) {
		snprintf(name, sizeof(name), "%s.tar", blobs[i].digest + strlen(DIGEST_PREFIX));
		json_array_append_new(layers, json_string(name));
	}
	if (p->e->name)
		json_array_append_new(tags, json_string(p->e->name));
	snprintf(name, sizeof(name), "%s.json", config->digest + strlen(DIGEST_PREFIX));
	list = json_pack("[{s:s, s:o, s:o}]", "Config", name, "RepoTags", tags, "Layers", layers);
	r = dest_write(p, name, config->text, config->len);
	if (r == 0)
		r = document_of(list, JSON_COMPACT, &text);
	return r < 0 ? r : dest_write_top(p, "manifest.json", text.text, text.len);
}

int store_export(const struct store_export *e, char ret_id[static DIGEST_SIZE], struct image_error *error)
{
	_cleanup_free_ struct export_blob *blobs = calloc(e->n_layers + 1, sizeof(*blobs));
	_cleanup_document_ struct document config = {0};
	struct image_error why = {.text = ""};
	struct export_dest dest;
	int r;

	if (!CHECK(e->tar && (e->image || e->config)))
		return -EIO;
	if (!blobs)
		return image_fail_memory(error);
	r = dest_open(&dest, e, error);
	if (r < 0)
		return r;
	r = export_layers(&dest, blobs, error);
	if (r == 0) {
		r = export_config(e, blobs, &config);
		if (r == 0)
			r = e->kind == EXPORT_DOCKER_ARCHIVE ? export_docker(&dest, blobs, &config)
							     : export_oci(&dest, blobs, &config, &why);
		if (r < 0)
			image_fail(error, r, "%s%s%s", *why.text ? "" : e->path, *why.text ? "" : ": ",
				   *why.text ? why.text : strerror(-r));
	}
	if (r < 0) {
		dest_close(&dest);
		return r;
	}
	strcpy(ret_id, config.digest);
	return dest_finish(&dest, error);
}
