// SPDX-License-Identifier: Apache-2.0
/*
 * Only documents are read as a whole: files that are small enough and begin with "{". A blob with another digest than
 * its name says is passed over.
 */
#include "content_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "document.h"
#include "image/digest.h"
#include "image/error.h"
#include "os/fs.h"

#define CONTENT_FOLDER "blobs/sha256"
#define NOTE_REF "org.opencontainers.image.ref.name"
#define NOTE_CONTAINERD "io.containerd.image.name"

struct content_store {
	const struct blobs *blobs;
	json_t *documents; /* indexes and manifests, by their digests */
	json_t *within;	   /* the digests that indexes have */
	int64_t bytes;
	unsigned n;
	struct image_error *error;
};

static void content_store_finish(struct content_store *s)
{
	json_decref(s->documents);
	json_decref(s->within);
}

/* --- the documents ------------------------------------------------------------------------------------------------ */

static bool begins_like_json(const struct blobs *b, const char *name)
{
	_cleanup_(stream_cleanup) struct stream *in = NULL;
	char first = 0;

	return blobs_stream(b, name, &in, NULL) == 0 && stream_read(in, &first, 1, NULL) == 1 && first == '{';
}

/* Other things than images have manifests too. */
static bool is_of_image(const json_t *document)
{
	const json_t *config = json_object_get(document, "config");
	const char *type = document_text(config, "mediaType");

	if (json_is_array(json_object_get(document, "manifests")))
		return true;
	return json_is_object(config) && json_is_array(json_object_get(document, "layers")) &&
	       !document_text(document, "artifactType") &&
	       (!type || strstr(type, "image.config") || strstr(type, "container.image"));
}

static int content_note(struct content_store *s, const char *digest, json_t *document)
{
	const json_t *item;
	size_t i;

	if (json_object_set(s->documents, digest, document) < 0)
		return image_fail_memory(s->error);
	json_array_foreach(json_object_get(document, "manifests"), i, item)
	{
		const char *within = document_text(item, "digest");

		if (within && json_object_set_new(s->within, within, json_true()) < 0)
			return image_fail_memory(s->error);
	}
	return 0;
}

static int content_document(void *arg, const struct os_dirent *d)
{
	struct content_store *s = arg;
	_cleanup_free_ char *text = NULL;
	json_auto_t *document = NULL;
	char name[sizeof(CONTENT_FOLDER) + DIGEST_HEX + 1], digest[DIGEST_SIZE];
	int64_t size;
	size_t len;

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX))
		return 0;
	if (s->n++ == BLOBS_MEMBERS_MAX)
		return image_fail(s->error, -E2BIG, "more than %d blobs", BLOBS_MEMBERS_MAX);
	snprintf(name, sizeof(name), CONTENT_FOLDER "/%s", d->name);
	snprintf(digest, sizeof(digest), DIGEST_PREFIX "%s", d->name);
	size = blobs_size(s->blobs, name);
	if (size <= 0 || size > IMAGE_JSON_MAX || !begins_like_json(s->blobs, name))
		return 0;
	s->bytes += size;
	if (s->bytes > CONTENT_STORE_MAX)
		return image_fail(s->error, -E2BIG, "more than %d bytes of documents", CONTENT_STORE_MAX);
	if (blobs_checked(s->blobs, name, digest, &text, &len, NULL) < 0 ||
	    document_parse(text, len, name, &document, NULL) < 0 || !is_of_image(document))
		return 0;
	(void)CHECK(json_is_object(document));
	return content_note(s, digest, document);
}

/* --- the index ---------------------------------------------------------------------------------------------------- */

static bool has_name(const json_t *item)
{
	const json_t *notes = json_object_get(item, "annotations");

	return document_text(notes, NOTE_CONTAINERD) || document_text(notes, NOTE_REF);
}

/* An index with names is one that somebody has made of several images, and so is none of an image. */
static bool is_list_of_images(const json_t *document)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(document, "manifests"), i, item)
	{
		if (has_name(item))
			return true;
	}
	return false;
}

static json_t *content_descriptor(const char *digest, const json_t *document, bool named)
{
	bool is_index = json_is_array(json_object_get(document, "manifests"));
	json_t *notes = json_object_get(document, "annotations"), *own;
	json_t *item = json_pack("{s:s, s:s}", "digest", digest, "mediaType",
				 is_index ? "application/vnd.oci.image.index.v1+json"
					  : "application/vnd.oci.image.manifest.v1+json");

	(void)CHECK(json_is_object(document));
	if (!item || !named)
		return item;
	own = has_name(document) ? json_incref(notes) : json_pack("{s:s}", NOTE_REF, digest);
	if (!own || json_object_set_new(item, "annotations", own) < 0) {
		json_decref(item);
		return NULL;
	}
	return item;
}

/* Adds what stands for a document. */
static bool content_add(const struct content_store *s, json_t *list, const char *digest, const json_t *document,
			bool all)
{
	json_t *item;
	size_t i;

	if (!all && json_object_get(s->within, digest))
		return true;
	if (all || !is_list_of_images(document))
		return json_array_append_new(list, content_descriptor(digest, document, !all)) == 0;
	json_array_foreach(json_object_get(document, "manifests"), i, item)
	{
		if (json_array_append(list, item) < 0)
			return false;
	}
	return true;
}

static int content_write(const struct content_store *s, bool all, char **ret, size_t *ret_len)
{
	json_auto_t *index = json_object();
	json_t *list = json_array(), *document;
	const char *digest;
	bool fine = index && list && json_object_set_new(index, "manifests", list) == 0;

	json_object_foreach(s->documents, digest, document) fine = fine && content_add(s, list, digest, document, all);
	*ret = fine ? json_dumps(index, JSON_COMPACT) : NULL;
	*ret_len = *ret ? strlen(*ret) : 0;
	return *ret ? 0 : image_fail_memory(s->error);
}

int content_store_index(const struct blobs *b, bool all, char **ret, size_t *ret_len, struct image_error *error)
{
	_cleanup_(content_store_finish) struct content_store s = {.blobs = b, .error = error};
	struct image_error why = {.text = ""};
	int r;

	s.documents = json_object();
	s.within = json_object();
	if (!s.documents || !s.within)
		return image_fail_memory(error);
	s.error = &why;
	r = blobs_each(b, CONTENT_FOLDER, content_document, &s);
	s.error = error;
	if (r < 0)
		return image_fail(error, r, "%s", *why.text ? why.text : strerror(-r));
	return content_write(&s, all, ret, ret_len);
}
