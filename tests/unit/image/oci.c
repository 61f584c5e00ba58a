// SPDX-License-Identifier: Apache-2.0
#include "made.h"

#include "image/toc.h"

TEST("a layout says id, platform, layers, history and what the blobs are")
{
	struct image_error error = {0};
	char ref[128];
	MADE(m);
	FOLDER(f);
	IMAGE(image);

	made_three(&m);
	bytes_pack(&m.blob[1], &m.tar[1], ARCHIVE_FILTER_GZIP);
	made_layout(&m, &f);
	UNIT_PRINT(ref, "oci:%s:app", f.path);
	ASSERT_INT(image_open(ref, &image, &error), 0);
	EXPECT_STR(image->id, bytes_digest(&m.config));
	EXPECT_STR(image->manifest_digest, bytes_digest(&m.manifest));
	EXPECT_STR(image->created, "2024-05-06T07:08:09.5Z");
	EXPECT_STR(image->author, "A \xc3\xa9");
	EXPECT_STR(image->os, "linux");
	EXPECT_STR(image->architecture, "amd64");
	EXPECT_STR(image->config, m.config.data);
	ASSERT_INT(image->n_names, 1);
	EXPECT_STR(image->names[0], "app");
	ASSERT_INT(image->n_layers, 3);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_STR(image->layers[i].diff_id, bytes_digest(&m.tar[i]));
		EXPECT_STR(image->layers[i].digest, bytes_digest(made_blob(&m, i)));
		EXPECT_INT(image->layers[i].compressed, made_blob(&m, i)->len);
		EXPECT_INT(image->layers[i].apparent, IMAGE_UNKNOWN);
	}
	EXPECT_INT(image->layers[0].tar, m.tar[0].len);
	EXPECT_INT(image->layers[1].tar, IMAGE_UNKNOWN);
	EXPECT_STR(image->layers[1].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
	EXPECT_STR(image->layers[2].created, "2024-01-03T00:00:00Z");
	EXPECT_STR(image->layers[2].created_by, "step 2");
	EXPECT_INT(image->n_lacks, 0);
	ASSERT_INT(image_layer_measure(image, 0, &error), 0);
	ASSERT_INT(image_layer_measure(image, 1, &error), 0);
	EXPECT_INT(image->layers[0].apparent, 10);
	EXPECT_INT(image->layers[1].tar, m.tar[1].len);
}

TEST("entries without a layer are kept, and what the history leaves out or has too much is said")
{
	struct image_error error = {0};
	MADE(m);
	MADE(more);
	FOLDER(f);
	FOLDER(g);
	IMAGE(image);
	IMAGE(other);

	made_three(&m);
	m.history = "{\"created_by\":\"ENV\",\"empty_layer\":true},{\"created_by\":\"ADD\",\"comment\":\"c\"},"
		    "{\"created_by\":\"CMD\",\"empty_layer\":true}";
	made_layout(&m, &f);
	ASSERT_INT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error), 0);
	ASSERT_INT(image->n_history, 5);
	EXPECT(image->history[0].empty && image->history[0].layer == -1);
	EXPECT(!image->history[1].empty && image->history[1].layer == 0);
	EXPECT_STR(image->history[1].comment, "c");
	EXPECT(image->history[4].layer == 2 && !image->history[4].created_by);
	EXPECT_STR(image->layers[0].created_by, "ADD");
	EXPECT_STR(image->layers[1].created_by, NULL);
	EXPECT_INT(image->n_lacks, 1);

	made_three(&more);
	more.history = "{},{},{},{}";
	made_layout(&more, &g);
	ASSERT_INT(image_open_in(IMAGE_OCI, g.path, NULL, &other, &error), 0);
	EXPECT_INT(other->n_history, 4);
	EXPECT(other->history[3].empty);
	EXPECT_INT(other->n_lacks, 1);
}

static void put_blob(const struct folder *f, const struct bytes *b)
{
	char name[128];

	UNIT_PRINT(name, "blobs/sha256/%s", bytes_digest(b) + 7);
	folder_write(f, name, b->data, b->len);
}

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"

