/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of the view: what the union shows. Looking names up in the layers, merging directories, and listings. The
 * resolver and the merge take a stack (stack.h) and know no inode; lookup.c, listing.c and what lies above them join
 * both.
 */
#ifndef TREE_VIEW_H
#define TREE_VIEW_H

#include "../object/object.h"
#include "format/cachefile.h"
#include "stack.h"
#include "tree/listing.h"
#include "tree/resolve.h"

/* --- layer_lookup.c ----------------------------------------------------------------------------------------------- */

enum layer_lookup_kind {
	LAYER_LOOKUP_NOTHING,
	LAYER_LOOKUP_WHITEOUT,
	LAYER_LOOKUP_OBJECT,
	LAYER_LOOKUP_NOWHERE, /* nothing of the directory is to be seen in the layer */
	LAYER_LOOKUP_ASK,     /* layer_lookup.c's own */
};

/* A name in one layer. Zeroed at the start. */
struct layer_lookup {
	struct statx stx;
	struct object_id id; /* LAYER_LOOKUP_OBJECT */
	/* read for directories, for the topmost object, and where a whiteout has to be told from a file */
	unsigned xattr_flags;
	bool xattr_flags_known;
	bool overmounted;
	bool hides_below; /* `.wh.NAME` of this layer: no layer below has a say */
	bool asked;	  /* the layer's cache knows the directory that the name is in */
	bool recorded;	  /* and has the name: `entry` */
	struct cachefile_entry entry;
	uint32_t record;  /* a directory, as it was recorded: its number, else 0 */
	uint64_t checked; /* when that was seen */
};

/* Looks at `name` in the layer of `ref`, which is part of the directory. An enum layer_lookup_kind or -errno. *ret_fd
 * is the directory there, for LAYER_LOOKUP_OBJECT, and is put in any case. */
int layer_lookup_name(struct dir_stack *ds, struct dirref *ref, const char *name, struct dirfd *ret_fd,
		      struct layer_lookup *p);
/* The xattr flags of what was found, unless they are known. */
int layer_lookup_xattr_flags(struct dir_stack *ds, const struct layer *l, int dirfd, const char *name,
			     struct layer_lookup *p);
/* Names of the aufs dialect: one look each; for the opaque one a descriptor is needed, when they have run out others
 * are closed. */
int layer_lookup_aufs(struct dir_stack *ds, int (*look)(const struct layer *l, int dirfd, const char *name),
		      const struct layer *l, int dirfd, const char *name);
/* Whether the layer's cache may be asked about the directory: it has it, and nothing has changed. */
bool ref_is_recorded(struct dir_stack *ds, struct dirref *ref);

/* --- resolve.c ---------------------------------------------------------------------------------------------------- */

/* The result of a search in one layer, told in the order of the layers. */
struct resolve_met {
	unsigned layer;
	enum layer_lookup_kind kind;
	const struct layer_lookup *p; /* LAYER_LOOKUP_OBJECT; else what was found out besides */
	/* what was looked for in the place of the name: another one, or "/a/b" from the layer's root; else NULL */
	const char *path;
	bool counts;	/* an object that is shown, that merges, or that gives its data */
	bool redirects; /* from here on something else is looked for */
	bool ends;	/* no layer below is asked */
};

/* A listener to the search; NULL: none. */
struct resolve_trace {
	void (*met)(void *arg, const struct resolve_met *met);
	void *arg;
};

/* Resolves `name` in the directory, from its parts in the layers `first` to `last`. The caller knows that no other
 * layer has the name. Errors as resolve_child(). *ret_wasted, unless NULL: layers that were asked in vain. */
int resolve_in_stack(struct dir_stack *ds, const char *name, unsigned first, unsigned last,
		     const struct resolve_trace *trace, struct resolved *ret, unsigned *ret_wasted);
/* Makes the stack of the root directory. */
int resolve_root(struct layer_set *set, struct resolved *ret);

/* --- cookie.c ----------------------------------------------------------------------------------------------------- */

/* Cookies below are those of the dots, in each generation. */
#define LISTING_FIRST 3
/* The last one doesn't end: the kernel keeps it until the first change, and nothing of the directory from then on. */
#define LISTING_GENERATIONS 32

/* Where reading goes on: at the first name whose key is `from` or greater. */
struct position {
	uint64_t from; /* POSITION_END: nowhere */
	unsigned generation;
};
#define POSITION_END UINT64_MAX

/* Positions between two names of one rank; NULL: none. */
struct position_notes;

/* The upper part of the key that goes into a cookie; rises with the hash. */
uint32_t cookie_rank(uint32_t hash);
/* After all names of the rank; a rank below LISTING_FIRST: of a dot, or 0, of the start. */
uint64_t cookie_of_rank(unsigned generation, uint32_t rank);
/* After the name with this key, before the others of its rank; *notes may be made. */
uint64_t cookie_between(struct position_notes **notes, unsigned generation, uint64_t key);
/* The rank in a cookie, or, of another one, something beyond all ranks. */
uint32_t cookie_rank_of(uint64_t cookie);
struct position cookie_position(const struct position_notes *notes, uint64_t cookie);

/* --- listed.c ----------------------------------------------------------------------------------------------------- */

enum listed_flag {
	LISTED_HIDDEN = 1 << 0,	  /* a whiteout, or a name that went */
	LISTED_WHITEOUT = 1 << 1, /* with HIDDEN: the upper may have a whiteout of it */
	LISTED_PENDING = 1 << 2,  /* ino isn't final: asked of the object's xattrs when it is read */
	/* with PENDING: an upper directory; ino is that of the lower one beneath, if it isn't opaque */
	LISTED_MERGES = 1 << 3,
	LISTED_SEALED = 1 << 4,	 /* what lower layers have of this name is hidden */
	LISTED_SEALING = 1 << 5, /* only while the layer is read that says so: it will be SEALED */
	LISTED_FORMER = 1 << 6,	 /* with PENDING: what a former upper has may have come from a layer below it */
};

