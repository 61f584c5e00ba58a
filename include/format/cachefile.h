/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a layer cache (option layer_cache): the names of all directories of the layer, with everything that a
 * union needs of them besides attributes. The file is plyfs's own. It is made once for a layer, then only read. It is
 * little-endian, with every record at a multiple of 8 and no gaps:
 *
 *	  0  8  magic "plyfscat"
 *	  8  4  version
 *	 12  4  size of this header, 256
 *	 16  8  size of the file
 *	 24 16  XXH3-128, canonical, of all that follows
 *	 40 16  key: uuid of the file system
 *	 56  4  key: type of the root's file handle
 *	 60  4  key: length of it, 128 at most
 *	 64 128 key: the handle, zeros behind it
 *	192  4  key: view, how xattrs were read (layer/cache.c)
 *	196  4  D, number of directories
 *	200  4  N, number of names
 *	204  4  0
 *	208  8  L, bytes of names
 *	216 40  0
 *	256     D directories, 72 bytes each; the first is the root
 *		 0 8 inode number, 8 8 size, 16 8 ctime, 24 8 mtime, 32 8 btime (seconds),
 *		40 4 48 of each the nanoseconds, 52 4 links, 56 4 mode, 60 4 xattr flags (enum xattr_flag),
 *		64 4 its first name, 68 4 number of names
 *	...     N names, 32 bytes each, those of a directory together, in the order in which it gave them
 *		 0 8 inode number in the directory, 0 of another subvolume, 8 8 ctime (seconds),
 *		16 4 and nanoseconds, 20 4 where the name begins,
 *		24 4 directory (1 is the root, 0 none that is known),
 *		28 2 xattr flags and 0x8000 when they are known, 30 1 length, 31 1 type (DT_*; DT_WHT a whiteout)
 *	...     N numbers of 4 bytes: for each directory the numbers of its names, from 0, sorted as strings
 *	...     L bytes: the names, not terminated
 *
 * Another process may change the bytes while they are read. So each value is first copied, then checked, then used.
 */
#ifndef FORMAT_CACHEFILE_H
#define FORMAT_CACHEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHEFILE_VERSION 1
#define CACHEFILE_HEADER_SIZE 256
#define CACHEFILE_HANDLE_MAX 128
#define CACHEFILE_NAME_MAX 255
#define CACHEFILE_ROOT 1

/* The layer that the file belongs to, and the way in which it was read. Unused bytes of the handle are zero. */
struct cachefile_key {
	uint8_t uuid[16];
	int32_t handle_type;
	uint32_t handle_len;
	uint8_t handle[CACHEFILE_HANDLE_MAX];
	uint32_t view;
};

struct cachefile_time {
	int64_t sec;
	uint32_t nsec;
};

/* The former state of a directory. While all of it is the same, so are the directory's names and xattrs. */
struct cachefile_stamp {
	uint64_t ino, size;
	struct cachefile_time ctime, mtime, btime;
	uint32_t nlink, mode;
};

struct cachefile_dir {
	struct cachefile_stamp stamp;
	uint32_t xattr_flags;
	uint32_t first, n; /* its names */
};

struct cachefile_entry {
	uint64_t ino;		     /* 0: the object is on another device and must be looked at */
	struct cachefile_time ctime; /* not of directories: the flags are right while the object has this ctime */
	uint32_t name_off;
	uint32_t dir; /* of a directory; 0: unknown */
	uint16_t xattr_flags;
	bool xattr_flags_known;
	uint8_t name_len;
	uint8_t type;
};

/* A file that is read. The bytes belong to the caller and stay. */
struct cachefile {
	const uint8_t *bytes;
	uint32_t n_dirs, n_entries;
	size_t names_len;
};

/* -EINVAL: no layer cache, or cut off. -EPROTONOSUPPORT: another version. -EBADMSG: damaged. -ESTALE: of another layer
 * or view. `bytes` is at a multiple of 8. All bytes are read. */
int cachefile_open(const void *bytes, size_t size, const struct cachefile_key *key, struct cachefile *ret);
/* The directory with a number, from CACHEFILE_ROOT on. -EBADMSG: there is no such directory, or it is damaged. */
int cachefile_dir(const struct cachefile *c, uint32_t number, struct cachefile_dir *ret);
/* The i-th name of the directory. *ret_name is terminated, and is a valid name. -EBADMSG. */
int cachefile_entry(const struct cachefile *c, const struct cachefile_dir *dir, uint32_t i, struct cachefile_entry *ret,
		    char ret_name[static CACHEFILE_NAME_MAX + 1]);
/* 1: found; 0: the directory has no such name; -EBADMSG. */
int cachefile_find(const struct cachefile *c, const struct cachefile_dir *dir, const char *name,
		   struct cachefile_entry *ret);

/* --- making one --------------------------------------------------------------------------------------------------- */

/* Directories are added in the order of their numbers, and the names of a directory one after the other. Added entries
 * may be changed. They may be removed from the end, by lowering the counts. Zeroed at the start. */
struct cachefile_builder {
	struct cachefile_dir *dirs; /* [0] is the root */
	struct cachefile_entry *entries;
	char *names;
	uint32_t n_dirs, n_entries;
	size_t names_len;
	size_t dirs_cap, entries_cap, names_cap;
};

/* Returns the number of the new directory; -ENOMEM, -EFBIG. */
int64_t cachefile_add_dir(struct cachefile_builder *w);
/* Adds a name after all others, with all of *entry except name_off and name_len. -ENOMEM, -EFBIG, -EINVAL for an
 * invalid name. */
int cachefile_add_entry(struct cachefile_builder *w, const struct cachefile_entry *entry, const char *name);
/* The bytes of the file; the caller frees them. -ENOMEM. */
int cachefile_encode(const struct cachefile_builder *w, const struct cachefile_key *key, uint8_t **ret_bytes,
		     size_t *ret_size);
void cachefile_builder_finish(struct cachefile_builder *w);

/* Length of the text of a key's file name with its NUL. */
#define CACHEFILE_FILE_NAME_SIZE 33
/* The name of the file of a key: XXH3-128 of version and key in hexadecimal. */
void cachefile_file_name(const struct cachefile_key *key, char ret_name[static CACHEFILE_FILE_NAME_SIZE]);

static inline bool cachefile_time_equal(struct cachefile_time a, struct cachefile_time b)
{
	return a.sec == b.sec && a.nsec == b.nsec;
}

#endif
