/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of build steps: STORE/cache/HEX has what a step had as its inputs, and the layer that came out. HEX is the
 * key: the SHA-256 of all parts.
 *
 * A part is a name with some fields: `command` and `parent` have a value; a file has its type, mode, owner and so on.
 * There are no times. Long or secret values, such as contents of files and values of variables, are there as digests.
 * So two entries tell what differs between them, and nothing more.
 *
 * The key is the SHA-256 of these bytes, with all numbers as 8 bytes, the lowest first:
 *
 *	"plyfs.cache/1" and a null byte; the number of parts; for each part the length of its name and the name, the
 *	number of its fields, and for each field its number in enum cache_field, the length of its text and the text
 *
 * The file is a JSON document: `schema` "plyfs.cache/1", `key`, `parts`, `step`, `diff_id`, `size`, `created_ms`,
 * `dated`, `hits`, `last_used_ms`. A document is believed only if its parts give its key, and the key is its name. It
 * is written as all in the store is (store/store.h), by holders of the store's lock. A lock of the folder's own is held
 * meanwhile, so that no hit is lost. `hits` and `last_used_ms` are the first members, in a width that fits all numbers:
 * a hit writes them in place, and not the parts of many files again.
 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum cache_field {
	CACHE_VALUE,
	CACHE_TYPE,
	CACHE_MODE,
	CACHE_OWNER,
	CACHE_CONTENT,
	CACHE_TARGET,	  /* of a symlink */
	CACHE_DEVICE,	  /* numbers of a device */
	CACHE_ATTRIBUTES, /* user.* and capabilities */
	CACHE_FIELDS,
};
/* "value", "type", .. */
const char *cache_field_name(enum cache_field field);

struct cache_part {
	char *name;		    /* bytes; owned */
	char *fields[CACHE_FIELDS]; /* UTF-8; NULL: it has none; owned */
};

struct cache_parts {
	struct cache_part *list; /* owned */
	size_t n;
};

/* The part is valid until the next one is added. 0 or -ENOMEM. */
int cache_parts_add(struct cache_parts *parts, const char *name, struct cache_part **ret);
int cache_part_set(struct cache_part *part, enum cache_field field, const char *text);
int cache_part_set_digest(struct cache_part *part, enum cache_field field, const void *data, size_t len);
/* A part with a value; the second form has the digest of the value. */
int cache_parts_add_value(struct cache_parts *parts, const char *name, const char *value);
int cache_parts_add_digest(struct cache_parts *parts, const char *name, const void *data, size_t len);
/* Moves all of `from` behind those of `parts`. 0 or -ENOMEM. */
int cache_parts_move(struct cache_parts *parts, struct cache_parts *from);
int cache_parts_key(const struct cache_parts *parts, char ret[static DIGEST_SIZE]);
void cache_parts_finish(struct cache_parts *parts);

struct cache_entry {
	char key[DIGEST_SIZE];
	struct cache_parts parts;
	char *step; /* what the history says of it; UTF-8; owned */
	char diff_id[DIGEST_SIZE];
	int64_t size;		    /* bytes of the layer's tar */
	int64_t created, last_used; /* milliseconds */
	int64_t dated;		    /* seconds: the time that the history of the image has */
	int64_t hits;
};
void cache_entry_finish(struct cache_entry *e);

/* The document, which the caller frees; NULL without memory. */
char *cache_entry_text(const struct cache_entry *e);
/* The beginning of the document, as far as hits change it: CACHE_HEAD bytes and a null byte. */
#define CACHE_HEAD 72
void cache_entry_head(const struct cache_entry *e, char ret[static CACHE_HEAD + 1]);
/* The way back. `key` is the name of the file. -EBADMSG: it is no such document, or not of this key. */
int cache_entry_parse(const char *text, size_t len, const char *key, struct cache_entry *ret,
		      struct image_error *error);

/* Now, as entries have it. */
int64_t store_cache_now(void);
/* Looks for the entry of a key. -ENOENT: there is none whose layer is in the store. -EBADMSG: it is damaged. `is_hit`:
 * its hits are counted. Another errno: it couldn't be read. The lock is held. */
int store_cache_find(struct store *s, const char *key, bool is_hit, struct cache_entry *ret, struct image_error *error);
/* Adds an entry, or takes the place of one that can't be used. -EEXIST: there is one that can. The layer is there. The
 * lock is held. */
int store_cache_put(struct store *s, const struct cache_entry *e, struct image_error *error);
/* One entry. `e` is NULL if it can't be used: `err` is -EBADMSG for one that is damaged, and another errno for one that
 * couldn't be read, which may be whole. `cause` says it in words. The call may take what the entry owns. */
typedef int (*store_cache_call)(void *arg, const char *key, struct cache_entry *e, int err, const char *cause);
/* Calls `each` for all entries in the order of their keys. Stops at the first result that isn't 0. The lock is held. */
int store_cache_each(struct store *s, store_cache_call each, void *arg, struct image_error *error);
/* Removes one. The exclusive lock is held. */
int store_cache_remove(struct store *s, const char *key, struct image_error *error);

#endif
