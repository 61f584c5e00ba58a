/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole against a naive model: random layers, every path of the union by the rules read off the text, once resolved
 * name by name and once listed.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "unit.h"

#define ROUNDS 60
#define MAX_ITEMS 400

struct item {
	unsigned layer;
	char kind;
	char path[32];
};

/* What is in the layers, as data. */
static struct item items[MAX_ITEMS];
static unsigned n_items;
static unsigned n_layers;
static bool aufs; /* `.wh.` names count */

static char kind_at(unsigned layer, const char *path)
{
	if (!*path)
		return 'd';
	for (unsigned i = 0; i < n_items; i++)
		if (items[i].layer == layer && !strcmp(items[i].path, path))
			return items[i].kind;
	return 0;
}

static bool is_dir_kind(char kind)
{
	return kind == 'd' || kind == 'o' || kind == 'x' || kind == 'u';
}

/* Whether a layer has a name of the aufs dialect, PREFIX and then NAME, in a directory. */
static bool has_aufs_name(unsigned layer, const char *dir, const char *prefix, const char *name)
{
	char path[64];

	UNIT_PRINT(path, "%s%s%s%s", dir, *dir ? "/" : "", prefix, name);
	return aufs && kind_at(layer, path);
}

/* The model: the layers of a path, topmost first, as text; the kind of the topmost. "" when it isn't there. */
static char model(const char *path, char stack[16])
{
	char parent[32], above[16], found = 0;
	const char *slash = strrchr(path, '/');
	unsigned n = 0;

	stack[0] = '\0';
	if (!*path) {
		for (unsigned l = 0; l < n_layers; l++) {
			stack[n++] = (char)('0' + l);
			if (has_aufs_name(l, "", ".wh..wh..opq", ""))
				break;
		}
		stack[n] = '\0';
		return 'd';
	}
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
	if (!is_dir_kind(model(parent, above)))
		return 0;
	for (const char *l = above; *l; l++) {
		char kind = kind_at((unsigned)(*l - '0'), path);
		bool last = has_aufs_name((unsigned)(*l - '0'), parent, ".wh.", slash ? slash + 1 : path);

		if (!kind && last)
			break;
		if (!kind)
			continue;
		if (kind == 'w' || (kind == 'z' && kind_at((unsigned)(*l - '0'), parent) == 'x'))
			break;
		if (found && !is_dir_kind(kind))
			break;
		stack[n++] = *l;
		stack[n] = '\0';
		found = found ? found : kind;
		if (last || kind == 'o' || (aufs && kind == 'u') || !is_dir_kind(kind) ||
		    has_aufs_name((unsigned)(*l - '0'), path, ".wh..wh..opq", ""))
			break;
	}
	return found;
}

static bool add_item(struct fixture *f, unsigned layer, char kind, const char *path)
{
	struct item *it = &items[n_items++];

	it->layer = layer;
	it->kind = kind;
	UNIT_PRINT(it->path, "%s", path);
	return fixture_make_one(f, layer, kind, path) || UNIT_FAIL("can't make %u%c/%s", layer, kind, path);
}

static bool random_names(struct fixture *f, unsigned layer, const char *path)
{
	char wh_name[64];

	for (char name = 'a'; name < 'f'; name++) {
		if (rand() % 5 || n_items == MAX_ITEMS)
			continue;
		UNIT_PRINT(wh_name, "%s%s.wh.%c", path, *path ? "/" : "", name);
		if (!add_item(f, layer, "efdw"[rand() % 4], wh_name))
			return false;
	}
	if (rand() % 10 || n_items == MAX_ITEMS)
		return true;
	UNIT_PRINT(wh_name, "%s%s.wh..wh..opq", path, *path ? "/" : "");
	return add_item(f, layer, 'e', wh_name);
}

/* Fills one directory of one layer with random things. */
static bool random_dir(struct fixture *f, unsigned layer, const char *path, unsigned depth)
{
	static const char kinds[] = "ffldddddowwxzeu";

	for (char name = 'a'; name < 'f'; name++) {
		char child[64];
		char kind = kinds[(unsigned)rand() % (sizeof(kinds) - 1)];

		if (rand() % 3 == 0 || n_items == MAX_ITEMS)
			continue;
		UNIT_PRINT(child, "%s%s%c", path, *path ? "/" : "", name);
		if (is_dir_kind(kind) && depth == 3)
			kind = 'f';
		if (!add_item(f, layer, kind, child))
			return false;
		if (is_dir_kind(kind) && !random_dir(f, layer, child, depth + 1))
			return false;
	}
	return !aufs || random_names(f, layer, path);
}

