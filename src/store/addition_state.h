/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ADDITION_STATE_H
#define STORE_ADDITION_STATE_H

#include "store/addition.h"
#include "tree/walk.h"

struct addition_source {
	int fd;		       /* of the machine: O_PATH of what was named; else -1 */
	struct layer_set *set; /* of a union, with a reference; else NULL */
};

/* One object of the layer. */
struct added_object {
	char *path;	  /* in the layer; owned */
	char *name;	  /* by which a part calls it; NULL: it is no source's; owned */
	struct statx stx; /* as the layer has it */
	size_t order;	  /* among all that were added */
	size_t source;
	char *where, *data_where; /* path in the source, and that of the data of a union; owned */
	unsigned layer, data_layer;
	/* As the part has it: a file's content, or where a link leads; and the attributes, NULL: there are none. */
	char content[DIGEST_SIZE];
	char *attributes; /* owned */
};

struct addition {
	struct layer_set *below; /* the caller's */
	struct tree_looks *looks;
	const struct addition_options *options;
	char *destination; /* as it is in the union, without slashes at the ends; owned */
	bool is_directory; /* the destination certainly is one */
	bool is_there;	   /* in the union */
	bool makes_directories;
	struct addition_source *sources; /* owned */
	size_t n_sources;
	struct added_object *objects; /* owned */
	size_t n, n_added;
};

/* addition_below.c */

/* The object that a union shows at a path, if any. */
struct shown {
	bool there;
	struct statx stx;
	unsigned layer, data_layer;
	char *where, *data_where; /* owned */
};
int shown_look(struct tree_looks *looks, const char *path, struct shown *ret);
void shown_finish(struct shown *s);
/* The path to which a path leads in the union: without links, "..", and slashes at the ends. Its last parts may be
 * missing. The caller frees it. -ENOTDIR: a part of it is no directory. -ELOOP. */
int shown_resolve(struct layer_set *set, struct tree_looks *looks, const char *path, char **ret);
/* -EINVAL: a layer can't have the name of the last part of the path. */
int addition_refuse_name(const char *path, struct image_error *error);
/* Adds the directories above all objects, and compares them with what is below. */
int addition_add_parents(struct addition *a, struct image_error *error);
/* "PARENT/NAME". NULL without memory. */
char *addition_join(const char *parent, const char *name);

/* addition_object.c */

/* As strcmp(), with the slash before all other bytes. */
int addition_order(const char *a, const char *b);
/* A new object, with the path and `name`, which may be NULL. */
int addition_object(struct addition *a, const char *path, const char *name, struct added_object **ret);
void addition_object_finish(struct added_object *o);
/* Sorts by path, a directory before what is in it. Of several with one path the last stays. */
int addition_sort(struct addition *a, struct image_error *error);

/* addition_exclude.c: whether the patterns leave out a path of a source. *ret_below: something in it may be wanted
 * nevertheless. */
bool addition_excludes(const char *patterns, const char *path, bool *ret_below);

#endif
