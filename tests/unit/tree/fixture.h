/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A union over layers that are plain directories below one temporary directory, without a mount. Xattrs are in the user
 * namespace of attributes, so that no privilege is needed.
 *
 * What layers hold is written as text, items "LAYER KIND PATH" without spaces inside, such as "0f/a 1d/dir 2f/dir/x":
 *
 *	f file   e empty file   l symlink   m metacopy file, "path" or "path>target"
 *	w whiteout (device 0:0)   z whiteout of the xattr form (an empty file elsewhere)
 *	d directory   o opaque directory   x directory with whiteouts of the xattr form   u directory with
 *	              user.fuseoverlayfs.opaque
 *	r directory with a redirect, "path>target" or to "/elsewhere"
 */
#ifndef UNIT_TREE_FIXTURE_H
#define UNIT_TREE_FIXTURE_H

#include "../../../src/tree/view/view.h"

struct fixture {
	char path[64];
	const char *base; /* where `path` lies */
	int top_fd;	  /* of `path`; layers are the directories "0", "1", .. in it, beside "work" */
	struct layer_set *set;
	struct tree *tree;
};

struct fixture_options {
	unsigned layers;
	bool no_upper;
	unsigned max_dirfds;	  /* 0: 64 */
	size_t max_listing_bytes; /* 0: 64 MiB */
	bool revalidate;
	bool aufs;
	bool follow;	      /* redirects */
	bool metacopy;	      /* is followed */
	unsigned data_layers; /* behind the others */
	bool no_pins;	      /* what loses its name is kept by name in "work" */
	bool in_memory;	      /* for many files: on a tmpfs where there is one, maybe without xattrs */
};

/* False when the machine gives no such directory. The layers are empty. */
bool fixture_init(struct fixture *f, const struct fixture_options *options);
void fixture_finish(struct fixture *f);

/* Makes a fresh union over the same layers. */
bool fixture_remount(struct fixture *f, const struct fixture_options *options);

/* Adds items to the layers; false when one can't be made. */
bool fixture_make(struct fixture *f, const char *items);
bool fixture_make_one(struct fixture *f, unsigned layer, char kind, const char *path);
/* Sets a private xattr on "LAYER/PATH". */
bool fixture_set_xattr(struct fixture *f, const char *path, enum xattr_overlay which, const char *value);

/* Looks a path up as the kernel would, "" is the root; each step raises a lookup count. *ret is untouched on
 * failure. */
int fixture_lookup(struct fixture *f, const char *path, struct inode **ret);
/* The same, and NULL with a failed expectation when it isn't there. */
struct inode *fixture_get(struct fixture *f, const char *path);
/* Resolves the last name of a path. */
int fixture_resolve(struct fixture *f, const char *path, struct resolved *ret);
/* Inode number of "LAYER/PATH" on disk; 0 when there is none. */
uint64_t fixture_ino(struct fixture *f, const char *path);
/* The object of that number; all layers lie on one device. */
static inline struct object_id fixture_object(const struct fixture *f, uint64_t ino)
{
	return (struct object_id){.ino = ino, .device = f->set->layers[0].device};
}
/* Builds the listing if it isn't known (caller holds no D). */
int listing_build(struct tree *tree, struct inode *dir);
/* Reads an open file whole into a static buffer. */
const char *fixture_read(int fd);

#define FIXTURE(f, ...)                                                                                                \
	struct fixture f __attribute__((cleanup(fixture_finish))) = {.top_fd = -1};                                    \
	ASSERT(fixture_init(&f, &(struct fixture_options){__VA_ARGS__}))

#endif
