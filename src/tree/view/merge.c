/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging a directory: every layer of its stack is read, the topmost first, and the first that has a name decides.
 *
 * Readdir gives types, so most entries cost nothing more. A character device may be a whiteout and is looked at, but
 * whiteouts are hard links to one shared inode, so that the look is taken once a number. Files can be whiteouts only in
 * directories that say so.
 *
 * d_ino must equal st_ino. A lower entry's is known at once; an upper entry's too, unless it may come from a lower
 * object: a directory with one beneath, or anything in a directory marked impure, also in a layer that was an upper.
 * Those are settled when they are read (final_ino.c). What may lie on another device than its directory (a subvolume)
 * is looked at, as reading tells another number of it.
 */
#include "view.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "layer/cache.h"
#include "os/fs.h"

#define OPEN_TRIES 8

/* The layer that is being read. */
struct merge {
	struct dir_stack *stack;
	struct listing *l;
	const struct layer *layer;
	const struct dirref *ref;
	int dirfd;
	bool recorded; /* entries come from the layer's cache, whose types tell all; there is no dirfd */
	bool stop_early;
	bool last;		/* no layer beneath */
	bool xwhiteouts;	/* may hold whiteouts of the xattr form */
	bool sealing;		/* the layer has `.wh.` names: entries are LISTED_SEALING */
	bool impure;		/* entries may have an origin */
	enum layer_spans spans; /* names that may lie on another device */
	uint64_t whiteout_ino;	/* one that was seen to be a whiteout here; 0 none */
};

/* Looks at an entry whose type readdir doesn't tell enough of. 1: it is a whiteout; 0: *type is right; -ENOENT:
 * gone. */
static int merge_look(struct merge *m, const struct os_dirent *d, const char *name, unsigned char *type)
{
	struct statx stx;
	unsigned xattr_flags;
	int r;

	if (m->recorded)
		return *type == DT_WHT;
	if (*type == DT_CHR && d->ino && d->ino == m->whiteout_ino && m->spans != SPANS_ALL)
		return 1;
	/* In a layer that keeps types in an attribute a regular file may be anything. */
	if (*type == DT_CHR || *type == DT_UNKNOWN || (*type == DT_REG && m->layer->override != OVERRIDE_NONE)) {
		bool overmounted = false;

		r = layer_statx(m->layer, m->dirfd, name, &stx, &overmounted);
		/* One malformed attribute must not hide the whole directory; looking the name up says what is wrong. */
		if (r == -EIO && *type == DT_REG)
			return 0;
		if (r < 0)
			return r;
		if (!overmounted && layer_is_whiteout(&stx)) {
			m->whiteout_ino = d->ino;
			return 1;
		}
		*type = IFTODT(stx.stx_mode);
	}
	if (*type != DT_REG || !m->xwhiteouts)
		return 0;
	r = layer_statx(m->layer, m->dirfd, name, &stx, NULL);
	if (r < 0 || stx.stx_size != 0)
		return MIN(r, 0);
	r = layer_read_xattr_flags(m->stack->layers, m->layer, m->dirfd, name, &xattr_flags);
	return r < 0 ? r : (xattr_flags & XATTR_FLAG_WHITEOUT) != 0;
}

/* Whether the number that reading the directory told may be of another device than that of the name. */
static bool is_elsewhere(const struct merge *m, unsigned char type)
{
	return m->spans == SPANS_ALL || (m->spans == SPANS_DIRECTORIES && (type == DT_DIR || type == DT_UNKNOWN));
}

/* The union's number of an entry that has no origin; *ret_unknown: it is to be asked when the entry is read. -ENOENT:
 * gone. */
static int merge_number(struct merge *m, const struct os_dirent *d, const char *name, unsigned char type,
			uint64_t *ret_ino, bool *ret_unknown)
{
	struct layer_set *set = m->stack->layers;
	struct object_id id = {.ino = d->ino, .device = m->ref->device};
	struct statx stx;
	bool overmounted;
	int r = 0;

	*ret_unknown = m->recorded && !d->ino;
	if (!m->recorded && is_elsewhere(m, type)) {
		r = layer_statx(m->layer, m->dirfd, name, &stx, &overmounted);
		if (r == 0)
			r = layer_object(set, m->layer, m->dirfd, name, &stx, &id);
	}
	layer_number_by_name(m->layer, m->ref->ino, name, &id);
	*ret_ino = layer_union_ino(set, id);
	/* What can't be looked at is listed all the same. */
	return r == -ENOENT ? r : 0;
}

