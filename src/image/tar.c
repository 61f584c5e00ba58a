// SPDX-License-Identifier: Apache-2.0
/*
 * Layout of a header: POSIX.1-2017, pax, "ustar Interchange Format"; GNU's additions: tar.h of GNU tar.
 */
#include "image/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "tar_sparse.h"
#include "tar_number.h"

enum tar_field {
	FIELD_NAME = 0,
	FIELD_MODE = 100,
	FIELD_UID = 108,
	FIELD_GID = 116,
	FIELD_SIZE = 124,
	FIELD_MTIME = 136,
	FIELD_TYPE = 156,
	FIELD_LINK = 157,
	FIELD_MAGIC = 257,
	FIELD_MAJOR = 329,
	FIELD_MINOR = 337,
	FIELD_PREFIX = 345,
	FIELD_SPARSE = 386,	 /* GNU: four extents */
	FIELD_SPARSE_MORE = 482, /* GNU: a block with more of the map follows */
	FIELD_REAL_SIZE = 483,	 /* GNU: with the holes */
	FIELD_MORE_MORE = 504,	 /* in such a block: another one follows */
};

static int malformed(struct image_error *error, const char *what)
{
	return image_fail(error, -EBADMSG, "malformed archive: %s", what);
}

void tar_init(struct tar *tar, struct stream *in)
{
	*tar = (struct tar){.in = in};
}

static void pax_clear(struct tar_pax *pax)
{
	free(pax->path);
	free(pax->link);
	for (size_t i = 0; i < pax->n_xattrs; i++)
		free((char *)pax->xattrs[i].name);
	free(pax->xattrs);
	free(pax->extents);
	*pax = (struct tar_pax){0};
}

void tar_finish(struct tar *tar)
{
	pax_clear(&tar->pax);
}

static int64_t padding(int64_t size)
{
	return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

ssize_t tar_read(struct tar *tar, void *buf, size_t size, struct image_error *error)
{
	size_t want = MIN(size, (uint64_t)tar->left);
	ssize_t n = stream_read(tar->in, buf, want, error);

	if (n >= 0 && (size_t)n < want)
		return malformed(error, "truncated content");
	if (n > 0)
		tar->left -= n;
	return n;
}

static int tar_tell(struct tar *tar, const void *data, size_t len, struct image_error *error)
{
	return tar->tap && len ? tar->tap(tar->tap_arg, data, len, error) : 0;
}

/* Goes on by `len` bytes, which the tap gets. */
static int tar_pass(struct tar *tar, int64_t len, struct image_error *error)
{
	char buf[16 << 10];
	int r = 0;

	if (!tar->tap)
		return stream_skip(tar->in, len, error);
	while (len && r == 0) {
		ssize_t n = stream_read(tar->in, buf, MIN(sizeof(buf), (uint64_t)len), error);

		if (n <= 0)
			return n < 0 ? (int)n : malformed(error, "truncated content");
		r = tar_tell(tar, buf, (size_t)n, error);
		len -= n;
	}
	return r;
}

int tar_drain(struct tar *tar, struct image_error *error)
{
	char buf[16 << 10];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = stream_read(tar->in, buf, sizeof(buf), error)) != 0)
		r = n < 0 ? (int)n : tar_tell(tar, buf, (size_t)n, error);
	return r;
}

/* Reads the next block: 1, or 0 at the end of the archive. */
static int read_block(struct tar *tar, char *block, struct image_error *error)
{
	ssize_t n = stream_read(tar->in, block, TAR_BLOCK, error);
	int r = n > 0 ? tar_tell(tar, block, (size_t)n, error) : 0;

	if (n < 0 || r < 0)
		return n < 0 ? (int)n : r;
	return n == TAR_BLOCK ? 1 : n ? malformed(error, "truncated header") : 0;
}

static bool all_zeros(const char *block)
{
	return !block[0] && !memcmp(block, block + 1, TAR_BLOCK - 1);
}

static int read_header(struct tar *tar, char *block, struct image_error *error)
{
	int r = read_block(tar, block, error);

	if (r > 0 && all_zeros(block)) {
		tar->ended = true;
		r = read_block(tar, block, error);
		return r > 0 && !all_zeros(block) ? malformed(error, "data after its end") : MIN(r, 0);
	}
	return r > 0 && !tar_checksum_holds(block) ? malformed(error, "wrong checksum of a header") : r;
}

