/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer caches of layers: made by one opening of a layer set, used by the next.
 */
#include "layer/cache.h"

#include <dirent.h>
#include <sys/resource.h>

#include "base/log.h"
#include "fixture.h"
#include "os/task.h"

#define OPTIONS "lowerdir=l1:l2,layer_cache=idx"

/* The layers and an empty directory for the files. */
static bool make_layers(void)
{
	return mkdir("idx", 0700) == 0 && mkdir("l1/d", 0755) == 0 && make_file("l1/d/f", "f", 0644) &&
	       make_file("l1/a", "a", 0644) && symlink("a", "l2/link") == 0;
}

static bool is_temp(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".new");
}

static int count_files(bool temps)
{
	DIR *dir = opendir("idx");
	int n = 0;

	for (struct dirent *d; dir && (d = readdir(dir));)
		n += d->d_name[0] != '.' && is_temp(d->d_name) == temps;
	if (dir)
		closedir(dir);
	return n;
}

/* Has both layers' caches made, and opens the set anew. */
static void make_caches(struct fixture *f)
{
	EXPECT_OPENS(f, OPTIONS);
	if (!f->set->layers[0].cloned)
		SKIP("mounts can't be cloned");
	layer_caches_start(f->set);
	for (int i = 0; i < 500 && count_files(false) < 2; i++)
		os_sleep_us(10000);
	layer_caches_stop(f->set);
	ASSERT_INT(count_files(false), 2);
	EXPECT_INT(count_files(true), 0);
	EXPECT_OPENS(f, OPTIONS);
}

/* Whether the root is as the cache has it. */
static bool root_is_confirmed(const struct layer *l)
{
	struct statx stx;

	return os_statx(l->root_fd, "", &stx) == 0 && layer_cache_confirm(l, layer_cache_root(l), &stx);
}

static const char *text_of(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

TEST("the log says what a cache that isn't made lacks: its directory, not the layer")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	EXPECT_OPENS(&f, OPTIONS);
	if (!f.set->layers[0].cloned)
		SKIP("mounts can't be cloned");
	ASSERT_INT(rmdir("idx"), 0);
	ASSERT_INT(log_open_file("log"), 0);
	layer_caches_start(f.set);
	for (int i = 0; i < 500 && !strstr(text_of("log"), "layer l2: no cache"); i++)
		os_sleep_us(10000);
	layer_caches_stop(f.set);
	log_close();
	EXPECT(strstr(text_of("log"), "layer l1: no cache: idx/"));
	EXPECT(strstr(text_of("log"), ".new: No such file or directory\n"));
}

TEST("a mount without a cache has it made, and the next mount knows the names of the layer")
{
	struct cachefile_entry e;
	struct layer *l;
	int n = 0;

	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	EXPECT_OPENS(&f, OPTIONS);
	EXPECT_INT(layer_cache_root(&f.set->layers[0]), 0);
	EXPECT(!root_is_confirmed(&f.set->layers[0]));
	make_caches(&f);
	if (unit_state.skipped)
		return;
	l = &f.set->layers[0];
	ASSERT(root_is_confirmed(l));
	ASSERT_INT(layer_cache_find(l, CACHEFILE_ROOT, "d", &e), 1);
	EXPECT_INT(e.type, DT_DIR);
	EXPECT_INT(layer_cache_find(l, e.dir, "f", &e), 1);
	EXPECT_INT(e.type, DT_REG);
	EXPECT(e.xattr_flags_known);
	EXPECT_INT(layer_cache_find(l, CACHEFILE_ROOT, "f", &e), 0);
	EXPECT_INT(layer_cache_find(l, 0, "d", &e), -ENODATA);
	EXPECT_INT(layer_cache_read(l, CACHEFILE_ROOT, count_entry, &n), 0);
	EXPECT_INT(n, 2);
	EXPECT_INT(layer_cache_find(&f.set->layers[1], CACHEFILE_ROOT, "link", &e), 1);
	EXPECT_INT(e.type, DT_LNK);
}