/* A name that a layer above has: only a directory beneath a directory adds to it. */
static int merge_below(struct merge *m, struct listed *e, const struct os_dirent *d, const char *name)
{
	unsigned char type = d->type;
	bool unknown;
	int r = 0;

	if ((e->flags & (LISTED_HIDDEN | LISTED_SEALED)) || e->type != DT_DIR || e->layer == m->layer->index)
		return 0;
	if (type == DT_UNKNOWN)
		r = merge_look(m, d, name, &type);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (type != DT_DIR) {
		e->flags |= LISTED_SEALED;
		return 0;
	}
	if (m->stack->layers->layers[e->layer].upper && !(e->flags & LISTED_MERGES)) {
		r = merge_number(m, d, name, type, &e->ino, &unknown);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		e->flags |= LISTED_PENDING | LISTED_MERGES | (m->impure || unknown ? LISTED_FORMER : 0);
	}
	e->last_layer = (uint16_t)m->layer->index;
	return 0;
}

/* A name that no layer above has. `e`: NULL, or what `.wh.NAME` of the same layer has put in its place. */
static int merge_new(struct merge *m, const struct os_dirent *d, const char *name, uint64_t key, struct listed *e)
{
	unsigned char type = d->type;
	bool unknown = false, asks;
	uint64_t ino = 0;
	unsigned sealing;
	int whiteout = merge_look(m, d, name, &type), r = MIN(whiteout, 0);

	if (whiteout == 0 && !m->stop_early)
		r = merge_number(m, d, name, type, &ino, &unknown);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* What a whiteout of the lowest layer would hide isn't there. */
	if (whiteout && m->last && !m->layer->upper)
		return 0;
	if (!whiteout && m->stop_early)
		return 1;
	if (e)
		m->l->n_live++;
	else
		e = listing_append(m->l, name, d->name_len, key);
	if (!e)
		return -ENOMEM;
	sealing = e->flags & LISTED_SEALING;
	e->type = type;
	e->layer = e->last_layer = (uint16_t)m->layer->index;
	e->ino = ino;
	if (whiteout) {
		e->flags = (uint8_t)(LISTED_HIDDEN | (m->layer->upper ? LISTED_WHITEOUT : 0) | sealing);
		m->l->n_live--;
	} else {
		asks = m->impure || unknown;
		e->flags = (uint8_t)((asks ? LISTED_PENDING : 0) | (asks && !m->layer->upper ? LISTED_FORMER : 0) |
				     sealing);
	}
	return 0;
}

/* `.wh.NAME` speaks of the layers below, and may be read before or after what its own layer has of the name. */
static int merge_aufs(struct merge *m, const char *name)
{
	const char *target = aufs_whiteout_target(name);
	struct listed *e;
	uint64_t key;

	if (!target || m->last)
		return 0;
	key = listing_key(target, strlen(target));
	e = listing_get(m->l, target, strlen(target), key, NULL);
	if (!e) {
		e = listing_append(m->l, target, strlen(target), key);
		if (!e)
			return -ENOMEM;
		e->layer = e->last_layer = (uint16_t)m->layer->index;
		e->flags = LISTED_HIDDEN;
		m->l->n_live--;
	} else if (e->flags & (LISTED_HIDDEN | LISTED_SEALED)) {
		return 0;
	}
	e->flags |= LISTED_SEALING;
	m->sealing = true;
	return 0;
}

/* The layer is read: from here on its `.wh.` names count. */
static void merge_seal(struct merge *m)
{
	for (uint32_t i = 0; m->sealing && i < m->l->n; i++) {
		struct listed *e = &m->l->entries[i];

		if (e->flags & LISTED_SEALING)
			e->flags = (uint8_t)((e->flags & ~LISTED_SEALING) | LISTED_SEALED);
	}
	m->sealing = false;
}

static int merge_entry(void *arg, const struct os_dirent *d)
{
	struct merge *m = arg;
	char name[TREE_NAME_MAX + 1];
	uint64_t key;
	struct listed *e;

	/* A name that no lookup could ask for (a layer on a file system with longer ones). */
	if (d->name_len > TREE_NAME_MAX)
		return 0;
	key = listing_key(d->name, d->name_len);
	memcpy(name, d->name, d->name_len);
	name[d->name_len] = '\0';
	if (layer_reserves_name(m->stack->layers, name))
		return merge_aufs(m, name);
	e = listing_get(m->l, name, d->name_len, key, NULL);
	/* SEALING lasts for one layer: it hides nothing of this one. */
	if (!e || ((e->flags & LISTED_HIDDEN) && (e->flags & LISTED_SEALING)))
		return merge_new(m, d, name, key, e);
	return merge_below(m, e, d, name);
}