static void resolved_text(const struct resolved *r, char text[16])
{
	unsigned n = 0;

	if (S_ISDIR(r->stx.stx_mode)) {
		if (r->in_upper)
			text[n++] = '0';
		for (unsigned i = 0; i < r->n_lower; i++)
			text[n++] = (char)('0' + r->lower[i].layer);
	} else {
		text[n++] = (char)('0' + r->layer);
	}
	text[n] = '\0';
}

static void check_name(struct fixture *f, const char *path, struct inode *dir, const char *name, unsigned *visible)
{
	char want[16], got[16] = "";
	char kind = model(path, want);
	struct resolved r;
	int res = resolve_child(f->tree, dir, name, &r);

	if (res == 0)
		resolved_text(&r, got);
	if (res != (kind ? 0 : -ENOENT) || strcmp(got, want))
		UNIT_FAIL("%s is %d in \"%s\", not '%c' in \"%s\"", path, res, got, kind ? kind : '-', want);
	*visible += kind != 0;
	resolved_finish(&r);
}

/* Every listed entry equals its resolution; returns how many there are. */
static unsigned check_listing(struct fixture *f, const char *path, struct inode *dir)
{
	static struct listing_batch batch;
	unsigned n = 0;

	for (uint64_t cookie = 0;; cookie = batch.entries[batch.n - 1].cookie) {
		if (listing_read(f->tree, dir, cookie, 60, &batch) < 0 || !batch.n)
			return n;
		for (unsigned i = 0; i < batch.n; i++, n++) {
			const struct listing_entry *e = &batch.entries[i];
			struct resolved r;
			int res = resolve_child(f->tree, dir, e->name, &r);

			if (res < 0 || r.ino != e->ino || r.layer != e->layer || IFTODT(r.stx.stx_mode) != e->type)
				UNIT_FAIL(
					"%s/%s: listed as type %u ino %llu layer %u, resolved as %d ino %llu layer %u",
					path, e->name, e->type, (unsigned long long)e->ino, e->layer, res,
					(unsigned long long)r.ino, r.layer);
			resolved_finish(&r);
		}
	}
}

static void check_dir(struct fixture *f, const char *path, bool list_first)
{
	unsigned visible = 0, listed = 0;
	struct inode *dir;
	char stack[16];

	if (fixture_lookup(f, path, &dir) < 0) {
		UNIT_FAIL("no directory %s", path);
		return;
	}
	if (list_first)
		listed = check_listing(f, path, dir);
	for (char name = 'a'; name < 'g'; name++) {
		char child[64], one[2] = {name, '\0'};

		UNIT_PRINT(child, "%s%s%c", path, *path ? "/" : "", name);
		check_name(f, child, dir, one, &visible);
	}
	if (!list_first)
		listed = check_listing(f, path, dir);
	if (listed != visible)
		UNIT_FAIL("%s lists %u names, not %u", path, listed, visible);
	lock_take(&dir->dir->lock);
	EXPECT_INT(listing_is_empty_locked(f->tree, dir), visible == 0);
	lock_drop(&dir->dir->lock);
	for (char name = 'a'; name < 'f'; name++) {
		char child[64];

		UNIT_PRINT(child, "%s%s%c", path, *path ? "/" : "", name);
		if (is_dir_kind(model(child, stack)))
			check_dir(f, child, list_first);
	}
}

static void one_round(unsigned seed)
{
	struct fixture_options options = {
		.layers = 2 + seed % 3, .no_upper = seed % 5 == 4, .max_dirfds = 4, .aufs = aufs};
	struct fixture f __attribute__((cleanup(fixture_finish))) = {.top_fd = -1};
	int before = unit_state.failures;

	ASSERT(fixture_init(&f, &options));
	srand(seed);
	n_items = 0;
	n_layers = options.layers;
	for (unsigned l = 0; l < n_layers; l++)
		ASSERT(random_dir(&f, l, "", 1));
	/* The roots are looked at when the union is made. */
	ASSERT(fixture_remount(&f, &options));
	check_dir(&f, "", false);
	EXPECT(tree_check(f.tree));
	ASSERT(fixture_remount(&f, &options));
	check_dir(&f, "", true);
	EXPECT(tree_check(f.tree));
	if (unit_state.failures > before)
		printf("# seed %u\n", seed);
}

TEST("random layers resolve as the model says, and every directory lists exactly what resolves")
{
	for (unsigned seed = 1; seed <= ROUNDS && !unit_state.failures; seed++)
		one_round(seed);
}

TEST("so do layers in which the aufs dialect and the kernel's forms are mixed")
{
	aufs = true;
	for (unsigned seed = 1; seed <= 2 * ROUNDS && !unit_state.failures; seed++)
		one_round(seed);
	aufs = false;
}
