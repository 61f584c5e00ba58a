/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog of a sealed layer (option index_cache): the names of all its directories with what a union needs of them besides attributes.
 * plyfs's own file; made once for a layer, then only read. Little-endian, every record at a multiple of 8, no gaps:
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
 *	192  4  key: view, how marks were read (layer/catalog.c)
 *	196  4  D, number of directories
 *	200  4  N, number of names
 *	204  4  0
 *	208  8  L, bytes of names
 *	216 40  0
 *	256     D directories, 72 bytes each; the first is the root
 *		 0 8 inode number, 8 8 size, 16 8 ctime, 24 8 mtime, 32 8 btime (seconds), 40 4 48 of each the nanoseconds,
 *		52 4 links, 56 4 mode, 60 4 marks (enum layer_mark), 64 4 its first name, 68 4 number of names
 *	...     N names, 32 bytes each, those of a directory together, in the order in which it gave them
 *		 0 8 inode number in the directory, 0 of another subvolume, 8 8 ctime (seconds), 16 4 and nanoseconds, 20 4 where the name begins, 24 4 directory
 *		(1 is the root, 0 none that is known), 28 2 marks and 0x8000 when they are known, 30 1 length, 31 1 type (DT_*;
 *		DT_WHT a whiteout)
 *	...     N numbers of 4 bytes: for each directory the numbers of its names, from 0, sorted as strings of bytes
 *	...     L bytes: the names, not terminated
 *
 * The bytes are somebody else's and may change while they are read: what is looked at is copied, then checked, then used.
 */
#ifndef FORMAT_CATALOG_H
#define FORMAT_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CATALOG_VERSION 1
#define CATALOG_HEADER_SIZE 256
#define CATALOG_HANDLE_MAX 128
#define CATALOG_NAME_MAX 255
#define CATALOG_ROOT 1

/* Which layer it is of, and by whose eyes. Unused bytes of the handle are zero. */
struct catalog_key {
	uint8_t uuid[16];
	int32_t handle_type;
	uint32_t handle_len;
	uint8_t handle[CATALOG_HANDLE_MAX];
	uint32_t view;
};

struct catalog_time {
	int64_t sec;
	uint32_t nsec;
};

/* A directory as it was: while all of this is the same, so are its names and marks. */
struct catalog_stamp {
	uint64_t ino, size;
	struct catalog_time ctime, mtime, btime;
	uint32_t nlink, mode;
};

struct catalog_dir {
	struct catalog_stamp stamp;
	uint32_t marks;
	uint32_t first, n; /* its names */
};

struct catalog_entry {
	uint64_t ino;		   /* 0: it is of another device, and has to be asked */
	struct catalog_time ctime; /* not of directories: marks are right while the object has this */
	uint32_t name_off;
	uint32_t dir;              /* of a directory; 0: nothing is known of it */
	uint16_t marks;
	bool marks_known;
	uint8_t name_len;
	uint8_t type;
};

/* One that is read; the bytes are the caller's and stay. */
struct catalog {
	const uint8_t *bytes;
	uint32_t n_dirs, n_entries;
	size_t names_len;
};

/* -EINVAL: no catalog, or cut off. -EPROTONOSUPPORT: of another version. -EBADMSG: damaged. -ESTALE: of another layer or view.
 * `bytes` is at a multiple of 8; all of them are read. */
int catalog_open(const void *bytes, size_t size, const struct catalog_key *key, struct catalog *ret);
/* By number, from CATALOG_ROOT. -EBADMSG: there is no such directory, or it is damaged. */
int catalog_dir(const struct catalog *c, uint32_t number, struct catalog_dir *ret);
/* The i-th name of the directory. *ret_name is terminated, and one that a directory may have. -EBADMSG. */
int catalog_entry(const struct catalog *c, const struct catalog_dir *dir, uint32_t i, struct catalog_entry *ret,
		  char ret_name[static CATALOG_NAME_MAX + 1]);
/* 1: found; 0: the directory has no such name; -EBADMSG. */
int catalog_find(const struct catalog *c, const struct catalog_dir *dir, const char *name, struct catalog_entry *ret);

/* --- making one ---------------------------------------------------------------------------------------------------------------- */

/* Directories are entered in the order of their numbers, and the names of a directory one after the other; what is entered may be changed
 * and, from the end, taken away by lowering the counts. Zeroed at the start. */
struct catalog_writer {
	struct catalog_dir *dirs; /* [0] is the root */
	struct catalog_entry *entries;
	char *names;
	uint32_t n_dirs, n_entries;
	size_t names_len;
	size_t dirs_cap, entries_cap, names_cap;
};

/* Returns the number of the new directory; -ENOMEM, -EFBIG. */
int64_t catalog_add_dir(struct catalog_writer *w);
/* Enters a name behind all others; *entry but for name_off and name_len. -ENOMEM, -EFBIG, -EINVAL for what can't be a name. */
int catalog_add_entry(struct catalog_writer *w, const struct catalog_entry *entry, const char *name);
/* The bytes of the file; the caller frees them. -ENOMEM. */
int catalog_encode(const struct catalog_writer *w, const struct catalog_key *key, uint8_t **ret_bytes, size_t *ret_size);
void catalog_writer_finish(struct catalog_writer *w);

/* Length of the text of a key's file name with its NUL. */
#define CATALOG_FILE_NAME_SIZE 33
/* The name under which the catalog of a key is kept: XXH3-128 of version and key in hexadecimal. */
void catalog_file_name(const struct catalog_key *key, char ret_name[static CATALOG_FILE_NAME_SIZE]);

static inline bool catalog_time_equal(struct catalog_time a, struct catalog_time b)
{
	return a.sec == b.sec && a.nsec == b.nsec;
}

#endif
