/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode table: node id -> inode, and the life of an inode.
 *
 * A node id is a slot number and, above it, the slot's generation, which is counted up when an inode is freed; so an id
 * is never used again and a late or forged one is answered by NULL, never by another file. Slots lie in chunks that
 * never move: inode_find() takes no lock.
 *
 * Freeing an inode drops the references of its names to their parents, which may free those in turn. That runs as a
 * loop over a list, because a chain of directories can be longer than any stack.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "layer/index.h"

int inode_table_new(struct tree *tree)
{
	struct inode_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->chunks = calloc(SLOT_CHUNKS, sizeof(*t->chunks));
	if (!t->chunks || name_table_init(&t->names) < 0) {
		free(t->chunks);
		free(t);
		return -ENOMEM;
	}
	tree->inodes = t;
	return 0;
}

struct inode_slot *inode_slot(struct tree *tree, uint32_t slot)
{
	struct inode_slot *chunk;

	if (slot / SLOT_CHUNK >= SLOT_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&tree->inodes->chunks[slot / SLOT_CHUNK], memory_order_acquire);
	return chunk ? &chunk[slot % SLOT_CHUNK] : NULL;
}

/* Frees every inode, whatever holds it. */
void inode_table_free(struct tree *tree)
{
	struct inode_table *t = tree->inodes;
	struct inode *dead = NULL;

	if (!t)
		return;
	alias_forget_all_locked(tree);
	for (uint32_t i = 1; i <= t->n_slots; i++) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (inode)
			inode->nlookup = 0;
	}
	/* Without lookup counts the childless inodes go first and take their ancestors along. */
	for (uint32_t i = 1; i <= t->n_slots; i++) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (inode)
			inode_reap_locked(tree, inode, &dead);
	}
	inode_bury(tree, dead);
	(void)CHECK(t->n_inodes == 0);
	for (uint32_t i = 0; i < SLOT_CHUNKS; i++) {
		struct inode_slot *chunk = atomic_load_explicit(&t->chunks[i], memory_order_relaxed);

		if (!chunk)
			break;
		free(chunk);
	}
	name_table_finish(&t->names);
	(void)CHECK(!t->links);
	HASH_CLEAR(hh, t->links);
	(void)CHECK(!t->numbers.places);
	(void)CHECK(!t->lowerdata);
	free(t->chunks);
	free(t);
	tree->inodes = NULL;
}

int slot_take_locked(struct tree *tree, struct inode *inode, uint64_t *ret_id)
{
	struct inode_table *t = tree->inodes;
	uint32_t slot = t->free_slot;
	struct inode_slot *s;

	if (slot) {
		s = inode_slot(tree, slot);
		t->free_slot = s->next_free;
	} else {
		uint32_t chunk = (t->n_slots + 1) / SLOT_CHUNK;

		if (chunk >= SLOT_CHUNKS)
			return -ENOMEM;
		if (!atomic_load_explicit(&t->chunks[chunk], memory_order_relaxed)) {
			struct inode_slot *fresh = calloc(SLOT_CHUNK, sizeof(*fresh));

			if (!fresh)
				return -ENOMEM;
			atomic_store_explicit(&t->chunks[chunk], fresh, memory_order_release);
		}
		slot = ++t->n_slots;
		s = inode_slot(tree, slot);
	}
	*ret_id = (uint64_t)atomic_load_explicit(&s->generation, memory_order_relaxed) << 32 | slot;
	atomic_store_explicit(&s->inode, inode, memory_order_release);
	t->n_inodes++;
	return 0;
}

void slot_release_locked(struct tree *tree, uint64_t id)
{
	struct inode_table *t = tree->inodes;
	uint32_t slot = (uint32_t)id;
	struct inode_slot *s = inode_slot(tree, slot);
	uint32_t generation = atomic_load_explicit(&s->generation, memory_order_relaxed);

	atomic_store_explicit(&s->inode, NULL, memory_order_release);
	t->n_inodes--;
	/* A slot whose generations are used up is never taken again. */
	if (generation == UINT32_MAX)
		return;
	atomic_store_explicit(&s->generation, generation + 1, memory_order_release);
	s->next_free = t->free_slot;
	t->free_slot = slot;
}

struct inode *inode_find(struct tree *tree, uint64_t id)
{
	struct inode_slot *s = inode_slot(tree, (uint32_t)id);

