/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the same: a directory, while its file system is mounted, and a whole mount.
 */
#include <string.h>
#include <xxhash.h>

#include "internal.h"
#include "base/check.h"

bool layer_id_equal(struct layer_id a, struct layer_id b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

int layer_id_compare(struct layer_id a, struct layer_id b)
{
	if (a.dev != b.dev)
		return a.dev < b.dev ? -1 : 1;
	return a.ino < b.ino ? -1 : a.ino > b.ino;
}

struct layer_id layer_id_of(const struct statx *stx)
{
	return (struct layer_id){.dev = layer_dev_of(stx), .ino = stx->stx_ino};
}

/* What makes two calls the same mount: these layers in this order, so many of them data-only, this work directory, this
 * mountpoint. */
void layer_make_identity(struct layer_opening *lo)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_canonical_t canonical;

	if (!state)
		return;
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, &lo->set->n_data, sizeof(lo->set->n_data));
	for (unsigned i = 0; i < lo->n_locations; i++) {
		struct layer_id id = lo->locations[i].chain[0];
		uint64_t numbers[] = {id.dev, id.ino};

		(void)CHECK(lo->locations[i].n_chain > 0);
		XXH3_128bits_update(state, numbers, sizeof(numbers));
	}
	if (lo->mountpoint_location.where)
		XXH3_128bits_update(state, lo->mountpoint_location.where, strlen(lo->mountpoint_location.where));
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	memcpy(lo->set->identity, canonical.digest, sizeof(lo->set->identity));
	XXH3_freeState(state);
}
