/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a file in memory, for targets that read archives.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* The descriptor of a file with these bytes. */
static inline int fuzz_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	return fd;
}

/* Puts the checksum of a tar's headers right, as far as they are where headers could be. */
static inline void fuzz_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size; at += 512) {
		unsigned sum = 8 * ' ';

		if (!data[at])
			continue;
		for (size_t i = 0; i < 512; i++)
			sum += i < 148 || i >= 156 ? data[at + i] : 0;
		snprintf((char *)data + at + 148, 8, "%06o", sum);
	}
}

#endif