TEST("a changed directory ends the use of its layer's cache, and removes the file")
{
	struct cachefile_entry e;
	unsigned xattr_flags;

	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	make_caches(&f);
	if (unit_state.skipped)
		return;
	ASSERT(make_file("l1/more", "", 0644));
	EXPECT(root_is_confirmed(&f.set->layers[1]));
	EXPECT(!root_is_confirmed(&f.set->layers[0]));
	EXPECT_INT(layer_cache_root(&f.set->layers[0]), 0);
	EXPECT_INT(layer_cache_find(&f.set->layers[0], CACHEFILE_ROOT, "d", &e), -ENODATA);
	EXPECT_INT(layer_cache_xattr_flags(&f.set->layers[0], CACHEFILE_ROOT, &xattr_flags), -ENODATA);
	EXPECT_INT(count_files(false), 1);
	EXPECT(root_is_confirmed(&f.set->layers[1]));
}

TEST("a cache whose making is stopped leaves nothing behind")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	for (int i = 0; i < 20; i++) {
		EXPECT_OPENS(&f, OPTIONS);
		layer_caches_start(f.set);
		os_sleep_us((unsigned)i * 300);
		layer_caches_stop(f.set);
		EXPECT_INT(count_files(true), 0);
	}
}

TEST("with timeout=0, and where the layers are read with other eyes, a cache isn't used")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	make_caches(&f);
	if (unit_state.skipped)
		return;
	EXPECT_OPENS(&f, OPTIONS ",timeout=0");
	EXPECT_INT(layer_cache_root(&f.set->layers[0]), 0);
	EXPECT_OPENS(&f, OPTIONS ",userxattr");
	EXPECT_INT(layer_cache_root(&f.set->layers[0]), 0);
	EXPECT_OPENS(&f, OPTIONS ",whiteouts=both");
	EXPECT_INT(layer_cache_root(&f.set->layers[0]), 0);
	EXPECT_OPENS(&f, "lowerdir=l2:l1,layer_cache=idx");
	EXPECT_INT(layer_cache_root(&f.set->layers[0]), CACHEFILE_ROOT);
	EXPECT_INT(count_files(false), 2);
}

TEST("layer_cache that isn't a directory of our own is refused")
{
	FIXTURE(f);
	NEEDS_ROOT();
	EXPECT_REFUSED(&f, OPTIONS, -ENOENT, "layer_cache: idx: No such file or directory");
	ASSERT(make_file("idx", "", 0600));
	EXPECT_REFUSED(&f, OPTIONS, -ENOTDIR, "layer_cache: idx: not a directory");
	ASSERT(unlink("idx") == 0 && mkdir("idx", 0700) == 0 && chmod("idx", 0720) == 0);
	EXPECT_REFUSED(&f, OPTIONS, -EPERM,
		       "layer_cache: idx: others may write to it: what is read there must be our own");
	ASSERT(chmod("idx", 0700) == 0 && chown("idx", 5, 5) == 0);
	EXPECT_REFUSED(&f, OPTIONS, -EPERM,
		       "layer_cache: idx: others may write to it: what is read there must be our own");
}

TEST("a cache that can't be opened for want of descriptors stays, whichever open it is that fails")
{
	struct rlimit before, few;
	int used, opened = 0;

	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	make_caches(&f);
	if (unit_state.skipped)
		return;
	fixture_close(&f);
	used = open("/", O_PATH | O_CLOEXEC);
	close(used);
	ASSERT_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (int more = 1; more < 40 && opened < 2; more++) {
		few.rlim_cur = (rlim_t)(used + more);
		setrlimit(RLIMIT_NOFILE, &few);
		opened = fixture_open(&f, OPTIONS) ? 0 : !!f.set->layers[0].cache + !!f.set->layers[1].cache;
		fixture_close(&f);
		setrlimit(RLIMIT_NOFILE, &before);
		EXPECT_INT(count_files(false), 2);
	}
	EXPECT_INT(opened, 2);
}
