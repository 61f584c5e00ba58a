// SPDX-License-Identifier: Apache-2.0
/*
 * Layout of a header: POSIX.1-2017, pax, "ustar Interchange Format". The records of xattrs are those of GNU tar, star
 * and Go's archive/tar.
 */
#include "archive/tar_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"
#include "base/meter.h"
#include "os/fs.h"

#define BLOCK 512
#define OCTAL_7 07777777
#define OCTAL_11 077777777777
#define CONTENT_BUFFER (256 << 10)

struct ustar {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12], mtime[12];
	char sum[8];
	char type;
	char link[100];
	char magic[8];
	char uname[32], gname[32];
	char major[8], minor[8];
	char prefix[155];
	char rest[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is a block");

void tar_writer_init(struct tar_writer *w, archive_sink sink, void *arg)
{
	*w = (struct tar_writer){.sink = sink, .arg = arg};
}

void tar_writer_finish(struct tar_writer *w)
{
	(void)CHECK(w->left >= 0 && w->filler >= 0);
	free(w->pax);
	w->pax = NULL;
	free(w->buffer);
	w->buffer = NULL;
}

/* --- pax ---------------------------------------------------------------------------------------------------------- */

static int pax_append(struct tar_writer *w, const void *data, size_t len)
{
	if (!ARRAY_ROOM(w->pax, w->pax_len, w->pax_room, len))
		return -ENOMEM;
	memcpy(w->pax + w->pax_len, data, len);
	w->pax_len += len;
	return 0;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static int pax_add(struct tar_writer *w, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, total = rest + 1;
	char number[32];
	int r;

	if (!CHECK(*key))
		return -EIO;
	while (rest + (size_t)snprintf(number, sizeof(number), "%zu", total) != total)
		total = rest + strlen(number);
	r = pax_append(w, number, strlen(number));
	if (r == 0)
		r = pax_append(w, " ", 1);
	if (r == 0)
		r = pax_append(w, key, strlen(key));
	if (r == 0)
		r = pax_append(w, "=", 1);
	if (r == 0)
		r = pax_append(w, value, len);
	return r < 0 ? r : pax_append(w, "\n", 1);
}

static int pax_add_number(struct tar_writer *w, const char *key, int64_t value)
{
	char text[32];

	return pax_add(w, key, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

/* A fraction has no zeros at its end. The value may be negative, and the fraction goes up from it. */
static int pax_add_time(struct tar_writer *w, int64_t s, uint32_t nsec)
{
	char text[48];
	bool below = s < 0 && nsec;
	size_t len;

	if (!CHECK(nsec < 1000000000))
		return -EINVAL;

	if (below) { /* -1.25 is -2 s and 750 ms */
		s++;
		nsec = 1000000000 - nsec;
	}
	len = (size_t)snprintf(text, sizeof(text), "%s%lld", below && !s ? "-" : "", (long long)s);
	if (nsec) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, ".%09u", nsec);
		while (text[len - 1] == '0')
			len--;
	}
	return pax_add(w, "mtime", text, len);
}

static int pax_add_xattr(struct tar_writer *w, const struct tar_xattr *x)
{
	char key[300];

	if (strchr(x->name, '=') || snprintf(key, sizeof(key), "SCHILY.xattr.%s", x->name) >= (int)sizeof(key))
		return -EINVAL;
	return pax_add(w, key, x->value, x->len);
}

/* --- header ------------------------------------------------------------------------------------------------------- */

static void put_octal(char *field, size_t size, uint64_t value)
{
	char text[32];

	(void)CHECK((size_t)snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)value) < size);
	memcpy(field, text, size);
}

static char type_flag(const struct tar_object *o)
{
	if (o->hardlink)
		return '1';
	switch (o->mode & S_IFMT) {
	case S_IFREG:
		return '0';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	}
	return 0;
}

static void put_sum(struct ustar *h)
{
	unsigned sum = 0;

	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((unsigned char *)h)[i];
	put_octal(h->sum, 7, sum);
}

/* A path in name and prefix; false if it has no slash where it could be cut. */
static bool put_path(struct ustar *h, const char *path, size_t len)
{
	if (len <= sizeof(h->name)) {
		memcpy(h->name, path, len);
		return true;
	}
	/* The slash of a directory stays in the name. */
	for (size_t cut = MIN(len - 2, sizeof(h->prefix)); cut && len - cut - 1 <= sizeof(h->name); cut--) {
		if (path[cut] == '/') {
			memcpy(h->prefix, path, cut);
			memcpy(h->name, path + cut + 1, len - cut - 1);
			return true;
		}
	}
	memcpy(h->name, path, sizeof(h->name));
	return false;
}

static int put_paths(struct tar_writer *w, struct ustar *h, const struct tar_object *o)
{
	size_t len = strlen(o->path);
	char *path = malloc(len + 3);
	int r = 0;

	if (!path)
		return -ENOMEM;
	strcpy(path, *o->path ? o->path : ".");
	if (S_ISDIR(o->mode) && !o->hardlink)
		strcat(path, "/");
	if (!put_path(h, path, strlen(path)))
		r = pax_add(w, "path", path, strlen(path));
	free(path);
	if (r < 0 || !o->link)
		return r;
	len = strlen(o->link);
	memcpy(h->link, o->link, MIN(len, sizeof(h->link)));
	return len > sizeof(h->link) ? pax_add(w, "linkpath", o->link, len) : 0;
}

