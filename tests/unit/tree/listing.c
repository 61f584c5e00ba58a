/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings: what is shown, cookies over changes, and what large directories cost.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/counter.h"
#include "unit.h"

static struct listing_batch batch;

/* The names of a directory from a cookie on, each followed by a blank, in the listing's order. */
static const char *list_names_from(struct fixture *f, struct inode *dir, uint64_t cookie)
{
	static char text[8192];
	size_t n = 0;

	text[0] = '\0';
	for (;;) {
		if (listing_read(f->tree, dir, cookie, SIZE_MAX, &batch) < 0)
			return "error";
		if (!batch.n)
			return text;
		for (unsigned i = 0; i < batch.n; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ", batch.entries[i].name);
		cookie = batch.entries[batch.n - 1].cookie;
	}
}

static const char *list_names(struct fixture *f, struct inode *dir)
{
	return list_names_from(f, dir, 0);
}

/* Takes a part out of a text, if it is there. */
static void cut_out(char *text, const char *part)
{
	char *at = strstr(text, part);

	if (at)
		memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

static bool lists(struct fixture *f, struct inode *dir, const char *name)
{
	char padded[300], all[8200];

	snprintf(padded, sizeof(padded), " %s ", name);
	snprintf(all, sizeof(all), " %s", list_names(f, dir));
	return strstr(all, padded) != NULL;
}

static const struct listing_entry *find_entry(struct fixture *f, struct inode *dir, const char *name)
{
	if (listing_read(f->tree, dir, 0, SIZE_MAX, &batch) < 0)
		return NULL;
	for (unsigned i = 0; i < batch.n; i++)
		if (!strcmp(batch.entries[i].name, name))
			return &batch.entries[i];
	return NULL;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Makes PREFIX0 .. PREFIX<n-1> in a layer. */
static bool make_many(struct fixture *f, const char *dir, const char *prefix, unsigned n)
{
	int fd = openat(f->top_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0;

	for (unsigned i = 0; i < n && good; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s%u", prefix, i);
		good = mknodat(fd, name, S_IFREG | 0644, 0) == 0;
	}
	close(fd);
	return good;
}

TEST("the listing has each visible name once, and what whiteouts hide not at all")
{
	FIXTURE(f, .layers = 3);

	ASSERT(fixture_make(&f, "0f/a 1f/a 2f/a 1f/b 2f/c 0w/d 2f/d 1w/e 2f/e 0w/nothing"));
	EXPECT(lists(&f, f.tree->root, "a"));
	EXPECT(lists(&f, f.tree->root, "b"));
	EXPECT(lists(&f, f.tree->root, "c"));
	EXPECT_INT(strlen(list_names(&f, f.tree->root)), 6);
}

TEST("an opaque directory and one beneath a file list nothing of the layers they hide")
{
	FIXTURE(f, .layers = 3);

	ASSERT(fixture_make(&f, "0o/d 0f/d/a 1d/d 1f/d/b 1d/e 1f/e/a 2d/e 2f/e/b 0d/f 0f/f/a 1f/f 2d/f 2f/f/b"));
	EXPECT_STR(list_names(&f, fixture_get(&f, "d")), "a ");
	EXPECT(lists(&f, fixture_get(&f, "e"), "b"));
	EXPECT_STR(list_names(&f, fixture_get(&f, "f")), "a ");
}

TEST("types and inode numbers equal what a lookup shows, also of copied-up names")
{
	FIXTURE(f, .layers = 3);
	static const char *const names[] = {"d", "own", "op", "a", "low", "link", "mid"};

	ASSERT(fixture_make(&f, "0d/d 1d/d 2d/d 0d/own 0o/op 1d/op 0f/a 1f/a 2f/low 2l/link 1d/mid 2d/mid"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct listing_entry *e = find_entry(&f, f.tree->root, names[i]);
		struct resolved r;

		ASSERT(e);
		ASSERT_INT(fixture_resolve(&f, names[i], &r), 0);
		EXPECT_INT(e->ino, r.ino);
		EXPECT_INT(e->type, IFTODT(r.stx.stx_mode));
		EXPECT_INT(e->layer, r.layer);
		resolved_finish(&r);
	}
	EXPECT_INT(find_entry(&f, f.tree->root, "op")->ino, fixture_ino(&f, "0/op"));
	EXPECT_INT(find_entry(&f, f.tree->root, "d")->ino, fixture_ino(&f, "1/d"));
}

TEST("an entry of an impure directory has the number of the inode that is known by its name")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;

	ASSERT(fixture_make(&f, "0d/d 1d/d 1f/d/a"));
	ASSERT(fixture_set_xattr(&f, "0/d", XATTR_OVERLAY_IMPURE, "y"));
	a = fixture_get(&f, "d/a");
	ASSERT(a);
	ASSERT(fixture_make(&f, "0f/d/a"));
	inode_publish_upper(f.tree, a, fixture_object(&f, fixture_ino(&f, "0/d/a")), true);
	EXPECT_INT(find_entry(&f, fixture_get(&f, "d"), "a")->ino, fixture_ino(&f, "1/d/a"));
}

TEST("a rebuilt listing of an unchanged directory has the same cookies")
{
	FIXTURE(f, .layers = 3);
	uint64_t cookies[LISTING_BATCH];

	ASSERT(make_many(&f, "0", "u", 40) && make_many(&f, "1", "v", 40) && fixture_make(&f, "0w/v7"));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, SIZE_MAX, &batch), 0);
	ASSERT_INT(batch.n, 79);
	for (unsigned i = 0; i < batch.n; i++)
		cookies[i] = batch.entries[i].cookie;
	listing_drop(f.tree, f.tree->root);
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, SIZE_MAX, &batch), 0);
	ASSERT_INT(batch.n, 79);
	for (unsigned i = 0; i < batch.n; i++)
		EXPECT_INT(batch.entries[i].cookie, cookies[i]);
}