/* The content of a header of its own (pax, or a long name of GNU), terminated. */
static int read_extension(struct tar *tar, const char *block, size_t max, char **ret, size_t *ret_len,
			  struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	int64_t size;
	int r;

	if (!tar_number(block + FIELD_SIZE, 12, &size) || size < 0)
		return malformed(error, "size of a header");
	if ((uint64_t)size > max)
		return image_fail(error, -E2BIG, "malformed archive: a header of %lld bytes", (long long)size);
	text = malloc((size_t)size + 1);
	if (!text)
		return image_fail_memory(error);
	if (!CHECK(!tar->left && !tar->filler))
		return -EIO;
	tar->left = size;
	r = (int)tar_read(tar, text, (size_t)size, error);
	if (r < 0)
		return r;
	r = tar_tell(tar, text, (size_t)size, error);
	if (r < 0)
		return r;
	text[size] = 0;
	*ret_len = (size_t)size;
	*ret = TAKE_PTR(text);
	return tar_pass(tar, padding(size), error);
}

static bool pax_text(char **to, const char *value, size_t len)
{
	if (len > TAR_NAME_MAX || strlen(value) != len)
		return false;
	free(*to);
	*to = strdup(value);
	return *to;
}

static bool pax_number(const char *value, bool *ret_has, int64_t *ret)
{
	*ret_has = tar_decimal(value, ret, NULL) && *ret >= 0;
	return *ret_has;
}

/* A later value of a name replaces the former. */
static bool pax_xattr(struct tar_pax *pax, const char *name, const char *value, size_t len)
{
	size_t name_size = strlen(name) + 1, i;
	char *copy;

	if (name_size == 1 || pax->n_xattrs >= TAR_XATTRS_MAX ||
	    !ARRAY_ROOM(pax->xattrs, pax->n_xattrs, pax->xattrs_room, 1))
		return false;
	copy = malloc(name_size + len + 1);
	if (!copy)
		return false;
	memcpy(copy, name, name_size);
	memcpy(copy + name_size, value, len);
	for (i = 0; i < pax->n_xattrs && strcmp(pax->xattrs[i].name, name) != 0; i++)
		;
	if (i < pax->n_xattrs)
		free((char *)pax->xattrs[i].name);
	else
		pax->n_xattrs++;
	pax->xattrs[i] = (struct tar_xattr){.name = copy, .value = copy + name_size, .len = len};
	return true;
}

/* GNU's forms 0.0 and 0.1: the map is in the pax header. */
static bool pax_extents(struct tar_pax *pax, const char *key, char *value)
{
	int64_t number;

	if (!strcmp(key, "GNU.sparse.offset"))
		return tar_decimal(value, &pax->extent_offset, NULL);
	if (!strcmp(key, "GNU.sparse.numbytes"))
		return tar_decimal(value, &number, NULL) && tar_add_extent(pax, pax->extent_offset, number);
	for (bool second = false; *value; second = !second) {
		char *end = strchrnul(value, ',');
		bool more = *end;

		*end = 0;
		if (!tar_decimal(value, &number, NULL) || (second && !tar_add_extent(pax, pax->extent_offset, number)))
			return false;
		pax->extent_offset = number;
		value = end + more;
	}
	return true;
}

/* One record; false if its value is wrong. An empty value takes back what was said. */
static bool pax_record(struct tar_pax *pax, const char *key, char *value, size_t len)
{
	if (!strncmp(key, "SCHILY.xattr.", 13))
		return pax_xattr(pax, key + 13, value, len);
	if (!strcmp(key, "GNU.sparse.offset") || !strcmp(key, "GNU.sparse.numbytes") || !strcmp(key, "GNU.sparse.map"))
		return pax_extents(pax, key, value);
	if (!strcmp(key, "GNU.sparse.major"))
		pax->map_in_content = !strcmp(value, "1");
	if (!strcmp(key, "GNU.sparse.name"))
		pax->sparse = true;
	else if (!strcmp(key, "path") && pax->sparse && pax->path)
		return true; /* a made-up name, for programs that don't know of sparse files */
	if (!strcmp(key, "path") || !strcmp(key, "GNU.sparse.name"))
		return !len || pax_text(&pax->path, value, len);
	if (!strcmp(key, "linkpath"))
		return !len || pax_text(&pax->link, value, len);
	if (!strcmp(key, "size"))
		return !len || pax_number(value, &pax->has_size, &pax->size);
	if (!strcmp(key, "uid"))
		return !len || pax_number(value, &pax->has_uid, &pax->uid);
	if (!strcmp(key, "gid"))
		return !len || pax_number(value, &pax->has_gid, &pax->gid);
	if (!strcmp(key, "mtime") && len) {
		pax->has_mtime = tar_decimal(value, &pax->mtime, &pax->mtime_nsec);
		return pax->has_mtime;
	}
	if (!strcmp(key, "GNU.sparse.realsize") || !strcmp(key, "GNU.sparse.size")) {
		pax->sparse = true;
		return pax_number(value, &pax->has_real_size, &pax->real_size);
	}
	return true;
}