	/* The generation is compared before the inode is touched: of a stale id it may be freed at this moment. */
	if (!s || atomic_load_explicit(&s->generation, memory_order_acquire) != (uint32_t)(id >> 32))
		return NULL;
	return atomic_load_explicit(&s->inode, memory_order_acquire);
}

static void dir_free(struct tree *tree, struct dir *dir)
{
	dirfd_drop(tree, dir);
	for (unsigned i = 0; i < dir->n_lower; i++)
		free(dir->lower[i].path);
	lock_finish(&dir->lock);
	free(dir->notes);
	free(dir);
}

static bool dir_copy_lower(struct dir *dir, const struct resolved *r)
{
	for (unsigned i = 0; i < r->n_lower; i++) {
		const char *path = r->lower[i].path;

		dir->lower[i] = r->lower[i];
		dir->lower[i].path = path ? strdup(path) : NULL;
		dir->n_lower++;
		if (path && !dir->lower[i].path)
			return false;
	}
	return true;
}

static struct dir *dir_new(struct tree *tree, const struct resolved *r)
{
	struct dir *dir = calloc(1, sizeof(*dir) + r->n_lower * sizeof(dir->lower[0]));

	if (!dir)
		return NULL;
	lock_init(&dir->lock, LOCK_DIR);
	if (!dir_copy_lower(dir, r)) {
		dir_free(tree, dir);
		return NULL;
	}
	if (r->in_upper) {
		bool acl = (r->marks & MARK_DEFAULT_ACL) != 0;

		dir->upper = r->upper_ref;
		atomic_store_explicit(&dir->default_acl, acl ? DIR_ACL_PRESENT : DIR_ACL_NONE, memory_order_relaxed);
		atomic_store_explicit(&dir->impure_marked, (r->marks & MARK_IMPURE) != 0, memory_order_relaxed);
		atomic_store_explicit(&dir->in_upper, true, memory_order_release);
	}
	return dir;
}

static void inode_fill(struct tree *tree, struct inode *inode, const struct resolved *r)
{
	bool upper = resolved_in_upper(tree, r);
	unsigned flags = (upper ? INODE_IN_UPPER : 0) | (upper && !r->has_origin ? INODE_NO_ORIGIN : 0) |
			 (r->covered ? 0 : INODE_MARKS_KNOWN);

	inode->ino = r->ino;
	inode->real_ino = r->id.ino;
	inode->device = r->id.device;
	inode->layer = r->layer;
	inode->type = r->stx.stx_mode & S_IFMT;
	atomic_store_explicit(&inode->pinned_fd, INODE_NOT_PINNED, memory_order_relaxed);
	atomic_store_explicit(&inode->marks, (uint16_t)r->marks, memory_order_relaxed);
	atomic_store_explicit(&inode->flags, (uint16_t)flags, memory_order_release);
}

/* The number of the upper object is what later mounts will show, so this one shows it from now on. */
static void inode_own_ino_locked(struct tree *tree, struct inode *inode)
{
	uint64_t ino = layer_union_ino(tree->layers, inode_object(inode));

	atomic_fetch_or(&inode->flags, INODE_NO_ORIGIN);
	__atomic_store_n(&inode->ino, ino, __ATOMIC_RELAXED);
	number_own_locked(tree, inode);
}

static struct inode *inode_alloc(size_t name_len)
{
	size_t size = offsetof(struct named_inode, name.name) + name_len + 1;

	return calloc(1, name_len ? MAX(size, sizeof(struct named_inode)) : sizeof(struct inode));
}

struct inode *inode_new_locked(struct tree *tree, const struct resolved *r, size_t name_len)
{
	struct inode *inode = inode_alloc(name_len);

	if (!inode)
		return NULL;
	inode_fill(tree, inode, r);
	if (S_ISDIR(inode->type)) {
		inode->dir = dir_new(tree, r);
		if (!inode->dir)
			goto fail;
	}
	if (r->metacopy && lowerdata_take_locked(tree, inode, r) < 0)
		goto fail;
	if (slot_take_locked(tree, inode, &inode->id) < 0)
		goto fail;
	if (inode_in_upper(inode) && !r->has_origin)
		number_own_locked(tree, inode);
	else if (inode_in_upper(inode) && !number_claim_locked(tree, inode))
		inode_own_ino_locked(tree, inode);
	return inode;
fail:
	lowerdata_drop_locked(tree, inode);
	if (inode_is_dir(inode) && inode->dir)
		dir_free(tree, inode->dir);
	free(inode);
	return NULL;
}

