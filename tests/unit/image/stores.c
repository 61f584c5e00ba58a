// SPDX-License-Identifier: Apache-2.0
#include "made.h"

#include <openssl/evp.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define HEX_D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define HEX_E "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

/* An image of three layers in containers-storage, and a container of it. `lowest_parent`: of the lowest layer. */
static void storage_made(struct made *m, struct folder *f, const char *lowest_parent)
{
	unsigned char encoded[200];
	char name[300];
	const char *id;

	made_documents(m);
	id = bytes_digest(&m->config);
	EVP_EncodeBlock(encoded, (const unsigned char *)id, (int)strlen(id));
	UNIT_PRINT(name, "overlay-images/%s/=%s", id + 7, (char *)encoded);
	folder_write(f, name, m->config.data, m->config.len);
	UNIT_PRINT(name, "overlay-images/%s/manifest", id + 7);
	folder_write(f, name, m->manifest.data, m->manifest.len);
	folder_print(f, "overlay-images/images.json",
		     "[{\"id\":\"%s\",\"digest\":\"%s\",\"names\":[\"localhost/app:latest\"],\"layer\":\"" HEX_C "\"},"
		     "{\"id\":\"" HEX_E "\",\"names\":[\"localhost/other:latest\"],\"layer\":\"" HEX_A "\"}]",
		     id + 7, bytes_digest(&m->manifest));
	folder_print(f, "overlay-layers/layers.json",
		     "[{\"id\":\"" HEX_A "\",\"created\":\"2020-01-01T00:00:00Z\",\"compressed-diff-digest\":\"%s\","
		     "\"compressed-size\":%zu,\"diff-digest\":\"%s\",\"diff-size\":%zu%s},"
		     "{\"id\":\"" HEX_B "\",\"parent\":\"" HEX_A
		     "\",\"compressed-diff-digest\":\"%s\",\"diff-digest\":\"%s\","
		     "\"diff-size\":%zu},"
		     "{\"id\":\"" HEX_C "\",\"parent\":\"" HEX_B "\",\"diff-digest\":\"%s\",\"diff-size\":%zu},"
		     "{\"id\":\"" HEX_D "\",\"parent\":\"" HEX_C "\"}]",
		     bytes_digest(made_blob(m, 0)), made_blob(m, 0)->len, bytes_digest(&m->tar[0]), m->tar[0].len,
		     lowest_parent, bytes_digest(&m->tar[1]), bytes_digest(&m->tar[1]), m->tar[1].len,
		     bytes_digest(&m->tar[2]), m->tar[2].len);
	folder_print(f, "overlay-containers/containers.json",
		     "[{\"id\":\"" HEX_E "\",\"names\":[\"box\"],\"image\":\"%s\",\"layer\":\"" HEX_D "\","
		     "\"created\":\"2024-02-02T00:00:00Z\"}]",
		     id + 7);
	folder_write(f, "overlay/" HEX_A "/diff/etc/one", "12345", 5);
	folder_mkdir(f, "overlay/" HEX_B "/diff");
	folder_write(f, "overlay/" HEX_D "/diff/new", "x", 1);
}

TEST("an image of containers-storage is found by name and id, with its directories, and what isn't there is said")
{
	struct image_error error = {0};
	char ref[300], path[300];
	MADE(m);
	FOLDER(f);

	made_three(&m);
	bytes_pack(&m.blob[0], &m.tar[0], ARCHIVE_FILTER_GZIP);
	storage_made(&m, &f, "");
	const char *names[] = {"app",	     "localhost/app",	      "localhost/app:latest",
			       "app:latest", bytes_digest(&m.config), bytes_digest(&m.config) + 7};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		IMAGE(image);

		UNIT_PRINT(ref, "containers-storage:[overlay@%s]%s", f.path, names[i]);
		ASSERT_INT(image_open(ref, &image, &error), 0);
		EXPECT_STR(image->id, bytes_digest(&m.config));
		EXPECT(!image->container);
		ASSERT_INT(image->n_layers, 3);
		UNIT_PRINT(path, "%s/overlay/" HEX_A "/diff", f.path);
		EXPECT_STR(image->layers[0].directory, path);
		EXPECT_STR(image->layers[0].digest, bytes_digest(&m.blob[0]));
		EXPECT_STR(image->layers[0].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
		EXPECT_INT(image->layers[0].tar, m.tar[0].len);
		EXPECT_INT(image->layers[0].compressed, m.blob[0].len);
		EXPECT_STR(image->layers[0].created_by, "step 0");
		EXPECT_STR(image->layers[2].directory, NULL);
		EXPECT_INT(image->n_lacks, 1);
		ASSERT_INT(image_layer_measure(image, 0, &error), 0);
		EXPECT_INT(image->layers[0].apparent, 5);
		EXPECT(image->layers[0].allocated >= 0);
	}
	IMAGE(relative);
	ASSERT_INT(chdir("/tmp"), 0);
	ASSERT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path + strlen("/tmp/"), "app", &relative, &error), 0);
	EXPECT_STR(relative->layers[0].directory, path);
	IMAGE(none);
	EXPECT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, "nothing", &none, &error), -ENOENT);
	EXPECT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, NULL, &none, &error), -EINVAL);
	EXPECT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, "/tmp", "app", &none, &error), -ENOENT);
}