/* Records are "LENGTH KEY=VALUE\n", where LENGTH counts all of it. */
static int pax_parse(struct tar_pax *pax, char *text, size_t len, struct image_error *error)
{
	while (len) {
		char *end, *key, *equals;
		unsigned long record = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

		if (record < 5 || record > len || *end != ' ' || end + 3 > text + record || text[record - 1] != '\n')
			return malformed(error, "a pax record");
		key = end + 1;
		text[record - 1] = 0;
		equals = memchr(key, '=', (size_t)(text + record - 1 - key));
		if (!equals || equals == key)
			return malformed(error, "a pax record");
		*equals++ = 0;
		if (!pax_record(pax, key, equals, (size_t)(text + record - 1 - equals)))
			return image_fail(error, -EBADMSG, "malformed archive: the pax value of %s", key);
		text += record;
		len -= record;
	}
	return 0;
}

/* A header that is about the next one. */
static int take_extension(struct tar *tar, const char *block, struct image_error *error)
{
	bool pax = block[FIELD_TYPE] == 'x' || block[FIELD_TYPE] == 'g';
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = read_extension(tar, block, pax ? TAR_PAX_MAX : TAR_NAME_MAX, &text, &len, error);

	if (r < 0 || block[FIELD_TYPE] == 'g') /* what is global is a comment */
		return r;
	tar->told += len;
	if (tar->told > 2 * TAR_PAX_MAX)
		return malformed(error, "too much in pax headers of one entry");
	if (pax)
		return pax_parse(&tar->pax, text, len, error);
	if (!CHECK(block[FIELD_TYPE] == 'L' || block[FIELD_TYPE] == 'K'))
		return -EIO;
	return pax_text(block[FIELD_TYPE] == 'L' ? &tar->pax.path : &tar->pax.link, text, strlen(text))
		       ? 0
		       : image_fail_memory(error);
}

static void header_names(struct tar *tar, const char *block, struct tar_entry *e)
{
	size_t prefix = 0;

	if (!memcmp(block + FIELD_MAGIC, "ustar", 6) && block[FIELD_PREFIX]) {
		prefix = strnlen(block + FIELD_PREFIX, 155);
		memcpy(tar->path, block + FIELD_PREFIX, prefix);
		tar->path[prefix++] = '/';
	}
	memcpy(tar->path + prefix, block + FIELD_NAME, 100);
	tar->path[prefix + 100] = 0;
	memcpy(tar->link, block + FIELD_LINK, 100);
	tar->link[100] = 0;
	e->path = tar->pax.path ? tar->pax.path : tar->path;
	e->link = tar->pax.link ? tar->pax.link : tar->link;
}

static uint32_t header_type(char type, const char *path)
{
	size_t len = strlen(path);

	switch (type) {
	case 0:
		return len && path[len - 1] == '/' ? S_IFDIR : S_IFREG;
	case '0':
	case '1':
	case '7':
	case 'S':
		return S_IFREG;
	case '2':
		return S_IFLNK;
	case '3':
		return S_IFCHR;
	case '4':
		return S_IFBLK;
	case '5':
		return S_IFDIR;
	case '6':
		return S_IFIFO;
	}
	return 0;
}

