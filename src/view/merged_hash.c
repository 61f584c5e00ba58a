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
#include "base/hash.h"
#include "image/toc.h"
#include "merged.h"
#include "view/contents.h"

/* Files by the path of their content in the archive. Several have one path if it has several links. A slot has a node
 * and a part of the path's hash. */
struct content_table {
	struct {
		uint32_t node, tag;
	} * slots; /* owned; a power of two of them; MERGED_NONE: free */
	size_t mask;
};

struct hashing {
	struct merged *m;
	size_t layer;
	XXH3_state_t *state; /* owned */
	struct content_table table;
	char *path; /* of the file that is being read; owned; NULL: none that counts */
};

/* --- the table ---------------------------------------------------------------------------------------------------- */

static char *content_path(const struct merged *m, uint32_t node)
{
	return m->nodes[node].text ? strdup(merged_text(m, m->nodes[node].text)) : merged_path(m, node);
}

static bool counts(const struct hashing *h, uint32_t node)
{
	return S_ISREG(h->m->nodes[node].mode) && h->m->nodes[node].data_layer == h->layer;
}

static int content_table_add(struct hashing *h, uint32_t node)
{
	_cleanup_free_ char *path = content_path(h->m, node);
	uint64_t hash = path ? hash_bytes(path, strlen(path)) : 0;
	size_t i = hash & h->table.mask;

	if (!path)
		return -ENOMEM;
	while (h->table.slots[i].node != MERGED_NONE)
		i = (i + 1) & h->table.mask;
	h->table.slots[i].node = node;
	h->table.slots[i].tag = (uint32_t)(hash >> 32);
	return 0;
}

static int content_table_make(struct hashing *h)
{
	size_t n = 0, room = 2;
	int r = 0;

	for (uint32_t i = 0; i < h->m->n; i++)
		n += counts(h, i);
	while (room < 2 * n)
		room *= 2;
	h->table.mask = room - 1;
	h->table.slots = malloc(room * sizeof(*h->table.slots));
	if (!h->table.slots)
		return -ENOMEM;
	for (size_t i = 0; i < room; i++)
		h->table.slots[i].node = MERGED_NONE;
	for (uint32_t i = 0; i < h->m->n && r == 0; i++)
		if (counts(h, i))
			r = content_table_add(h, i);
	return r;
}

/* The next file with this content, from slot *at on, which is the hash at first; MERGED_NONE: there is no other. */
static uint32_t content_table_next(const struct hashing *h, const char *path, uint32_t tag, size_t *at)
{
	for (size_t i = *at & h->table.mask; h->table.slots[i].node != MERGED_NONE; i = (i + 1) & h->table.mask) {
		_cleanup_free_ char *other =
			h->table.slots[i].tag == tag ? content_path(h->m, h->table.slots[i].node) : NULL;

		if (!other || strcmp(other, path) != 0)
			continue;
		*at = i + 1;
		return h->table.slots[i].node;
	}
	return MERGED_NONE;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The file that was read ends. */
static void hashing_settle(struct hashing *h)
{
	uint64_t hash = h->path ? hash_bytes(h->path, strlen(h->path)) : 0;
	size_t at = (size_t)hash;
	uint32_t node;

	while (h->path && (node = content_table_next(h, h->path, (uint32_t)(hash >> 32), &at)) != MERGED_NONE) {
		(void)CHECK(node < h->m->n);
		h->m->hashes[node] = XXH3_128bits_digest(h->state);
		h->m->hashed[node] = true;
	}
	free(h->path);
	h->path = NULL;
}

static int hashing_piece(void *arg, const char *path, uint64_t at, const void *data, size_t len)
{
	struct hashing *h = arg;

	if (at == 0) {
		uint64_t hash = hash_bytes(path, strlen(path));
		size_t first = (size_t)hash;

		hashing_settle(h);
		if (content_table_next(h, path, (uint32_t)(hash >> 32), &first) != MERGED_NONE) {
			h->path = strdup(path);
			if (!h->path)
				return -ENOMEM;
		}
		XXH3_128bits_reset(h->state);
	}
	if (h->path)
		XXH3_128bits_update(h->state, data, len);
	return 0;
}

static int merged_hash_piece(void *arg, const void *data, size_t len)
{
	return XXH3_128bits_update(arg, data, len) == XXH_OK ? 0 : -EIO;
}

/* One file alone: it lies in a directory, or wasn't told. */
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
	struct hashing h = {.m = m, .layer = layer, .state = state};
	struct image_error error;
	int r = 0;

	(void)CHECK(layer < view_layer_count(m->stack));
	m->layers_read[layer] = true;
	if (!image || image->layers[image->n_layers - 1 - layer].directory)
		return 0;
	r = content_table_make(&h);
	if (r == 0)
		r = image_toc_contents(image, image->n_layers - 1 - layer, hashing_piece, &h, &error);
	if (r == 0)
		hashing_settle(&h);
	free(h.path);
	free(h.table.slots);
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
