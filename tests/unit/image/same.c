// SPDX-License-Identifier: Apache-2.0
/*
 * The same image in all forms of archives, and archives that are no images.
 */
#include "made.h"

#include "image/toc.h"

static void made_docker(struct made *m, struct bytes *b)
{
	char name[128];

	UNIT_PRINT(name, "%s.json", bytes_digest(&m->config) + 7);
	made_to_tar(b, name, &m->config);
	for (unsigned i = 0; i < m->n; i++) {
		UNIT_PRINT(name, "%u/layer.tar", i);
		made_to_tar(b, name, &m->tar[i]);
		UNIT_PRINT(name, "link%u/layer.tar", i);
		made_entry(b,
			   (struct tar_made){
				   .name = name, .type = '2', .link = i == 0 ? "../0/layer.tar" : "../1/layer.tar"},
			   "", 0);
	}
	BYTES(text);
	bytes_print(&text,
		    "[{\"Config\":\"%s.json\",\"RepoTags\":[\"localhost/app:latest\"],\"Layers\":["
		    "\"link0/layer.tar\",\"link1/layer.tar\",\"2/layer.tar\"]}]",
		    bytes_digest(&m->config) + 7);
	made_to_tar(b, "manifest.json", &text);
	made_end(b);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void expect_same(const struct image *a, const struct image *b)
{
	struct image_error error = {0};

	EXPECT_STR(b->id, a->id);
	EXPECT_STR(b->config, a->config);
	ASSERT_INT(b->n_layers, a->n_layers);
	ASSERT_INT(b->n_history, a->n_history);
	for (size_t i = 0; i < a->n_layers; i++) {
		struct image_toc *x = NULL, *y = NULL;

		EXPECT_STR(b->layers[i].chain_id, a->layers[i].chain_id);
		EXPECT_STR(b->layers[i].created_by, a->layers[i].created_by);
		ASSERT_INT(image_toc_read(a, i, &x, &error), 0);
		ASSERT_INT(image_toc_read(b, i, &y, &error), 0);
		EXPECT_INT(y->tar, x->tar);
		ASSERT_INT(y->n_entries, x->n_entries);
		for (size_t j = 0; j < x->n_entries; j++)
			EXPECT(same_text(x->entries[j].path, y->entries[j].path) &&
			       same_text(x->entries[j].link, y->entries[j].link) &&
			       x->entries[j].size == y->entries[j].size);
		image_toc_free(x);
		image_toc_free(y);
	}
}

TEST("an image says the same as a layout, in an OCI archive and in docker's, compressed or not")
{
	static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};
	struct image_error error = {0};
	MADE(m);
	BYTES(oci);
	BYTES(docker);
	FOLDER(f);
	IMAGE(layout);

	made_three(&m);
	made_layout(&m, &f);
	made_layout_each(&m, NULL, made_to_tar, &oci);
	made_end(&oci);
	made_docker(&m, &docker);
	ASSERT_INT(image_open_in(IMAGE_OCI, f.path, NULL, &layout, &error), 0);
	for (size_t i = 0; i < 6; i++) {
		enum image_source source = i < 3 ? IMAGE_OCI_ARCHIVE : IMAGE_DOCKER_ARCHIVE;
		const struct bytes *b = i < 3 ? &oci : &docker;
		char path[128];
		IMAGE(image);
		BYTES(packed);

		if (filters[i % 3] == ARCHIVE_FILTER_NONE)
			bytes_add(&packed, b->data, b->len);
		else
			bytes_pack(&packed, b, filters[i % 3]);
		folder_write(&f, "archive", packed.data, packed.len);
		UNIT_PRINT(path, "%s/archive", f.path);
		if (image_open_in(source, path, "app", &image, &error) < 0)
			UNIT_FAIL("%zu: %s", i, error.text);
		else
			expect_same(layout, image);
	}
}

