/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this tier share and no other tier sees: the inode and name tables, the resolver's view of a
 * listing, and the parts of a listing that merge.c fills.
 *
 * Memory of a known file: the inode and its name in one piece (92 bytes and the name itself), a bucket and a slot of the tables.
 */
#ifndef TREE_INTERNAL_H
#define TREE_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/macros.h"
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "format/cachefile.h"
#include "stack.h"
#include "tree/listing.h"
#include "tree/resolve.h"
#include "tree/tree.h"

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define SLOT_CHUNK 4096u
#define SLOT_CHUNKS 65536u

/* A slot of the inode table. Chunks of slots never move or go, so a slot is read without a lock; a stale id meets
 * another generation. */
struct inode_slot {
	struct inode *_Atomic inode;
	_Atomic uint32_t generation;
	uint32_t next_free; /* T */
};

/* All names by (parent, name): tree/nametable.c. */
struct name_table {
	struct inode_name ***chunks;
	uint32_t base;
	uint32_t split;
	size_t n;
};

/* Inodes by st_ino: tree/number.c. */
struct number_table {
	struct inode **cells; /* NULL: empty */
	uint32_t mask;
	uint32_t n;
};

struct inode_table {
	struct inode_slot *_Atomic *chunks; /* c array of SLOT_CHUNKS */
	uint32_t n_slots;		    /* T slots handed out so far; slot 0 is none */
	uint32_t free_slot;		    /* T head of the free ones, 0 = none */
	size_t n_inodes;		    /* T */
	struct name_table names;	    /* T */
	struct inode_link *links;	    /* T uthash: link.c, hard-linked files only */
	struct number_table numbers;	    /* T number.c, upper objects with an origin only */
	struct lowerdata *lowerdata;	    /* T uthash: by inode, of those whose data lies elsewhere: tree/lowerdata.c */
	struct node_id *node_ids;	    /* T uthash: ids of inodes that have more than one: tree/node_id.c */
	struct node_id *newest;		    /* T uthash: by inode, the node id that is given out */
};

struct inode_name {
	struct inode_name *chain; /* of its bucket */
	struct inode_name *next;  /* of the same inode */
	struct inode *parent;	  /* holds a reference */
	uint16_t layer;		  /* that has the name, of an object in a lower one */
	uint8_t len;
	bool in_table : 1; /* false: the last name of an unlinked inode */
	bool apart : 1;	   /* c in a struct name_apart, else in a struct named_inode */
	char name[];	   /* terminated */
};

/* An inode and the name that it was made for, which goes when the inode does, whatever it is called by then. */
struct named_inode {
	struct inode inode;
	struct inode_name name;
};

_Static_assert(sizeof(struct inode) <= 64 && offsetof(struct inode_name, name) <= 28, "a walked file takes 200 bytes at the most");

/* Any further name. */
struct name_apart {
	struct inode *inode;
	struct inode_name name;
};

static inline struct inode *name_inode(const struct inode_name *n)
{
	return n->apart ? container_of(n, struct name_apart, name)->inode : &container_of(n, struct named_inode, name)->inode;
}

/* An object, of the upper or of a lower layer. */
struct link_key {
	uint64_t ino;
	uint32_t device;
	uint32_t upper;
};

struct inode_link {
	UT_hash_handle hh;
	struct link_key key;
	struct link_key was; /* the lower object's, which leads here as well; 0 without one */
	struct inode *inode;
	uint32_t nlink;	  /* INODE_COUNTED: names in the union */
	char *index_name; /* owned; of an indexed inode, and of a counted one when it was asked for */
};

/* Whether what was found is in an upper of our own. The index of one that is shown leads to objects of a lower layer. */
static inline bool resolved_in_upper(const struct tree *tree, const struct resolved *resolved)
{
	return tree->layers->has_upper && (resolved->in_upper || resolved->indexed);
}

/* --- slot.c ------------------------------------------------------------------------------------------------------- */