TEST("cookies rise; reading goes on after any of them, also after one whose name has gone")
{
	FIXTURE(f, .layers = 2);
	uint64_t last = 2, fifth, sixth;

	ASSERT(make_many(&f, "1", "n", 50));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, SIZE_MAX, &batch), 0);
	ASSERT_INT(batch.n, 50);
	for (unsigned i = 0; i < batch.n; i++) {
		EXPECT(batch.entries[i].cookie > last);
		last = batch.entries[i].cookie;
	}
	fifth = batch.entries[4].cookie;
	sixth = batch.entries[5].cookie;
	ASSERT(fixture_make(&f, "0w/gone"));
	listing_remove(f.tree, f.tree->root, batch.entries[4].name);
	ASSERT_INT(listing_read(f.tree, f.tree->root, fifth, SIZE_MAX, &batch), 0);
	EXPECT_INT(batch.n, 45);
	EXPECT_INT(batch.entries[0].cookie, sixth);
	ASSERT_INT(listing_read(f.tree, f.tree->root, last, SIZE_MAX, &batch), 0);
	EXPECT_INT(batch.n, 0);
}

TEST("a reader is led on by a listing that was dropped and is read from other layers in another order")
{
	FIXTURE(f, .layers = 3);
	unsigned seen[100] = {0}, number, step = 0;
	uint64_t cookie = 0;

	ASSERT(make_many(&f, "1", "n", 50) && make_many(&f, "2", "n", 100));
	while (listing_read(f.tree, f.tree->root, cookie, 50, &batch) == 0 && batch.n) {
		char name[16];

		for (unsigned i = 0; i < batch.n; i++)
			if (sscanf(batch.entries[i].name, "n%u", &number) == 1 && number < 100)
				seen[number]++;
		cookie = batch.entries[batch.n - 1].cookie;
		listing_drop(f.tree, f.tree->root);
		/* What was copied up is read first from now on. */
		snprintf(name, sizeof(name), "0f/n%u", 99 - step++);
		ASSERT(fixture_make(&f, name));
	}
	EXPECT(step > 30);
	for (unsigned i = 0; i < 100; i++)
		EXPECT_INT(seen[i], 1);
}

/* Two names of one rank, found among those that PREFIX and a number make. */
static bool find_tie(const char *prefix, char ret[2][32])
{
	enum { N = 40000 };
	static uint32_t slots[1 << 18];
	char name[32];

	memset(slots, 0, sizeof(slots));
	for (uint32_t i = 1; i < N; i++) {
		uint32_t rank, slot;

		snprintf(name, sizeof(name), "%s%u", prefix, i);
		rank = cookie_rank((uint32_t)(listing_key(name, strlen(name)) >> 32));
		for (slot = rank % (1 << 18); slots[slot]; slot = (slot + 1) % (1 << 18)) {
			snprintf(ret[0], sizeof(ret[0]), "%s%u", prefix, slots[slot]);
			if (cookie_rank((uint32_t)(listing_key(ret[0], strlen(ret[0])) >> 32)) != rank)
				continue;
			memcpy(ret[1], name, sizeof(name));
			return true;
		}
		slots[slot] = i;
	}
	return false;
}

