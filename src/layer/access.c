/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of the objects of a layer, as the layer means them: owner, mode and type may lie in an attribute, and ids
 * may be mapped.
 */
#include "base/check.h"
#include "layer/layer.h"

#include <errno.h>

#include "internal.h"
#include "os/fs.h"

int layer_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx, bool *ret_overmounted)
{
	/* With an empty name it is the layer's root at most, which may be the root of its mount. */
	int r = l->cloned || !*name ? 0 : layer_statx_overmounted(dirfd, name, ret_stx);

	if (r < 0 || (r && !ret_overmounted))
		return r < 0 ? r : -EXDEV;
	if (ret_overmounted)
		*ret_overmounted = r;
	return r ? 0 : layer_statx_unchecked(l, dirfd, name, ret_stx);
}

int layer_statx_unchecked(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx)
{
	int r = l->override == OVERRIDE_NONE ? os_statx(dirfd, name, ret_stx)
					     : stat_override_statx(l, dirfd, name, ret_stx);

	(void)CHECK(!l->uidmap == !l->gidmap);
	/* Owners that an attribute has are the layer's own. */
	if (r == 0 && l->uidmap && l->override == OVERRIDE_NONE)
		idmapped_statx(l, ret_stx);
	return r;
}