struct inode_slot *inode_slot(struct tree *tree, uint32_t slot);
/* A slot that leads to the inode, and its id; -ENOMEM. */
int slot_take_locked(struct tree *tree, struct inode *inode, uint64_t *ret_id);
void slot_release_locked(struct tree *tree, uint64_t id);

/* --- dir.c -------------------------------------------------------------------------------------------------------- */

/* NULL: no memory. */
struct dir *dir_new(const struct resolved *resolved);
/* Nothing of it is open. */
void dir_free(struct dir *dir);

/* --- inode.c ------------------------------------------------------------------------------------------------------ */

int inode_table_new(struct tree *tree);
void inode_table_free(struct tree *tree);
/* A new inode in the table, without a name but with room for one of `name_len` letters, unless that is 0; lookup count and references 0. NULL:
 * no memory. */
struct inode *inode_new_locked(struct tree *tree, const struct resolved *resolved, size_t name_len);
/* If nothing holds `inode`, takes it and the ancestors that it alone held out of the tables and puts them before *dead. */
void inode_reap_locked(struct tree *tree, struct inode *inode, struct inode **dead);
/* Frees what was reaped; no lock held. */
void inode_bury(struct tree *tree, struct inode *dead);

/* --- node_id.c ---------------------------------------------------------------------------------------------------- */

/* The kernel forgot n lookups of a node id. True: these were its last, and the caller puts the reference that they
 * held. */
bool node_id_forget_locked(struct tree *tree, uint64_t id, uint64_t n);
/* The inode is being freed: nobody holds a node id of it. */
void node_id_drop_locked(struct tree *tree, const struct inode *inode);
/* Takes all node ids away, whatever the kernel holds. */
void node_id_forget_all_locked(struct tree *tree);

/* --- orphan.c ----------------------------------------------------------------------------------------------------- */

/* Gives the inode a descriptor of its object (takes ownership). */
void inode_pin(struct tree *tree, struct inode *inode, int fd);
/* Lets go of what held an inode that is being freed. */
void orphan_finish(struct tree *tree, struct inode *inode);

/* --- name.c ------------------------------------------------------------------------------------------------------- */

struct inode_name *name_find_locked(struct tree *tree, const struct inode *parent, const char *name);
/* Gives a new inode the name that it has room for. */
void name_attach_first_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name, unsigned layer);
/* Gives `inode` one more name that nobody has yet, found in `layer`. -ENOMEM. */
int name_attach_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name, unsigned layer);
/* A name that an unlinked inode kept makes way for a real one. */
void name_forget_last_locked(struct tree *tree, struct inode *inode, struct inode **dead);
/* Takes a name away; the inode's last one stays with it, outside of the table, where a lower layer has something of it. */
void name_remove_locked(struct tree *tree, struct inode_name *n, struct inode **dead);

/* --- link.c ------------------------------------------------------------------------------------------------------- */

/* The inode of a non-directory that is known by its object. */
struct inode *link_find_locked(struct tree *tree, const struct resolved *resolved);
/* A new inode whose names the union counts, as the resolver found it. -ENOMEM. */
int link_count_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved);
/* What was found of a known inode anew: an upper that is shown is changed by another mount, which counts the names. */
void link_recount_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved);
/* From now on `inode` is found by its object in the upper; without memory it isn't, which costs coherence of its names
 * only. */
void link_add_locked(struct tree *tree, struct inode *inode);
void link_remove_locked(struct tree *tree, struct inode *inode);
/* What was prepared for the copy counts from now on. False: nothing was. */
bool link_publish_locked(struct tree *tree, struct inode *inode, struct object_id copy);

/* --- number.c ----------------------------------------------------------------------------------------------------- */