/* Reads one entry at a time; the listing is dropped after each where `drop`. */
static unsigned count_name(struct fixture *f, const char *name, uint64_t cookie, bool drop)
{
	unsigned n = 0;

	while (listing_read(f->tree, f->tree->root, cookie, 1, &batch) == 0 && batch.n) {
		EXPECT(batch.entries[0].cookie < 1u << 31);
		n += !strcmp(batch.entries[0].name, name);
		cookie = batch.entries[0].cookie;
		if (drop)
			listing_drop(f->tree, f->tree->root);
	}
	return n;
}

TEST("of two names whose places one cookie can't tell apart each is read once, and reading goes on between them")
{
	FIXTURE(f, .layers = 2, .in_memory = true);
	char pair[2][32], make[64];
	const struct listing_entry *e;
	uint64_t first;

	ASSERT(find_tie("tie", pair));
	ASSERT(make_many(&f, "1", "n", 100));
	for (int i = 0; i < 2; i++) {
		snprintf(make, sizeof(make), "1f/%s", pair[i]);
		ASSERT(fixture_make(&f, make));
	}
	for (int drop = 0; drop < 2; drop++)
		for (int i = 0; i < 2; i++)
			EXPECT_INT(count_name(&f, pair[i], 0, drop), 1);
	/* pair[0] is to be the first of both. */
	e = find_entry(&f, f.tree->root, pair[0]);
	ASSERT(e);
	first = e->cookie;
	if (!count_name(&f, pair[1], first, false)) {
		char name[32];

		memcpy(name, pair[0], sizeof(name));
		memcpy(pair[0], pair[1], sizeof(name));
		memcpy(pair[1], name, sizeof(name));
		e = find_entry(&f, f.tree->root, pair[0]);
		ASSERT(e);
		first = e->cookie;
	}
	EXPECT_INT(count_name(&f, pair[1], first, true), 1);
	EXPECT_INT(count_name(&f, pair[0], first, true), 0);
	listing_remove(f.tree, f.tree->root, pair[0]);
	EXPECT_INT(count_name(&f, pair[1], first, false), 1);
	EXPECT_INT(count_name(&f, pair[1], 0, false), 1);
}

TEST("places between names are noted while there is room, and have long cookies beyond")
{
	struct position_notes *notes = NULL;
	unsigned n_long = 0, wrong = 0;

	for (uint64_t i = 1; i <= 9000; i++) {
		uint64_t key = i * UINT64_C(0x9e3779b97f4a7c15) & ~UINT64_C(1), cookie = cookie_between(&notes, 7, key);
		struct position position = cookie_position(notes, cookie);

		n_long += cookie >= 1u << 31;
		wrong += position.generation != 7 || position.from <= key || position.from - key > 128;
		wrong += cookie != cookie_between(&notes, 7, key);
		wrong += cookie_position(notes, cookie_of_rank(7, cookie_rank((uint32_t)(key >> 32)))).from <= key;
	}
	EXPECT_INT(wrong, 0);
	EXPECT_INT(n_long, 9000 - 8192);
	EXPECT(cookie_position(NULL, (1u << 26) - 1).from == POSITION_END);
	EXPECT(cookie_position(notes, cookie_between(&notes, 0, ~UINT64_C(1))).from == POSITION_END);
	free(notes);
}

TEST("the places of ranks are where their hashes begin and end")
{
	static const uint32_t hashes[] = {0, 1, 63, 64, 65, 1000000, 0x7fffffff, 0x80000000, 0xfffffffe, UINT32_MAX};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		uint32_t rank = cookie_rank(hashes[i]);
		uint64_t from = cookie_position(NULL, cookie_of_rank(0, rank - 1)).from,
			 to = cookie_position(NULL, cookie_of_rank(0, rank)).from;

		EXPECT(from <= (uint64_t)hashes[i] << 32);
		EXPECT(to > ((uint64_t)hashes[i] << 32 | UINT32_MAX) || to == POSITION_END);
		EXPECT(from == 0 || cookie_rank((uint32_t)(from >> 32)) == rank);
	}
}

