/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives, layouts and stores, as a test wants them: right, or wrong in one thing.
 */
#ifndef UNIT_IMAGE_MADE_H
#define UNIT_IMAGE_MADE_H

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/digest.h"
#include "image/image.h"
#include "os/fs.h"
#include "unit.h"

/* --- bytes ------------------------------------------------------------------------------------------------------- */

struct bytes {
	char *data;
	size_t len, room;
};

static inline void bytes_free(struct bytes *b)
{
	free(b->data);
}

#define BYTES(b) struct bytes b __attribute__((cleanup(bytes_free))) = {0}

static inline void bytes_add(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len + 1 > b->room) {
		b->room = (b->len + len + 1) * 3 / 2;
		b->data = realloc(b->data, b->room);
		if (!b->data)
			abort();
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

__attribute__((format(printf, 2, 3))) static inline void bytes_print(struct bytes *b, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		abort();
	bytes_add(b, text, (size_t)len);
	free(text);
}

static inline void bytes_zeros(struct bytes *b, size_t len)
{
	static const char zeros[4096];

	for (; len > sizeof(zeros); len -= sizeof(zeros))
		bytes_add(b, zeros, sizeof(zeros));
	bytes_add(b, zeros, len);
}

static inline const char *bytes_digest(const struct bytes *b)
{
	static char ring[64][DIGEST_SIZE];
	static unsigned at;
	char *ret = ring[at++ % 64];

	if (digest_of(b->data ? b->data : "", b->len, ret) < 0)
		abort();
	return ret;
}

/* `from` compressed by a filter of libarchive (ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD). */
static inline void bytes_pack(struct bytes *b, const struct bytes *from, int filter)
{
	size_t size = from->len + from->len / 8 + 65536, used = 0;
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	char *buf = malloc(size);

	if (!buf || archive_write_add_filter(a, filter) != ARCHIVE_OK || archive_write_set_format_raw(a) != ARCHIVE_OK)
		abort();
	archive_write_set_bytes_in_last_block(a, 1);
	if (archive_write_open_memory(a, buf, size, &used) != ARCHIVE_OK)
		abort();
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_pathname(e, "x");
	if (archive_write_header(a, e) != ARCHIVE_OK ||
	    archive_write_data(a, from->data, from->len) != (la_ssize_t)from->len ||
	    archive_write_close(a) != ARCHIVE_OK)
		abort();
	bytes_add(b, buf, used);
	archive_write_free(a);
	archive_entry_free(e);
	free(buf);
}

/* --- tar --------------------------------------------------------------------------------------------------------- */

struct tar_made {
	const char *name, *link, *prefix;
	char type; /* 0: '0' */
	long long size;
	unsigned mode, uid, gid;
	long long mtime;
	bool gnu; /* no ustar magic */
};

static inline void made_sum(char *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
}

static inline void made_header(struct bytes *b, struct tar_made h)
{
	char block[512] = {0};

	memcpy(block, h.name, strnlen(h.name, 100));
	snprintf(block + 100, 8, "%07o", h.mode);
	snprintf(block + 108, 8, "%07o", h.uid);
	snprintf(block + 116, 8, "%07o", h.gid);
	snprintf(block + 124, 12, "%011llo", (unsigned long long)h.size);
	snprintf(block + 136, 12, "%011llo", (unsigned long long)h.mtime);
	block[156] = h.type ? h.type : '0';
	if (h.link)
		memcpy(block + 157, h.link, strnlen(h.link, 100));
	memcpy(block + 257, h.gnu ? "ustar  " : "ustar\00000", h.gnu ? 8 : 8);
	if (h.prefix)
		memcpy(block + 345, h.prefix, strnlen(h.prefix, 155));
	made_sum(block);
	bytes_add(b, block, sizeof(block));
}

static inline void made_content(struct bytes *b, const void *data, size_t len)
{
	bytes_add(b, data, len);
	bytes_zeros(b, (512 - len % 512) % 512);
}

static inline void made_entry(struct bytes *b, struct tar_made h, const void *data, size_t len)
{
	h.size = h.size ? h.size : (long long)len;
	h.mode = h.mode ? h.mode : 0644;
	made_header(b, h);
	made_content(b, data, len);
}

static inline void made_file(struct bytes *b, const char *name, const char *content)
{
	made_entry(b, (struct tar_made){.name = name}, content, strlen(content));
}

static inline void made_dir(struct bytes *b, const char *name)
{
	made_entry(b, (struct tar_made){.name = name, .type = '5', .mode = 0755}, "", 0);
}

/* A pax header with one record. */
static inline void made_pax(struct bytes *b, const char *key, const void *value, size_t len)
{
	size_t want = strlen(key) + len + 3, total = want;
	char number[24];
	BYTES(record);

	do
		total = want + (size_t)snprintf(number, sizeof(number), "%zu", total);
	while (total != want + strlen(number) || strtoul(number, NULL, 10) != total);
	bytes_print(&record, "%zu %s=", total, key);
	bytes_add(&record, value, len);
	bytes_add(&record, "\n", 1);
	made_entry(b, (struct tar_made){.name = "pax", .type = 'x'}, record.data, record.len);
}

static inline void made_end(struct bytes *b)
{
	bytes_zeros(b, 1024);
}

/* --- folders ----------------------------------------------------------------------------------------------------- */

struct folder {
	char path[64];
};

static inline int folder_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void folder_finish(struct folder *f)
{
	nftw(f->path, folder_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#define FOLDER(f)                                                                                                      \
	struct folder f __attribute__((cleanup(folder_finish))) = {.path = "/tmp/plyfs-image-XXXXXX"};                 \
	ASSERT(os_init() == 0 && mkdtemp(f.path))

/* Writes a file, and the directories that it lies in. */
static inline void folder_write(const struct folder *f, const char *name, const void *data, size_t len)
{
	char path[512];
	FILE *file;

	UNIT_PRINT(path, "%s/%s", f->path, name);
	for (char *slash = strchr(path + strlen(f->path) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
	if (len == (size_t)-1) {
		mkdir(path, 0755);
		return;
	}
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file))
		abort();
}

static inline void folder_mkdir(const struct folder *f, const char *name)
{
	folder_write(f, name, NULL, (size_t)-1);
}

__attribute__((format(printf, 3, 4))) static inline void folder_print(const struct folder *f, const char *name,
								      const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	folder_write(f, name, text, strlen(text));
	free(text);
}

/* --- images ------------------------------------------------------------------------------------------------------ */

#define MADE_LAYERS 4

/* An image of up to four layers. `blob` is what a layer is stored as: by default the tar itself. */
struct made {
	struct bytes tar[MADE_LAYERS], blob[MADE_LAYERS];
	unsigned n;
	const char *history; /* JSON; NULL: one entry a layer */
	struct bytes config, manifest;
};

static inline void made_free(struct made *m)
{
	for (unsigned i = 0; i < MADE_LAYERS; i++) {
		free(m->tar[i].data);
		free(m->blob[i].data);
	}
	free(m->config.data);
	free(m->manifest.data);
}

#define MADE(m) struct made m __attribute__((cleanup(made_free))) = {0}

static inline const struct bytes *made_blob(const struct made *m, unsigned i)
{
	return m->blob[i].len ? &m->blob[i] : &m->tar[i];
}

static inline void made_documents(struct made *m)
{
	struct bytes *c = &m->config, *f = &m->manifest;

	c->len = f->len = 0;
	bytes_print(c, "{\"created\":\"2024-05-06T07:08:09.5Z\",\"author\":\"A \\u00e9\",\"architecture\":\"amd64\",");
	bytes_print(c,
		    "\"os\":\"linux\",\"config\":{\"Env\":[\"A=b\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (unsigned i = 0; i < m->n; i++)
		bytes_print(c, "%s\"%s\"", i ? "," : "", bytes_digest(&m->tar[i]));
	bytes_print(c, "]},\"history\":[");
	for (unsigned i = 0; i < m->n && !m->history; i++)
		bytes_print(c, "%s{\"created\":\"2024-01-0%uT00:00:00Z\",\"created_by\":\"step %u\"}", i ? "," : "",
			    i + 1, i);
	bytes_print(c, "%s]}", m->history ? m->history : "");

	bytes_print(f, "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",");
	bytes_print(f, "\"digest\":\"%s\",\"size\":%zu},\"layers\":[", bytes_digest(c), c->len);
	for (unsigned i = 0; i < m->n; i++)
		bytes_print(
			f,
			"%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar%s\",\"digest\":\"%s\",\"size\":%zu}",
			i ? "," : "", m->blob[i].len ? "+gzip" : "", bytes_digest(made_blob(m, i)),
			made_blob(m, i)->len);
	bytes_print(f, "]}");
}

/* Calls back with the name and bytes of each file of a layout. */
static inline void made_layout_each(const struct made *m, const char *index,
				    void (*each)(void *to, const char *name, const struct bytes *content), void *to)
{
	char name[128];
	BYTES(text);

	UNIT_PRINT(name, "blobs/sha256/%s", bytes_digest(&m->config) + 7);
	each(to, name, &m->config);
	UNIT_PRINT(name, "blobs/sha256/%s", bytes_digest(&m->manifest) + 7);
	each(to, name, &m->manifest);
	for (unsigned i = 0; i < m->n; i++) {
		UNIT_PRINT(name, "blobs/sha256/%s", bytes_digest(made_blob(m, i)) + 7);
		each(to, name, made_blob(m, i));
	}
	if (index)
		bytes_print(&text, "%s", index);
	else
		bytes_print(&text,
			    "{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
			    "\"digest\":\"%s\",\"size\":%zu,\"annotations\":"
			    "{\"org.opencontainers.image.ref.name\":\"app\"}}]}",
			    bytes_digest(&m->manifest), m->manifest.len);
	each(to, "index.json", &text);
}

static inline void made_to_folder(void *to, const char *name, const struct bytes *content)
{
	folder_write(to, name, content->data, content->len);
}

static inline void made_to_tar(void *to, const char *name, const struct bytes *content)
{
	made_entry(to, (struct tar_made){.name = name}, content->data, content->len);
}

/* Makes the documents and a layout of them in a folder. */
static inline void made_layout(struct made *m, struct folder *f)
{
	made_documents(m);
	made_layout_each(m, NULL, made_to_folder, f);
}

/* Three layers: two files; one of them deleted and a directory; an opaque directory. */
static inline void made_three(struct made *m)
{
	m->n = 3;
	made_dir(&m->tar[0], "etc/");
	made_file(&m->tar[0], "etc/one", "one");
	made_file(&m->tar[0], "etc/two", "two two");
	made_file(&m->tar[1], "etc/.wh.one", "");
	made_dir(&m->tar[1], "var/");
	made_dir(&m->tar[2], "var/");
	made_file(&m->tar[2], "var/.wh..wh..opq", "");
	for (unsigned i = 0; i < 3; i++)
		made_end(&m->tar[i]);
}

#define IMAGE(var) struct image *var __attribute__((cleanup(image_cleanup))) = NULL

#endif
