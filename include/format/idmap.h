/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps in the form of uidmapping= and gidmapping=: colon triples HOST:MAPPED:LEN. HOST is the id in the layers,
 * MAPPED the id in the mount. Empty fields are skipped, because container tools send `:0:1000:1:1:110000:65536`.
 *
 * Ranges may overlap neither on the side of the layers nor on that of the mount. So both directions have one answer. A
 * parsed map never changes and may be read by any thread.
 */
#ifndef FORMAT_IDMAP_H
#define FORMAT_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stands for no id. */
#define ID_UNSET UINT32_MAX

struct idmap_range {
	uint32_t layer; /* first id on the layers */
	uint32_t mount; /* first id on the mount */
	uint32_t len;
};

/* No range: every id stays the same. */
struct idmap {
	struct idmap_range *ranges; /* owned */
	size_t count;
};

/* The bad triple and the cause. `where` is cut if it is long. */
struct idmap_error {
	char where[64];
	const char *cause;
};

/*
 * Parses a map. idmap_free releases it. -EINVAL with *ret_error filled if the text is no map, -ENOMEM. A text without
 * any number gives an empty map.
 */
int idmap_parse(const char *text, struct idmap *ret, struct idmap_error *ret_error);
void idmap_free(struct idmap *map);
/* A map of its own with the same ranges. 0 or -ENOMEM. */
int idmap_copy(const struct idmap *map, struct idmap *ret);

static inline bool idmap_is_empty(const struct idmap *map)
{
	return !map->count;
}

/* The id to show for an id on a layer. -EOVERFLOW if the map lacks it. */
int idmap_to_mount(const struct idmap *map, uint32_t id, uint32_t *ret_id);

/* The id to store for an id that a user of the mount gave. -EOVERFLOW if the map lacks it (as in a user namespace). */
int idmap_to_layer(const struct idmap *map, uint32_t id, uint32_t *ret_id);

#endif