/* Reads `dir` in small pieces; after each, deletes what was read and makes new names. Counts how often each OLD name
 * was seen. */
static void read_while_changing(struct fixture *f, struct inode *dir, unsigned n, unsigned char *seen,
				unsigned *created)
{
	uint64_t cookie = 0;

	*created = 0;
	while (listing_read(f->tree, dir, cookie, 400, &batch) == 0 && batch.n) {
		cookie = batch.entries[batch.n - 1].cookie;
		for (unsigned i = 0; i < batch.n; i++) {
			unsigned number;

			if (sscanf(batch.entries[i].name, "old%u", &number) != 1 || number >= n)
				continue;
			seen[number]++;
			listing_remove(f->tree, dir, batch.entries[i].name);
		}
		for (unsigned i = 0; i < 3 && *created < 300; i++) {
			char name[32];

			snprintf(name, sizeof(name), "new%u", (*created)++);
			listing_add(f->tree, dir, name, DT_REG, 1000, 0);
		}
	}
}

TEST("a reader that deletes what it reads, while names are made, meets each old name exactly once")
{
	FIXTURE(f, .layers = 2);
	static unsigned char seen[5000];
	unsigned created, wrong = 0;

	ASSERT(make_many(&f, "1", "old", 5000));
	read_while_changing(&f, f.tree->root, 5000, seen, &created);
	for (unsigned i = 0; i < 5000; i++)
		wrong += seen[i] != 1;
	EXPECT_INT(wrong, 0);
	EXPECT(lists(&f, f.tree->root, "new0"));
	EXPECT(!strstr(list_names(&f, f.tree->root), "old"));
}

TEST("a name that is removed and made again has the cookie that it had")
{
	FIXTURE(f, .layers = 2);
	const struct listing_entry *e;
	uint64_t cookie;

	ASSERT(make_many(&f, "1", "n", 10));
	e = find_entry(&f, f.tree->root, "n3");
	ASSERT(e);
	cookie = e->cookie;
	listing_remove(f.tree, f.tree->root, "n3");
	EXPECT(!lists(&f, f.tree->root, "n3"));
	listing_add(f.tree, f.tree->root, "n3", DT_DIR, 77, 0);
	e = find_entry(&f, f.tree->root, "n3");
	ASSERT(e);
	EXPECT_INT(e->cookie, cookie);
	EXPECT_INT(e->type, DT_DIR);
	EXPECT_INT(e->ino, 77);
}

TEST("a patch changes what is kept as a rebuild would")
{
	FIXTURE(f, .layers = 2);
	const struct listing_entry *e;

	ASSERT(fixture_make(&f, "1f/a 1f/b 1d/c"));
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	listing_add(f.tree, f.tree->root, "new", DT_LNK, 5, 0);
	listing_update(f.tree, f.tree->root, "a", DT_REG, 6, 0);
	listing_remove(f.tree, f.tree->root, "b");
	e = find_entry(&f, f.tree->root, "a");
	ASSERT(e);
	EXPECT_INT(e->ino, 6);
	EXPECT_INT(e->layer, 0);
	EXPECT(lists(&f, f.tree->root, "new"));
	EXPECT(!lists(&f, f.tree->root, "b"));
}

TEST("a directory that was copied up in place still merges with those beneath")
{
	FIXTURE(f, .layers = 3);
	struct resolved r;

	ASSERT(fixture_make(&f, "1d/d 2d/d"));
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	ASSERT(fixture_make(&f, "0d/d"));
	listing_update(f.tree, f.tree->root, "d", DT_DIR, fixture_ino(&f, "1/d"), 0);
	ASSERT_INT(fixture_resolve(&f, "d", &r), 0);
	EXPECT(r.in_upper);
	EXPECT_INT(r.n_lower, 2);
	resolved_finish(&r);
}

TEST("a directory is empty when only whiteouts are left, known or not")
{
	for (int listed = 0; listed < 2; listed++) {
		FIXTURE(f, .layers = 3);
		struct dir *root = f.tree->root->dir;

		ASSERT(fixture_make(&f, "1f/a 2f/b 0w/a 1w/b"));
		if (listed)
			ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
		lock_take(&root->lock);
		EXPECT_INT(listing_is_empty_locked(f.tree, f.tree->root), 1);
		ASSERT(fixture_make(&f, "0f/c"));
		listing_add(f.tree, f.tree->root, "c", DT_REG, 1, 0);
		EXPECT_INT(listing_is_empty_locked(f.tree, f.tree->root), 0);
		lock_drop(&root->lock);
	}
}

