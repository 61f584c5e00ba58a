/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's directory as the tar of an OCI layer (OCI image specification, layer.md). The same content gives the same
 * bytes on each machine, whatever the form of the layer's whiteouts and stat overrides is. So the SHA-256 of the tar is
 * an id of a layer that isn't an image's yet.
 *
 * Order: a directory, the root first; its marker if it is opaque (.wh..wh..opq); its entries but directories; its
 * whiteouts (.wh.NAME); then each of its directories in turn in the same way. Names are sorted by their bytes. The
 * first name of a file has its content, and others are hard links to it. Whiteouts and markers belong to 0:0, have mode
 * 0 and time 0. Sockets are left out, as every tar does. Times have nanoseconds.
 *
 * Xattrs of users are written in the order of their names. Private xattrs of all dialects, stat overrides and
 * security.selinux are left out. Escaped names (format/name.h) are unescaped.
 *
 * Content that lies in the layers below is refused: a directory with a redirect, and a metacopy file. A name that
 * begins with ".wh." is refused too.
 */
#ifndef ARCHIVE_LAYER_H
#define ARCHIVE_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/links.h"
#include "archive/tar_writer.h"
#include "image/digest.h"
#include "image/image.h"
#include "layer/layer.h"

struct archive_options {
	bool has_latest; /* times later than `latest` become it, without nanoseconds: SOURCE_DATE_EPOCH */
	int64_t latest;
	/* Objects of this user or group are written as root's. */
	bool own_is_root;
	uint32_t own_uid, own_gid;
	/* Whether an object or whiteout is written; below a directory that isn't, nothing is. NULL: all. */
	bool (*wants)(void *arg, const char *path);
	/* Whether the marker of an opaque directory is written. NULL: all are. */
	bool (*opaque)(void *arg, const char *dir);
	void *wants_arg; /* of both */
	/* The root is left out if it has the attributes of one that no tar has listed (archive/unpack.h). */
	bool unpacked;
	/* Writes an object of which a part lies in the layers below: a metacopy file, or a directory with a redirect
	 * and all in it. NULL: it is refused. */
	int (*whole)(void *arg, struct tar_writer *tar, const char *path, struct image_error *error);
	/* Writes what a directory has besides, behind its entries but before its directories. NULL: nothing. */
	int (*more)(void *arg, struct tar_writer *tar, const char *dir, struct image_error *error);
	void *whole_arg;	     /* of both */
	struct archive_links *links; /* that these two share with the layer; NULL: none */
};

/* tar_object_of() with the time that the options ask for. `options` may be NULL. */
struct tar_object archive_object(const struct archive_options *options, const char *path, const struct statx *stx);
/* The options that the environment asks for. -EINVAL: SOURCE_DATE_EPOCH is no number of seconds. */
int archive_options_of_environment(struct archive_options *ret, struct image_error *error);
/* The options that a stack wants. A layer with owners in stat overrides is of a user who can't give files away: an
 * object without an override is root's. `set` may be NULL. */
void archive_options_of_set(struct archive_options *options, const struct layer_set *set);

/* Writes the tar of layer `l`. `options` may be NULL. -EOPNOTSUPP: the content is in other layers. -EINVAL: a name that
 * can't be written. -EAGAIN: a file changed meanwhile. */
int archive_layer(const struct layer_set *set, const struct layer *l, const struct archive_options *options,
		  archive_sink sink, void *arg, struct image_error *error);
/* The digest of that tar. */
int archive_layer_digest(const struct layer_set *set, const struct layer *l, const struct archive_options *options,
			 char ret[static DIGEST_SIZE], struct image_error *error);

#endif
