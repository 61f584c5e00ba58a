// SPDX-License-Identifier: Apache-2.0
#include "image/read.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "blobs.h"
#include "image/error.h"

int layer_tar_start(const struct image *image, size_t layer, struct layer_tar *ret, struct image_error *error)
{
	return layer_tar_start_tapped(image, layer, NULL, NULL, ret, error);
}

int layer_tar_start_tapped(const struct image *image, size_t layer,
			   int (*tap)(void *arg, const void *data, size_t len, struct image_error *error), void *arg,
			   struct layer_tar *ret, struct image_error *error)
{
	_cleanup_(stream_cleanup) struct stream *blob = NULL;
	struct layer_tar t = {0};
	bool packed;
	int r;

	if (!CHECK(layer < image->n_layers))
		return -EIO;
	t.layer = &image->layers[layer];
	if (t.layer->directory)
		return image_fail(error, -EOPNOTSUPP, "layer %zu is unpacked: %s", layer, t.layer->directory);
	if (!t.layer->blob)
		return image_fail(error, -ENOENT, "layer %zu isn't there", layer);
	r = blobs_stream(image->blobs, t.layer->blob, &blob, error);
	if (r == 0)
		r = stream_hash(blob);
	if (r == 0 && tap)
		stream_tap(blob, tap, arg);
	if (r == 0)
		r = stream_inflated(TAKE_PTR(blob), &t.stream, &packed, error);
	if (r < 0)
		return r;
	r = stream_hash(t.stream);
	if (r < 0) {
		stream_free(t.stream);
		return image_fail_memory(error);
	}
	tar_init(&t.tar, t.stream);
	*ret = t;
	return 0;
}

int layer_tar_ahead(struct layer_tar *t, struct image_error *error)
{
	int r;

	(void)CHECK(t->stream && !t->ahead && !stream_count(t->tar.in));
	r = stream_ahead(t->stream, &t->ahead, error);
	if (r == 0)
		t->tar.in = t->ahead;
	return r;
}

int layer_tar_verify(struct layer_tar *t, struct image_error *error)
{
	static const struct image_layer unknown = {0};
	const struct image_layer *l = t->layer ? t->layer : &unknown;
	char inner[DIGEST_SIZE], outer[DIGEST_SIZE];
	int r;

	if (!CHECK(t->stream))
		return -EIO;
	r = t->ahead ? stream_drain(t->ahead, error) : 0;
	stream_free(TAKE_PTR(t->ahead));
	if (r == 0)
		r = stream_drain(t->stream, error);
	if (r == 0)
		r = stream_digest(t->stream, inner);
	if (r == 0 && stream_below(t->stream))
		r = stream_digest(stream_below(t->stream), outer);
	if (r < 0)
		return r;
	t->size = stream_count(t->stream);
	t->compressed = stream_below(t->stream) ? stream_count(stream_below(t->stream)) : t->size;
	strcpy(t->diff_id, inner);
	strcpy(t->digest, stream_below(t->stream) ? outer : inner);
	if (stream_below(t->stream) && l->digest && strcmp(outer, l->digest) != 0)
		return image_fail(error, -EBADMSG, "the blob %s has the digest %s", l->digest, outer);
	if (l->diff_id && strcmp(inner, l->diff_id) != 0)
		return image_fail(error, -EBADMSG, "the layer %s has the digest %s", l->diff_id, inner);
	return 0;
}

int layer_tar_of_stream(struct stream *in, struct layer_tar *ret, struct image_error *error)
{
	bool packed;
	int r = stream_hash(in);

	*ret = (struct layer_tar){0};
	if (r < 0) {
		stream_free(in);
		return image_fail_memory(error);
	}
	r = stream_inflated(in, &ret->stream, &packed, error);
	if (r == 0)
		r = stream_hash(ret->stream);
	if (r == 0)
		tar_init(&ret->tar, ret->stream);
	return r;
}

void layer_tar_finish(struct layer_tar *t)
{
	tar_finish(&t->tar);
	/* It ends the thread that reads the other one. */
	stream_free(TAKE_PTR(t->ahead));
	stream_free(t->stream);
	t->stream = NULL;
}

int layer_tar_path(char *path, struct image_error *error)
{
	char *to = path;

	if (*path == '/')
		return image_fail(error, -EBADMSG, "the layer has an absolute name: %s", path);
	for (const char *from = path; *from;) {
		size_t len = strcspn(from, "/");

		if (len == 2 && !memcmp(from, "..", 2))
			return image_fail(error, -EBADMSG, "the layer has a name that leads out of it: %s", from);
		if (len && !(len == 1 && *from == '.')) {
			memmove(to, from, len);
			to += len;
			if (from[len])
				*to++ = '/';
		}
		from += len + (from[len] == '/');
	}
	if (to > path && to[-1] == '/')
		to--;
	if (!CHECK(to - path <= TAR_NAME_MAX))
		return -EIO;
	*to = 0;
	return 0;
}

bool layer_tar_is_landmark(const char *path)
{
	return !strcmp(path, ".prefetch.landmark") || !strcmp(path, ".no.prefetch.landmark") ||
	       !strcmp(path, "stargz.index.json");
}