/* The number of an inode whose object is in the upper comes from its origin. False: another upper object has it. */
bool number_claim_locked(struct tree *tree, struct inode *inode);
/* The number is the upper object's own. Where those don't tell objects apart it may be one that another object was known by: then it gets another. */
void number_own_locked(struct tree *tree, struct inode *inode);
/* The number of the upper object is what later mounts will show, so this one shows it from now on. */
void number_use_own_locked(struct tree *tree, struct inode *inode);
/* Whether another object of the upper has the number than the one whose own, without an origin, is own_ino. */
bool number_is_taken(struct tree *tree, uint64_t ino, uint64_t own_ino);
/* What an object of the upper shows, which may have no inode yet: the number of its origin, or its own where it has none (0) or another has
 * that. */
uint64_t number_of_upper(struct tree *tree, uint64_t origin, uint64_t own_ino);
/* The inode is being freed. */
void number_release_locked(struct tree *tree, struct inode *inode);

/* --- nametable.c -------------------------------------------------------------------------------------------------- */

int name_table_init(struct name_table *t);
/* It is empty. */
void name_table_finish(struct name_table *t);
struct inode_name *name_table_find(const struct name_table *t, const struct inode *parent, const char *name,
				   size_t len);
/* The caller has filled parent, name and len; nobody has the name yet. */
void name_table_add(struct name_table *t, struct inode_name *n);
void name_table_remove(struct name_table *t, struct inode_name *n);
/* Frees a name that is in no inode's list any more; returns the parent, whose reference the caller drops. */
struct inode *name_free_locked(struct tree *tree, struct inode_name *n);

/* --- dirfd_cache.c ------------------------------------------------------------------------------------------------ */

int dirfd_cache_new(struct tree *tree, unsigned max);
void dirfd_cache_free(struct tree *tree);
/* Closes the descriptors of a directory that is being freed. */
void dirfd_drop(struct tree *tree, struct dir *dir);
unsigned dirfd_count(struct tree *tree);
/* A descriptor that is there already: the layer's root, the cache's, or a pinned one. Makes no system call, so T may be
 * held. */
bool dirfd_get_open(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd);
/* Puts a freshly opened descriptor into the cache, pinned; takes ownership of fd. -ENOMEM. */
int dirfd_insert(struct tree *tree, struct dirref *ref, int fd, struct dirfd *ret_fd);

/* --- dirfd.c ------------------------------------------------------------------------------------------------------ */

/* Between tries to open what a rename is moving: on disk first and in the table after, and its thread may not be
 * running. At once for the first tries, then longer and longer, 15 ms in all. */
#define OPEN_REAL_TRIES 16
void open_real_pause(unsigned attempt);

/* dirfd_get() for who holds N, where it is needed. */
int dirfd_get_held(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd);
/* Attributes of the directory in one layer, of its descriptor where it is open, else by its name in the parent. -ESTALE: it isn't there. */
int dirfd_statx(struct tree *tree, struct inode *dir, struct dirref *ref, struct statx *ret_stx);
/* A descriptor to read the directory once, checked to be that one, which the caller closes: two calls less than
 * opening the cache's again. Only for a directory that isn't open, lies by its name in its parent and may be read
 * without touching its access time; any errno means that dirfd_get() is to be asked. */
int dirfd_open_to_read(struct tree *tree, struct inode *dir, struct dirref *ref);
/* Opens a name as a directory (O_PATH); closes other directories where descriptors have run out. */
int dirfd_open_name(struct tree *tree, const struct layer *l, int dirfd, const char *name);
/* Opens the directory (O_PATH) at a path that was composed. */
int layer_path_open(struct tree *tree, const struct layer *l, const char *path);

/* --- layer_path.c ------------------------------------------------------------------------------------------------- */

/* The path, from the root of `layer`, of `name` in the directory there that is part of `dir`. Caller frees it. -ENOMEM,
 * -ESTALE. */
int layer_path_compose(struct tree *tree, struct inode *dir, unsigned layer, const char *name, char **ret_path);
int layer_path_compose_locked(struct tree *tree, struct inode *dir, unsigned layer, const char *name, char **ret_path);

