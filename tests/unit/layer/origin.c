/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origin xattrs lead from an upper object to the inode number of the lower one it was copied from, and to none in any
 * doubt.
 */
#include "fixture.h"
#include "format/ovl_fh.h"

#define SET "lowerdir=l1:l2,upperdir=u,workdir=w"
#define ORIGIN "trusted.overlay.origin"

/* Makes u/NAME with the origin of NAME in layer `index`; false where handles don't work here. */
static bool copy_up(struct fixture *f, unsigned index, const char *name)
{
	const struct layer *l = &f->set->layers[index];
	int fd = layer_openat(l, l->root_fd, name, O_PATH);
	uint8_t value[OVL_FH_MAX];
	ssize_t size = layer_make_origin(f->set, l, fd, value, sizeof(value));
	char path[64];

	close(fd);
	snprintf(path, sizeof(path), "u/%s", name);
	return size > OVL_FH_HEADER_SIZE && make_file(path, "", 0644) &&
	       !setxattr(path, ORIGIN, value, (size_t)size, 0);
}

static uint64_t origin_of(struct fixture *f, const char *name)
{
	return layer_origin_ino(f->set, layer_upper(f->set), layer_upper(f->set)->root_fd, name);
}

static uint64_t ino_of(const char *path)
{
	struct stat st = {0};

	lstat(path, &st);
	return st.st_ino;
}

TEST("the origin survives a remount and renames on both sides")
{
	FIXTURE(f);
	NEEDS_ROOT();
	uint64_t ino;
	ASSERT(make_file("l2/a", "lower", 0644));
	ino = ino_of("l2/a");
	EXPECT_OPENS(&f, SET);
	if (!f.set->layers[2].has_handles)
		SKIP("no file handles here");
	ASSERT(copy_up(&f, 2, "a"));
	EXPECT_INT(origin_of(&f, "a"), ino);
	ASSERT(!rename("u/a", "u/b") && !rename("l2/a", "l2/c"));
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(origin_of(&f, "b"), ino);
}

TEST("an origin that is gone, hard-linked, damaged or missing gives no number")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_file("l1/gone", "", 0644) && make_file("l1/links", "", 0644) && make_file("l1/bad", "", 0644));
	ASSERT(make_file("u/none", "", 0644));
	EXPECT_OPENS(&f, SET);
	if (!f.set->layers[1].has_handles)
		SKIP("no file handles here");
	ASSERT(copy_up(&f, 1, "gone") && copy_up(&f, 1, "links") && copy_up(&f, 1, "bad"));
	EXPECT(origin_of(&f, "gone") && origin_of(&f, "links") && origin_of(&f, "bad"));
	ASSERT(!unlink("l1/gone") && !link("l1/links", "l1/links2"));
	ASSERT_INT(setxattr("u/bad", ORIGIN, "\0\xfb\x03rubbish", 10, 0), 0);
	EXPECT_INT(origin_of(&f, "gone"), 0);
	EXPECT_INT(origin_of(&f, "links"), 0);
	EXPECT_INT(origin_of(&f, "bad"), 0);
	EXPECT_INT(origin_of(&f, "none"), 0);
	EXPECT_INT(origin_of(&f, "missing"), 0);
}

static void other_fs(void)
{
	FIXTURE(f);
	uint64_t ino;
	ASSERT_INT(mount("t", "l2", "tmpfs", 0, ""), 0);
	ASSERT(make_file("l2/a", "", 0644) && make_file("l1/b", "", 0644));
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(f.set->n_fs, 2);
	ASSERT(copy_up(&f, 2, "a") && copy_up(&f, 1, "b"));
	ino = origin_of(&f, "a");
	EXPECT_INT(ino, number_of(f.set, 2, ino_of("l2/a")));
	EXPECT_INT(origin_of(&f, "b"), number_of(f.set, 1, ino_of("l1/b")));
	/* With that file system no longer among the layers nobody knows the number. */
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	EXPECT_INT(origin_of(&f, "a"), 0);
	fixture_close(&f);
	EXPECT_INT(umount("l2"), 0);
}

TEST("the origin says which file system it means")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, other_fs);
}

static void kernel_wrote(void)
{
	FIXTURE(f);
	char options[256];
	int fd;
	ASSERT(make_file("l1/a", "lower", 0644) && !mkdir("l1/d", 0755));
	snprintf(options, sizeof(options), "lowerdir=%1$s/l1,upperdir=%1$s/u,workdir=%1$s/w", f.path);
	if (mount("overlay", "m", "overlay", 0, options) < 0) {
		printf("# no kernel overlayfs here\n");
		return;
	}
	fd = open("m/a", O_WRONLY | O_CLOEXEC);
	EXPECT(fd >= 0 && write(fd, "upper", 5) == 5);
	close(fd);
	EXPECT_INT(chmod("m/d", 0700), 0);
	EXPECT_INT(umount("m"), 0);
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	if (f.set->fs[0].has_uuid) {
		EXPECT_INT(origin_of(&f, "a"), ino_of("l1/a"));
		EXPECT_INT(origin_of(&f, "d"), ino_of("l1/d"));
	}
}

static ssize_t value_of(const char *path, void *buf)
{
	return lgetxattr(path, ORIGIN, buf, OVL_FH_MAX);
}

static void same_bytes(void)
{
	FIXTURE(f);
	char options[256];
	uint8_t kernel[OVL_FH_MAX], ours[OVL_FH_MAX];
	ssize_t size;
	int fd;
	ASSERT(make_file("l1/a", "lower", 0644));
	snprintf(options, sizeof(options), "lowerdir=%1$s/l1,upperdir=%1$s/u,workdir=%1$s/w", f.path);
	if (mount("overlay", "m", "overlay", 0, options) < 0) {
		printf("# no kernel overlayfs here\n");
		return;
	}
	EXPECT_INT(chmod("m/a", 0600), 0);
	EXPECT_INT(umount("m"), 0);
	size = value_of("u/a", kernel);
	ASSERT(size > OVL_FH_HEADER_SIZE);
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	if (!f.set->fs[0].has_uuid)
		return;
	fd = layer_openat(&f.set->layers[1], f.set->layers[1].root_fd, "a", O_PATH);
	EXPECT_INT(layer_make_origin(f.set, &f.set->layers[1], fd, ours, sizeof(ours)), size);
	EXPECT_MEM(ours, kernel, (size_t)size);
	EXPECT_INT(layer_make_origin(f.set, &f.set->layers[1], fd, ours, 10), -ERANGE);
	close(fd);
}

TEST("origins that kernel overlayfs wrote are understood")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, kernel_wrote);
}

TEST("an origin has the bytes that kernel overlayfs writes for the same file")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, same_bytes);
}
