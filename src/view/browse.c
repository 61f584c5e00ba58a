/* SPDX-License-Identifier: Apache-2.0 */
#include "browse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"

#define TEXTS_MAX (UINT32_MAX - 1)

/* --- memory ------------------------------------------------------------------------------------------------------- */

static int text_add(struct browse *b, const char *text, size_t len, uint32_t *ret)
{
	if (len >= TEXTS_MAX - b->n_texts)
		return -E2BIG;
	if (!ARRAY_ROOM(b->texts, b->n_texts, b->texts_room, len + 1))
		return -ENOMEM;
	*ret = (uint32_t)b->n_texts;
	memcpy(b->texts + b->n_texts, text, len);
	b->texts[b->n_texts + len] = '\0';
	b->n_texts += len + 1;
	return 0;
}

static int node_new(struct browse *b, uint32_t parent, const char *name, size_t len, uint32_t *ret)
{
	uint32_t text;
	int r;

	if (b->n >= BROWSE_NONE)
		return -E2BIG;
	if (!ARRAY_ROOM(b->nodes, b->n, b->room, 1))
		return -ENOMEM;
	r = text_add(b, name, len, &text);
	if (r < 0)
		return r;
	(void)CHECK(parent < b->n || !b->n);
	*ret = (uint32_t)b->n;
	b->nodes[b->n++] = (struct node){
		.name = text, .parent = parent, .child = BROWSE_NONE, .next = BROWSE_NONE, .versions = BROWSE_NONE};
	return 0;
}

struct browse *browse_new(size_t layers)
{
	struct browse *b = calloc(1, sizeof(*b));
	uint32_t root;

	if (!b || layers > BROWSE_LAYERS_MAX)
		goto fail;
	b->n_layers = layers;
	b->layers = calloc(layers + 1, sizeof(*b->layers));
	if (!b->layers || node_new(b, BROWSE_NONE, "", 0, &root) < 0)
		goto fail;
	(void)CHECK(root == BROWSE_ROOT);
	return b;
fail:
	browse_free(b);
	return NULL;
}

void browse_free(struct browse *b)
{
	if (!b)
		return;
	free(b->nodes);
	free(b->seen);
	free(b->versions);
	free(b->texts);
	free(b->rows);
	free(b->levels);
	free(b->layers);
	free(b->filter);
	free(b);
}

/* --- adding ------------------------------------------------------------------------------------------------------- */

void browse_begin_layer(struct browse *b, size_t layer)
{
	(void)CHECK(layer < b->n_layers);
	b->layer = MIN(layer, b->n_layers - 1);
	b->depth = 0;
}

static int level_push(struct browse *b, uint32_t node)
{
	if (!ARRAY_ROOM(b->levels, b->depth, b->levels_room, 1))
		return -ENOMEM;
	b->levels[b->depth++] = (struct level){.node = node, .after = BROWSE_NONE};
	return 0;
}

static int compare_name(const struct browse *b, uint32_t node, const char *name, size_t len)
{
	const char *own = browse_name(b, node);
	size_t n = strlen(own);
	int r = memcmp(own, name, MIN(n, len));

	return r ? r : (n > len) - (n < len);
}

/* The entry of the directory, made in its place if it isn't there. Entries come in order, so it is sought behind the
 * last one; if they don't, from the start. */
static int level_entry(struct browse *b, struct level *at, const char *name, size_t len, uint32_t *ret)
{
	uint32_t before = at->after, next, node;
	int r;

	if (before != BROWSE_NONE && compare_name(b, before, name, len) == 0) {
		*ret = before;
		return 0;
	}
	if (before != BROWSE_NONE && compare_name(b, before, name, len) > 0)
		before = BROWSE_NONE;
	next = before == BROWSE_NONE ? b->nodes[at->node].child : b->nodes[before].next;
	while (next != BROWSE_NONE && compare_name(b, next, name, len) < 0) {
		before = next;
		next = b->nodes[next].next;
	}
	if (next != BROWSE_NONE && compare_name(b, next, name, len) == 0) {
		at->after = *ret = next;
		return 0;
	}
	r = node_new(b, at->node, name, len, &node);
	if (r < 0)
		return r;
	b->nodes[node].next = next;
	if (before == BROWSE_NONE)
		b->nodes[at->node].child = node;
	else
		b->nodes[before].next = node;
	at->after = *ret = node;
	return 0;
}

