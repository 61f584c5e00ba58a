// SPDX-License-Identifier: Apache-2.0
#include "blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "image/error.h"
#include "os/fs.h"
#include "image/tar.h"
#include <uthash.h>

#define BLOBS_HOPS 8 /* links in a row */

struct member {
	char *link; /* the member that it is another name of, else NULL */
	int64_t offset, size;
	bool packed; /* it begins like gzip or zstd */
	UT_hash_handle hh;
	char name[];
};

struct blobs {
	int fd;			/* the folder, or the archive */
	struct member *members; /* of an archive */
	int64_t size;		/* of the archive */
	size_t names;		/* bytes of the names of all members, and of their links */
	bool archive, packed;	/* packed: offsets are those of what it inflates to */
};

/* Opens a regular file; others may hang or have no end. */
static int blobs_regular(int fd, int64_t *ret_size)
{
	struct statx stx;
	int r;

	if (fd < 0)
		return fd;
	r = os_statx(fd, "", &stx);
	if (r == 0 && !S_ISREG(stx.stx_mode))
		r = -EINVAL;
	if (r < 0) {
		os_close(fd);
		return r;
	}
	*ret_size = (int64_t)stx.stx_size;
	return fd;
}

static int blobs_new(const char *path, int flags, struct blobs **ret, struct image_error *error)
{
	struct blobs *b = calloc(1, sizeof(*b));

	if (!b)
		return image_fail_memory(error);
	b->fd = os_open_path(path, O_RDONLY | O_NONBLOCK | flags, 0);
	if (b->fd >= 0 && !flags)
		b->fd = blobs_regular(b->fd, &b->size);
	if (b->fd < 0) {
		int r = b->fd;

		free(b);
		return r == -EINVAL ? image_fail(error, r, "%s: no regular file", path)
				    : image_fail(error, r, "%s: %s", path, strerror(-r));
	}
	*ret = b;
	return 0;
}

void blobs_free(struct blobs *b)
{
	struct member *m, *next;

	if (!b)
		return;
	HASH_ITER(hh, b->members, m, next) {
		HASH_DEL(b->members, m);
		free(m->link);
		free(m);
	}
	os_close(b->fd);
	free(b);
}

static void blobs_cleanup(struct blobs **b)
{
	blobs_free(*b);
}

int blobs_open_folder(const char *path, struct blobs **ret, struct image_error *error)
{
	return blobs_new(path, O_DIRECTORY, ret, error);
}

/* Without "./" before and "/" behind, and with ".." of a link made plain: "a/../b" is "b". False if it leads out. */
static bool member_path(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t len = strcspn(from, "/");
		bool more = from[len];

		if (len == 2 && !memcmp(from, "..", 2)) {
			if (to == path)
				return false;
			for (to--; to > path && to[-1] != '/'; to--)
				;
		} else if (len && !(len == 1 && *from == '.')) {
			memmove(to, from, len);
			to += len;
			if (more)
				*to++ = '/';
		}
		from += len + more;
	}
	if (to > path && to[-1] == '/')
		to--;
	*to = 0;
	return true;
}

/* Where a link leads: a symlink from its own directory, a hard link from the root of the archive. */
static char *member_target(const struct tar_entry *e)
{
	const char *slash = e->hardlink ? NULL : strrchr(e->path, '/');
	size_t folder = slash ? (size_t)(slash + 1 - e->path) : 0;
	char *target = malloc(folder + strlen(e->link) + 2);

	if (!target)
		return NULL;
	memcpy(target, e->path, folder);
	strcpy(target + folder, e->link);
	if (*e->link == '/' || !member_path(target))
		*target = 0; /* leads nowhere */
	return target;
}

