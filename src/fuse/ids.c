/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners at the border between the mount and the layers: id maps (uidmapping, gidmapping) and squashing.
 *
 * Replies show the mount's ids: owners, the ids in ACLs, the root of a namespaced capability. What the layers have and
 * the map hasn't shows as the kernel's overflow id. An owner is told as -1, which is no id: the kernel shows the
 * overflow id for it and gives nobody the rights of an owner, and root none over such a file, as on an idmapped mount;
 * told as the overflow id it would belong to whoever has that. An ACL can't hold it. Requests are translated before
 * anything is copied up for them, and an id that the layers don't have is refused, so nothing is ever stored under an
 * id that somebody else has.
 *
 * Squashed owners are the same for all, whatever the layers have. Then a change of an owner is a wish
 * (change/change.h), and an id outside the map is stored as the overflow id.
 */
#include "ids.h"
#include "state.h"

#include "base/check.h"
#include "format/acl.h"
#include "format/capability.h"
#include "os/task.h"

static bool is_squashed(const struct id_rules *o)
{
	return o->squash_uid != ID_UNSET || o->squash_gid != ID_UNSET;
}

static bool has_maps(const struct id_rules *o)
{
	return !idmap_is_empty(o->uidmap) || !idmap_is_empty(o->gidmap);
}

void ids_init(struct fs *fs)
{
	struct id_rules *o = &fs->ids;

	*o = (struct id_rules){
		.uidmap = fs->opt.uidmap,
		.gidmap = fs->opt.gidmap,
		.squash_uid = fs->opt.squash_uid,
		.squash_gid = fs->opt.squash_gid,
	};
	o->on = is_squashed(o) || has_maps(o);
	if (!o->on)
		return;
	o->overflow_uid = os_overflow_id("uid");
	o->overflow_gid = os_overflow_id("gid");
	o->no_uid = is_squashed(o) ? o->overflow_uid : ID_UNSET;
	o->no_gid = is_squashed(o) ? o->overflow_gid : ID_UNSET;
}

/* --- one id ------------------------------------------------------------------------------------------------------- */

static void show_id(const struct idmap *map, uint32_t none, uint32_t *id)
{
	if (idmap_to_mount(map, *id, id) < 0)
		*id = none;
}

void ids_show(const struct fs *fs, uint32_t *uid, uint32_t *gid)
{
	const struct id_rules *o = &fs->ids;

	if (!o->on)
		return;
	if (o->squash_uid != ID_UNSET)
		*uid = o->squash_uid;
	else
		show_id(o->uidmap, o->no_uid, uid);
	if (o->squash_gid != ID_UNSET)
		*gid = o->squash_gid;
	else
		show_id(o->gidmap, o->no_gid, gid);
}

static int store_id(const struct id_rules *o, const struct idmap *map, uint32_t overflow, uint32_t *id)
{
	int r = idmap_to_layer(map, *id, id);

	if (r < 0 && is_squashed(o)) {
		*id = overflow;
		return 0;
	}
	return r;
}

int ids_store(const struct fs *fs, uint32_t *uid, uint32_t *gid)
{
	const struct id_rules *o = &fs->ids;
	int r = 0;

	if (!o->on)
		return 0;
	if (uid)
		r = store_id(o, o->uidmap, o->overflow_uid, uid);
	if (r == 0 && gid)
		r = store_id(o, o->gidmap, o->overflow_gid, gid);
	return r;
}

/* An id that the map has is the layers'. Root's that it lacks is root's of the layers: engines prepare a container's
 * files as the host's root, which the container doesn't know, and give them away afterwards. */
static int store_caller_id(const struct id_rules *o, const struct idmap *map, uint32_t overflow, uint32_t *id)
{
	uint32_t mapped;

	if (*id == 0 && idmap_to_layer(map, 0, &mapped) < 0)
		return 0;
	return store_id(o, map, overflow, id);
}

int ids_store_caller(const struct fs *fs, uint32_t *uid, uint32_t *gid)
{
	const struct id_rules *o = &fs->ids;
	int r;

	if (!o->on)
		return 0;
	r = store_caller_id(o, o->uidmap, o->overflow_uid, uid);
	return r < 0 ? r : store_caller_id(o, o->gidmap, o->overflow_gid, gid);
}

/* --- ids in extended attributes ----------------------------------------------------------------------------------- */

static bool is_capability(const char *name)
{
	return !strcmp(name, CAPABILITY_XATTR);
}

bool ids_in_xattr(const struct fs *fs, const char *name)
{
	if (!fs->ids.on || !has_maps(&fs->ids))
		return false;
	return is_capability(name) || !strcmp(name, ACL_XATTR_ACCESS) || !strcmp(name, ACL_XATTR_DEFAULT);
}

static int show_acl_id(void *arg, bool group, uint32_t *id)
{
	const struct id_rules *o = arg;

	show_id(group ? o->gidmap : o->uidmap, group ? o->overflow_gid : o->overflow_uid, id);
	return 0;
}

static int store_acl_id(void *arg, bool group, uint32_t *id)
{
	const struct id_rules *o = arg;

	return idmap_to_layer(group ? o->gidmap : o->uidmap, *id, id);
}

/* The root of a namespaced capability, by one direction of the map; -EOVERFLOW where that doesn't have it. */
static int map_capability(const struct id_rules *o, void *value, size_t size,
			  int (*map)(const struct idmap *map, uint32_t id, uint32_t *ret_id))
{
	uint32_t id;
	int r;

	if (!capability_get_rootid(value, size, &id))
		return 0;
	r = map(o->uidmap, id, &id);
	if (r == 0)
		capability_set_rootid(value, id);
	return r;
}

int ids_show_xattr(const struct fs *fs, const char *name, void *value, size_t size)
{
	(void)CHECK(ids_in_xattr(fs, name));
	/* Capabilities of a namespace that the mount doesn't know count for nobody there. */
	if (is_capability(name))
		return map_capability(&fs->ids, value, size, idmap_to_mount) < 0 ? -ENODATA : 0;
	/* What is no ACL stays as it is: the kernel refuses it. */
	(void)acl_map_ids(value, size, show_acl_id, (void *)&fs->ids);
	return 0;
}

int ids_store_xattr(const struct fs *fs, const char *name, void *value, size_t size)
{
	(void)CHECK(ids_in_xattr(fs, name));

	int r = is_capability(name) ? map_capability(&fs->ids, value, size, idmap_to_layer)
				    : acl_map_ids(value, size, store_acl_id, (void *)&fs->ids);

	return r == -EOVERFLOW ? -EINVAL : 0;
}
