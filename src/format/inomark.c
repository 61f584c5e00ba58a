/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number mark. It may come from whoever owns the file; all that it can do is to choose a number that stat shows.
 */
#include "format/inomark.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

struct inomark {
	char magic[4];
	uint32_t version;
	uint64_t ino;
	uint64_t checksum;
};
_Static_assert(sizeof(struct inomark) == INOMARK_SIZE, "no padding");

static const char magic[4] = {'p', 'l', 'y', 'i'};

static uint64_t checksum(const struct inomark *mark)
{
	return htole64(XXH3_64bits(mark, offsetof(struct inomark, checksum)));
}

void inomark_encode(uint64_t ino, uint8_t ret_bytes[static INOMARK_SIZE])
{
	struct inomark mark = {.version = htole32(INOMARK_VERSION), .ino = htole64(ino)};

	memcpy(mark.magic, magic, sizeof(magic));
	mark.checksum = checksum(&mark);
	memcpy(ret_bytes, &mark, sizeof(mark));
}

uint64_t inomark_decode(const void *bytes, size_t size)
{
	struct inomark mark;

	if (size != sizeof(mark))
		return 0;
	memcpy(&mark, bytes, sizeof(mark));
	if (memcmp(mark.magic, magic, sizeof(magic)) || le32toh(mark.version) != INOMARK_VERSION)
		return 0;
	return mark.checksum == checksum(&mark) ? le64toh(mark.ino) : 0;
}
