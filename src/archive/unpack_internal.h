/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking in parts: unpack.c reads entries, unpack_parent.c finds the directory of a path, unpack_object.c makes an
 * object.
 */
#ifndef ARCHIVE_UNPACK_INTERNAL_H
#define ARCHIVE_UNPACK_INTERNAL_H

#include "archive/unpack.h"
#include "base/hash.h"
#include "os/fs.h"
#include <uthash.h>

#define UNPACK_BUFFER (256 << 10)
/* Bytes of a file from which on its write-back is started at once: most bytes are in few files. */
#define UNPACK_WRITE_EARLY (64 << 10)
/* Bytes of the paths of directories, which are kept until the end. */
#define UNPACK_DIRS_MAX (64 << 20)

/* Attributes that a directory gets at the end. */
struct unpack_dir {
	UT_hash_handle hh;
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t mode; /* permissions */
	char *acl;     /* the default ACL, which objects that are made in the directory would get; owned; NULL: none */
	size_t acl_len;
	char path[];
};

struct unpack {
	const struct unpack_options *options;
	struct tar *tar;
	struct unpacked *result;
	struct image_error *error;
	bool is_content;   /* the tap is told nothing */
	char *buffer;	   /* UNPACK_BUFFER */
	char *parent_path; /* owned; of parent_fd */
	int parent_fd;	   /* O_PATH; the directory of the entry before */
	struct unpack_dir *dirs;
	size_t dirs_size;
	uid_t uid; /* of this process */
	gid_t gid;
};

/* -errno with the path, or 0. */
int unpack_failed(const struct unpack *u, const char *path, int r);

/* The directory in which `path` has its last component, whose place in `path` is *ret_name. It is opened, and made if
 * it is missing. The descriptor stays the unpacker's, until the next call. */
int unpack_parent(struct unpack *u, const char *path, const char **ret_name);
/* Keeps what a directory gets at the end, with its default ACL; a later call replaces it. */
int unpack_keep_entry(struct unpack *u, const char *path, const struct tar_entry *e);
int unpack_finish_dirs(struct unpack *u);
void unpack_free_dirs(struct unpack *u);

/* Makes the object of an entry. `path` isn't "". */
int unpack_object(struct unpack *u, const char *path, const struct tar_entry *e);
/* Owner and xattrs of an object that was made, and mode and time unless it is a directory. */
int unpack_attributes(struct unpack *u, const char *path, int fd, const struct tar_entry *e);
int unpack_hardlink(struct unpack *u, const char *path, const char *target);
int unpack_whiteout(struct unpack *u, const char *path);
/* Marks the directory as opaque. */
int unpack_opaque(struct unpack *u, const char *path);

#endif