TEST("a directory that holds only names of the aufs dialect is empty with it, known or not")
{
	for (int listed = 0; listed < 2; listed++) {
		FIXTURE(f, .layers = 3, .aufs = true);
		struct dir *root = f.tree->root->dir;

		ASSERT(fixture_make(&f, "0e/.wh.a 0e/.wh. 0d/.wh..wh.aufs 1f/a 1e/.wh.b 2f/b 2e/.wh.c"));
		if (listed)
			ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
		lock_take(&root->lock);
		EXPECT_INT(listing_is_empty_locked(f.tree, f.tree->root), 1);
		lock_drop(&root->lock);
		EXPECT_STR(list_names(&f, f.tree->root), "");
	}
}

TEST("a whiteout of the aufs dialect in the upper leaves nothing that has to make way, but a later one of the kernel's "
     "does")
{
	FIXTURE(f, .layers = 2, .aufs = true);
	struct resolved r;

	ASSERT(fixture_make(&f, "0e/.wh.a 1f/a"));
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	EXPECT_INT(fixture_resolve(&f, "a", &r), -ENOENT);
	EXPECT(!r.upper_whiteout);
	ASSERT(fixture_make(&f, "0f/a"));
	listing_add(f.tree, f.tree->root, "a", DT_REG, 1, 0);
	EXPECT_INT(fixture_resolve(&f, "a", &r), 0);
	ASSERT(unlinkat(f.top_fd, "0/a", 0) == 0 && fixture_make(&f, "0w/a"));
	listing_remove(f.tree, f.tree->root, "a");
	EXPECT_INT(fixture_resolve(&f, "a", &r), -ENOENT);
	EXPECT(r.upper_whiteout);
}

TEST("an unlinked directory lists nothing")
{
	FIXTURE(f, .layers = 2);
	struct inode *d;

	ASSERT(fixture_make(&f, "1d/d 1f/d/a"));
	d = fixture_get(&f, "d");
	ASSERT(d);
	inode_name_removed(f.tree, f.tree->root, "d");
	EXPECT_STR(list_names(&f, d), "");
}

TEST("a overmounted directory lists nothing and can't be opened")
{
	FIXTURE(f, .layers = 2);
	struct statx stx;
	struct inode *d;
	struct dirfd fd;

	ASSERT(fixture_make(&f, "1d/d 1f/d/a"));
	d = fixture_get(&f, "d");
	ASSERT(d);
	d->dir->lower[0].flags |= DIRREF_OVERMOUNTED;
	EXPECT_STR(list_names(&f, d), "");
	EXPECT_INT(dirfd_get(f.tree, d, &d->dir->lower[0], &fd), -EXDEV);
	EXPECT_INT(inode_statx(f.tree, d, &stx), 0);
	EXPECT_INT(stx.stx_mode, S_IFDIR | 0555);
	EXPECT_INT(stx.stx_uid, 0);
}

TEST("with timeout=0 reading from the start sees new names, and a reader in between keeps its place")
{
	FIXTURE(f, .layers = 2, .revalidate = true);
	uint64_t fourth;
	char rest[2][4096];

	ASSERT(make_many(&f, "1", "n", 10));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, SIZE_MAX, &batch), 0);
	ASSERT_INT(batch.n, 10);
	fourth = batch.entries[3].cookie;
	snprintf(rest[0], sizeof(rest[0]), "%s", list_names_from(&f, f.tree->root, fourth));
	ASSERT(fixture_make(&f, "0f/aa"));
	EXPECT(!strstr(rest[0], "aa"));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, SIZE_MAX, &batch), 0);
	EXPECT_INT(batch.n, 11);
	EXPECT(lists(&f, f.tree->root, "aa"));
	snprintf(rest[1], sizeof(rest[1]), "%s", list_names_from(&f, f.tree->root, fourth));
	cut_out(rest[1], "aa ");
	EXPECT_STR(rest[1], rest[0]);
}

