/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of the inode table: inodes, their names, numbers and node ids. All of it is memory under T, and no function
 * here makes a system call. The rooms above, object and view, are not known here: what they have of an inode that ends
 * is let go of by tree->end_of_inode().
 *
 * Memory of a known file: the inode and its name in one piece (92 bytes and the name itself), a bucket and a slot of
 * the tables.
 */
#ifndef TREE_TABLE_H
#define TREE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/macros.h"
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "tree/resolved.h"
#include "tree/tree.h"

/* --- what is in it ------------------------------------------------------------------------------------------------ */

#define SLOT_CHUNK 4096u
#define SLOT_CHUNKS 65536u
#define CHUNK_NONE UINT32_MAX

/* A slot of the inode table. Chunks of slots never move or go, so a slot is read without a lock; a stale id meets
 * another generation. */
struct inode_slot {
	struct inode *_Atomic inode;
	_Atomic uint32_t generation;
	uint32_t next_free; /* T */
};

/* The slots that a tree takes of an id space at a time. */
struct slot_chunk {
	struct tree *_Atomic tree; /* a whose it is; NULL: nobody's */
	/* of the chunks that a tree has: T; of those that nobody has: lock of the space. CHUNK_NONE: the last */
	uint32_t next;
	struct inode_slot slots[SLOT_CHUNK];
};

/* tree/id_space.h */
struct id_space {
	struct slot_chunk *_Atomic *chunks; /* c array of SLOT_CHUNKS */
	struct lock lock;		    /* leaf */
	uint32_t unused;		    /* lock: from here on there are no chunks yet */
	uint32_t free;			    /* lock: the first that was given back */
};

/* All names by (parent, name): nametable.c. */
struct name_table {
	struct inode_name ***chunks;
	uint32_t base;
	uint32_t split;
	size_t n;
};

/* Inodes by st_ino: number.c. */
struct number_table {
	struct inode **cells; /* NULL: empty */
	uint32_t mask;
	uint32_t n;
};

struct inode_table {
	struct id_space *space;		    /* c */
	bool owns_space;		    /* c nobody else takes ids of it */
	struct slot_chunk *_Atomic *chunks; /* c those of the space */
	uint32_t newest_chunk;		    /* T the first of ours */
	uint32_t next_slot;		    /* T the first of the newest chunk that wasn't handed out; slot 0 is none */
	uint32_t free_slot;		    /* T head of the free ones, 0 = none */
	size_t n_inodes;		    /* T */
	struct name_table names;	    /* T */
	struct inode_link *links;	    /* T uthash: link.c, hard-linked files only */
	struct number_table numbers;	    /* T number.c, upper objects with an origin only */
	struct lowerdata *lowerdata;	    /* T uthash: by inode, of those whose data lies elsewhere: lowerdata.c */
	struct node_id *node_ids;	    /* T uthash: ids of inodes that have more than one: node_id.c */
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

_Static_assert(sizeof(struct inode) <= 64 && offsetof(struct inode_name, name) <= 28,
	       "a walked file takes 200 bytes at the most");

/* Any further name. */
struct name_apart {
	struct inode *inode;
	struct inode_name name;
};

static inline struct inode *name_inode(const struct inode_name *n)
{
	return n->apart ? container_of(n, struct name_apart, name)->inode
			: &container_of(n, struct named_inode, name)->inode;
}

/* tree_path() of an inode, under T. */
const char *tree_path_locked(struct tree *tree, const struct inode *inode, const char *name, char buf[TREE_PATH_SHOWN]);

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

/* Whether what was found is in an upper of our own. The index of one that is shown leads to objects of a lower
 * layer. */
static inline bool resolved_in_upper(const struct tree *tree, const struct resolved *resolved)
{
	return tree->layers->has_upper && (resolved->in_upper || resolved->indexed);
}

/* --- id_space.c --------------------------------------------------------------------------------------------------- */

/* A chunk for the tree; -ENOMEM. All its slots are without an inode. */
int id_space_take(struct id_space *space, struct tree *tree, uint32_t *ret_number);
void id_space_give_back(struct id_space *space, uint32_t number);

/* --- slot.c ------------------------------------------------------------------------------------------------------- */

/* NULL: it isn't the tree's. */
struct inode_slot *inode_slot(struct tree *tree, uint32_t slot);
/* All slots of the tree, under T: the first, and the one after another; 0: no more. */
uint32_t slot_first(struct tree *tree);
uint32_t slot_after(struct tree *tree, uint32_t slot);
/* A slot that leads to the inode, and its id; -ENOMEM. */
int slot_take_locked(struct tree *tree, struct inode *inode, uint64_t *ret_id);
void slot_release_locked(struct tree *tree, uint64_t id);

/* --- dir.c -------------------------------------------------------------------------------------------------------- */

/* NULL: no memory. */
struct dir *dir_new(const struct resolved *resolved);
/* Nothing of it is open. */
void dir_free(struct dir *dir);

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

/* --- number.c ----------------------------------------------------------------------------------------------------- */

/* The number of an inode whose object is in the upper comes from its origin. False: another upper object has it. */
bool number_claim_locked(struct tree *tree, struct inode *inode);
/* The number is the upper object's own. Where those don't tell objects apart it may be one that another object was
 * known by: then it gets another. */
void number_own_locked(struct tree *tree, struct inode *inode);
/* The number of the upper object is what later mounts will show, so this one shows it from now on. */
void number_use_own_locked(struct tree *tree, struct inode *inode);
/* Whether another object of the upper has the number than the one whose own, without an origin, is own_ino. */
bool number_is_taken(struct tree *tree, uint64_t ino, uint64_t own_ino);
/* The number that an object of the upper shows, even if it has no inode yet: that of its origin. It shows its own if it
 * has no origin (0), or if another object has that number. */
uint64_t number_of_upper(struct tree *tree, uint64_t origin, uint64_t own_ino);
/* The inode is being freed. */
void number_release_locked(struct tree *tree, struct inode *inode);

/* --- link.c ------------------------------------------------------------------------------------------------------- */

/* The inode of a non-directory that is known by its object. */
struct inode *link_find_locked(struct tree *tree, const struct resolved *resolved);
/* A new inode whose names the union counts, as the resolver found it. -ENOMEM. */
int link_count_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved);
/* A known inode was resolved again: an upper that is shown is changed by another mount, which counts the names. */
void link_recount_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved);
/* From now on `inode` is found by its object in the upper; without memory it isn't, which costs coherence of its names
 * only. */
