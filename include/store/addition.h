/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer that adds files to a union, as COPY of a Dockerfile does. It is written as a tar at once: nothing is unpacked
 * or mounted.
 *
 * Sources are files or directories, of the machine or of another union. A symbolic link that is named as a source is
 * followed. Of a directory all that is in it is added, and not the directory itself. Directories merge with those that
 * are there. The last source wins where several have a file.
 *
 * With keeps_path a source X/Y becomes DESTINATION/X/Y, with the attributes of X. Of X/./Y/Z it is DESTINATION/Y/Z. No
 * part of the path may be `..`.
 *
 * The destination is a directory if its path ends with a slash, if it is one in the union, or if the source is one.
 * Otherwise it is the name of the file. Symbolic links in it are followed in the union, also the last. Missing
 * directories get the mode 0755, and the latest time of all files that are added.
 *
 * Directories above what is added are in the layer too, with the attributes that the union shows. So the layer changes
 * nothing of them.
 *
 * Of the machine all belongs to 0:0, whatever its owners are there; of a union owners stay. User xattrs and
 * capabilities are kept, others aren't: the parts of a step have all that is kept, but for times. Sockets are passed
 * over. A name that begins with ".wh." is refused.
 */
#ifndef STORE_ADDITION_H
#define STORE_ADDITION_H

#include "archive/layer.h"
#include "store/cache.h"

struct addition;

struct addition_options {
	bool has_owner, has_mode;
	uint32_t uid, gid, mode; /* of all that is added */
	bool keeps_path;	 /* each source is below the directories that its path names */
	/* Patterns of what isn't, separated by commas, as in .dockerignore: with `**`, and with `!` before what is
	 * added nevertheless. NULL: none. The last that fits counts. */
	const char *exclude;
	const struct archive_options *archive;
};

/* An addition to a union, which stays open. `destination` begins with a slash. `options` are kept. */
int addition_new(struct layer_set *below, const char *destination, const struct addition_options *options,
		 struct addition **ret, struct image_error *error);
void addition_free(struct addition *a);
static inline void addition_cleanup(struct addition **a)
{
	if (*a)
		addition_free(*a);
}
/* Sources are added first. `several`: there are more of them. */
int addition_add_files(struct addition *a, const char *path, bool several, struct image_error *error);
int addition_add_union(struct addition *a, struct layer_set *set, const char *path, bool several,
		       struct image_error *error);
/* Then all else is found out, and the parts of a step are added. */
int addition_finish(struct addition *a, struct cache_parts *parts, struct image_error *error);
/* Writes the tar. `arg` is the addition. -EAGAIN: a file isn't what it was. */
int addition_write(void *arg, archive_sink sink, void *sink_arg, struct image_error *error);

#endif
