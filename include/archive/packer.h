/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compresses bytes on their way to a sink. The same bytes and level give the same result as long as the library is the
 * same one: no time and no name of a file is in it.
 */
#ifndef ARCHIVE_PACKER_H
#define ARCHIVE_PACKER_H

#include "archive/tar_writer.h"
#include "image/image.h"

enum pack_kind { PACK_NONE, PACK_GZIP, PACK_ZSTD };

struct packer;

/* `level` 0: 4 of gzip, and the library's default of zstd. */
int packer_new(enum pack_kind kind, int level, archive_sink sink, void *arg, struct packer **ret,
	       struct image_error *error);
int packer_add(struct packer *p, const void *data, size_t len);
/* The rest goes to the sink. 0 or -errno; once. */
int packer_end(struct packer *p);
void packer_free(struct packer *p);

#endif