/* The node of a path. The levels are those of its directories then. */
static int find_node(struct browse *b, const char *path, uint32_t *ret)
{
	size_t depth = 0;
	uint32_t node = BROWSE_ROOT;
	int r;

	if (!b->depth) {
		r = level_push(b, BROWSE_ROOT);
		if (r < 0)
			return r;
	}
	while (*path) {
		size_t len = strcspn(path, "/");

		if (!len || (path[len] && !path[len + 1]))
			return -EINVAL;
		if (b->levels[depth].node != node) {
			b->depth = depth;
			r = level_push(b, node);
			if (r < 0)
				return r;
		}
		r = level_entry(b, &b->levels[depth], path, len, &node);
		if (r < 0)
			return r;
		path += len + (path[len] == '/');
		depth++;
		if (*path && depth == b->depth) {
			r = level_push(b, node);
			if (r < 0)
				return r;
		}
	}
	(void)CHECK(node < b->n);
	*ret = node;
	return 0;
}

static uint8_t version_flags(const struct view_object *o)
{
	return (uint8_t)((o->whiteout ? VERSION_WHITEOUT : 0) | (o->opaque ? VERSION_OPAQUE : 0) |
			 (o->hardlink ? VERSION_HARDLINK : 0) | (o->implied ? VERSION_IMPLIED : 0) |
			 (o->redirect ? VERSION_REDIRECT : 0) | (o->metacopy ? VERSION_METACOPY : 0));
}

/* Into the list of the node, by layer. A second one of the layer takes the place of the first. */
static int version_add(struct browse *b, uint32_t node, const struct version *new)
{
	uint32_t *at = &b->nodes[node].versions;

	while (*at != BROWSE_NONE && b->versions[*at].layer < new->layer)
		at = &b->versions[*at].next;
	if (*at != BROWSE_NONE && b->versions[*at].layer == new->layer) {
		uint32_t next = b->versions[*at].next;

		b->versions[*at] = *new;
		b->versions[*at].next = next;
		return 0;
	}
	if (b->n_versions >= BROWSE_NONE)
		return -E2BIG;
	/* `at` may be in the array that moves. */
	size_t offset = at == &b->nodes[node].versions ? SIZE_MAX : (size_t)((char *)at - (char *)b->versions);
	if (!ARRAY_ROOM(b->versions, b->n_versions, b->versions_room, 1))
		return -ENOMEM;
	if (offset != SIZE_MAX)
		at = (uint32_t *)(void *)((char *)b->versions + offset);
	b->versions[b->n_versions] = *new;
	b->versions[b->n_versions].next = *at;
	*at = (uint32_t)b->n_versions++;
	return 0;
}

int browse_add(struct browse *b, const struct view_object *o)
{
	struct browse_layer *layer = &b->layers[b->layer];
	struct version v = {.size = o->size,
			    .mtime = o->mtime,
			    .next = BROWSE_NONE,
			    .link = BROWSE_NONE,
			    .mode = o->implied ? S_IFDIR : o->mode,
			    .uid = o->uid,
			    .gid = o->gid,
			    .layer = (uint16_t)b->layer,
			    .flags = version_flags(o)};
	uint32_t node;
	int r = CHECK(!b->is_by_size) ? find_node(b, o->path, &node) : -EINVAL;

	if (r == 0 && o->link)
		r = text_add(b, o->link, strlen(o->link), &v.link);
	if (r == 0)
		r = version_add(b, node, &v);
	if (r < 0)
		return r;
	(void)CHECK(b->n_versions > 0);
	layer->bytes += o->size;
	layer->names += !o->whiteout && *o->path;
	layer->whiteouts += o->whiteout;
	return 0;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const struct browse_layer *browse_layer(const struct browse *b, size_t layer)
{
	(void)CHECK(layer < b->n_layers);
	return &b->layers[layer];
}

size_t browse_count(const struct browse *b)
{
	(void)CHECK(b->n > 0);
	return b->n - 1;
}

uint32_t browse_parent(const struct browse *b, uint32_t node)
{
	(void)CHECK(node < b->n);
	return b->nodes[node].parent;
}

char *browse_path(const struct browse *b, uint32_t node)
{
	size_t len = 0;
	char *path, *at;

	(void)CHECK(node < b->n);
	for (uint32_t n = node; n != BROWSE_ROOT; n = b->nodes[n].parent)
		len += strlen(browse_name(b, n)) + 1;
	path = malloc(len + 1);
	if (!path)
		return NULL;
	at = path + (len ? len - 1 : 0);
	*at = '\0';
	for (uint32_t n = node; n != BROWSE_ROOT; n = b->nodes[n].parent) {
		size_t own = strlen(browse_name(b, n));

		at -= own;
		memcpy(at, browse_name(b, n), own);
		if (at > path)
			*--at = '/';
	}
	return path;
}

size_t browse_versions(const struct browse *b, uint32_t node, size_t *ret_layers, size_t max)
{
	size_t n = 0;

	(void)CHECK(node < b->n);
	for (uint32_t v = b->nodes[node].versions; v != BROWSE_NONE; v = b->versions[v].next, n++)
		if (n < max)
			ret_layers[n] = b->versions[v].layer;
	return n;
}