/* Reads one layer; when descriptors have run out others are closed. Each try starts where the layer is untouched:
 * reading needs a descriptor before it gives the first entry. */
static int merge_read(struct merge *m)
{
	for (unsigned i = 0;; i++) {
		int r = os_read_dir(m->dirfd, merge_entry, m);

		if ((r != -EMFILE && r != -ENFILE) || i == OPEN_TRIES || !m->stack->calls->shrink(m->stack))
			return r;
	}
}

/* Whether entries of the upper directory, ours or one that is shown, may come from lower objects. */
static int merge_impure(struct merge *m)
{
	unsigned xattr_flags;
	int r;

	m->impure = m->stack->impure || layer_upper_is_vague(m->stack->layers);
	if (m->impure)
		return 0;
	r = layer_read_xattr_flags(m->stack->layers, m->layer, m->dirfd, "", &xattr_flags);
	if (r < 0)
		return r;
	m->impure = (xattr_flags & XATTR_FLAG_IMPURE) != 0;
	return 0;
}

/* The layer's directory is open: at m->dirfd, and for reading from its start at `reading`, unless that is negative. */
static int merge_opened(struct merge *m, int reading)
{
	int r = 0;

	m->whiteout_ino = 0;
	if ((m->layer->upper || layer_is_shown(m->stack->layers, m->layer)) && !m->stop_early)
		r = merge_impure(m);
	if (r < 0)
		return r;
	return reading < 0 ? merge_read(m) : os_read_dir_once(reading, merge_entry, m);
}

static int merge_open_layer(struct merge *m, struct dirref *ref)
{
	_cleanup_close_ int reading = m->stack->calls->open_to_read(m->stack, ref);
	struct dirfd fd;
	int r;

	if (reading >= 0) {
		m->dirfd = reading;
		return merge_opened(m, reading);
	}
	r = m->stack->calls->get(m->stack, ref, &fd);
	/* Overmounted: nothing of it is shown. */
	if (r == -EXDEV)
		return 0;
	if (r < 0)
		return r;
	m->dirfd = fd.fd;
	r = merge_opened(m, -1);
	m->stack->calls->put(m->stack, &fd);
	return r;
}

/* -LOOK_AGAIN: what was read so far is void. */
static int merge_layer(struct merge *m, struct dirref *ref)
{
	struct layer_set *set = m->stack->layers;
	int r;

	m->layer = &set->layers[ref->layer];
	m->ref = ref;
	m->spans = layer_spans(set, m->layer);
	m->xwhiteouts = (ref->flags & DIRREF_XWHITEOUTS) || (m->layer->upper && set->whiteout_form == WHITEOUT_XATTR);
	m->impure = (ref->flags & DIRREF_IMPURE) && !m->layer->upper;
	/* Files become whiteouts of the xattr form, and cease to be, without a trace in the directory. */
	m->recorded = !m->xwhiteouts && ref_is_recorded(m->stack, ref);
	if (m->recorded)
		r = layer_cache_read(m->layer, ref->record, merge_entry, m);
	else
		r = merge_open_layer(m, ref);
	merge_seal(m);
	return r == -ENODATA && m->recorded ? -LOOK_AGAIN : r;
}

static int merge_once(struct dir_stack *ds, bool stop_early, struct listing **ret_listing)
{
	struct merge m = {.stack = ds, .l = listing_new(), .stop_early = stop_early};
	unsigned depth = stack_depth(ds);
	int r = 0;

	if (!m.l)
		return -ENOMEM;
	for (unsigned i = 0; i < depth && r == 0; i++) {
		m.last = i + 1 == depth;
		r = merge_layer(&m, stack_ref(ds, i));
	}
	if (r != 0) {
		listing_free(m.l);
		return r;
	}
	*ret_listing = m.l;
	return 0;
}

int merge_dir(struct dir_stack *ds, bool stop_early, struct listing **ret_listing)
{
	int r = -LOOK_AGAIN;

	/* A layer loses its cache once. */
	for (unsigned i = 0; i <= ds->layers->n && r == -LOOK_AGAIN; i++)
		r = merge_once(ds, stop_early, ret_listing);
	return r;
}
