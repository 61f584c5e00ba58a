/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes in one array, names in another, and a table of hashes by parent and name.
 */
#include "paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/macros.h"

#define FIRST_BUCKETS 1024

int paths_init(struct paths *paths)
{
	*paths = (struct paths){.n_buckets = FIRST_BUCKETS};
	paths->buckets = malloc(FIRST_BUCKETS * sizeof(*paths->buckets));
	if (!paths->buckets || !ARRAY_ROOM(paths->nodes, 0, paths->room, 1) ||
	    !ARRAY_ROOM(paths->names, 0, paths->names_room, 1)) {
		paths_free(paths);
		return -ENOMEM;
	}
	memset(paths->buckets, 0xff, FIRST_BUCKETS * sizeof(*paths->buckets));
	paths->names[paths->names_len++] = '\0';
	paths->nodes[paths->n++] = (struct path_node){
		.parent = PATHS_NONE, .first_child = PATHS_NONE, .next_sibling = PATHS_NONE, .hash_next = PATHS_NONE};
	return 0;
}

void paths_free(struct paths *paths)
{
	free(paths->nodes);
	free(paths->names);
	free(paths->buckets);
	*paths = (struct paths){.n = 0};
}

static const char *name_of(const struct paths *paths, uint32_t node)
{
	(void)CHECK(node < paths->n);
	return paths->names + paths->nodes[node].name;
}

static uint32_t find_hashed(const struct paths *paths, uint32_t parent, const char *name, size_t len, uint32_t hash)
{
	uint32_t i = paths->buckets[hash & (paths->n_buckets - 1)];

	for (; i != PATHS_NONE; i = paths->nodes[i].hash_next) {
		const struct path_node *node = &paths->nodes[i];
		const char *own = paths->names + node->name;

		if (node->hash == hash && node->parent == parent && !strncmp(own, name, len) && !own[len])
			break;
	}
	return i;
}

uint32_t paths_child(const struct paths *paths, uint32_t parent, const char *name, size_t len)
{
	return find_hashed(paths, parent, name, len, (uint32_t)hash_name(parent, name, len));
}

static void grow_buckets(struct paths *paths)
{
	uint32_t n = paths->n_buckets * 2;
	uint32_t *buckets = n ? malloc(n * sizeof(*buckets)) : NULL;

	/* With the old ones it goes on, more slowly. */
	if (!buckets)
		return;
	memset(buckets, 0xff, n * sizeof(*buckets));
	for (uint32_t i = 1; i < paths->n; i++) {
		uint32_t *bucket = &buckets[paths->nodes[i].hash & (n - 1)];

		paths->nodes[i].hash_next = *bucket;
		*bucket = i;
	}
	free(paths->buckets);
	paths->buckets = buckets;
	paths->n_buckets = n;
}

uint32_t paths_add_child(struct paths *paths, uint32_t parent, const char *name, size_t len)
{
	uint32_t hash = (uint32_t)hash_name(parent, name, len);
	uint32_t node = find_hashed(paths, parent, name, len, hash);

	if (!CHECK(parent < paths->n && len > 0))
		return PATHS_NONE;
	if (node != PATHS_NONE)
		return node;
	if (paths->n == PATHS_NONE - 1 || !ARRAY_ROOM(paths->nodes, paths->n, paths->room, 1) ||
	    !ARRAY_ROOM(paths->names, paths->names_len, paths->names_room, len + 1))
		return PATHS_NONE;
	/* Before the node is one of those that are put into the new table. */
	if (paths->n >= paths->n_buckets)
		grow_buckets(paths);
	node = paths->n++;
	paths->nodes[node] = (struct path_node){.parent = parent,
						.name = paths->names_len,
						.first_child = PATHS_NONE,
						.next_sibling = paths->nodes[parent].first_child,
						.hash = hash,
						.hash_next = paths->buckets[hash & (paths->n_buckets - 1)]};
	paths->nodes[parent].first_child = node;
	paths->buckets[hash & (paths->n_buckets - 1)] = node;
	memcpy(paths->names + paths->names_len, name, len);
	paths->names[paths->names_len + len] = '\0';
	paths->names_len += (uint32_t)len + 1;
	return node;
}

uint32_t paths_find(const struct paths *paths, const char *path)
{
	uint32_t node = PATHS_ROOT;

	for (size_t len; *path && node != PATHS_NONE; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		node = paths_child(paths, node, path, len);
	}
	return node;
}

uint32_t paths_add(struct paths *paths, const char *path)
{
	uint32_t node = PATHS_ROOT;

	(void)CHECK(*path != '/');
	for (size_t len; *path && node != PATHS_NONE; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		node = paths_add_child(paths, node, path, len);
	}
	return node;
}

char *paths_text(const struct paths *paths, uint32_t node)
{
	size_t len = 0;
	char *text, *end;

	for (uint32_t i = node; i != PATHS_ROOT; i = paths->nodes[i].parent)
		len += strlen(name_of(paths, i)) + 1;
	text = malloc(len + 1);
	if (!text)
		return NULL;
	end = text + MAX(len, (size_t)1) - 1;
	*end = '\0';
	for (uint32_t i = node; i != PATHS_ROOT; i = paths->nodes[i].parent) {
		size_t n = strlen(name_of(paths, i));

		end -= n;
		memcpy(end, name_of(paths, i), n);
		if (end > text)
			*--end = '/';
	}
	(void)CHECK(end == text);
	return text;
}

uint32_t paths_next(const struct paths *paths, uint32_t top, uint32_t node)
{
	(void)CHECK(node < paths->n);
	if (paths->nodes[node].first_child != PATHS_NONE)
		return paths->nodes[node].first_child;
	while (node != top && paths->nodes[node].next_sibling == PATHS_NONE)
		node = paths->nodes[node].parent;
	return node == top ? PATHS_NONE : paths->nodes[node].next_sibling;
}

static unsigned depth_of(const struct paths *paths, uint32_t node)
{
	unsigned depth = 0;

	for (; node != PATHS_ROOT; node = paths->nodes[node].parent)
		depth++;
	return depth;
}

int paths_compare(const struct paths *paths, uint32_t a, uint32_t b)
{
	unsigned a_depth = depth_of(paths, a), b_depth = depth_of(paths, b), x, y;

	for (x = a_depth; x > b_depth; x--)
		a = paths->nodes[a].parent;
	for (y = b_depth; y > a_depth; y--)
		b = paths->nodes[b].parent;
	if (a == b)
		return a_depth < b_depth ? -1 : a_depth > b_depth;
	while (paths->nodes[a].parent != paths->nodes[b].parent) {
		a = paths->nodes[a].parent;
		b = paths->nodes[b].parent;
	}
	return strcmp(name_of(paths, a), name_of(paths, b));
}