static int member_add(struct blobs *b, const struct tar_entry *e, bool packed, struct image_error *error)
{
	struct member *m, *old;

	b->names += strlen(e->path) + (e->link ? strlen(e->link) : 0);
	if (b->names > BLOBS_NAMES_MAX)
		return image_fail(error, -E2BIG, "the archive has more than %d bytes of names", BLOBS_NAMES_MAX);
	m = malloc(sizeof(*m) + strlen(e->path) + 2);
	if (!m)
		return image_fail_memory(error);
	strcpy(m->name, e->path);
	m->link = e->link ? member_target(e) : NULL;
	m->offset = e->offset;
	m->size = e->stored;
	m->packed = packed;
	if ((e->link && !m->link) || !member_path(m->name)) {
		bool memory = e->link && !m->link;

		free(m->link);
		free(m);
		return memory ? image_fail_memory(error)
			      : image_fail(error, -EBADMSG, "a member that leads out of the archive: %s", e->path);
	}
	HASH_FIND_STR(b->members, m->name, old);
	if (old) {
		HASH_DEL(b->members, old);
		free(old->link);
		free(old);
	}
	HASH_ADD_STR(b->members, name, m);
	return 0;
}

/* The archive's bytes from the start. */
static int blobs_whole(const struct blobs *b, struct stream **ret, bool *ret_packed, struct image_error *error)
{
	struct stream *file;
	int fd = os_dup(b->fd), r;

	if (!CHECK(b->archive))
		return -EIO;
	if (fd < 0)
		return image_fail(error, fd, "%s", strerror(-fd));
	r = stream_of_file(fd, 0, b->size, &file);
	return r < 0 ? image_fail_memory(error) : stream_inflated(file, ret, ret_packed, error);
}

static int blobs_index(struct blobs *b, struct tar *tar, struct image_error *error)
{
	struct tar_entry e;
	unsigned char head[8];
	unsigned n = 0;
	ssize_t len;
	int r;

	while ((r = tar_next(tar, &e, error)) > 0) {
		if (n++ == BLOBS_MEMBERS_MAX)
			return image_fail(error, -E2BIG, "the archive has more than %d members", BLOBS_MEMBERS_MAX);
		if (!S_ISREG(e.mode) && !S_ISLNK(e.mode))
			continue;
		len = tar_read(tar, head, sizeof(head), error);
		r = len < 0 ? (int)len : member_add(b, &e, stream_is_packed(head, (size_t)len), error);
		if (r < 0)
			return r;
	}
	return r;
}

int blobs_open_archive(const char *path, struct blobs **ret, struct image_error *error)
{
	_cleanup_(blobs_cleanup) struct blobs *b = NULL;
	_cleanup_(stream_cleanup) struct stream *in = NULL;
	struct image_error why;
	struct tar tar;
	int fd, r = blobs_new(path, 0, &b, error);

	if (r < 0)
		return r;
	b->archive = true;
	r = blobs_whole(b, &in, &b->packed, &why);
	if (r == 0 && !b->packed) {
		/* So contents are skipped without being read. */
		stream_free(in);
		in = NULL;
		fd = os_dup(b->fd);
		r = fd < 0 ? image_fail(&why, fd, "%s", strerror(-fd)) : stream_of_file(fd, 0, b->size, &in);
	}
	if (r == 0) {
		tar_init(&tar, in);
		r = blobs_index(b, &tar, &why);
		tar_finish(&tar);
	}
	if (r < 0)
		return image_fail(error, r, "%s: %s", path, why.text);
	*ret = TAKE_PTR(b);
	return 0;
}

static const struct member *member_find(const struct blobs *b, const char *name)
{
	const struct member *m = NULL;

	if (!CHECK(b->archive))
		return NULL;
	for (unsigned hops = 0; hops <= BLOBS_HOPS; hops++) {
		HASH_FIND_STR(b->members, name, m);
		if (!m || !m->link)
			return m;
		name = m->link;
	}
	return NULL;
}

bool blobs_is_packed(const struct blobs *b, const char *name)
{
	const struct member *m = member_find(b, name);

	return m && m->packed;
}

/* Opens a file of a folder. */
static int blobs_file(const struct blobs *b, const char *name, int64_t *ret_size)
{
	if (!CHECK(!b->archive))
		return -EIO;
	return blobs_regular(os_openat(b->fd, name, O_RDONLY | O_NONBLOCK, 0, OS_CROSS_MOUNTS), ret_size);
}