TEST("a container is its image with its own layer on top")
{
	static const char *const names[] = {"box", HEX_E, "eeee"};
	struct image_error error = {0};
	MADE(m);
	FOLDER(f);

	made_three(&m);
	storage_made(&m, &f, "");
	folder_print(&f, "overlay-images/images.json",
		     "[{\"id\":\"%s\",\"names\":[\"localhost/app:latest\"],\"layer\":\"" HEX_C "\"}]",
		     bytes_digest(&m.config) + 7);
	for (size_t i = 0; i < 3; i++) {
		IMAGE(image);

		ASSERT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, names[i], &image, &error), 0);
		EXPECT_STR(image->container, HEX_E);
		EXPECT_STR(image->container_created, "2024-02-02T00:00:00Z");
		ASSERT_INT(image->n_container_names, 1);
		EXPECT_STR(image->container_names[0], "box");
		ASSERT_INT(image->n_layers, 4);
		EXPECT(image->layers[3].writable && !image->layers[3].diff_id && image->layers[3].directory);
		EXPECT_STR(image->names[0], "localhost/app:latest");
	}
}

TEST("layers in a circle, missing ones and a wrong config end with a text")
{
	struct image_error error = {0};
	char path[300];
	unsigned char encoded[200];
	MADE(m);
	FOLDER(f);
	IMAGE(circle);
	IMAGE(short_of);
	IMAGE(wrong);

	made_three(&m);
	storage_made(&m, &f, ",\"parent\":\"" HEX_C "\"");
	ASSERT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, "app", &circle, &error), 0);
	EXPECT(circle->n_lacks >= 1 && strstr(circle->lacks[circle->n_lacks - 1], "more layers than the config"));
	folder_print(&f, "overlay-layers/layers.json", "[{\"id\":\"" HEX_C "\",\"parent\":\"" HEX_C "\"}]");
	EXPECT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, "box", &short_of, &error), -ENOENT);
	EVP_EncodeBlock(encoded, (const unsigned char *)bytes_digest(&m.config), DIGEST_SIZE - 1);
	UNIT_PRINT(path, "overlay-images/%s/=%s", bytes_digest(&m.config) + 7, (char *)encoded);
	folder_print(&f, path, "{}");
	EXPECT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, "app", &wrong, &error), -EBADMSG);
	folder_print(&f, "overlay-images/images.json", "[{\"id\":\"../../../etc\",\"names\":[\"app\"]}]");
	EXPECT_INT(image_open_in(IMAGE_CONTAINERS_STORAGE, f.path, "app", &wrong, &error), -EBADMSG);
}

static void docker_made(struct made *m, struct folder *f)
{
	char chain[DIGEST_SIZE], name[300];
	const char *below = NULL;

	made_documents(m);
	UNIT_PRINT(name, "image/overlay2/imagedb/content/sha256/%s", bytes_digest(&m->config) + 7);
	folder_write(f, name, m->config.data, m->config.len);
	folder_print(f, "image/overlay2/repositories.json",
		     "{\"Repositories\":{\"app\":{\"app:latest\":\"%s\",\"app@%s\":\"%s\"}}}", bytes_digest(&m->config),
		     bytes_digest(&m->manifest), bytes_digest(&m->config));
	for (unsigned i = 0; i < m->n; i++) {
		char next[DIGEST_SIZE];

		if (digest_chain(below, bytes_digest(&m->tar[i]), next) < 0)
			abort();
		strcpy(chain, next);
		below = chain;
		UNIT_PRINT(name, "image/overlay2/layerdb/sha256/%s/cache-id", chain + 7);
		folder_print(f, name, "cache%u", i);
		UNIT_PRINT(name, "image/overlay2/layerdb/sha256/%s/size", chain + 7);
		folder_print(f, name, "%u", 100 + i);
		UNIT_PRINT(name, "overlay2/cache%u/diff", i);
		folder_mkdir(f, name);
	}
	UNIT_PRINT(name, "image/overlay2/distribution/v2metadata-by-diffid/sha256/%s", bytes_digest(&m->tar[0]) + 7);
	folder_print(f, name, "[{\"Digest\":\"sha256:" HEX_A "\"}]");
	folder_print(f, "containers/" HEX_E "/config.v2.json",
		     "{\"ID\":\"" HEX_E "\",\"Name\":\"/box\",\"Image\":\"%s\",\"Created\":\"2024-02-02T00:00:00Z\"}",
		     bytes_digest(&m->config));
	folder_print(f, "image/overlay2/layerdb/mounts/" HEX_E "/init-id", "top-init");
	folder_print(f, "image/overlay2/layerdb/mounts/" HEX_E "/mount-id", "top");
	folder_mkdir(f, "overlay2/top-init/diff");
	folder_mkdir(f, "overlay2/top/diff");
}