/* --- lowerdata.c -------------------------------------------------------------------------------------------------- */

struct lowerdata {
	UT_hash_handle hh;
	const struct inode *inode; /* c the key */
	uint64_t size;		   /* c what the metadata says */
	bool linked;		   /* c the topmost lower object is a hard link */
	_Atomic uint64_t blocks;   /* of the data; LOWERDATA_BLOCKS_UNKNOWN until it was looked at */
	_Atomic unsigned layer;	   /* LOWERDATA_LAZY: a data-only one, not known which yet */
	char path[];
};
#define LOWERDATA_BLOCKS_UNKNOWN UINT64_MAX

/* What the inode has in a lower layer in place of data of its own, or NULL. Lives as long as the inode. */
struct lowerdata *lowerdata_of(struct tree *tree, const struct inode *inode);
/* Remembers where the data of a metacopy file lies that was resolved just now. -ENOMEM. */
int lowerdata_take_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved);
/* The inode is being freed. */
void lowerdata_drop_locked(struct tree *tree, struct inode *inode);
/* A metacopy file's st_blocks are those of its data; as long as nobody looked at that, what its size would take. */
void lowerdata_fix_statx(struct tree *tree, const struct inode *inode, struct statx *stx);

/* --- layer_lookup.c ----------------------------------------------------------------------------------------------- */

enum layer_lookup_kind {
	LAYER_LOOKUP_NOTHING,
	LAYER_LOOKUP_WHITEOUT,
	LAYER_LOOKUP_OBJECT,
	LAYER_LOOKUP_NOWHERE, /* nothing of the directory is to be seen in the layer */
	LAYER_LOOKUP_ASK, /* layer_lookup.c's own */
};

/* A name in one layer. Zeroed at the start. */
struct layer_lookup {
	struct statx stx;
	struct object_id id; /* LAYER_LOOKUP_OBJECT */
	unsigned xattr_flags; /* read for directories, for the topmost object, and where a whiteout has to be told from a file
			 */
	bool xattr_flags_known;
	bool overmounted;
	bool hides_below; /* `.wh.NAME` of this layer: no layer below has a say */
	bool asked;	  /* the layer's cache knows the directory that the name is in */
	bool recorded;	  /* and has the name: `entry` */
	struct cachefile_entry entry;
	uint32_t record;  /* a directory, as it was recorded: its number, else 0 */
	uint64_t checked; /* when that was seen */
};

/* Looks at `name` in the layer of `ref`, which is part of the directory. An enum layer_lookup_kind or -errno. *ret_fd is the directory
 * there, for LAYER_LOOKUP_OBJECT, and is put in any case. */
int layer_lookup_name(struct dir_stack *ds, struct dirref *ref, const char *name, struct dirfd *ret_fd,
		      struct layer_lookup *p);
/* The xattr flags of what was found, unless they are known. */
int layer_lookup_xattr_flags(struct dir_stack *ds, const struct layer *l, int dirfd, const char *name,
			     struct layer_lookup *p);
/* Names of the aufs dialect: one look each; for the opaque one a descriptor is needed, when they have run out others are
 * closed. */
int layer_lookup_aufs(struct dir_stack *ds, int (*look)(const struct layer *l, int dirfd, const char *name),
		      const struct layer *l, int dirfd, const char *name);
/* Whether the layer's cache may be asked about the directory: it has it, and nothing has changed. */
bool ref_is_recorded(struct dir_stack *ds, struct dirref *ref);

/* --- resolve.c ---------------------------------------------------------------------------------------------------- */

/* What a search met in a layer, told in the order of the layers. */
struct resolve_met {
	unsigned layer;
	enum layer_lookup_kind kind;
	const struct layer_lookup *p; /* LAYER_LOOKUP_OBJECT; else what was found out besides */
	const char *path;      /* from the layer's root, where the name wasn't looked for in the layer's part of the directory; else NULL */
	bool counts;	       /* an object that is shown, that merges, or that gives its data */
	bool redirects;	       /* from here on something else is looked for */
	bool ends;	       /* no layer below is asked */
};

