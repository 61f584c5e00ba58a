/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers whose ids a mount has mapped before the option could (layer/layer.h). containers-storage mounts the image's
 * layers with an id map, where the kernel can do that, and gives the same map to its mount program as uidmapping= and
 * gidmapping=.
 *
 * Only mountinfo tells that a mount has a map, not which one; so it is taken for that of the options. With another one
 * nothing could be right.
 */
#include "internal.h"

#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "format/acl.h"
#include "format/capability.h"
#include "format/idmap.h"
#include "os/mount.h"

static int note_mount(void *arg, const struct os_mountinfo *m)
{
	struct layer_opening *lo = arg;
	struct layer_set *set = lo->set;

	for (unsigned i = set->has_upper ? 1 : 0; m->idmapped && i < set->n; i++) {
		if (lo->locations[i].mnt_id != (uint64_t)m->id)
			continue;
		log_debug("%s: its mount has mapped its ids", set->layers[i].path);
		set->layers[i].uidmap = &set->uidmap;
		set->layers[i].gidmap = &set->gidmap;
	}
	return 0;
}

int idmapped_prepare(struct layer_opening *lo)
{
	int r;

	if (idmap_is_empty(&lo->spec->uidmap) && idmap_is_empty(&lo->spec->gidmap))
		return 0;
	r = idmap_copy(&lo->spec->uidmap, &lo->set->uidmap);
	if (r == 0)
		r = idmap_copy(&lo->spec->gidmap, &lo->set->gidmap);
	return r < 0 ? r : os_each_mount(note_mount, lo);
}

static uint32_t unmap(const struct idmap *map, uint32_t id)
{
	return idmap_to_layer(map, id, &id) < 0 ? LAYER_NO_ID : id;
}

void idmapped_statx(const struct layer *l, struct statx *stx)
{
	(void)CHECK(l->uidmap && l->gidmap);
	stx->stx_uid = unmap(l->uidmap, stx->stx_uid);
	stx->stx_gid = unmap(l->gidmap, stx->stx_gid);
}

static int unmap_acl_id(void *arg, bool group, uint32_t *id)
{
	const struct layer *l = arg;

	*id = unmap(group ? l->gidmap : l->uidmap, *id);
	return 0;
}

void layer_unmap_xattr(const struct layer *l, const char *name, void *value, size_t size)
{
	uint32_t id;

	if (!l->uidmap)
		return;
	if (!strcmp(name, ACL_XATTR_ACCESS) || !strcmp(name, ACL_XATTR_DEFAULT))
		(void)acl_map_ids(value, size, unmap_acl_id, (void *)l);
	else if (!strcmp(name, CAPABILITY_XATTR) && capability_get_rootid(value, size, &id))
		capability_set_rootid(value, unmap(l->uidmap, id));
}