/* Directories d0 to d7 of 200 names each, those up to d6 listed. */
static bool make_listed(struct fixture *f, struct inode *dirs[static 8])
{
	for (int i = 0; i < 8; i++) {
		char text[16];

		snprintf(text, sizeof(text), "1d/d%d", i);
		if (!fixture_make(f, text))
			return false;
		snprintf(text, sizeof(text), "1/d%d", i);
		if (!make_many(f, text, "n", 200))
			return false;
		dirs[i] = fixture_get(f, text + 2);
		if (!dirs[i] || (i < 7 && listing_build(f->tree, dirs[i]) < 0))
			return false;
	}
	return true;
}

TEST("listings stay within their budget; those that were used least recently go first")
{
	FIXTURE(f, .layers = 2);
	struct inode *dirs[8];
	size_t budget;

	ASSERT(make_listed(&f, dirs));
	budget = f.tree->listings->max_bytes = f.tree->listings->bytes + 100;
	EXPECT_INT(listing_find(f.tree, dirs[0], "n1", NULL), LISTING_PRESENT);
	ASSERT_INT(listing_build(f.tree, dirs[7]), 0);
	EXPECT_INT(listing_find(f.tree, dirs[0], "n1", NULL), LISTING_PRESENT);
	EXPECT_INT(listing_find(f.tree, dirs[1], "n1", NULL), LISTING_UNKNOWN);
	EXPECT_INT(listing_find(f.tree, dirs[2], "n1", NULL), LISTING_PRESENT);
	EXPECT_INT(listing_find(f.tree, dirs[7], "n1", NULL), LISTING_PRESENT);
	EXPECT(f.tree->listings->bytes <= budget);
}

TEST("the few listings that were used last stay, however small the budget")
{
	FIXTURE(f, .layers = 2);
	struct inode *dirs[8];

	ASSERT(make_listed(&f, dirs));
	f.tree->listings->max_bytes = 1;
	ASSERT_INT(listing_build(f.tree, dirs[7]), 0);
	EXPECT_INT(listing_find(f.tree, dirs[0], "n1", NULL), LISTING_UNKNOWN);
	EXPECT_INT(listing_find(f.tree, dirs[3], "n1", NULL), LISTING_UNKNOWN);
	for (int i = 4; i < 8; i++)
		EXPECT_INT(listing_find(f.tree, dirs[i], "n1", NULL), LISTING_PRESENT);
}

TEST("a listing that goes for memory leaves its names, by which a missing one is told, and changes are told to them")
{
	FIXTURE(f, .layers = 2);
	struct inode *dirs[8];
	unsigned found = 0;
	char name[32];

	ASSERT(make_listed(&f, dirs));
	f.tree->listings->max_bytes = 4096;
	ASSERT_INT(listing_build(f.tree, dirs[7]), 0);
	ASSERT(!dirs[0]->dir->listing && dirs[0]->dir->names);
	EXPECT(f.tree->listings->set_bytes <= 4096 + name_set_size(dirs[0]->dir->names));
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		found += listing_find(f.tree, dirs[0], name, NULL) == LISTING_UNKNOWN;
		EXPECT(i >= 200 || listing_find(f.tree, dirs[0], name, NULL) == LISTING_UNKNOWN);
	}
	EXPECT(found < 210);
	/* All that comes is found, until there is no room. */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		listing_add(f.tree, dirs[0], name, DT_REG, 1, 0);
		EXPECT_INT(listing_find(f.tree, dirs[0], name, NULL), LISTING_UNKNOWN);
	}
	EXPECT(!dirs[0]->dir->names);
	/* Of what went the upper may have a whiteout. */
	listing_remove(f.tree, dirs[1], "n7");
	listing_remove(f.tree, dirs[1], "unheard of");
	EXPECT_INT(listing_find(f.tree, dirs[1], "n7", NULL), LISTING_UNKNOWN);
	EXPECT_INT(listing_find(f.tree, dirs[1], "unheard of", NULL), LISTING_UNKNOWN);
	ASSERT_INT(listing_build(f.tree, dirs[1]), 0);
	EXPECT(!dirs[1]->dir->names);
}

TEST("with timeout=0 nothing is left of a listing that goes")
{
	FIXTURE(f, .layers = 2, .revalidate = true);
	struct inode *dirs[8];

	ASSERT(make_listed(&f, dirs));
	f.tree->listings->max_bytes = 4096;
	ASSERT_INT(listing_build(f.tree, dirs[7]), 0);
	EXPECT(!dirs[0]->dir->listing && !dirs[0]->dir->names);
}

