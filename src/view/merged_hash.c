/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of the files of a merged union. To read one file of an archive everything before it is inflated, so the first
 * question about a layer reads all of its files.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "image/toc.h"
#include "merged.h"
#include "view/contents.h"

struct hashing {
	struct merged *m;
	size_t layer;
	XXH3_state_t *state; /* owned */
	uint32_t node;	     /* of the file that is being read; MERGED_NONE: none that counts */
};

static void hashing_settle(struct hashing *h)
{
	if (h->node == MERGED_NONE)
		return;
	(void)CHECK(h->node < h->m->n);
	h->m->hashes[h->node] = XXH3_128bits_digest(h->state);
	h->m->hashed[h->node] = true;
	h->node = MERGED_NONE;
}

static int hashing_piece(void *arg, const char *path, uint64_t at, const void *data, size_t len)
{
	struct hashing *h = arg;

	if (at == 0) {
		hashing_settle(h);
		h->node = merged_find(h->m, path);
		if (h->node != MERGED_NONE && h->m->nodes[h->node].data_layer != h->layer)
			h->node = MERGED_NONE;
		XXH3_128bits_reset(h->state);
	}
	if (h->node != MERGED_NONE)
		XXH3_128bits_update(h->state, data, len);
	return 0;
}

static int merged_hash_piece(void *arg, const void *data, size_t len)
{
	return XXH3_128bits_update(arg, data, len) == XXH_OK ? 0 : -EIO;
}

/* One file alone: the content lies by another path in the archive, or in a directory. */
static int merged_hash_one(struct merged *m, uint32_t node, XXH3_state_t *state, XXH128_hash_t *ret)
{
	const struct merged_node *n = &m->nodes[node];
	_cleanup_free_ char *own = n->text ? NULL : merged_path(m, node), *error = NULL;
	int r;

	(void)CHECK(S_ISREG(n->mode));
	if (!n->text && !own)
		return -ENOMEM;
	XXH3_128bits_reset(state);
	r = view_contents_read(m->stack, n->data_layer, n->text ? merged_text(m, n->text) : own, merged_hash_piece,
			       state, &error);
	*ret = XXH3_128bits_digest(state);
	return r;
}

/* All files of a layer whose content is in an archive. */
static int merged_hash_layer(struct merged *m, size_t layer, XXH3_state_t *state)
{
	const struct image *image = m->stack->image;
	struct hashing h = {.m = m, .layer = layer, .state = state, .node = MERGED_NONE};
	struct image_error error;
	int r = 0;

	(void)CHECK(layer < view_layer_count(m->stack));
	m->layers_read[layer] = true;
	if (image && !image->layers[image->n_layers - 1 - layer].directory)
		r = image_toc_contents(image, image->n_layers - 1 - layer, hashing_piece, &h, &error);
	if (r == 0)
		hashing_settle(&h);
	return r;
}

int merged_hash(struct merged *m, uint32_t node, XXH128_hash_t *ret)
{
	size_t layer = m->nodes[node].data_layer;
	XXH3_state_t *state;
	int r = 0;

	(void)CHECK(node < m->n);
	if (layer == MERGED_NO_LAYER)
		return -EIO;
	if (!m->hashes) {
		m->hashes = calloc(m->n, sizeof(*m->hashes));
		m->hashed = calloc(m->n, sizeof(*m->hashed));
		m->layers_read = calloc(view_layer_count(m->stack), sizeof(*m->layers_read));
	}
	state = XXH3_createState();
	if (!m->hashes || !m->hashed || !m->layers_read || !state)
		r = -ENOMEM;
	if (r == 0 && !m->layers_read[layer])
		r = merged_hash_layer(m, layer, state);
	if (r == 0 && m->hashed[node])
		*ret = m->hashes[node];
	else if (r == 0)
		r = merged_hash_one(m, node, state, ret);
	if (state)
		XXH3_freeState(state);
	return r;
}
