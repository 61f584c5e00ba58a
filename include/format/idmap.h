/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps as uidmapping= and gidmapping= give them: colon triples HOST:MAPPED:LEN. HOST is the id that the layers hold,
 * MAPPED the one that the mount shows. Empty fields are skipped, because container tools send
 * `:0:1000:1:1:110000:65536`.
 *
 * Ranges may overlap neither on the layers' side nor on the mount's, so both directions have one answer. The map is
 * immutable once parsed and may be read by any thread.
 */
#ifndef FORMAT_IDMAP_H
#define FORMAT_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the place of an id: none. */
#define ID_UNSET UINT32_MAX

struct idmap_range {
	uint32_t layer; /* first id on the layers */
	uint32_t mount; /* first id on the mount */
	uint32_t len;
};

/* No range: nothing is mapped, every id stays what it is. */
struct idmap {
	struct idmap_range *ranges; /* owned */
	size_t count;
};

/* Which triple is bad and why; `where` is cut when long. */
struct idmap_error {
	char where[64];
	const char *cause;
};

/*
 * Parses; idmap_free releases what it gave. -EINVAL with *ret_error filled when the text is no map, -ENOMEM. A text
 * with no number at all gives an empty map.
 */
int idmap_parse(const char *text, struct idmap *ret, struct idmap_error *ret_error);
void idmap_free(struct idmap *map);

static inline bool idmap_is_empty(const struct idmap *map)
{
	return !map->count;
}

/* The id to show for one on a layer; -EOVERFLOW when the map has none. */
int idmap_to_mount(const struct idmap *map, uint32_t id, uint32_t *ret_id);

/* The id to store for one that a user of the mount gave; -EOVERFLOW when the map has none (as in a user namespace). */
int idmap_to_layer(const struct idmap *map, uint32_t id, uint32_t *ret_id);

#endif
