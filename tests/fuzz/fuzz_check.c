/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of packed images: up to three layers, each a tar with the checksums of its headers put right, below a
 * config that says of them what a good image says, or something else. The first byte says where they are cut, and what
 * is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_image.h"
#include "image/digest.h"
#include "os/fs.h"
#include "view/check.h"
#include "view/stack.h"

#define PACKED_MAX 3
enum { WRONG_SIZE = 4, WRONG_DIGEST = 8 };

static char top[256], blobs[300];

static void make_folders(void)
{
	static bool made;
	const char *base = getenv("TMPDIR");

	if (made)
		return;
	made = true;
	snprintf(top, sizeof(top), "%s/fuzz-check-%d", base ? base : "/tmp", getpid());
	MUST(mkdir(top, 0700) == 0);
	snprintf(blobs, sizeof(blobs), "%s/blobs", top);
	MUST(mkdir(blobs, 0700) == 0);
	strcat(blobs, "/sha256");
	MUST(mkdir(blobs, 0700) == 0);
}

static void put(const char *folder, const char *name, const void *data, size_t size)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	MUST(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

static void put_blob(const void *data, size_t size, char ret[static DIGEST_SIZE])
{
	MUST(digest_of(data, size, ret) == 0);
	put(blobs, ret + strlen(DIGEST_PREFIX), data, size);
}

static void remove_blob(const char *digest)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", blobs, digest + strlen(DIGEST_PREFIX));
	(void)unlink(path);
}

/* Each layer's digest is that of its bytes, unless it is to be wrong. */
static unsigned put_layers(uint8_t *data, size_t size, unsigned how, char digests[PACKED_MAX][DIGEST_SIZE],
			   size_t sizes[PACKED_MAX])
{
	unsigned n = 1 + how % PACKED_MAX;

	for (unsigned i = 0; i < n; i++) {
		size_t from = size / 512 * i / n * 512, to = i + 1 == n ? size : size / 512 * (i + 1) / n * 512;

		sizes[i] = to - from;
		put_blob(data + from, sizes[i], digests[i]);
		if (!i && (how & WRONG_DIGEST) && size)
			put(blobs, digests[i] + strlen(DIGEST_PREFIX), data, size / 2);
	}
	return n;
}

static void put_image(unsigned n, unsigned how, char digests[PACKED_MAX][DIGEST_SIZE], const size_t sizes[PACKED_MAX],
		      char config_digest[static DIGEST_SIZE], char manifest_digest[static DIGEST_SIZE])
{
	char ids[512] = "", layers[1024] = "", text[2048];

	for (unsigned i = 0; i < n; i++) {
		snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s\"%s\"", i ? "," : "", digests[i]);
		snprintf(layers + strlen(layers), sizeof(layers) - strlen(layers), "%s{\"digest\":\"%s\",\"size\":%zu}",
			 i ? "," : "", digests[i], sizes[i] + (how & WRONG_SIZE ? 1 : 0));
	}
	snprintf(text, sizeof(text), "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}", ids);
	put_blob(text, strlen(text), config_digest);
	snprintf(text, sizeof(text), "{\"config\":{\"digest\":\"%s\",\"size\":%u},\"layers\":[%s]}", config_digest, how,
		 layers);
	put_blob(text, strlen(text), manifest_digest);
	snprintf(text, sizeof(text), "{\"manifests\":[{\"digest\":\"%s\",\"size\":%zu}]}", manifest_digest,
		 strlen(text));
	put(top, "index.json", text, strlen(text));
}

static int failed(void *arg, const char *where, int err)
{
	(void)arg;
	MUST(*where && err < 0);
	return 0;
}

static void check(unsigned n)
{
	char name[300], *error = NULL;
	struct view_stack *stack = NULL;
	struct view_check found;
	int r;

	snprintf(name, sizeof(name), "oci:%s", top);
	MUST(view_stack_find(name, &stack, &error) == 0);
	MUST(view_stack_open(stack, false, &error) == 0 && view_layer_count(stack) == n);
	r = view_check_find(stack, NULL, failed, NULL, &found, &error);
	MUST(r == 0 || (error && !strpbrk(error, "\n\r\x1b")));
	MUST(found.packed && !found.unreadable);
	for (size_t i = 0; i < found.n; i++) {
		const struct view_finding *f = &found.list[i];

		MUST(f->layer == VIEW_CHECK_WORK || f->layer < n);
		MUST(view_fault_name(f->fault) && view_fault_text(f->fault));
		/* One thing is told once. */
		MUST(!i || f->layer != f[-1].layer || f->fault != f[-1].fault || strcmp(f->path, f[-1].path) != 0);
	}
	view_check_free(&found);
	view_stack_free(stack);
	free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char digests[PACKED_MAX][DIGEST_SIZE], config[DIGEST_SIZE], manifest[DIGEST_SIZE];
	size_t sizes[PACKED_MAX];
	unsigned n;
	uint8_t *copy;

	if (!size || os_init() < 0)
		return 0;
	make_folders();
	copy = malloc(size);
	MUST(copy);
	memcpy(copy, data + 1, size - 1);
	fuzz_checksums(copy, size - 1);
	n = put_layers(copy, size - 1, *data, digests, sizes);
	put_image(n, *data, digests, sizes, config, manifest);
	check(n);
	for (unsigned i = 0; i < n; i++)
		remove_blob(digests[i]);
	remove_blob(config);
	remove_blob(manifest);
	free(copy);
	return 0;
}