int blobs_each(const struct blobs *b, const char *folder, int (*each)(void *arg, const struct os_dirent *d), void *arg)
{
	_cleanup_close_ int fd = -1;

	if (!CHECK(!b->archive))
		return -EIO;
	fd = os_openat(b->fd, folder, O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	return fd < 0 ? fd : os_read_dir_once(fd, each, arg);
}

int64_t blobs_size(const struct blobs *b, const char *name)
{
	const struct member *m;
	int64_t size;
	int fd;

	if (b->archive) {
		m = member_find(b, name);
		return m ? m->size : -ENOENT;
	}
	fd = blobs_file(b, name, &size);
	if (fd < 0)
		return -ENOENT;
	os_close(fd);
	return size;
}

static int member_stream(const struct blobs *b, const struct member *m, struct stream **ret, struct image_error *error)
{
	_cleanup_(stream_cleanup) struct stream *whole = NULL;
	bool packed;
	int fd, r;

	if (!CHECK(m->offset >= 0 && m->size >= 0 && !m->link))
		return -EIO;
	if (!b->packed) {
		fd = os_dup(b->fd);
		r = fd < 0 ? fd : stream_of_file(fd, m->offset, m->size, ret);
		return r < 0 ? image_fail(error, r, "%s", strerror(-r)) : 0;
	}
	r = blobs_whole(b, &whole, &packed, error);
	if (r < 0)
		return r;
	r = stream_skip(whole, m->offset, error);
	if (r < 0)
		return r;
	r = stream_of_part(TAKE_PTR(whole), m->size, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}

int blobs_stream(const struct blobs *b, const char *name, struct stream **ret, struct image_error *error)
{
	const struct member *m;
	int64_t size;
	int fd, r;

	if (!CHECK(name[0] != '/'))
		return -EIO;
	if (b->archive) {
		m = member_find(b, name);
		return m ? member_stream(b, m, ret, error) : image_fail(error, -ENOENT, "%s isn't there", name);
	}
	fd = blobs_file(b, name, &size);
	if (fd < 0)
		return image_fail(error, fd, "%s: %s", name, strerror(-fd));
	r = stream_of_file(fd, 0, size, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}

int blobs_text(const struct blobs *b, const char *name, size_t max, char **ret, size_t *ret_len,
	       struct image_error *error)
{
	_cleanup_(stream_cleanup) struct stream *s = NULL;
	_cleanup_free_ char *text = NULL;
	int64_t size;
	ssize_t n;
	int r;

	if (!CHECK(max < SIZE_MAX))
		return -EIO;
	r = blobs_stream(b, name, &s, error);
	if (r < 0)
		return r;
	/* Of the opened file: an engine may put another one in its place. */
	size = stream_left(s);
	if (size > (int64_t)max)
		return image_fail(error, -E2BIG, "%s: more than %zu bytes", name, max);
	text = malloc((size_t)size + 1);
	if (!text)
		return image_fail_memory(error);
	n = stream_read(s, text, (size_t)size, error);
	if (n < 0)
		return (int)n;
	if (n < size)
		return image_fail(error, -EBADMSG, "%s: truncated", name);
	text[n] = 0;
	*ret_len = (size_t)n;
	*ret = TAKE_PTR(text);
	return 0;
}

int blobs_checked(const struct blobs *b, const char *name, const char *digest, char **ret, size_t *ret_len,
		  struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	char found[DIGEST_SIZE];
	size_t len;
	int r = blobs_text(b, name, IMAGE_JSON_MAX, &text, &len, error);

	if (r == 0)
		r = digest_of(text, len, found);
	if (r < 0)
		return r;
	if (!CHECK(digest_is_valid(digest)))
		return -EIO;
	if (strcmp(found, digest) != 0)
		return image_fail(error, -EBADMSG, "%s has the digest %s", name, found);
	*ret_len = len;
	*ret = TAKE_PTR(text);
	return 0;
}