static int put_numbers(struct tar_writer *w, struct ustar *h, const struct tar_object *o)
{
	int64_t size = S_ISREG(o->mode) && !o->hardlink ? o->size : 0;
	int r = 0;

	if (!CHECK(size >= 0) || o->major > OCTAL_7 || o->minor > OCTAL_7)
		return -EINVAL;
	put_octal(h->mode, sizeof(h->mode), o->mode & 07777);
	put_octal(h->uid, sizeof(h->uid), o->uid > OCTAL_7 ? 0 : o->uid);
	put_octal(h->gid, sizeof(h->gid), o->gid > OCTAL_7 ? 0 : o->gid);
	put_octal(h->size, sizeof(h->size), size > OCTAL_11 ? 0 : (uint64_t)size);
	put_octal(h->mtime, sizeof(h->mtime), o->mtime < 0 || o->mtime > OCTAL_11 ? 0 : (uint64_t)o->mtime);
	put_octal(h->major, sizeof(h->major), o->major);
	put_octal(h->minor, sizeof(h->minor), o->minor);
	if (size > OCTAL_11)
		r = pax_add_number(w, "size", size);
	if (r == 0 && o->uid > OCTAL_7)
		r = pax_add_number(w, "uid", o->uid);
	if (r == 0 && o->gid > OCTAL_7)
		r = pax_add_number(w, "gid", o->gid);
	if (r == 0 && (o->mtime_nsec || o->mtime < 0 || o->mtime > OCTAL_11))
		r = pax_add_time(w, o->mtime, o->mtime_nsec);
	return r;
}

static int write_padding(struct tar_writer *w, int64_t len)
{
	static const char zeros[2 * BLOCK];

	if (!CHECK(len >= 0 && len <= (int64_t)sizeof(zeros)))
		return -EIO;
	return len ? w->sink(w->arg, zeros, (size_t)len) : 0;
}

static int64_t padding_of(int64_t size)
{
	return (BLOCK - size % BLOCK) % BLOCK;
}

static int write_pax(struct tar_writer *w)
{
	struct ustar h = {.name = "PaxHeaders.0/x", .magic = "ustar\00000", .type = 'x'};
	int r;

	put_octal(h.mode, sizeof(h.mode), 0);
	put_octal(h.uid, sizeof(h.uid), 0);
	put_octal(h.gid, sizeof(h.gid), 0);
	put_octal(h.size, sizeof(h.size), w->pax_len);
	put_octal(h.mtime, sizeof(h.mtime), 0);
	put_sum(&h);
	r = w->sink(w->arg, &h, sizeof(h));
	if (r == 0)
		r = w->sink(w->arg, w->pax, w->pax_len);
	return r < 0 ? r : write_padding(w, padding_of((int64_t)w->pax_len));
}

int tar_writer_object(struct tar_writer *w, const struct tar_object *o)
{
	struct ustar h = {.magic = "ustar\00000", .type = type_flag(o)};
	int r;

	if (!CHECK(!w->left))
		return -EIO;
	if (!h.type)
		return -EINVAL;
	w->pax_len = 0;
	r = write_padding(w, w->filler);
	w->filler = 0;
	if (r == 0)
		r = put_paths(w, &h, o);
	if (r == 0)
		r = put_numbers(w, &h, o);
	for (size_t i = 0; i < o->n_xattrs && r == 0; i++)
		r = pax_add_xattr(w, &o->xattrs[i]);
	if (r == 0 && w->pax_len)
		r = write_pax(w);
	if (r < 0)
		return r;
	put_sum(&h);
	if (h.type == '0') {
		w->left = o->size;
		w->filler = padding_of(o->size);
	}
	return w->sink(w->arg, &h, sizeof(h));
}

static int write_data(struct tar_writer *w, const void *data, size_t len)
{
	if (!CHECK((int64_t)len <= w->left))
		return -EIO;
	w->left -= (int64_t)len;
	return w->sink(w->arg, data, len);
}

int tar_writer_content(struct tar_writer *w, int fd, int64_t size)
{
	int r = 0;

	if (size && !w->buffer)
		w->buffer = malloc(CONTENT_BUFFER);
	if (size && !w->buffer)
		return -ENOMEM;
	for (int64_t at = 0; at < size && r == 0;) {
		ssize_t n = os_pread_all(fd, w->buffer, MIN((int64_t)CONTENT_BUFFER, size - at), at);

		if (n <= 0)
			return n < 0 ? (int)n : -EAGAIN;
		meter_bytes((uint64_t)n);
		r = write_data(w, w->buffer, (size_t)n);
		at += n;
	}
	return r;
}

int tar_writer_end(struct tar_writer *w)
{
	int r;

	if (!CHECK(!w->left))
		return -EIO;
	r = write_padding(w, w->filler);
	w->filler = 0;
	return r < 0 ? r : write_padding(w, 2 * BLOCK);
}