/* Out of the tables; its names go to *names, where their references to the parents still count. */
static void inode_unhook_locked(struct tree *tree, struct inode *inode, struct inode_name **names, struct inode **dead)
{
	struct inode_name *n = inode->names;

	slot_release_locked(tree, inode->id);
	alias_drop_locked(tree, inode);
	link_remove_locked(tree, inode);
	number_release_locked(tree, inode);
	lowerdata_drop_locked(tree, inode);
	while (n) {
		struct inode_name *next = n->next;

		n->next = *names;
		*names = n;
		n = next;
	}
	inode->next_dead = *dead;
	*dead = inode;
}

void inode_reap_locked(struct tree *tree, struct inode *inode, struct inode **dead)
{
	struct inode_name *names = NULL;

	if (inode->nlookup || inode->refs)
		return;
	inode_unhook_locked(tree, inode, &names, dead);
	while (names) {
		struct inode_name *n = names;
		struct inode *parent;

		names = n->next;
		parent = name_free_locked(tree, n);
		if (!CHECK(parent->refs > 0))
			continue;
		if (--parent->refs == 0 && parent->nlookup == 0)
			inode_unhook_locked(tree, parent, &names, dead);
	}
}

void inode_bury(struct tree *tree, struct inode *dead)
{
	while (dead) {
		struct inode *inode = dead;

		dead = inode->next_dead;
		inode->names = NULL;
		if (tree->on_evict)
			tree->on_evict(inode, tree->on_evict_arg);
		if (inode_is_dir(inode)) {
			listing_drop(tree, inode);
			dir_free(tree, inode->dir);
		}
		inode_keep_end(tree, inode);
		free(inode);
	}
}

struct inode *inode_get(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	inode->refs++;
	return inode;
}