TEST("of several platforms this machine's is taken, over indexes and beside attestations")
{
	struct image_error error = {0};
	MADE(m);
	MADE(wrong);
	BYTES(index);
	FOLDER(f);
	IMAGE(image);

	made_three(&m);
	made_file(&wrong.tar[0], "x", "x");
	made_end(&wrong.tar[0]);
	wrong.n = 1;
	made_layout(&wrong, &f);
	made_layout(&m, &f);
	bytes_print(&index,
		    "{\"manifests\":[{\"mediaType\":\"" MANIFEST_TYPE "\",\"digest\":\"%s\",\"platform\":"
		    "{\"os\":\"unknown\",\"architecture\":\"unknown\"},\"annotations\":"
		    "{\"vnd.docker.reference.type\":\"attestation-manifest\"}},",
		    bytes_digest(&wrong.manifest));
	bytes_print(&index,
		    "{\"mediaType\":\"" MANIFEST_TYPE "\",\"digest\":\"%s\",\"platform\":"
		    "{\"os\":\"linux\",\"architecture\":\"mips\"}},",
		    bytes_digest(&wrong.manifest));
#if defined(__x86_64__)
	bytes_print(&index,
		    "{\"mediaType\":\"" MANIFEST_TYPE "\",\"digest\":\"%s\",\"platform\":"
		    "{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
		    bytes_digest(&m.manifest));
#else
	SKIP("another architecture");
#endif
	put_blob(&f, &index);
	folder_print(&f, "index.json", "{\"manifests\":[{\"mediaType\":\"" INDEX_TYPE "\",\"digest\":\"%s\"}]}",
		     bytes_digest(&index));
	ASSERT_INT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error), 0);
	EXPECT_STR(image->id, bytes_digest(&m.config));
}

static int count_listed(void *arg, const struct image_listed *item)
{
	(*(unsigned *)arg)++;
	return item->id ? 0 : -EIO;
}

TEST("an image is found by its name, by its tag and by its digest, and several want a name")
{
	struct image_error error = {0};
	unsigned n = 0;
	MADE(m);
	MADE(other);
	FOLDER(f);

	made_three(&m);
	made_file(&other.tar[0], "x", "x");
	made_end(&other.tar[0]);
	other.n = 1;
	made_layout(&other, &f);
	made_layout(&m, &f);
	folder_print(&f, "index.json",
		     "{\"manifests\":[{\"digest\":\"%s\",\"annotations\":{\"io.containerd.image.name\":"
		     "\"docker.io/library/one:latest\",\"org.opencontainers.image.ref.name\":\"latest\"}},"
		     "{\"digest\":\"%s\",\"annotations\":{\"org.opencontainers.image.ref.name\":\"two\"}}]}",
		     bytes_digest(&m.manifest), bytes_digest(&other.manifest));
	const char *names[] = {"one", "docker.io/library/one:latest", "latest", bytes_digest(&m.manifest)};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		IMAGE(image);

		if (image_open_in(IMAGE_OCI, f.path, names[i], &image, &error) != 0)
			UNIT_FAIL("%s: %s", names[i], error.text);
		else
			EXPECT_STR(image->id, bytes_digest(&m.config));
	}
	IMAGE(none);
	EXPECT_INT(image_open_in(IMAGE_OCI, f.path, "three", &none, &error), -ENOENT);
	EXPECT_INT(image_open_in(IMAGE_OCI, f.path, NULL, &none, &error), -ENOENT);
	EXPECT(strstr(error.text, "several images"));
	EXPECT_INT(image_list(IMAGE_OCI, f.path, count_listed, &n, &error), 0);
	EXPECT_INT(n, 2);
}

TEST("the start of a digest that several images have is refused with these")
{
	char wanted[512], first[DIGEST_SIZE], second[DIGEST_SIZE];
	struct image_error error = {.text = ""};
	struct image *image;
	FOLDER(f);

	snprintf(first, sizeof(first), "sha256:abcd%060d", 1);
	snprintf(second, sizeof(second), "sha256:abcd%060d", 2);
	folder_print(&f, "index.json",
		     "{\"manifests\":[{\"digest\":\"%s\",\"size\":1},{\"digest\":\"%s\",\"size\":1},"
		     "{\"digest\":\"%s\",\"size\":1}]}",
		     first, second, first);
	UNIT_PRINT(wanted, "%s: several images have a digest that begins with abcd: %s, %s", f.path, first, second);
	EXPECT_INT(image_open_in(IMAGE_OCI, f.path, "abcd", &image, &error), -EINVAL);
	EXPECT_STR(error.text, wanted);
	/* More digits tell them apart, also an entry that is there twice. */
	EXPECT_INT(image_open_in(IMAGE_OCI, f.path, first, &image, &error), -ENOENT);
	UNIT_PRINT(wanted, "%s: blobs/sha256/%s: No such file or directory", f.path, first + strlen("sha256:"));
	EXPECT_STR(error.text, wanted);
}

TEST("a missing blob is said, and the rest is shown")
{
	struct image_error error = {0};
	struct image_toc *toc;
	char path[200];
	MADE(m);
	FOLDER(f);
	IMAGE(image);

	made_three(&m);
	made_layout(&m, &f);
	UNIT_PRINT(path, "%s/blobs/sha256/%s", f.path, bytes_digest(&m.tar[1]) + 7);
	ASSERT_INT(unlink(path), 0);
	ASSERT_INT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error), 0);
	ASSERT_INT(image->n_lacks, 1);
	EXPECT(strstr(image->lacks[0], "layer 1"));
	EXPECT_INT(image_toc_read(image, 1, &toc, &error), -ENOENT);
	EXPECT_INT(image_layer_measure(image, 2, &error), 0);
}

