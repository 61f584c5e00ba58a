/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl's own store, to be changed. image/store.h has its layout and reads it.
 *
 * Everything is made below `tmp` first, synced, and then renamed to its place. So a kill at any moment leaves only
 * things in `tmp`, which the next lock that nobody shares removes. A layer is there as a whole or not at all, and an
 * image only after all of its layers.
 *
 * Locks. A process that adds something holds the store's lock shared: before it looks for known layers, and until the
 * image has its name. A process that removes something holds it exclusively.
 *
 * Errors are -errno and one line. One thread uses a struct store at a time.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/digest.h"
#include "image/image.h"
#include "image/read.h"
#include "image/store.h"

struct store;

/* `path` NULL: the store of this user (image_default_path()). `create`: it is made if it isn't there. */
int store_open(const char *path, bool create, struct store **ret, struct image_error *error);
void store_close(struct store *s);
static inline void store_cleanup(struct store **s)
{
	if (*s)
		store_close(*s);
}
const char *store_path(const struct store *s);
/* Until store_close(). It waits for other processes. */
int store_lock(struct store *s, bool exclusive, struct image_error *error);

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* A tar that becomes a layer. */
struct store_source {
	const char *diff_id; /* NULL: not known before */
	const char *digest;  /* of the blob, to be kept; NULL: none */
	/* Opens the tar, with the tap for the bytes of the blob. Several threads call it. */
	int (*open)(void *arg, size_t i,
		    int (*tap)(void *tap_arg, const void *data, size_t len, struct image_error *error), void *tap_arg,
		    struct layer_tar *ret, struct image_error *error);
	void *arg;
	size_t i;
	const char *parent_diff; /* directory of the layer below that isn't among the sources; NULL: none */
};

struct store_adding {
	bool any_below;	 /* what hard links of known layers lead to is right, though other layers are below now */
	bool keep_blobs; /* compressed layers are kept as they came, too */
};

struct store_added {
	char diff_id[DIGEST_SIZE];
	int64_t tar; /* bytes */
	bool known;  /* it was there before */
};

/* Adds layers, lowest first, in several threads. All are added or none. The lock is held. */
int store_add_layers(struct store *s, const struct store_source *sources, size_t n, const struct store_adding *adding,
		     struct store_added *ret, struct image_error *error);
bool store_has_layer(const struct store *s, const char *diff_id);
/* Whether the tar of a layer has hard links to files of the layers below. */
bool store_layer_rests(const struct store *s, const char *diff_id);
/* The blob of a layer that is kept with this digest: a descriptor, or -ENOENT. */
int store_open_blob(const struct store *s, const char *diff_id, const char *digest);
/* A blob of a layer that is kept, each time the same one, and its digest: a descriptor, or -ENOENT. */
int store_find_blob(const struct store *s, const char *diff_id, char ret_digest[static DIGEST_SIZE]);
/* The original tar of a layer. */
int store_write_tar(const struct store *s, const char *diff_id, int (*sink)(void *arg, const void *data, size_t len),
		    void *arg, struct image_error *error);

/* --- images and names --------------------------------------------------------------------------------------------- */

/* Adds an image whose layers are there. `manifest` may be NULL. The lock is held. */
int store_add_image(struct store *s, const char *config, size_t config_len, const char *manifest, size_t manifest_len,
		    char ret_id[static DIGEST_SIZE], struct image_error *error);
/* -EINVAL: an image can't have this name. A whole id or digest would be taken for another image's. */
int store_check_name(const char *name, struct image_error *error);
/* The image that has exactly this name. -ENOENT: none. */
int store_find_name(const struct store *s, const char *name, char ret_id[static DIGEST_SIZE]);
/* Gives an image a name, which another image loses. The lock is held. */
int store_set_name(struct store *s, const char *name, const char *id, struct image_error *error);
/* Takes a name away. -ENOENT: there is none. */
int store_remove_name(struct store *s, const char *name, struct image_error *error);
/* Removes an image and all its names. Its layers stay until store_collect(). */
int store_remove_image(struct store *s, const char *id, struct image_error *error);

/* --- leases ------------------------------------------------------------------------------------------------------- */

/* A lease keeps layers of a union that not everybody sees, because it is in another namespace: a file of `leases` with
 * their digits. It holds while any process has a shared lock of it (flock(2)), so it ends with the last of them.
 * `dirs` are real paths, and those of them that aren't layers of this store are passed over; *ret_fd is -1 if all are.
 * The caller closes the descriptor, which has the lock. -ENOENT: a layer is no longer there. The lock is held. */
int store_lease(struct store *s, const char *const *dirs, size_t n, char **ret_path, int *ret_fd,
		struct image_error *error);

/* --- collecting --------------------------------------------------------------------------------------------------- */

struct store_collected {
	unsigned images, layers, temps;
	uint64_t bytes; /* on disk, of what was or would be removed */
};

/* Removes images without a name. Removes layers that no image, no entry of the cache, no upper, no lease, no exposed
 * directory and no live mount has. `only_look`: it only counts. `is_used` says whether a directory is a layer of a live
 * union. The exclusive lock is held. */
int store_collect(struct store *s, bool only_look, bool (*is_used)(void *arg, const char *dir), void *arg,
		  struct store_collected *ret, struct image_error *error);

#endif