void inode_put(struct tree *tree, struct inode *inode)
{
	struct inode *dead = NULL;

	if (!inode)
		return;
	lock_take(&tree->table);
	if (CHECK(inode->refs > 0)) {
		inode->refs--;
		inode_reap_locked(tree, inode, &dead);
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

void inode_forget(struct tree *tree, struct inode *inode, uint64_t n)
{
	struct inode *dead = NULL;

	if (inode == tree->root)
		return;
	lock_take(&tree->table);
	/* More than was ever given out would free an inode that is in use. */
	if (CHECK(inode->nlookup >= n))
		inode->nlookup -= n;
	else
		inode->nlookup = 0;
	inode_reap_locked(tree, inode, &dead);
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

struct lock *inode_lock(struct tree *tree, const struct inode *inode)
{
	return &tree->inode_locks[(uint32_t)inode->id % INODE_LOCKS];
}

static void inode_lock_order(struct tree *tree, struct inode *a, struct inode *b, struct lock **ret_a,
			     struct lock **ret_b)
{
	struct lock *la = inode_lock(tree, a), *lb = b ? inode_lock(tree, b) : la;

	*ret_a = la < lb ? la : lb;
	*ret_b = la < lb ? lb : la;
}

void inode_lock_pair(struct tree *tree, struct inode *a, struct inode *b)
{
	struct lock *first, *second;

	inode_lock_order(tree, a, b, &first, &second);
	lock_take_pair(first, second);
}

void inode_unlock_pair(struct tree *tree, struct inode *a, struct inode *b)
{
	struct lock *first, *second;

	inode_lock_order(tree, a, b, &first, &second);
	lock_drop_pair(first, second);
}

static struct inode *inode_by_name_locked(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode_name *n = name_find_locked(tree, parent, name);

	return n ? name_inode(n) : NULL;
}

struct inode *inode_lookup_known(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode *inode;

	LOCK_SCOPE(&tree->table);
	inode = inode_by_name_locked(tree, parent, name);
	if (inode)
		inode->nlookup++;
	return inode;
}

struct inode *inode_peek(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode *inode;

	LOCK_SCOPE(&tree->table);
	inode = inode_by_name_locked(tree, parent, name);
	if (inode)
		inode->refs++;
	return inode;
}

/* Another mount may have given the same object its data, or taken its entry in the index away. */
static bool is_as_before(const struct tree *tree, const struct inode *inode, const struct resolved *r)
{
	return !tree->layers->shows_upper ||
	       (inode_is_metacopy(inode) == r->metacopy && inode_is_indexed(inode) == r->indexed);
}

static bool dirref_same(const struct dirref *a, const struct dirref *b)
{
	return object_id_fits(dirref_object(a), dirref_object(b));
}

/* Whether the known inode is what the resolver found. A difference means that a layer was changed underneath, except
 * that one of the two may be older than a copy-up. */
static bool name_matches(const struct tree *tree, const struct inode_name *n, const struct resolved *r)
{
	const struct inode *inode = name_inode(n);
	bool upper = resolved_in_upper(tree, r);

	if (inode->type != (r->stx.stx_mode & S_IFMT))
		return false;
	if (inode_is_dir(inode)) {
		const struct dir *dir = inode->dir;

		if (r->in_upper && atomic_load_explicit(&dir->in_upper, memory_order_acquire) &&
		    !dirref_same(&dir->upper, &r->upper_ref))
			return false;
		return !r->n_lower || !dir->n_lower || dir->lower[0].layer != r->lower[0].layer ||
		       dirref_same(&dir->lower[0], &r->lower[0]);
	}
	if (inode_in_upper(inode) != upper)
		return true;
	return (upper || n->layer == r->layer) && object_id_fits(inode_object(inode), r->id) && is_as_before(tree, inode, r);
}

/* A file with several links that is known by another name. */
static struct inode *intern_by_link_locked(struct tree *tree, const struct resolved *r)
{
	struct inode *inode;

	/* Whatever the link count is now: all names but one may have gone since the inode got into this table. */
	if (S_ISDIR(r->stx.stx_mode))
		return NULL;
	inode = link_find_locked(tree, r);
	if (!inode || inode->type != (r->stx.stx_mode & S_IFMT) || !is_as_before(tree, inode, r))
		return NULL;
	/* A number in the upper whose inode lost its names and isn't kept may be in use for another file by now. */
	if (inode_is_unlinked(inode) && inode_in_upper(inode) &&
	    !(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_INDEXED) &&
	    atomic_load_explicit(&inode->pinned_fd, memory_order_relaxed) == INODE_NOT_PINNED)
		return NULL;
	return inode;
}

static int intern_new_locked(struct tree *tree, struct inode *parent, const char *name, const struct resolved *r,
			     struct inode **ret_inode, struct inode **dead)
{
	size_t len = strlen(name);
	struct inode *inode;

	if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
		return -EIO;
	inode = inode_new_locked(tree, r, len);
	if (!inode)
		return -ENOMEM;
	if (r->nlink && link_count_locked(tree, inode, r) < 0) {
		inode_reap_locked(tree, inode, dead);
		return -ENOMEM;
	}
	name_attach_first_locked(tree, inode, parent, name, r->layer);
	if (r->in_upper && !r->nlink && !inode_is_dir(inode) && r->stx.stx_nlink > 1)
		link_add_locked(tree, inode);
	*ret_inode = inode;
	return 0;
}

/* Whether the lower file that was found may have been copied up since, by another name, and forgotten: then it isn't what the name shows. */
static bool is_outdated(const struct tree *tree, const struct resolved *r)
{
	return r->nlink && !r->in_upper && !r->indexed && tree->layers->index &&
	       index_generation(tree->layers) != r->index_generation;
}

static int intern_locked(struct tree *tree, struct inode *parent, const char *name, const struct resolved *r,
			 struct inode **ret_inode, struct inode **dead)
{
	struct inode_name *n = name_find_locked(tree, parent, name);
	struct inode *inode;
	int res;

	if (n && name_matches(tree, n, r)) {
		*ret_inode = name_inode(n);
		link_recount_locked(tree, *ret_inode, r);
		return 0;
	}
	if (n)
		name_remove_locked(tree, n, dead);
	inode = intern_by_link_locked(tree, r);
	if (!inode && is_outdated(tree, r))
		return -LOOK_AGAIN;
	if (!inode)
		return intern_new_locked(tree, parent, name, r, ret_inode, dead);
	link_recount_locked(tree, inode, r);
	name_forget_kept_locked(tree, inode, dead);
	res = name_attach_locked(tree, inode, parent, name, r->layer);
	if (res == 0)
		*ret_inode = inode;
	return res;
}

int inode_intern(struct tree *tree, struct inode *parent, const char *name, const struct resolved *r,
		 struct inode **ret_inode)
{
	struct inode *dead = NULL, *inode = NULL;
	int res;

	if (!CHECK(inode_is_dir(parent)))
		return -EIO;
	lock_take(&tree->table);
	res = intern_locked(tree, parent, name, r, &inode, &dead);
	if (res == 0) {
		inode->nlookup++;
		*ret_inode = inode;
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
	return res;
}

int inode_intern_nameless(struct tree *tree, const struct statx *stx, int fd, struct inode **ret_inode)
{
	struct resolved r = {.stx = *stx, .in_upper = true};
	_cleanup_close_ int owned = fd;
	struct inode *inode;
	int res;

	if (!CHECK(tree->layers->has_upper && !S_ISDIR(stx->stx_mode)))
		return -EIO;
	res = layer_object(tree->layers, layer_upper(tree->layers), fd, "", stx, &r.id);
	if (res < 0)
		return res;
	r.ino = layer_union_ino(tree->layers, r.id);
	lock_take(&tree->table);
	inode = inode_new_locked(tree, &r, 0);
	if (inode) {
		atomic_fetch_or(&inode->flags, INODE_UNLINKED | INODE_TMPFILE);
		atomic_fetch_and(&inode->flags, (uint16_t)~INODE_MARKS_KNOWN);
		inode->nlookup = 1;
	}
	lock_drop(&tree->table);
	if (!inode)
		return -ENOMEM;
	/* Nobody knows its id yet, so it needs no I. */
	if (atomic_load(&tree->n_pinned) < tree->max_pinned || inode_keep_fd(tree, inode, owned) <= 0)
		inode_pin(tree, inode, TAKE_FD(owned));
	*ret_inode = inode;
	return 0;
}

void inode_publish_locked(struct tree *tree, struct inode *inode, struct object_id copy, bool has_origin)
{
	inode->layer = layer_upper(tree->layers)->index;
	inode->real_ino = copy.ino;
	inode->device = copy.device;
	if (has_origin)
		atomic_fetch_or(&inode->marks, MARK_ORIGIN);
	if (!has_origin || !number_claim_locked(tree, inode))
		inode_own_ino_locked(tree, inode);
	atomic_fetch_or_explicit(&inode->flags, INODE_IN_UPPER, memory_order_release);
}

void inode_publish_upper(struct tree *tree, struct inode *inode, struct object_id copy, bool has_origin)
{
	LOCK_SCOPE(&tree->table);
	if (!CHECK(!inode_is_dir(inode) && !inode_in_upper(inode)))
		return;
	/* A copy without an entry in the index is another file than what the number led to. */
	link_remove_locked(tree, inode);
	atomic_fetch_and(&inode->flags, (uint16_t)~(INODE_HARDLINKED | INODE_COUNTED));
	inode_publish_locked(tree, inode, copy, has_origin);
}

void dir_publish_upper(struct tree *tree, struct inode *inode, struct object_id copy)
{
	LOCK_SCOPE(&tree->table);
	if (!CHECK(inode_is_dir(inode) && !inode_in_upper(inode)))
		return;
	inode->dir->upper = (struct dirref){.layer = layer_upper(tree->layers)->index, .device = copy.device, .ino = copy.ino};
	/* A directory keeps its number, whoever has taken it. */
	(void)number_claim_locked(tree, inode);
	atomic_store_explicit(&inode->dir->in_upper, true, memory_order_release);
	atomic_fetch_or_explicit(&inode->flags, INODE_IN_UPPER, memory_order_release);
}

unsigned dir_depth(const struct dir *dir)
{
	return dir->n_lower + (atomic_load_explicit(&dir->in_upper, memory_order_acquire) ? 1 : 0);
}

struct dirref *dir_ref(struct dir *dir, unsigned i)
{
	if (atomic_load_explicit(&dir->in_upper, memory_order_acquire)) {
		if (i == 0)
			return &dir->upper;
		i--;
	}
	return i < dir->n_lower ? &dir->lower[i] : NULL;
}

struct dirref *dir_ref_of_layer(struct dir *dir, unsigned layer)
{
	unsigned low = 0, high = dir->n_lower;

	if (atomic_load_explicit(&dir->in_upper, memory_order_acquire) && dir->upper.layer == layer)
		return &dir->upper;
	/* Lower refs are in layer order, and there may be hundreds. */
	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (dir->lower[mid].layer == layer)
			return &dir->lower[mid];
		if (dir->lower[mid].layer < layer)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

size_t tree_inode_count(struct tree *tree)
{
	LOCK_SCOPE(&tree->table);
	return tree->inodes->n_inodes;
}
