// SPDX-License-Identifier: Apache-2.0
#include "base/array.h"
#include "base/check.h"
#include "tar_sparse.h"

bool tar_add_extent(struct tar_pax *pax, int64_t offset, int64_t size)
{
	(void)CHECK(pax->n_extents <= TAR_EXTENTS_MAX);
	if (offset < 0 || size < 0 || pax->n_extents == TAR_EXTENTS_MAX)
		return false;
	if (!ARRAY_ROOM(pax->extents, pax->n_extents, pax->extents_room, 1))
		return false;
	pax->extents[pax->n_extents++] = (struct tar_extent){.offset = offset, .size = size};
	return true;
}