struct listed {
	unsigned images, containers;
};

static int count_item(void *arg, const struct image_listed *item)
{
	struct listed *l = arg;

	EXPECT(digest_is_valid(item->id));
	l->images += !item->container;
	l->containers += item->container != NULL;
	return 0;
}

TEST("docker's folder has images and containers, with the layer that docker puts between")
{
	struct image_error error = {0};
	struct listed listed = {0};
	char path[200];
	MADE(m);
	FOLDER(f);
	IMAGE(image);
	IMAGE(by_id);
	IMAGE(container);
	IMAGE(none);

	made_three(&m);
	docker_made(&m, &f);
	ASSERT_INT(image_open_in(IMAGE_DOCKER_OVERLAY2, f.path, "app", &image, &error), 0);
	EXPECT_STR(image->id, bytes_digest(&m.config));
	ASSERT_INT(image->n_names, 1);
	EXPECT_STR(image->names[0], "app:latest");
	ASSERT_INT(image->n_layers, 3);
	UNIT_PRINT(path, "%s/overlay2/cache1/diff", f.path);
	EXPECT_STR(image->layers[1].directory, path);
	EXPECT_INT(image->layers[1].apparent, 101);
	EXPECT_STR(image->layers[0].digest, "sha256:" HEX_A);
	EXPECT_STR(image->layers[1].digest, NULL);
	ASSERT_INT(image_open_in(IMAGE_DOCKER_OVERLAY2, f.path, bytes_digest(&m.config), &by_id, &error), 0);
	ASSERT_INT(image_open_in(IMAGE_DOCKER_OVERLAY2, f.path, "box", &container, &error), 0);
	ASSERT_INT(container->n_layers, 5);
	EXPECT_STR(container->layers[3].id, "top-init");
	EXPECT(!container->layers[3].writable && container->layers[4].writable);
	EXPECT_STR(container->container_names[0], "box");
	EXPECT_INT(image_open_in(IMAGE_DOCKER_OVERLAY2, f.path, "nothing", &none, &error), -ENOENT);
	EXPECT_INT(image_list(IMAGE_DOCKER_OVERLAY2, f.path, count_item, &listed, &error), 0);
	EXPECT_INT(listed.images, 1);
	EXPECT_INT(listed.containers, 1);
}

TEST("containers-storage lists its images and containers")
{
	struct image_error error = {0};
	struct listed listed = {0};
	MADE(m);
	FOLDER(f);

	made_three(&m);
	storage_made(&m, &f, "");
	EXPECT_INT(image_list(IMAGE_CONTAINERS_STORAGE, f.path, count_item, &listed, &error), 0);
	EXPECT_INT(listed.images, 2);
	EXPECT_INT(listed.containers, 1);
}

TEST("the store of a user is where storage.conf says")
{
	char conf[128], wanted[128], *path = NULL;
	FOLDER(f);

	folder_print(&f, "storage.conf",
		     "[storage]\ndriver = \"overlay\"\n# graphroot = \"/no\"\n graphroot=\"/srv/store\"\n");
	UNIT_PRINT(conf, "%s/storage.conf", f.path);
	setenv("CONTAINERS_STORAGE_CONF", conf, 1);
	ASSERT_INT(image_default_path(IMAGE_CONTAINERS_STORAGE, &path), 0);
	EXPECT_STR(path, "/srv/store");
	free(path);
	/* Other tables, strings of both kinds, lists over lines, and what isn't TOML at all. */
	folder_print(&f, "storage.conf",
		     "graphroot = '/no'\n[[x]]\n[storage.options]\ngraphroot = \"/no\"\nadditionalimagestores = [\n"
		     " '/a', # one\n \"/b\", ]\n= = [\n[ storage ] # here\nrunroot = \"/no\"\n"
		     "graphroot = '$UNIT_HOME/${UNIT_HOME}/$UID' # graphroot = \"/no\"\n\"graphroot\n[storage.x]\n");
	setenv("UNIT_HOME", "/srv", 1);
	ASSERT_INT(image_default_path(IMAGE_CONTAINERS_STORAGE, &path), 0);
	UNIT_PRINT(wanted, "/srv//srv/%u", (unsigned)geteuid());
	EXPECT_STR(path, wanted);
	free(path);
	EXPECT_INT(image_default_path(IMAGE_OCI, &path), -EOPNOTSUPP);
}
