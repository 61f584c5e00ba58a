// SPDX-License-Identifier: Apache-2.0
#include "store/vacuum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/macros.h"
#include "image/error.h"
#include "layer/walk.h"
#include "os/fs.h"
#include "store/same.h"
#include "tree/walk.h"
#include <uthash.h>

#define NO_PARENT UINT32_MAX

/* An object or whiteout of the layer. */
struct vain_entry {
	uint32_t parent; /* index of the directory */
	bool vain, whiteout, is_dir;
	bool marker;	/* a directory's marker is in vain */
	bool hidden;	/* of a directory: nothing shows through it */
	uint64_t bytes; /* content of a file, in its first name */
	char *path;	/* owned; NULL: it isn't in vain */
};

/* One name of a file with several. */
struct vain_link {
	uint64_t ino, below;
	uint32_t dev_major, dev_minor, nlink, entry;
	unsigned below_layer;
};

struct vain_path {
	UT_hash_handle hh;
	char path[];
};

struct vacuum {
	struct layer_set *set, *below;
	struct tree_looks *looks; /* of `below`; NULL without it */
	struct vain_entry *entries;
	size_t n_entries, room;
	struct vain_link *links;
	size_t n_links;
	uint32_t at;			/* the directory whose entries come */
	struct vain_path *vain, *plain; /* paths that aren't wanted, directories that needn't be opaque */
	struct vacuum_found found;
	void (*each)(void *arg, char kind, const char *path);
	void *arg;
	struct image_error *error;
};

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* An object of the layer beside that of the layers below. */
struct vain_pair {
	struct vacuum *v;
	const struct layer_walk_entry *e;
	bool same;
	uint64_t below_ino;
	unsigned below_layer;
};

/* The numbers of the union aren't those of the layer. */
static int note_vain_below(struct vain_pair *p, const struct tree_walk_entry *e, int fd)
{
	struct statx stx;
	int r = os_statx(fd, "", &stx);

	p->below_ino = stx.stx_ino;
	p->below_layer = e->layer;
	return r < 0 ? r : S_ISDIR(stx.stx_mode) || stx.stx_nlink == p->e->stx.stx_nlink;
}

static int compare_pair(void *arg, const struct tree_walk_entry *e)
{
	struct vain_pair *p = arg;
	const struct layer *l = &p->v->below->layers[e->layer];
	const struct layer_walk_entry *mine = p->e;
	_cleanup_close_ int fd = -1, own = -1;
	_cleanup_free_ char *path = NULL;
	int r;

	(void)CHECK(e->shown);
	if (e->metacopy || e->indexed || e->overmounted)
		return 0;
	r = tree_walk_layer_path(e, &path);
	if (r == 0)
		fd = *path ? layer_open_path(l, path, O_PATH) : layer_openat(l, l->root_fd, ".", O_PATH);
	r = r < 0 ? r : fd < 0 ? fd : note_vain_below(p, e, fd);
	if (r <= 0)
		return r;
	own = layer_openat(mine->layer, mine->dirfd, *mine->name ? mine->name : ".", O_PATH);
	r = own < 0 ? own
		    : store_same(&(struct same_object){.layer = mine->layer, .fd = own, .stx = &mine->stx},
				 &(struct same_object){.layer = l, .fd = fd, .stx = &e->stx}, true);
	p->same = r > 0;
	return MIN(r, 0);
}

static int compare_root(void *arg, const struct tree_walk_entry *e)
{
	int r = compare_pair(arg, e);

	return r < 0 ? r : TREE_WALK_PRUNE;
}

