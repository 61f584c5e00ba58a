/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source xattr. It may come from whoever owns the file: who follows the path stays in the layer and looks at what
 * he finds.
 */
#include "format/source.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"
#include "base/check.h"

#define CHECKED_FROM 16

static const char magic[4] = {'p', 'l', 'y', 's'};

size_t source_encode(const struct source *source, uint8_t ret_value[static SOURCE_MAX])
{
	size_t len = strlen(source->path), size = SOURCE_PATH_OFFSET + len;

	if (!CHECK(len <= SOURCE_PATH_MAX))
		return 0;
	memcpy(ret_value, magic, sizeof(magic));
	put32(ret_value + 4, SOURCE_VERSION);
	put32(ret_value + 16, source->layer);
	put32(ret_value + 20, source->layers);
	put32(ret_value + 24, source->nlink);
	put32(ret_value + 28, 0);
	put64(ret_value + 32, source->size);
	put64(ret_value + 40, (uint64_t)source->mtime);
	memcpy(ret_value + SOURCE_PATH_OFFSET, source->path, len);
	put64(ret_value + 8, XXH3_64bits(ret_value + CHECKED_FROM, size - CHECKED_FROM));
	return size;
}

int source_decode(const void *value, size_t size, struct source *ret)
{
	const uint8_t *at = value;
	size_t len = size - SOURCE_PATH_OFFSET;

	if (size <= SOURCE_PATH_OFFSET || size > SOURCE_MAX || memcmp(at, magic, sizeof(magic)) ||
	    get32(at + 4) != SOURCE_VERSION || get64(at + 8) != XXH3_64bits(at + CHECKED_FROM, size - CHECKED_FROM) ||
	    memchr(at + SOURCE_PATH_OFFSET, '\0', len))
		return -EINVAL;
	ret->layer = get32(at + 16);
	ret->layers = get32(at + 20);
	ret->nlink = get32(at + 24);
	ret->size = get64(at + 32);
	ret->mtime = (int64_t)get64(at + 40);
	memcpy(ret->path, at + SOURCE_PATH_OFFSET, len);
	ret->path[len] = '\0';
	return 0;
}
