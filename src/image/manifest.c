// SPDX-License-Identifier: Apache-2.0
#include "manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "document.h"
#include "image/error.h"
#include "model.h"

#if defined(__x86_64__)
#define MACHINE "amd64"
#elif defined(__aarch64__)
#define MACHINE "arm64"
#elif defined(__i386__)
#define MACHINE "386"
#elif defined(__arm__)
#define MACHINE "arm"
#elif defined(__riscv)
#define MACHINE "riscv64"
#elif defined(__s390x__)
#define MACHINE "s390x"
#elif defined(__powerpc64__)
#define MACHINE "ppc64le"
#else
#define MACHINE ""
#endif

const char *image_machine(void)
{
	return MACHINE;
}

void descriptor_finish(struct descriptor *d)
{
	free(d->media_type);
	free(d->name);
	*d = (struct descriptor){0};
}

void descriptor_blob(const struct descriptor *d, char ret[static BLOB_NAME_SIZE])
{
	if (!CHECK(digest_is_valid(d->digest)))
		*ret = 0;
	else
		snprintf(ret, BLOB_NAME_SIZE, "blobs/sha256/%s", d->digest + strlen(DIGEST_PREFIX));
}

static const char *annotated_name(const json_t *item)
{
	const json_t *notes = json_object_get(item, "annotations");
	const char *full = document_text(notes, "io.containerd.image.name");

	return full ? full : document_text(notes, "org.opencontainers.image.ref.name");
}

static int descriptor_read(const json_t *item, const char *what, struct descriptor *ret, struct image_error *error)
{
	const char *digest = document_text(item, "digest"), *name = annotated_name(item);
	struct descriptor d = {.size = document_number(item, "size")};

	if (!digest_is_valid(digest))
		return image_fail(error, -EBADMSG, "%s: \"%s\" is no sha256 digest", what, digest ? digest : "");
	strcpy(d.digest, digest);
	if (!document_copy(item, "mediaType", &d.media_type) || (name && !(d.name = strdup(name)))) {
		descriptor_finish(&d);
		return image_fail_memory(error);
	}
	*ret = d;
	return 0;
}

bool manifest_is_index(const char *text, size_t len)
{
	json_auto_t *document = NULL;

	return document_parse(text, len, "manifest", &document, NULL) == 0 &&
	       json_is_array(json_object_get(document, "manifests"));
}

/* An entry of an index that can be an image. */
static bool is_candidate(const json_t *item)
{
	const json_t *platform = json_object_get(item, "platform"), *notes = json_object_get(item, "annotations");
	const char *type = document_text(item, "mediaType"), *os = document_text(platform, "os");

	if (!json_is_object(item) || document_text(item, "artifactType"))
		return false;
	if (document_text(notes, "vnd.docker.reference.type") || (os && !strcmp(os, "unknown")))
		return false;
	return !type || strstr(type, ".manifest.") || strstr(type, ".index.");
}

/* 2: by its name, or its tag alone; 1: by the start of its digest; 0: not at all. */
static int named_by(const json_t *item, const char *name)
{
	const json_t *notes = json_object_get(item, "annotations");
	const char *full = document_text(notes, "io.containerd.image.name"), *digest = document_text(item, "digest");
	const char *ref = document_text(notes, "org.opencontainers.image.ref.name");

	if ((ref && model_name_fits(ref, name)) || (full && model_name_fits(full, name)))
		return 2;
	return digest && model_id_fits(digest, name);
}

/* The start of a digest that several entries have, with their digests as far as there is room. */
static int fail_ambiguous(const json_t *list, const char *name, struct image_error *error)
{
	char digests[4 * DIGEST_SIZE] = "";
	const json_t *item;
	size_t i, n = 0;

	json_array_foreach(list, i, item)
	{
		const char *digest = document_text(item, "digest");

		if (!is_candidate(item) || named_by(item, name) != 1 || !digest_is_valid(digest) ||
		    strstr(digests, digest))
			continue;
		if (n + strlen(digest) + 6 > sizeof(digests)) {
			strcpy(digests + n, ", ..");
			break;
		}
		n += (size_t)snprintf(digests + n, sizeof(digests) - n, "%s%s", n ? ", " : "", digest);
	}
	return image_fail(error, -EINVAL, "several images have a digest that begins with %s: %s", name, digests);
}

/* 2: of this machine; 1: not said; 0: another one. */
static int platform_fits(const json_t *item)
{
	const json_t *platform = json_object_get(item, "platform");
	const char *os = document_text(platform, "os"), *machine = document_text(platform, "architecture");

	if (!os || !machine)
		return 1;
	return !strcmp(os, "linux") && !strcmp(machine, MACHINE) ? 2 : 0;
}

