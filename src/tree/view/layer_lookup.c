/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name in one layer: nothing, a whiteout or an object, and what xattrs that has.
 *
 * Where the layer has a cache (layer/cache.h), names that aren't there and whiteouts cost no system call. An object's
 * attributes are always asked of the layer, because they change without a trace in the directory; they tell whether its
 * xattrs are still the recorded ones. A directory was confirmed a moment ago, or is now, before the cache is asked
 * about it.
 */
#include "view.h"

#include <dirent.h>
#include <errno.h>

#include "layer/cache.h"
#include "os/fs.h"
#include "os/task.h"

bool ref_is_recorded(struct dir_stack *ds, struct dirref *ref)
{
	const struct layer *l = &ds->layers->layers[ref->layer];
	struct statx stx;
	uint64_t now;

	if (!ref->record || !layer_cache_root(l))
		return false;
	now = os_now_ms();
	if (now - __atomic_load_n(&ref->checked, __ATOMIC_RELAXED) <= LAYER_CACHE_TRUST_MS)
		return true;
	if (ds->calls->statx(ds, ref, &stx) < 0 || !layer_cache_confirm(l, ref->record, &stx))
		return false;
	__atomic_store_n(&ref->checked, now, __ATOMIC_RELAXED);
	return true;
}

/* A directory of the upper may come to hold whiteouts of the xattr form at any time when these are what this union
 * writes. */
static bool ref_has_xwhiteouts(const struct layer_set *set, const struct dirref *ref)
{
	if (ref->flags & DIRREF_XWHITEOUTS)
		return true;
	return set->layers[ref->layer].upper && set->whiteout_form == WHITEOUT_XATTR;
}

int layer_lookup_aufs(struct dir_stack *ds, int (*look)(const struct layer *l, int dirfd, const char *name),
		      const struct layer *l, int dirfd, const char *name)
{
	int r = look(l, dirfd, name);

	return (r == -EMFILE || r == -ENFILE) && ds->calls->shrink(ds) ? look(l, dirfd, name) : r;
}

/* The xattr flags of an object that is as it was recorded, all its own: 1, or 0 when they are to be read. */
static int recorded_xattr_flags(const struct layer_set *set, const struct layer *l, struct layer_lookup *p)
{
	const struct cachefile_entry *e = &p->entry;
	int r = 0;

	if (!p->recorded)
		return 0;
	if (!S_ISDIR(p->stx.stx_mode)) {
		p->xattr_flags = e->xattr_flags;
		return e->xattr_flags_known && e->ino == p->id.ino && l->device == p->id.device &&
		       e->ctime.sec == p->stx.stx_ctime.tv_sec && e->ctime.nsec == p->stx.stx_ctime.tv_nsec;
	}
	if (!p->record || layer_cache_xattr_flags(l, p->record, &p->xattr_flags) < 0)
		return 0;
	if (set->aufs && !(p->xattr_flags & XATTR_FLAG_OPAQUE) && l->index + 1 < set->n)
		r = layer_cache_find(l, p->record, AUFS_OPAQUE, &(struct cachefile_entry){0});
	p->xattr_flags |= r > 0 ? XATTR_FLAG_OPAQUE : 0;
	return r >= 0;
}

int layer_lookup_xattr_flags(struct dir_stack *ds, const struct layer *l, int dirfd, const char *name,
			     struct layer_lookup *p)
{
	int r;

	if (p->xattr_flags_known || p->overmounted)
		return 0;
	if (recorded_xattr_flags(ds->layers, l, p)) {
		p->xattr_flags_known = true;
		return 0;
	}
	r = layer_read_xattr_flags(ds->layers, l, dirfd, name, &p->xattr_flags);
	if (r < 0)
		return r;
	/* In the lowest layer there is nothing to hide. */
	if (ds->layers->aufs && S_ISDIR(p->stx.stx_mode) && !(p->xattr_flags & XATTR_FLAG_OPAQUE) &&
	    l->index + 1 < ds->layers->n) {
		r = layer_lookup_aufs(ds, layer_aufs_opaque, l, dirfd, name);
		if (r < 0)
			return r;
		p->xattr_flags |= r ? XATTR_FLAG_OPAQUE : 0;
	}
	p->xattr_flags_known = true;
	return 0;
}

/* Now that its attributes are known: whether what was recorded speaks of this object. */
static void layer_lookup_confirm(const struct layer *l, struct layer_lookup *p)
{
	p->recorded = p->recorded && p->entry.type == IFTODT(p->stx.stx_mode);
	if (!p->recorded || !p->entry.dir)
		return;
	p->checked = os_now_ms();
	p->record = layer_cache_confirm(l, p->entry.dir, &p->stx) ? p->entry.dir : 0;
}