TEST("a batch holds at least one entry, whatever room there is")
{
	FIXTURE(f, .layers = 2);

	ASSERT(make_many(&f, "1", "n", 3));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 1, &batch), 0);
	EXPECT_INT(batch.n, 1);
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 2 * (2 + 24), &batch), 0);
	EXPECT_INT(batch.n, 2);
}

TEST("100,000 names build, read, grow and go in time that is linear")
{
	FIXTURE(f, .layers = 2, .in_memory = true, .max_listing_bytes = 1u << 20);
	unsigned n = 100000, seen = 0;
	uint64_t cookie = 0;
	double start, built, read, patched;
	size_t bytes;
	char name[32];

	ASSERT(make_many(&f, "1", "name", n));
	start = cpu_seconds();
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	built = cpu_seconds();
	bytes = f.tree->listings->bytes;
	while (listing_read(f.tree, f.tree->root, cookie, SIZE_MAX, &batch) == 0 && batch.n) {
		seen += batch.n;
		cookie = batch.entries[batch.n - 1].cookie;
	}
	read = cpu_seconds();
	EXPECT_INT(seen, n);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		listing_add(f.tree, f.tree->root, name, DT_REG, 1, 0);
		snprintf(name, sizeof(name), "name%u", i);
		listing_remove(f.tree, f.tree->root, name);
	}
	patched = cpu_seconds();
	printf("# build %.3f s, read %.3f s, 200,000 patches %.3f s, %zu bytes a name\n", built - start, read - built,
	       patched - read, bytes / n);
	/* Anything quadratic is minutes. */
	EXPECT(built - start < 1.5);
	EXPECT(read - built < 0.5);
	EXPECT(patched - read < 1.5);
	EXPECT_INT(listing_find(f.tree, f.tree->root, "more99999", NULL), LISTING_PRESENT);
	EXPECT_INT(listing_find(f.tree, f.tree->root, "name5", NULL), LISTING_ABSENT);
}

TEST("a listing takes no more than its names need until it grows")
{
	FIXTURE(f, .layers = 2);
	struct listing *l;

	for (unsigned n = 1; n <= 40; n++) {
		char name[32];

		snprintf(name, sizeof(name), "1f/x%02u", n);
		ASSERT(fixture_make(&f, name));
		listing_drop(f.tree, f.tree->root);
		ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
		l = f.tree->root->dir->listing;
		EXPECT_INT(l->cap, n);
		EXPECT_INT(l->names_cap, 3 * n);
		listing_add(f.tree, f.tree->root, "y", DT_REG, 1, 0);
		listing_add(f.tree, f.tree->root, "z", DT_REG, 1, 0);
		EXPECT_INT(l->n, n + 2);
		EXPECT_INT(listing_find(f.tree, f.tree->root, "x01", NULL), LISTING_PRESENT);
		EXPECT_INT(listing_find(f.tree, f.tree->root, "z", NULL), LISTING_PRESENT);
	}
}

TEST("removing one name at a time from the front costs no search for the first that is left")
{
	FIXTURE(f, .layers = 2, .in_memory = true);
	unsigned n = 20000;
	double start;

	ASSERT(make_many(&f, "1", "name", n));
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	start = cpu_seconds();
	for (unsigned i = 0; i < n; i++) {
		ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 1, &batch), 0);
		ASSERT_INT(batch.n, 1);
		listing_remove(f.tree, f.tree->root, batch.entries[0].name);
	}
	EXPECT(cpu_seconds() - start < 1.0);
	EXPECT_STR(list_names(&f, f.tree->root), "");
}

TEST("the name after another is found beyond a few that went, and not searched for beyond many")
{
	FIXTURE(f, .layers = 2, .in_memory = true);
	char first[TREE_NAME_MAX + 1], next[TREE_NAME_MAX + 1], last[TREE_NAME_MAX + 1] = "";

	ASSERT(make_many(&f, "1", "name", 500));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 1, &batch), 0);
	snprintf(first, sizeof(first), "%s", batch.entries[0].name);
	for (unsigned i = 0; i < 10; i++) {
		ASSERT(listing_next(f.tree, f.tree->root, first, next));
		EXPECT(strcmp(next, first) != 0 && strcmp(next, last) != 0);
		listing_remove(f.tree, f.tree->root, next);
		memcpy(last, next, sizeof(last));
	}
	/* As when all files are read and removed, the last one first. */
	for (unsigned i = 0; i < 200 && listing_next(f.tree, f.tree->root, first, next); i++)
		listing_remove(f.tree, f.tree->root, next);
	EXPECT(!listing_next(f.tree, f.tree->root, first, next));
	EXPECT(!listing_next(f.tree, f.tree->root, "missing", next));
}