/* Whether the layers below show the same at the path. */
static int is_same_below(struct vacuum *v, const struct layer_walk_entry *e, struct vain_pair *ret)
{
	static const struct tree_walk_calls calls = {.entry = compare_root};
	int r;

	*ret = (struct vain_pair){.v = v, .e = e};
	if (!v->looks || e->overmounted || (e->xattr_flags & (XATTR_FLAG_REDIRECT | XATTR_FLAG_METACOPY)))
		return 0;
	r = *e->path ? tree_looks_at(v->looks, e->path, compare_pair, ret)
		     : tree_walk(v->below, "", TREE_WALK_STAT, &calls, ret);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int shows(void *arg, const struct tree_walk_entry *e)
{
	(void)CHECK(e->shown);
	return 1;
}

static int shows_inside(void *arg, const struct tree_walk_entry *e)
{
	return strcmp(e->path, arg) != 0 ? TREE_WALK_PRUNE + 1 : 0;
}

/* 1: the layers below show something at the path; `inside`: a directory with an entry. */
static int shows_below(struct vacuum *v, const char *path, bool inside)
{
	static const struct tree_walk_calls calls = {.entry = shows_inside};
	int r;

	if (!v->looks)
		return 0;
	r = inside ? tree_walk(v->below, path, 0, &calls, (void *)path) : tree_looks_at(v->looks, path, shows, NULL);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r < 0 ? r : r > 0;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static int vain_failed(const struct vacuum *v, const char *path, int r)
{
	return r < 0 ? image_fail(v->error, r, "/%s: %s", path, strerror(-r)) : r;
}

static int add_link(struct vacuum *v, const struct layer_walk_entry *e, const struct vain_pair *pair, uint32_t entry)
{
	struct vain_link *next = ARRAY_NEXT(v->links, v->n_links);

	if (!next)
		return -ENOMEM;
	*next = (struct vain_link){.ino = e->stx.stx_ino,
				   .dev_major = e->stx.stx_dev_major,
				   .dev_minor = e->stx.stx_dev_minor,
				   .nlink = e->stx.stx_nlink,
				   .entry = entry,
				   .below = pair->below_ino,
				   .below_layer = pair->below_layer};
	v->n_links++;
	return 0;
}

static int vain_entry(void *arg, struct layer_walk_entry *e)
{
	struct vacuum *v = arg;
	struct vain_entry new = {.parent = v->n_entries ? v->at : NO_PARENT, .whiteout = e->whiteout};
	struct vain_pair pair = {.same = false};
	int r = 0;

	new.is_dir = !e->whiteout &&S_ISDIR(e->stx.stx_mode);
	if (new.parent == NO_PARENT || !v->entries[new.parent].hidden)
		r = e->whiteout ? shows_below(v, e->path, false) : is_same_below(v, e, &pair);
	if (r < 0)
		return vain_failed(v, e->path, r);
	/* `.wh.NAME` beside NAME belongs to both. */
	new.vain = (e->whiteout ? r == 0 : pair.same) && !e->hides_below;
	new.bytes = S_ISREG(e->stx.stx_mode) && !e->whiteout ? e->stx.stx_size : 0;
	e->tag = v->n_entries;
	if (!ARRAY_ROOM(v->entries, v->n_entries, v->room, 1))
		return image_fail_memory(v->error);
	if (!e->whiteout && !new.is_dir && e->stx.stx_nlink > 1 && add_link(v, e, &pair, (uint32_t)v->n_entries) < 0)
		return image_fail_memory(v->error);
	new.path = new.vain || new.is_dir ? strdup(e->path) : NULL;
	if ((new.vain || new.is_dir) && !new.path)
		return image_fail_memory(v->error);
	v->entries[v->n_entries++] = new;
	return 0;
}

static int vain_begin(void *arg, const struct layer_walk_entry *dir)
{
	struct vacuum *v = arg;
	struct vain_entry *entry = &v->entries[dir->tag];
	int r = 0;

	(void)CHECK(dir->tag < v->n_entries && entry->is_dir);
	v->at = (uint32_t)dir->tag;
	entry->hidden = entry->parent != NO_PARENT && v->entries[entry->parent].hidden;
	if (dir->opaque && !entry->hidden)
		r = shows_below(v, dir->path, true);
	if (r < 0)
		return vain_failed(v, dir->path, r);
	entry->marker = dir->opaque && r == 0;
	if (r > 0) {
		entry->hidden = true;
		entry->vain = false;
	}
	return 0;
}

static int vain_walk_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	return vain_failed(arg, e->path, err);
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

static int by_link(const void *a, const void *b)
{
	const struct vain_link *x = a, *y = b;

	if (x->dev_major != y->dev_major)
		return x->dev_major < y->dev_major ? -1 : 1;
	if (x->dev_minor != y->dev_minor)
		return x->dev_minor < y->dev_minor ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static bool is_one_link(const struct vacuum *v, const struct vain_link *links, size_t n)
{
	bool one = n == links->nlink;

	for (size_t i = 0; i < n && one; i++)
		one = v->entries[links[i].entry].vain && links[i].below == links->below &&
		      links[i].below_layer == links->below_layer;
	return one;
}

/* Keeps the names of files of which not all are in vain; the content counts once. */
static void decide_links(struct vacuum *v)
{
	size_t end;

	if (v->n_links)
		qsort(v->links, v->n_links, sizeof(*v->links), by_link);
	for (size_t i = 0; i < v->n_links; i = end) {
		bool one;

		for (end = i + 1; end < v->n_links && !by_link(&v->links[i], &v->links[end]); end++)
			v->entries[v->links[end].entry].bytes = 0;
		one = is_one_link(v, &v->links[i], end - i);
		for (size_t k = i; k < end && !one; k++)
			v->entries[v->links[k].entry].vain = false;
	}
}

static int add_vain_path(struct vain_path **to, const char *path)
{
	size_t len = strlen(path);
	struct vain_path *new = calloc(1, sizeof(*new) + len + 1);

	if (!new)
		return -ENOMEM;
	memcpy(new->path, path, len);
	HASH_ADD_KEYPTR(hh, *to, new->path, len, new);
	return 0;
}

static int decide_one(struct vacuum *v, const struct vain_entry *entry)
{
	char kind = entry->whiteout ? 'W' : 'C';
	int r = 0;

	(void)CHECK(!entry->vain || entry->path);
	if (entry->marker && !entry->vain) {
		v->found.opaques++;
		r = add_vain_path(&v->plain, entry->path);
		if (v->each)
			v->each(v->arg, 'O', entry->path);
	}
	if (!entry->vain || entry->parent == NO_PARENT || r < 0)
		return r;
	v->found.whiteouts += kind == 'W';
	v->found.copies += kind == 'C';
	v->found.bytes += entry->bytes;
	if (v->each)
		v->each(v->arg, kind, entry->path);
	return add_vain_path(&v->vain, entry->path);
}

static int decide(struct vacuum *v)
{
	size_t needed = 0;
	int r = 0;

	decide_links(v);
	(void)CHECK(v->n_entries && v->entries[0].parent == NO_PARENT);
	v->found.root_shows = !v->entries[0].vain;
	/* Entries come behind their directory. */
	for (size_t i = v->n_entries; i-- > 1;) {
		needed += !v->entries[i].vain;
		if (!v->entries[i].vain)
			v->entries[v->entries[i].parent].vain = false;
	}
	v->found.is_empty = !needed;
	for (size_t i = 0; i < v->n_entries && r == 0; i++)
		r = decide_one(v, &v->entries[i]);
	return r < 0 ? image_fail_memory(v->error) : 0;
}

static void forget_entries(struct vacuum *v)
{
	for (size_t i = 0; i < v->n_entries; i++)
		free(v->entries[i].path);
	free(v->entries);
	free(v->links);
	v->entries = NULL;
	v->links = NULL;
	v->n_entries = v->n_links = 0;
}

int vacuum_new(struct layer_set *set, struct layer_set *below, void (*each)(void *arg, char kind, const char *path),
	       void *arg, struct vacuum **ret, struct image_error *error)
{
	static const struct layer_walk_calls calls = {
		.entry = vain_entry, .begin = vain_begin, .failed = vain_walk_failed};
	struct image_error why = {.text = ""};
	struct vacuum *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return image_fail_memory(error);
	*v = (struct vacuum){.set = set, .below = below, .each = each, .arg = arg, .error = &why};
	r = below ? tree_looks_new(below, &v->looks) : 0;
	if (r == 0)
		r = layer_walk(set, &set->layers[0], LAYER_WALK_STAT | LAYER_WALK_XATTR_FLAGS | LAYER_WALK_SORTED,
			       &calls, v);
	if (r == 0)
		r = decide(v);
	forget_entries(v);
	tree_looks_free(v->looks);
	v->looks = NULL;
	if (r < 0) {
		vacuum_free(v);
		return image_fail(error, r, "%s", *why.text ? why.text : strerror(-r));
	}
	*ret = v;
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

const struct vacuum_found *vacuum_found(const struct vacuum *v)
{
	return &v->found;
}

static bool has_path(struct vain_path *in, const char *path)
{
	struct vain_path *found;

	HASH_FIND(hh, in, path, strlen(path), found);
	return found;
}

static bool is_wanted(void *arg, const char *path)
{
	const struct vacuum *v = arg;

	return !has_path(v->vain, path);
}

static bool is_opaque(void *arg, const char *dir)
{
	const struct vacuum *v = arg;

	return !has_path(v->plain, dir);
}

void vacuum_choose(struct vacuum *v, struct archive_options *options)
{
	options->wants = is_wanted;
	options->opaque = is_opaque;
	options->wants_arg = v;
}

static void free_paths(struct vain_path *all)
{
	struct vain_path *one, *next;

	HASH_ITER(hh, all, one, next) {
		HASH_DEL(all, one);
		free(one);
	}
}

void vacuum_free(struct vacuum *v)
{
	if (!v)
		return;
	free_paths(v->vain);
	free_paths(v->plain);
	free(v);
}