static int load_index(const char *text, size_t len, json_t **ret, const json_t **ret_list, struct image_error *error)
{
	int r = document_parse(text, len, "index", ret, error);

	if (r < 0)
		return r;
	*ret_list = json_object_get(*ret, "manifests");
	return json_is_array(*ret_list) ? 0 : image_fail(error, -EBADMSG, "index: no list of manifests");
}

/* How good an entry is. */
static int item_rank(const json_t *item, bool (*is_there)(void *arg, const char *digest), void *arg)
{
	const char *digest = document_text(item, "digest");
	(void)CHECK(json_is_object(item));
	bool there = !is_there || (digest_is_valid(digest) && is_there(arg, digest));

	return platform_fits(item) + (there ? 3 : 0);
}

int manifest_pick(const char *text, size_t len, const char *name, struct descriptor *ret, struct image_error *error)
{
	return manifest_pick_there(text, len, name, NULL, NULL, ret, error);
}

int manifest_pick_there(const char *text, size_t len, const char *name, bool (*is_there)(void *arg, const char *digest),
			void *arg, struct descriptor *ret, struct image_error *error)
{
	json_auto_t *index = NULL;
	const json_t *list, *item, *best = NULL;
	const char *first = NULL, *also;
	bool is_ambiguous = false;
	int by = 0;
	size_t i;
	int r = load_index(text, len, &index, &list, error);

	if (r < 0)
		return r;
	json_array_foreach(list, i, item)
	{
		int fits = name ? named_by(item, name) : 2;

		if (!is_candidate(item) || !fits || fits < by)
			continue;
		/* A name comes before a digest. */
		if (fits > by)
			best = NULL;
		by = fits;
		is_ambiguous |= best && !json_equal(json_object_get(item, "digest"), json_object_get(best, "digest"));
		also = annotated_name(item);
		if (best && !name && (first || also) && (!first || !also || strcmp(first, also) != 0))
			return image_fail(error, -ENOENT, "several images: name one, such as \"%s\"",
					  also ? also : first);
		first = also;
		if (!best || item_rank(item, is_there, arg) > item_rank(best, is_there, arg))
			best = item;
	}
	if (is_ambiguous && by == 1)
		return fail_ambiguous(list, name, error);
	if (!best)
		return image_fail(error, -ENOENT, name ? "no image has the name %s" : "there is no image", name);
	return descriptor_read(best, "index", ret, error);
}

int manifest_each(const char *text, size_t len, int (*each)(void *arg, const struct descriptor *d), void *arg,
		  struct image_error *error)
{
	json_auto_t *index = NULL;
	const json_t *list, *item;
	struct descriptor d;
	size_t i;
	int r = load_index(text, len, &index, &list, error);

	if (r < 0)
		return r;
	json_array_foreach(list, i, item)
	{
		if (!is_candidate(item))
			continue;
		r = descriptor_read(item, "index", &d, error);
		if (r < 0)
			return r;
		r = each(arg, &d);
		descriptor_finish(&d);
		if (r != 0)
			return r;
	}
	return 0;
}

void manifest_finish(struct manifest *m)
{
	descriptor_finish(&m->config);
	for (size_t i = 0; i < m->n_layers; i++)
		descriptor_finish(&m->layers[i]);
	free(m->layers);
	*m = (struct manifest){0};
}

static int manifest_layers(struct manifest *m, const json_t *list, struct image_error *error)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) > IMAGE_LAYERS_MAX)
		return image_fail(error, -E2BIG, "more than %d layers", IMAGE_LAYERS_MAX);
	if (!CHECK(!m->layers && !m->n_layers))
		return -EIO;
	m->layers = calloc(json_array_size(list) + 1, sizeof(*m->layers));
	if (!m->layers)
		return image_fail_memory(error);
	json_array_foreach(list, i, item)
	{
		int r = descriptor_read(item, "a layer of the manifest", &m->layers[i], error);

		if (r < 0)
			return r;
		m->n_layers++;
	}
	return 0;
}

int manifest_parse(const char *text, size_t len, struct manifest *ret, struct image_error *error)
{
	json_auto_t *document = NULL;
	struct manifest m = {0};
	int r = document_parse(text, len, "manifest", &document, error);

	if (r < 0)
		return r;
	if (json_is_array(json_object_get(document, "fsLayers")))
		return image_fail(error, -EOPNOTSUPP, "manifest: docker's schema 1 isn't read");
	if (!json_is_object(json_object_get(document, "config")) || !json_is_array(json_object_get(document, "layers")))
		return image_fail(error, -EBADMSG, "manifest: no config or no layers");
	r = descriptor_read(json_object_get(document, "config"), "manifest", &m.config, error);
	if (r == 0)
		r = manifest_layers(&m, json_object_get(document, "layers"), error);
	if (r < 0)
		manifest_finish(&m);
	else
		*ret = m;
	return r;
}