TEST("whiteouts that are links to one inode hide their names, and the listing is built once")
{
	FIXTURE(f, .layers = 2);
	uint64_t before = counter_read(COUNTER_LISTING_BUILT);

	ASSERT(fixture_make(&f, "0w/w0 1f/w1 1f/w2"));
	ASSERT_INT(linkat(f.top_fd, "0/w0", f.top_fd, "0/w1", 0), 0);
	ASSERT_INT(linkat(f.top_fd, "0/w0", f.top_fd, "0/w2", 0), 0);
	EXPECT_STR(list_names(&f, f.tree->root), "");
	EXPECT_INT(counter_read(COUNTER_LISTING_BUILT) - before, 1);
}

TEST("a name that comes back at the front of the listing is read again from the start")
{
	FIXTURE(f, .layers = 2);
	char first[TREE_NAME_MAX + 1];

	ASSERT(make_many(&f, "1", "n", 10));
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 1, &batch), 0);
	strcpy(first, batch.entries[0].name);
	listing_remove(f.tree, f.tree->root, first);
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 1, &batch), 0);
	EXPECT(strcmp(batch.entries[0].name, first) != 0);
	listing_add(f.tree, f.tree->root, first, DT_REG, 9, 0);
	ASSERT_INT(listing_read(f.tree, f.tree->root, 0, 1, &batch), 0);
	EXPECT_STR(batch.entries[0].name, first);
}

TEST("a directory that is made in the place of a file merges with what is beneath it")
{
	FIXTURE(f, .layers = 3);
	struct resolved r;

	ASSERT(fixture_make(&f, "0f/d 1d/d 2d/d"));
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	ASSERT_INT(unlinkat(f.top_fd, "0/d", 0), 0);
	ASSERT(fixture_make(&f, "0d/d"));
	listing_update(f.tree, f.tree->root, "d", DT_DIR, 1, 0);
	ASSERT_INT(fixture_resolve(&f, "d", &r), 0);
	EXPECT_INT(r.n_lower, 2);
	resolved_finish(&r);
}

struct change_race {
	struct fixture *f;
	_Atomic bool stop;
	bool failed;
};

/* Makes and removes one name over and over, as the change tier does: D held, on disk first. */
static void *make_and_remove(void *arg)
{
	struct change_race *r = arg;
	struct inode *root = r->f->tree->root;

	while (!atomic_load(&r->stop)) {
		lock_take(&root->dir->lock);
		r->failed |= mknodat(r->f->top_fd, "0/blink", S_IFREG | 0644, 0) < 0;
		listing_add(r->f->tree, root, "blink", DT_REG, 1, 0);
		lock_drop(&root->dir->lock);
		usleep(100);
		lock_take(&root->dir->lock);
		r->failed |= unlinkat(r->f->top_fd, "0/blink", 0) < 0;
		listing_remove(r->f->tree, root, "blink");
		lock_drop(&root->dir->lock);
		usleep(100);
	}
	return NULL;
}

TEST("a listing that is built while its directory changes is never kept out of date")
{
	FIXTURE(f, .layers = 3);
	struct change_race r = {.f = &f};
	unsigned known = 0, wrong = 0;
	pthread_t thread;

	ASSERT(make_many(&f, "1", "n", 200));
	ASSERT_INT(pthread_create(&thread, NULL, make_and_remove, &r), 0);
	for (unsigned i = 0; i < 4000; i++) {
		enum listing_answer answer;

		listing_drop(f.tree, f.tree->root);
		listing_try_build(f.tree, f.tree->root);
		lock_take(&f.tree->root->dir->lock);
		answer = listing_find(f.tree, f.tree->root, "blink", NULL);
		known += answer != LISTING_UNKNOWN;
		if (answer != LISTING_UNKNOWN && (answer == LISTING_PRESENT) != (fixture_ino(&f, "0/blink") != 0))
			wrong++;
		lock_drop(&f.tree->root->dir->lock);
	}
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	printf("# %u builds were kept\n", known);
	EXPECT(!r.failed);
	EXPECT(known > 0);
	EXPECT_INT(wrong, 0);
}