static int header_numbers(const struct tar_pax *pax, const char *block, struct tar_entry *e, struct image_error *error)
{
	int64_t mode, uid, gid, major = 0, minor = 0;

	if (!tar_number(block + FIELD_MODE, 8, &mode) || !tar_number(block + FIELD_UID, 8, &uid) ||
	    !tar_number(block + FIELD_GID, 8, &gid) || !tar_number(block + FIELD_SIZE, 12, &e->size) ||
	    !tar_number(block + FIELD_MTIME, 12, &e->mtime))
		return malformed(error, "a number in a header");
	if (S_ISCHR(e->mode) || S_ISBLK(e->mode))
		if (!tar_number(block + FIELD_MAJOR, 8, &major) || !tar_number(block + FIELD_MINOR, 8, &minor))
			return malformed(error, "a device number");
	e->mode |= (uint32_t)mode & 07777;
	uid = pax->has_uid ? pax->uid : uid;
	gid = pax->has_gid ? pax->gid : gid;
	/* The largest one is no id: chown(2) would leave the owner. */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return malformed(error, "an owner");
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	e->major = (uint32_t)major;
	e->minor = (uint32_t)minor;
	e->size = pax->has_size ? pax->size : e->size;
	e->mtime = pax->has_mtime ? pax->mtime : e->mtime;
	e->mtime_nsec = pax->has_mtime ? pax->mtime_nsec : 0;
	return e->size < 0 || e->size > INT64_MAX - TAR_BLOCK ? malformed(error, "a size") : 0;
}

/* Extents of 12 digits each for offset and size; one without a size is none. */
static int header_extents(struct tar_pax *pax, const char *at, size_t n, struct image_error *error)
{
	int64_t offset, size;

	for (size_t i = 0; i < n && at[12]; i++, at += 24)
		if (!tar_number(at, 12, &offset) || !tar_number(at + 12, 12, &size) ||
		    !tar_add_extent(pax, offset, size))
			return malformed(error, "the map of a sparse file");
	return 0;
}

/* GNU's old form of a sparse file has its map in the header and in blocks behind it. */
static int header_sparse(struct tar *tar, const char *block, struct tar_entry *e, struct image_error *error)
{
	char more[TAR_BLOCK];
	bool follows = block[FIELD_SPARSE_MORE];
	int r;

	e->sparse = true;
	if (!tar_number(block + FIELD_REAL_SIZE, 12, &e->size) || e->size < 0)
		return malformed(error, "the size of a sparse file");
	r = header_extents(&tar->pax, block + FIELD_SPARSE, 4, error);
	while (follows && r == 0) {
		r = read_block(tar, more, error);
		if (r <= 0)
			return r < 0 ? r : malformed(error, "truncated header");
		r = header_extents(&tar->pax, more, 21, error);
		follows = more[FIELD_MORE_MORE];
	}
	return r;
}

static int header_entry(struct tar *tar, const char *block, struct tar_entry *e, struct image_error *error)
{
	char type = block[FIELD_TYPE];
	int r;

	*e = (struct tar_entry){.hardlink = type == '1'};
	header_names(tar, block, e);
	e->mode = header_type(type, e->path);
	if (!e->mode)
		return image_fail(error, -EBADMSG, "malformed archive: an entry of type \"%c\"", type);
	r = header_numbers(&tar->pax, block, e, error);
	if (r < 0)
		return r;
	e->xattrs = tar->pax.xattrs;
	e->n_xattrs = tar->pax.n_xattrs;
	if (!S_ISLNK(e->mode) && !e->hardlink)
		e->link = NULL;
	if (!S_ISREG(e->mode) || e->hardlink)
		e->size = 0;
	e->stored = e->size;
	r = type == 'S' ? header_sparse(tar, block, e, error) : 0;
	if (r == 0 && tar->pax.sparse && S_ISREG(e->mode)) {
		e->sparse = true;
		e->size = tar->pax.has_real_size ? tar->pax.real_size : e->size;
	}
	return r;
}

int tar_next(struct tar *tar, struct tar_entry *ret, struct image_error *error)
{
	char block[TAR_BLOCK], type;
	int r;

	if (!CHECK(tar->left >= 0 && tar->filler >= 0 && tar->filler < TAR_BLOCK))
		return -EIO;
	r = tar_pass(tar, tar->left + tar->filler, error);
	if (r < 0)
		return r;
	pax_clear(&tar->pax);
	tar->left = tar->filler = 0;
	tar->told = 0;
	for (;;) {
		r = read_header(tar, block, error);
		if (r <= 0)
			return r;
		type = block[FIELD_TYPE];
		if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
			break;
		r = take_extension(tar, block, error);
		if (r < 0)
			return r;
	}
	r = header_entry(tar, block, ret, error);
	if (r < 0)
		return r;
	ret->offset = stream_count(tar->in);
	tar->left = ret->stored;
	tar->filler = padding(ret->stored);
	return 1;
}