struct listed {
	uint64_t ino;
	uint32_t name_off;
	uint32_t hash; /* the upper half of the name's key */
	uint16_t layer;
	uint16_t last_layer; /* directories: the last layer seen to have one of this name */
	uint8_t type;
	uint8_t flags;
	uint8_t name_len;
};

struct listing {
	struct listed *entries; /* as they came */
	uint32_t n, cap;
	uint32_t n_live;
	uint32_t first_live; /* a hash, no name with a smaller one is visible */
	char *names;
	size_t names_len, names_cap;
	uint32_t *table; /* by rising key; index into entries + 1, 0 = free */
	uint32_t n_slots;
	uint8_t bits; /* of a hash that say the home slot */
	bool unsure;  /* whiteouts were forgotten: any missing name may have one in the upper */
	bool used;    /* since it came to its place in the cache's list */
	size_t bytes; /* as counted by the cache */
	struct dir *dir;
	struct listing *prev, *next; /* of the cache */
};

/* The cost of a directory entry besides its name, in a reply and in the kernel's copy. */
#define ENTRY_OVERHEAD 24

/* The parts, on a listing that no one else sees or under the leaf lock. Pointers to entries hold until the next is
 * appended or hidden. */
struct listing *listing_new(void);
void listing_free(struct listing *l);
size_t listing_size(const struct listing *l);
/* The key that gives a name its position. Never POSITION_END. */
uint64_t listing_key(const char *name, size_t len);
/* *ret_slot, unless NULL: where in the order it stands. */
struct listed *listing_get(const struct listing *l, const char *name, size_t len, uint64_t key, uint32_t *ret_slot);
/* Appends a name that isn't there; NULL: no memory. */
struct listed *listing_append(struct listing *l, const char *name, size_t len, uint64_t key);
/* Gives back what growing has left over. */
void listing_fit(struct listing *l);
/* Whether the kernel's copy of this listing would end where one of its pages does. Of such a copy the kernel says that
 * it has ended to whoever looks for a place that isn't in it. */
bool listing_fills_page(const struct listing *l, size_t page_size);
/* Slots run in the order of the keys, up to n_slots: the first one from a key on, and what is in one (NULL: nothing).
 */
uint32_t listing_slot(const struct listing *l, uint64_t from);
struct listed *listing_at(const struct listing *l, uint32_t slot);
uint64_t listed_key(const struct listing *l, const struct listed *e);
static inline const char *listed_name(const struct listing *l, const struct listed *e)
{
	return l->names + e->name_off;
}
/* A name went, which stays as a hidden entry; when those outnumber the visible ones they are swept out. */
void listed_hide(struct listing *l, struct listed *e);
void listed_show(struct listing *l, struct listed *e);

/* --- nameset.c ---------------------------------------------------------------------------------------------------- */

/* Of a listing's names and of those that the upper may have whiteouts of. NULL: no memory. */
struct name_set *name_set_of(const struct listing *l);
size_t name_set_size(const struct name_set *s);
/* A name came, or the upper may have a whiteout of it now. False: there is no room, and the set is no longer true. */
bool name_set_add(struct name_set *s, uint64_t key);
/* False: the directory doesn't have the name. */
bool name_set_has(const struct name_set *s, uint64_t key);
/* Whether the upper may have whiteouts of names that the set hasn't. */
bool name_set_is_unsure(const struct name_set *s);

/* --- listing.c ---------------------------------------------------------------------------------------------------- */

struct listing_cache {
	struct lock lock; /* leaf: all listings */
	size_t max_bytes;
	size_t page_size; /* c */
	size_t bytes;
	unsigned n;
	struct listing *list;	 /* those first that go next, unless they were used */
	size_t set_bytes;	 /* of the sets of names that are left of others, at most max_bytes as well */
	const struct tree *tree; /* c */
};

int listing_cache_new(struct tree *tree, size_t max_bytes);
void listing_cache_free(struct tree *tree);

/* The listing's knowledge of a name, for the resolver. */
struct listing_hint {
	enum listing_answer answer;
	unsigned layer;	     /* PRESENT: the topmost that has it */
	unsigned last_layer; /* PRESENT, a directory: none beneath this one has it */
	bool may_whiteout;   /* ABSENT: the upper may hold a whiteout of it */
};
void listing_hint_of(struct tree *tree, struct inode *dir, const char *name, struct listing_hint *ret);
/* Tries to build without D, for the resolver: void when something changed meanwhile. */
void listing_try_build(struct tree *tree, struct inode *dir);
/* Leaves the leaf lock held when it returns 0: `dir` has a listing, read anew with `again`. Takes D. Listings that made
 * way are put before *gone. */
int listing_ensure_and_lock(struct tree *tree, struct inode *dir, bool again, struct listing **gone);
/* A list of those that made way; no lock held. */
void listings_free(struct listing *gone);

/* --- merge.c ------------------------------------------------------------------------------------------------------ */

/* Reads all layers of the directory. With `stop_early` it ends with 1 at the first visible name and *ret_listing
 * untouched. */
int merge_dir(struct dir_stack *ds, bool stop_early, struct listing **ret_listing);

/* --- final_ino.c -------------------------------------------------------------------------------------------------- */

/* The final ino of an entry that is PENDING. 0 or -errno. */
int final_ino(struct tree *tree, struct inode *dir, const char *name, unsigned flags, uint64_t *ino);

#endif
