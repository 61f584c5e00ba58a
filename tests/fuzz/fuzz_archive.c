/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of an archive: the bytes, compressed or not, are read as a tar with the checksums of its headers put right.
 * The first byte says whether they are, and whether the archive is looked through as one of images too.
 */
#include <stdlib.h>
#include <string.h>

#include "image/read.h"
#include "image/stream.h"
#include "image/tar.h"
#include "fuzz_image.h"
#include "image/toc.h"
#include "os/fs.h"

static void read_entries(struct stream *in)
{
	struct image_error error = {0};
	struct tar_entry e;
	struct tar tar;
	char buf[64];

	tar_init(&tar, in);
	for (unsigned n = 0; tar_next(&tar, &e, &error) > 0; n++) {
		char *path = strdup(e.path);

		MUST(path && e.size >= 0 && e.stored >= 0 && e.offset >= 0 && (e.mode & 0170000));
		MUST(strlen(e.path) <= TAR_NAME_MAX && (!e.hardlink || e.link));
		if (layer_tar_path(path, &error) == 0)
			MUST(*path != '/' && !strstr(path, "//") && strcmp(path, "..") != 0 && !strstr(path, "/../") &&
			     strncmp(path, "../", 3) != 0);
		free(path);
		if (n % 2)
			(void)!tar_read(&tar, buf, sizeof(buf), &error);
	}
	MUST(!strpbrk(error.text, "\n\r\x1b"));
	tar_finish(&tar);
}

static void open_archive(int fd)
{
	struct image_error error = {0};
	struct image *image = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (image_open_in(IMAGE_OCI_ARCHIVE, path, NULL, &image, &error) == 0)
		image_free(image);
	if (image_open_in(IMAGE_DOCKER_ARCHIVE, path, NULL, &image, &error) == 0)
		image_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_error error = {0};
	struct stream *file, *in;
	uint8_t *copy;
	bool packed;
	int fd;

	if (!size || os_init() < 0)
		return 0;
	copy = malloc(size);
	MUST(copy);
	memcpy(copy, data + 1, size - 1);
	if (*data & 1)
		fuzz_checksums(copy, size - 1);
	fd = fuzz_file(copy, size - 1);
	if (*data & 2)
		open_archive(fd);
	MUST(stream_of_file(fd, 0, (int64_t)size - 1, &file) == 0);
	if (stream_inflated(file, &in, &packed, &error) == 0) {
		read_entries(in);
		stream_free(in);
	}
	free(copy);
	return 0;
}