static int layer_lookup_object(struct dir_stack *ds, const struct dirref *ref, int dirfd, const char *name,
			       struct layer_lookup *p)
{
	const struct layer *l = &ds->layers->layers[ref->layer];
	int r = layer_statx(l, dirfd, name, &p->stx, &p->overmounted);

	/* A layer's file system may permit shorter names than the union: then it has none of this length. */
	if (r == -ENOENT || r == -ENAMETOOLONG)
		return LAYER_LOOKUP_NOTHING;
	if (r == 0)
		r = layer_object(ds->layers, l, dirfd, name, &p->stx, &p->id);
	if (r < 0)
		return r;
	layer_number_by_name(l, ref->ino, name, &p->id);
	if (p->overmounted)
		return LAYER_LOOKUP_OBJECT;
	layer_lookup_confirm(l, p);
	if (layer_is_whiteout(&p->stx))
		return LAYER_LOOKUP_WHITEOUT;
	if (!S_ISREG(p->stx.stx_mode) || p->stx.stx_size != 0 || !ref_has_xwhiteouts(ds->layers, ref))
		return LAYER_LOOKUP_OBJECT;
	r = layer_lookup_xattr_flags(ds, l, dirfd, name, p);
	if (r < 0)
		return r;
	return p->xattr_flags & XATTR_FLAG_WHITEOUT ? LAYER_LOOKUP_WHITEOUT : LAYER_LOOKUP_OBJECT;
}

/* Whether layers below are hidden by a name beside this one. */
static int layer_lookup_hides(struct dir_stack *ds, const struct dirref *ref, int dirfd, const char *name,
			      const struct layer_lookup *p)
{
	const struct layer *l = &ds->layers->layers[ref->layer];
	char whiteout[NAME_SIZE];
	int r = -ENODATA;

	if (p->asked && aufs_whiteout_name(name, whiteout) == 0)
		r = layer_cache_find(l, ref->record, whiteout, &(struct cachefile_entry){0});
	if (r != -ENODATA || dirfd < 0)
		return r;
	return layer_lookup_aufs(ds, layer_aufs_hides, l, dirfd, name);
}

/* Looks at `name` in the layer whose directory is open at dirfd. An enum layer_lookup_kind or -errno. */
static int layer_lookup_at(struct dir_stack *ds, const struct dirref *ref, int dirfd, const char *name,
			   struct layer_lookup *p)
{
	const struct layer *l = &ds->layers->layers[ref->layer];
	int r = layer_lookup_object(ds, ref, dirfd, name, p), hides;

	if (!ds->layers->aufs || l->index + 1 == ds->layers->n)
		return r;
	/* Anything but a directory ends the search by itself. */
	if (r != LAYER_LOOKUP_NOTHING && (r != LAYER_LOOKUP_OBJECT || !S_ISDIR(p->stx.stx_mode)))
		return r;
	hides = layer_lookup_hides(ds, ref, dirfd, name, p);
	if (hides < 0)
		return hides;
	p->hides_below = hides;
	return r;
}

/* What the cache alone can say: an enum layer_lookup_kind, or LAYER_LOOKUP_ASK when the layer is to be asked. */
static int layer_lookup_cache(struct dir_stack *ds, struct dirref *ref, const char *name, struct layer_lookup *p)
{
	const struct layer *l = &ds->layers->layers[ref->layer];
	int r = ref_is_recorded(ds, ref) ? layer_cache_find(l, ref->record, name, &p->entry) : -ENODATA, hides;

	p->asked = r >= 0;
	p->recorded = r > 0;
	if (r < 0)
		return LAYER_LOOKUP_ASK;
	if (r > 0)
		return p->entry.type == DT_WHT ? LAYER_LOOKUP_WHITEOUT : LAYER_LOOKUP_ASK;
	if (!ds->layers->aufs || l->index + 1 == ds->layers->n)
		return LAYER_LOOKUP_NOTHING;
	hides = layer_lookup_hides(ds, ref, -1, name, p);
	if (hides < 0)
		return LAYER_LOOKUP_ASK;
	p->hides_below = hides;
	return LAYER_LOOKUP_NOTHING;
}

int layer_lookup_name(struct dir_stack *ds, struct dirref *ref, const char *name, struct dirfd *ret_fd,
		      struct layer_lookup *p)
{
	int r;

	*p = (struct layer_lookup){0};
	*ret_fd = (struct dirfd){.fd = -1};
	r = layer_lookup_cache(ds, ref, name, p);
	if (r != LAYER_LOOKUP_ASK)
		return r;
	r = ds->calls->get(ds, ref, ret_fd);
	if (r < 0)
		return r == -EXDEV ? LAYER_LOOKUP_NOWHERE : r;
	return layer_lookup_at(ds, ref, ret_fd->fd, name, p);
}