/* Who wants to know; NULL: nobody. */
struct resolve_trace {
	void (*met)(void *arg, const struct resolve_met *met);
	void *arg;
};

/* What `name` is in the directory, from its parts in the layers `first` to `last`, outside of which it is known not to be. Errors as
 * resolve_child(). *ret_wasted, unless NULL: layers that were asked in vain. */
int resolve_in_stack(struct dir_stack *ds, const char *name, unsigned first, unsigned last, const struct resolve_trace *trace, struct resolved *ret,
		    unsigned *ret_wasted);
/* Makes the stack of the root directory. */
int resolve_root(struct layer_set *set, struct resolved *ret);

/* --- cookie.c ----------------------------------------------------------------------------------------------------- */

/* Cookies below are those of the dots, in each generation. */
#define LISTING_FIRST 3
/* The last one is that of streams of which the kernel keeps nothing. */
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
	LISTED_MERGES =
		1 << 3, /* with PENDING: an upper directory; ino is that of the lower one beneath, if it isn't opaque */
	LISTED_SEALED = 1 << 4, /* what lower layers have of this name is hidden */
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

/* The parts, on a listing that no one else sees or under the leaf lock. Pointers to entries hold until the next is
 * appended or hidden. */
struct listing *listing_new(void);
void listing_free(struct listing *l);
size_t listing_size(const struct listing *l);
/* What gives a name its position. Never POSITION_END. */
uint64_t listing_key(const char *name, size_t len);
/* *ret_slot, unless NULL: where in the order it stands. */
struct listed *listing_get(const struct listing *l, const char *name, size_t len, uint64_t key, uint32_t *ret_slot);
/* Appends a name that isn't there; NULL: no memory. */
struct listed *listing_append(struct listing *l, const char *name, size_t len, uint64_t key);
/* Gives back what growing has left over. */
void listing_fit(struct listing *l);
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
	size_t bytes;
	unsigned n;
	struct listing *list;	 /* those first that go next, unless they were used */
	size_t set_bytes;	 /* of the sets of names that are left of others, at most max_bytes as well */
	const struct tree *tree; /* c */
};

int listing_cache_new(struct tree *tree, size_t max_bytes);
void listing_cache_free(struct tree *tree);

/* What the resolver learns of a name. */
struct listing_hint {
	enum listing_answer answer;
	unsigned layer;	     /* PRESENT: the topmost that has it */
	unsigned last_layer; /* PRESENT, a directory: none beneath this one has it */
	bool may_whiteout;   /* ABSENT: the upper may hold a whiteout of it */
};
void listing_hint_of(struct tree *tree, struct inode *dir, const char *name, struct listing_hint *ret);
/* Tries to build without D, for the resolver: void when something changed meanwhile. */
void listing_try_build(struct tree *tree, struct inode *dir);
/* Leaves the leaf lock held when it returns 0: `dir` has a listing, read anew where `again`. Takes D. What made way is put before *gone. */
int listing_ensure_and_lock(struct tree *tree, struct inode *dir, bool again, struct listing **gone);
/* A list of those that made way; no lock held. */
void listings_free(struct listing *gone);

/* --- merge.c ------------------------------------------------------------------------------------------------------ */

/* Reads all layers of the directory. With `stop_early` it ends with 1 at the first visible name and *ret_listing untouched. */
int merge_dir(struct dir_stack *ds, bool stop_early, struct listing **ret_listing);

/* --- final_ino.c -------------------------------------------------------------------------------------------------- */

/* The final ino of an entry that is PENDING. 0 or -errno. */
int final_ino(struct tree *tree, struct inode *dir, const char *name, unsigned flags, uint64_t *ino);

#endif
