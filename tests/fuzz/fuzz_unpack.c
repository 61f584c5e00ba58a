// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacking a tar into a directory, and the way back: nothing outside of the directory changes, and what was unpacked
 * gives its bytes again. The corpus is that of tests/hostile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/recipe.h"
#include "archive/unpack.h"
#include "base/hash.h"
#include "fuzz.h"
#include "image/stream.h"
#include "os/fs.h"

struct again {
	const uint8_t *data;
	size_t size, at;
};

static int compare(void *arg, const void *data, size_t len)
{
	struct again *a = arg;

	if (len > a->size - a->at || memcmp(a->data + a->at, data, len) != 0)
		abort();
	a->at += len;
	return 0;
}

static int memory_of(const void *data, size_t size)
{
	int fd = os_memory_file("fuzz");

	if (fd < 0 || os_pwrite_all(fd, data, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

/* One directory for all runs, with a file beside it that must stay. */
static int fuzz_folder(void)
{
	static int parent = -1;
	const char *tmp = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/fuzz-unpack-XXXXXX", tmp ? tmp : "/tmp");
	if (parent < 0) {
		hash_seed_init();
		if (os_init() < 0 || !mkdtemp(path) || (parent = os_open_path(path, O_RDONLY | O_DIRECTORY, 0)) < 0)
			abort();
		umask(0);
	}
	if (unpack_remove(parent) < 0 || os_mkdirat(parent, "layer", 0755) < 0 ||
	    os_mknodat(parent, "kept", S_IFREG | 0600, 0) < 0)
		abort();
	return parent;
}

static int count_entry(void *arg, const struct os_dirent *d)
{
	++*(unsigned *)arg;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_error error;
	struct unpacked unpacked;
	struct stream *in;
	struct tar tar;
	int parent = fuzz_folder(), recipe = os_memory_file("recipe"), tar_fd = memory_of(data, size);
	int root = os_openat(parent, "layer", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct unpack_options options = {.root_fd = root, .overrides = true, .ns = XATTR_NS_USER};
	struct again again = {.data = data, .size = size};
	unsigned entries = 0;

	if (recipe < 0 || root < 0 || stream_of_file(tar_fd, 0, (int64_t)size, &in) < 0 ||
	    recipe_writer_new(recipe, &options.recipe, &error) < 0)
		abort();
	tar_init(&tar, in);
	if (unpack_tar(&tar, &options, &unpacked, &error) == 0) {
		if (recipe_write_tar(recipe, root, compare, &again, &error) < 0 || again.at != size)
			abort();
		unpacked_finish(&unpacked);
	}
	if (os_read_dir(parent, count_entry, &entries) < 0 || entries != 2)
		abort();
	recipe_writer_free(options.recipe);
	tar_finish(&tar);
	stream_free(in);
	os_close(root);
	os_close(recipe);
	return 0;
}