/* A layout whose index.json is `text`. */
static int open_index(const char *text, size_t len, struct image_error *error)
{
	struct folder f = {.path = "/tmp/plyfs-image-XXXXXX"};
	struct image *image = NULL;
	int r;

	if (os_init() < 0 || !mkdtemp(f.path))
		return -EIO;
	folder_write(&f, "index.json", text, len);
	r = image_open_in(IMAGE_OCI, f.path, NULL, &image, error);
	image_free(image);
	folder_finish(&f);
	return r;
}

TEST("documents that are no JSON, too deep, too large or of other types are refused in one line")
{
	static const char *const bad[] = {"",
					  "{",
					  "nonsense",
					  "[]",
					  "{\"manifests\":{}}",
					  "{\"manifests\":[{\"digest\":7}]}",
					  "{\"manifests\":[{\"digest\":\"sha256:../../../etc/passwd\"}]}",
					  "{\"manifests\":[],\"manifests\":[]}",
					  "{\"a\":\"\\u0000\",\"manifests\":[]}",
					  "{\"a\":\"\xff\",\"manifests\":[]}"};
	struct image_error error = {0};
	BYTES(deep);
	BYTES(large);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (open_index(bad[i], strlen(bad[i]), &error) != -EBADMSG || strchr(error.text, '\n'))
			UNIT_FAIL("%s: %s", bad[i], error.text);
	EXPECT_INT(open_index("{\"manifests\":[]}", 16, &error), -ENOENT);
	EXPECT_INT(open_index("{\"manifests\":[7,[],null,\"\"]}", 28, &error), -ENOENT);
	for (unsigned i = 0; i < 1000000; i++)
		bytes_add(&deep, "[", 1);
	EXPECT_INT(open_index(deep.data, deep.len, &error), -E2BIG);
	bytes_zeros(&large, 5 << 20);
	memset(large.data, ' ', large.len);
	EXPECT_INT(open_index(large.data, large.len, &error), -E2BIG);
}

TEST("a manifest and a config with a wrong digest are refused")
{
	const struct bytes *documents[2];

	for (unsigned i = 0; i < 2; i++) {
		struct image_error error = {0};
		char name[128];
		MADE(m);
		FOLDER(f);
		IMAGE(image);

		made_three(&m);
		made_layout(&m, &f);
		documents[0] = &m.manifest;
		documents[1] = &m.config;
		UNIT_PRINT(name, "blobs/sha256/%s", bytes_digest(documents[i]) + 7);
		folder_print(&f, name, "%s ", documents[i]->data);
		EXPECT_INT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error), -EBADMSG);
		EXPECT(strstr(error.text, "has the digest sha256:"));
	}
}

TEST("a blob that is a symbolic link, a fifo or a directory isn't read")
{
	struct image_error error = {0};
	char path[200];
	MADE(m);
	FOLDER(f);
	IMAGE(image);

	made_three(&m);
	made_layout(&m, &f);
	UNIT_PRINT(path, "%s/blobs/sha256/%s", f.path, bytes_digest(&m.manifest) + 7);
	ASSERT_INT(unlink(path), 0);
	ASSERT_INT(symlink("/etc/passwd", path), 0);
	EXPECT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error) < 0);
	ASSERT_INT(unlink(path), 0);
	ASSERT_INT(mkfifo(path, 0644), 0);
	EXPECT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error) < 0);
	ASSERT_INT(unlink(path), 0);
	ASSERT_INT(mkdir(path, 0755), 0);
	EXPECT(image_open_in(IMAGE_OCI, f.path, NULL, &image, &error) < 0);
}

TEST("names of transports are told apart, and wrong ones are refused")
{
	static const char *const bad[] = {
		"", "app", "oci", "oci:", "docker://app", "containers-storage:[/x", "oci-archive::x"};
	struct image_error error = {0};
	enum image_source source;
	const char *rest;
	IMAGE(image);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_INT(image_open(bad[i], &image, &error), -EINVAL);
	EXPECT(image_ref_split("oci-archive:/a:b", &source, &rest));
	EXPECT_INT(source, IMAGE_OCI_ARCHIVE);
	EXPECT_STR(rest, "/a:b");
	EXPECT_STR(image_source_name(source), "oci-archive");
	EXPECT_INT(image_open("oci:/nowhere/at/all", &image, &error), -ENOENT);
	EXPECT_STR(error.text, "/nowhere/at/all: No such file or directory");
}
