/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/cleanup.h"
#include "os/fs.h"
#include "store/store.h"

#define TEMP_SIZE 24

struct store {
	char *path;
	int fd, lock_fd;
	int refs_fd, images_fd, layers_fd, tmp_fd; /* open for reading, so that they can be synced */
	bool locked, exclusive;
	unsigned n_temps; /* things in `tmp` that the lock has removed */
	bool overrides;	  /* of new layers: this process can't set owners */
	bool userxattr;	  /* of new layers: private xattrs are in user.* */
};

/* The digits of a digest. */
static inline const char *digest_digits(const char *digest)
{
	return digest + sizeof(DIGEST_PREFIX) - 1;
}

/* A new directory in `tmp`. */
int store_temp_new(struct store *s, char ret_name[static TEMP_SIZE], int *ret_fd);
/* Removes it with all that is in it, if it is there. */
void store_temp_remove(struct store *s, const char *name);
/* Writes a new file. */
int store_write_file(int dirfd, const char *name, const void *data, size_t len);
/* Calls `each` with the text of each lease that holds, in which "/layers/" and its digits stand for a layer. `removes`:
 * those that don't are removed. The lock is held. */
int store_each_lease(struct store *s, bool removes, int (*each)(void *arg, char *text, struct image_error *error),
		     void *arg, struct image_error *error);
/* Calls `each` with the text of each directory that shows layers: its path in the first line, and layers as above. */
int store_each_exposed(struct store *s, int (*each)(void *arg, char *text, struct image_error *error), void *arg,
		       struct image_error *error);
/* Replaces that of a directory. */
int store_exposed_set(struct store *s, const char *path, const char *text, struct image_error *error);
/* Makes the files that hard links of the layer lead to in the layers below, whose directories are `below`, topmost
 * first. */
struct unpacked;
int store_resolve_links(struct store *s, int diff_fd, const char *const *below, size_t n, const struct unpacked *u,
			struct image_error *error);

struct store_check;
/* Lets others work in the store again, unless something is to be mended. */
int store_lock_to_look(struct store *s, const struct store_check *check);

#endif
