// SPDX-License-Identifier: Apache-2.0
/*
 * libarchive compresses: its `raw` format with one filter.
 */
#include "archive/packer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "image/error.h"

/* Half the time of the library's own default, for 2 % more bytes: less than what skopeo makes. */
#define GZIP_LEVEL 4

struct packer {
	enum pack_kind kind;
	archive_sink sink;
	void *arg;
	struct archive *archive; /* NULL with PACK_NONE */
	int err;		 /* of the sink */
	bool ended, abandoned;	 /* abandoned: the rest goes nowhere; libarchive's way to fail leaks */
};

static la_ssize_t packer_writes(struct archive *a, void *arg, const void *data, size_t len)
{
	struct packer *p = arg;

	if (p->abandoned)
		return (la_ssize_t)len;
	p->err = p->sink(p->arg, data, len);
	if (p->err == 0)
		return (la_ssize_t)len;
	archive_set_error(a, -p->err, "writing fails");
	return ARCHIVE_FATAL;
}

static int packer_open(struct packer *p, int level)
{
	struct archive *a = p->archive;
	struct archive_entry *entry;
	char text[16];
	int r;

	if (p->kind == PACK_GZIP && !level)
		level = GZIP_LEVEL;
	snprintf(text, sizeof(text), "%d", level);
	r = p->kind == PACK_GZIP ? archive_write_add_filter_gzip(a) : archive_write_add_filter_zstd(a);
	if (r == ARCHIVE_OK && p->kind == PACK_GZIP)
		r = archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	if (r == ARCHIVE_OK && level)
		r = archive_write_set_filter_option(a, NULL, "compression-level", text);
	if (r == ARCHIVE_OK)
		r = archive_write_set_format_raw(a);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(a, 1);
	if (r == ARCHIVE_OK)
		r = archive_write_open(a, p, NULL, packer_writes, NULL);
	if (r != ARCHIVE_OK)
		return -EOPNOTSUPP;
	entry = archive_entry_new();
	if (!entry)
		return -ENOMEM;
	archive_entry_set_pathname(entry, "data");
	archive_entry_set_filetype(entry, AE_IFREG);
	r = archive_write_header(a, entry);
	archive_entry_free(entry);
	return r == ARCHIVE_OK ? 0 : -EIO;
}

static void packer_cleanup(struct packer **p)
{
	packer_free(*p);
}

int packer_new(enum pack_kind kind, int level, archive_sink sink, void *arg, struct packer **ret,
	       struct image_error *error)
{
	_cleanup_(packer_cleanup) struct packer *p = calloc(1, sizeof(*p));
	int r;

	if (!CHECK(level >= 0))
		return -EIO;
	if (p && kind != PACK_NONE)
		p->archive = archive_write_new();
	if (!p || (kind != PACK_NONE && !p->archive))
		return image_fail_memory(error);
	p->kind = kind;
	p->sink = sink;
	p->arg = arg;
	r = p->archive ? packer_open(p, level) : 0;
	if (r < 0)
		return image_fail(error, r, "compressing: %s",
				  archive_error_string(p->archive) ? archive_error_string(p->archive) : "fails");
	*ret = TAKE_PTR(p);
	return 0;
}

static int packer_failure(const struct packer *p)
{
	int number = archive_errno(p->archive);

	return p->err ? p->err : number > 0 ? -number : -EIO;
}

int packer_add(struct packer *p, const void *data, size_t len)
{
	if (!CHECK(!p->ended))
		return -EIO;
	if (!p->archive)
		return p->sink(p->arg, data, len);
	if (len && archive_write_data(p->archive, data, len) != (la_ssize_t)len)
		return packer_failure(p);
	return 0;
}

int packer_end(struct packer *p)
{
	if (!CHECK(!p->ended))
		return -EIO;
	p->ended = true;
	return p->archive && archive_write_close(p->archive) != ARCHIVE_OK ? packer_failure(p) : 0;
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	(void)CHECK(p->sink);
	p->abandoned = !p->ended;
	archive_write_free(p->archive);
	free(p);
}