/* Opens bytes as an archive and reads all its layers. */
static int open_bytes(enum image_source source, const struct bytes *b, struct image_error *error)
{
	struct folder f = {.path = "/tmp/plyfs-image-XXXXXX"};
	struct image *image = NULL;
	struct image_toc *toc;
	char path[128];
	int r;

	if (os_init() < 0 || !mkdtemp(f.path))
		return -EIO;
	folder_write(&f, "archive", b->data, b->len);
	UNIT_PRINT(path, "%s/archive", f.path);
	r = image_open_in(source, path, NULL, &image, error);
	for (size_t i = 0; r == 0 && i < image->n_layers; i++) {
		r = image_toc_read(image, i, &toc, error);
		if (r == 0)
			image_toc_free(toc);
	}
	image_free(image);
	folder_finish(&f);
	return r;
}

TEST("an archive that is cut off anywhere before its end is refused in one line")
{
	MADE(m);
	BYTES(oci);
	BYTES(docker);

	made_three(&m);
	made_documents(&m);
	made_layout_each(&m, NULL, made_to_tar, &oci);
	made_docker(&m, &docker);
	for (size_t i = 0; i < 2; i++) {
		const struct bytes *b = i ? &docker : &oci;

		for (size_t len = 0; len + 1600 < b->len; len += 101) {
			struct bytes cut = {.data = b->data, .len = len};
			struct image_error error = {0};

			if (open_bytes(i ? IMAGE_DOCKER_ARCHIVE : IMAGE_OCI_ARCHIVE, &cut, &error) >= 0 ||
			    !*error.text || strchr(error.text, '\n'))
				UNIT_FAIL("cut off at %zu: %s", len, error.text);
		}
	}
}

TEST("members in a circle of links and ones that lead out are refused")
{
	struct image_error error = {0};
	BYTES(circle);
	BYTES(out);
	BYTES(absolute);

	made_entry(&circle, (struct tar_made){.name = "manifest.json", .type = '2', .link = "x"}, "", 0);
	made_entry(&circle, (struct tar_made){.name = "x", .type = '2', .link = "manifest.json"}, "", 0);
	made_end(&circle);
	EXPECT_INT(open_bytes(IMAGE_DOCKER_ARCHIVE, &circle, &error), -ENOENT);
	made_file(&out, "../../etc/cron.d/x", "x");
	made_end(&out);
	EXPECT_INT(open_bytes(IMAGE_DOCKER_ARCHIVE, &out, &error), -EBADMSG);
	made_file(&absolute, "manifest.json", "[{\"Config\":\"/etc/passwd\",\"Layers\":[\"/etc/passwd\"]}]");
	made_end(&absolute);
	EXPECT_INT(open_bytes(IMAGE_DOCKER_ARCHIVE, &absolute, &error), -EBADMSG);
}

TEST("10 GB of zeros in a small file are refused at once")
{
	struct image_error error = {0};
	char path[128];
	int fd;
	FOLDER(f);
	IMAGE(image);

	UNIT_PRINT(path, "%s/sparse", f.path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ASSERT(fd >= 0 && ftruncate(fd, 10LL << 30) == 0 && close(fd) == 0);
	EXPECT_INT(image_open_in(IMAGE_OCI_ARCHIVE, path, NULL, &image, &error), -ENOENT);
	EXPECT_INT(image_open_in(IMAGE_DOCKER_ARCHIVE, path, NULL, &image, &error), -ENOENT);
	EXPECT(strstr(error.text, "manifest.json isn't there"));
}

TEST("an archive of more members than any image has is refused")
{
	struct image_error error = {0};
	BYTES(b);

	for (unsigned i = 0; i <= 100000; i++) {
		char name[32];

		UNIT_PRINT(name, "%u", i);
		made_header(&b, (struct tar_made){.name = name, .mode = 0644});
	}
	EXPECT_INT(open_bytes(IMAGE_OCI_ARCHIVE, &b, &error), -E2BIG);
	EXPECT(strstr(error.text, "more than 100000 members"));
}
