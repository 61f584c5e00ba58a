/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of paths in little memory: 32 bytes a path and its last component. Paths are numbers, which never change; the
 * root is PATHS_ROOT. Any number of paths below 2^32 - 1; without memory the answer is PATHS_NONE.
 */
#ifndef VIEW_PATHS_H
#define VIEW_PATHS_H

#include <stddef.h>
#include <stdint.h>

#define PATHS_NONE UINT32_MAX
#define PATHS_ROOT 0

struct path_node {
	uint32_t parent, name; /* name: where it begins in `names` */
	uint32_t first_child, next_sibling;
	uint32_t hash, hash_next;
};

struct paths {
	struct path_node *nodes; /* owned */
	char *names;		 /* owned; each with its NUL */
	uint32_t *buckets;	 /* owned; a power of two of them */
	uint32_t n, room;
	uint32_t names_len, names_room;
	uint32_t n_buckets;
};

/* 0 or -ENOMEM. */
int paths_init(struct paths *paths);
void paths_free(struct paths *paths);
/* The path of `name` in `parent`. */
uint32_t paths_child(const struct paths *paths, uint32_t parent, const char *name, size_t len);
/* The same, and makes it. */
uint32_t paths_add_child(struct paths *paths, uint32_t parent, const char *name, size_t len);
/* A path from the root, without slashes at its ends; "" is the root. */
uint32_t paths_find(const struct paths *paths, const char *path);
uint32_t paths_add(struct paths *paths, const char *path);
/* The text of a path, which the caller frees. NULL without memory. */
char *paths_text(const struct paths *paths, uint32_t node);
/* The path after `node` among all below `top`, parents first; PATHS_NONE at the end. `node` is `top` at first. */
uint32_t paths_next(const struct paths *paths, uint32_t top, uint32_t node);

/* The order of two paths: by the bytes of their components, parents first. As strcmp(3). */
int paths_compare(const struct paths *paths, uint32_t a, uint32_t b);

#endif