void link_add_locked(struct tree *tree, struct inode *inode);
void link_remove_locked(struct tree *tree, struct inode *inode);
/* The link that was prepared for the copy counts from now on. False: none was prepared. */
bool link_publish_locked(struct tree *tree, struct inode *inode, struct object_id copy);

/* --- node_id.c ---------------------------------------------------------------------------------------------------- */

/* The kernel forgot n lookups of a node id. True: these were its last, and the caller puts the reference that they
 * held. */
bool node_id_forget_locked(struct tree *tree, uint64_t id, uint64_t n);
/* The inode is being freed: nobody holds a node id of it. */
void node_id_drop_locked(struct tree *tree, const struct inode *inode);
/* Takes all node ids away, whatever the kernel holds. */
void node_id_forget_all_locked(struct tree *tree);

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

/* The lowerdata of the inode, or NULL if it has data of its own. Lives as long as the inode. */
struct lowerdata *lowerdata_of(struct tree *tree, const struct inode *inode);
/* Remembers where the data of a metacopy file lies that was resolved just now. -ENOMEM. */
int lowerdata_take_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved);
/* The inode is being freed. */
void lowerdata_drop_locked(struct tree *tree, struct inode *inode);
/* I7 of one inode. */
bool lowerdata_check_locked(struct tree *tree, const struct inode *inode);
/* A metacopy file's st_blocks are those of its data; as long as nobody looked at that, what its size would take. */
void lowerdata_fix_statx(struct tree *tree, const struct inode *inode, struct statx *stx);

/* --- inode.c ------------------------------------------------------------------------------------------------------ */

/* `space` NULL: one of its own. */
int inode_table_new(struct tree *tree, struct id_space *space);
void inode_table_free(struct tree *tree);
/* A new inode in the table, without a name but with room for one of `name_len` letters, unless that is 0; lookup count
 * and references 0. NULL: no memory. */
struct inode *inode_new_locked(struct tree *tree, const struct resolved *resolved, size_t name_len);
/* If nothing holds `inode`, takes it and the ancestors that it alone held out of the tables and puts them before
 * *dead. */
void inode_reap_locked(struct tree *tree, struct inode *inode, struct inode **dead);
/* Frees what was reaped; no lock held. */
void inode_bury(struct tree *tree, struct inode *dead);

/* --- name.c ------------------------------------------------------------------------------------------------------- */

struct inode_name *name_find_locked(struct tree *tree, const struct inode *parent, const char *name);
/* Gives a new inode the name that it has room for. */
void name_attach_first_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name,
			      unsigned layer);
/* Gives `inode` one more name that nobody has yet, found in `layer`. -ENOMEM. */
int name_attach_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name, unsigned layer);
/* A name that an unlinked inode kept makes way for a real one. */
void name_forget_last_locked(struct tree *tree, struct inode *inode, struct inode **dead);
/* Takes a name away; the inode's last one stays with it, outside of the table, where a lower layer has something of
 * it. */
void name_remove_locked(struct tree *tree, struct inode_name *n, struct inode **dead);

#endif
