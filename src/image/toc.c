// SPDX-License-Identifier: Apache-2.0
/*
 * Entries are gathered in the order of the tar, sorted, and made one a path. Paths lie in chunks that never move.
 */
#include "image/toc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/meter.h"
#include "image/error.h"
#include "format/name.h"
#include "image/read.h"

#define CHUNK_SIZE (256 << 10)

struct names {
	struct names *next;
	size_t used, size;
	char bytes[];
};

/* Entries that are added while the array of the table isn't sorted yet. */
struct gathering {
	struct image_toc *toc;
	size_t room, names; /* entries, bytes of names */
	char *path;	    /* of the entry at hand */
	struct image_error *error;
};

void image_toc_free(struct image_toc *toc)
{
	struct names *next;

	if (!toc)
		return;
	for (struct names *n = toc->names; n; n = next) {
		next = n->next;
		free(n);
	}
	free(toc->entries);
	free(toc);
}

/* Keeps a copy of a name; NULL without memory. */
static const char *names_keep(struct names **names, const char *text, size_t len)
{
	struct names *n = *names;
	char *copy;

	if (!n || n->size - n->used <= len) {
		size_t size = MAX(len + 1, (size_t)CHUNK_SIZE);

		n = malloc(sizeof(*n) + size);
		if (!n)
			return NULL;
		*n = (struct names){.next = *names, .size = size};
		*names = n;
	}
	copy = n->bytes + n->used;
	memcpy(copy, text, len);
	copy[len] = 0;
	n->used += len + 1;
	if (!CHECK(n->used <= n->size))
		return NULL;
	return copy;
}

static int gather_name(struct gathering *g, const char *text, size_t len, const char **ret)
{
	if (!CHECK(len <= strlen(text)))
		return -EIO;
	g->names += len + 1;
	if (g->names > IMAGE_TOC_NAMES)
		return image_fail(g->error, -E2BIG, "the layer has more than %d bytes of names", IMAGE_TOC_NAMES);
	*ret = names_keep(&g->toc->names, text, len);
	return *ret ? 0 : image_fail_memory(g->error);
}

static int toc_add(struct gathering *g, struct image_toc_entry **ret)
{
	struct image_toc *toc = g->toc;

	if (toc->n_entries == IMAGE_TOC_ENTRIES)
		return image_fail(g->error, -E2BIG, "the layer has more than %d entries", IMAGE_TOC_ENTRIES);
	if (!ARRAY_ROOM(toc->entries, toc->n_entries, g->room, 1))
		return image_fail_memory(g->error);
	*ret = &toc->entries[toc->n_entries++];
	**ret = (struct image_toc_entry){0};
	return 0;
}

/* A name of the aufs dialect: 1 if it was taken. `name` is the last component of `path`. */
static int gather_aufs(struct gathering *g, const char *path, const char *name)
{
	size_t folder = (size_t)(name - path), len;
	struct image_toc_entry *e;
	int r;

	if (strncmp(name, AUFS_PREFIX, strlen(AUFS_PREFIX)) != 0)
		return 0;
	if (!strncmp(name, ".wh..wh.", 8) && strcmp(name, AUFS_OPAQUE) != 0)
		return 1;
	if (!name[strlen(AUFS_PREFIX)])
		return image_fail(g->error, -EBADMSG, "the layer has a whiteout of nothing: %s", path);
	if (!strcmp(name, AUFS_PREFIX ".") || !strcmp(name, AUFS_PREFIX ".."))
		return image_fail(g->error, -EBADMSG, "the layer has a whiteout of a directory in itself: %s", path);
	r = toc_add(g, &e);
	if (r < 0)
		return r;
	e->opaque = !strcmp(name, AUFS_OPAQUE);
	e->implied = e->opaque;
	e->whiteout = !e->opaque;
	e->mode = e->opaque ? S_IFDIR | 0755 : 0;
	len = e->opaque ? MAX(folder, 1u) - 1 : folder;
	if (e->opaque)
		return (r = gather_name(g, path, len, &e->path)) < 0 ? r : 1;
	/* The name without its prefix is put in the place of the prefix, which isn't needed any more. */
	memmove(g->path + len, g->path + len + strlen(AUFS_PREFIX), strlen(name) - strlen(AUFS_PREFIX) + 1);
	r = gather_name(g, g->path, strlen(g->path), &e->path);
	return r < 0 ? r : 1;
}

static int gather_link(struct gathering *g, const struct tar_entry *from, struct image_toc_entry *e)
{
	_cleanup_free_ char *link = strdup(from->link);
	int r;

	if (!link)
		return image_fail_memory(g->error);
	r = from->hardlink ? layer_tar_path(link, g->error) : 0;
	return r < 0 ? r : gather_name(g, link, strlen(link), &e->link);
}

uint64_t image_xattr_digest(const char *name, const void *value, size_t len)
{
	bool is_user = !strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13) != 0 &&
		       strncmp(name, "user.fuseoverlayfs.", 19) != 0 &&
		       strcmp(name, "user.containers.override_stat") != 0;

	if (!is_user && strcmp(name, "security.capability") != 0)
		return 0;
	return hash_name(hash_bytes(name, strlen(name)), value, len);
}

static uint64_t gather_xattrs(const struct tar_entry *from)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < from->n_xattrs; i++)
		sum += image_xattr_digest(from->xattrs[i].name, from->xattrs[i].value, from->xattrs[i].len);
	return sum;
}

/* What lies in a directory of aufs's own. */
static bool is_aufs_own(const char *path)
{
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
		if (!strncmp(path, ".wh..wh.", 8))
			return true;
	return false;
}

static int gather(struct gathering *g, const struct tar_entry *from)
{
	const char *slash;
	struct image_toc_entry *e;
	int r;

	free(g->path);
	g->path = strdup(from->path);
	if (!g->path)
		return image_fail_memory(g->error);
	r = layer_tar_path(g->path, g->error);
	if (r < 0 || layer_tar_is_landmark(g->path) || is_aufs_own(g->path))
		return r;
	slash = strrchr(g->path, '/');
	r = gather_aufs(g, g->path, slash ? slash + 1 : g->path);
	if (r != 0)
		return MIN(r, 0);
	r = toc_add(g, &e);
	if (r < 0)
		return r;
	*e = (struct image_toc_entry){.size = from->size,
				      .mtime = from->mtime,
				      .mtime_nsec = from->mtime_nsec,
				      .mode = from->mode,
				      .uid = from->uid,
				      .gid = from->gid,
				      .major = from->major,
				      .minor = from->minor,
				      .xattrs = gather_xattrs(from),
				      .hardlink = from->hardlink};
	r = gather_name(g, g->path, strlen(g->path), &e->path);
	return r < 0 || !from->link ? r : gather_link(g, from, e);
}

/* "/" is before all other bytes, and the end before that. */
static int path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* Stable: entries of one path stay in the order of the tar. `spare` has room for half of them. */
static void toc_sort(struct image_toc_entry *entries, struct image_toc_entry *spare, size_t n)
{
	size_t half = n / 2, a = 0, b = half, to = 0;

	if (n < 2)
		return;
	toc_sort(entries, spare, half);
	toc_sort(entries + half, spare, n - half);
	if (path_compare(entries[half - 1].path, entries[half].path) <= 0)
		return;
	memcpy(spare, entries, half * sizeof(*entries));
	while (a < half && b < n)
		entries[to++] = path_compare(entries[b].path, spare[a].path) < 0 ? entries[b++] : spare[a++];
	memcpy(entries + to, spare + a, (half - a) * sizeof(*entries));
}

static int toc_sort_all(struct image_toc *toc, struct image_error *error)
{
	_cleanup_free_ struct image_toc_entry *spare = malloc((toc->n_entries / 2 + 1) * sizeof(*spare));

	if (!spare)
		return image_fail_memory(error);
	toc_sort(toc->entries, spare, toc->n_entries);
	return 0;
}

/* Puts a later entry of the same path into the place of the former: an object replaces all but the marks beside it. */
static void toc_merge(struct image_toc_entry *e, const struct image_toc_entry *later)
{
	bool object = !e->whiteout && !e->implied,
	     marked = e->opaque || e->whiteout || later->opaque || later->whiteout;

	if (!CHECK(!(later->whiteout && later->opaque)))
		return;
	if (!later->whiteout && (!later->implied || !object))
		*e = *later;
	if (S_ISDIR(e->mode))
		e->opaque = marked;
}

static void toc_merge_all(struct image_toc *toc)
{
	size_t n = 0;

	for (size_t i = 0; i < toc->n_entries; i++) {
		if (n && !strcmp(toc->entries[n - 1].path, toc->entries[i].path))
			toc_merge(&toc->entries[n - 1], &toc->entries[i]);
		else
			toc->entries[n++] = toc->entries[i];
	}
	toc->n_entries = n;
}

static int toc_imply(struct gathering *g, const char *path, size_t len)
{
	struct image_toc_entry *e;
	int r = toc_add(g, &e);

	if (r < 0)
		return r;
	e->mode = S_IFDIR | 0755;
	e->implied = true;
	return gather_name(g, path, len, &e->path);
}

static size_t shared_length(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Adds the directories that have no entry: those of a path that the path before it doesn't lie in. */
static int toc_imply_all(struct gathering *g)
{
	size_t n = g->toc->n_entries;
	const char *before = "", *path;
	size_t common;
	int r = 0;

	if (!n || *g->toc->entries[0].path)
		r = toc_imply(g, "", 0);
	for (size_t i = 0; i < n && r == 0; i++) {
		path = g->toc->entries[i].path;
		common = shared_length(before, path);
		for (const char *slash = strchr(path, '/'); slash && r == 0; slash = strchr(slash + 1, '/')) {
			size_t len = (size_t)(slash - path);

			if (common < len || (before[len] && before[len] != '/'))
				r = toc_imply(g, path, len);
		}
		before = path;
	}
	if (r == 0 && g->toc->n_entries > n)
		r = toc_sort_all(g->toc, g->error);
	return r;
}

static int toc_count(struct image_toc *toc, struct image_error *error)
{
	for (size_t i = 0; i < toc->n_entries; i++) {
		const struct image_toc_entry *e = &toc->entries[i];

		if (!CHECK(e->path && (!i || path_compare(e[-1].path, e->path) < 0)))
			return -EIO;
		toc->n_whiteouts += e->whiteout;
		toc->n_opaque += e->opaque;
		if (!e->hardlink && __builtin_add_overflow(toc->apparent, e->size, &toc->apparent))
			return image_fail(error, -E2BIG, "the layer has files without an end");
	}
	return 0;
}

static int toc_gather(struct gathering *g, struct layer_tar *t)
{
	struct tar_entry e;
	int r;

	while ((r = tar_next(&t->tar, &e, g->error)) > 0) {
		meter_objects(1);
		r = gather(g, &e);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : layer_tar_verify(t, g->error);
}

int image_toc_read(const struct image *image, size_t layer, struct image_toc **ret, struct image_error *error)
{
	_cleanup_(image_toc_cleanup) struct image_toc *toc = calloc(1, sizeof(*toc));
	struct gathering g = {.toc = toc, .error = error};
	struct layer_tar t;
	int r;

	if (!toc)
		return image_fail_memory(error);
	r = layer_tar_start(image, layer, &t, error);
	if (r < 0)
		return r;
	r = layer_tar_ahead(&t, error);
	if (r == 0)
		r = toc_gather(&g, &t);
	toc->tar = t.size;
	toc->compressed = t.compressed;
	layer_tar_finish(&t);
	free(g.path);
	if (r == 0)
		r = toc_sort_all(toc, error);
	if (r < 0)
		return r;
	toc_merge_all(toc);
	r = toc_imply_all(&g);
	if (r == 0)
		r = toc_count(toc, error);
	if (r == 0)
		*ret = TAKE_PTR(toc);
	return r;
}

const struct image_toc_entry *image_toc_find(const struct image_toc *toc, const char *path)
{
	size_t low = 0, high = toc->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = path_compare(path, toc->entries[middle].path);

		if (order == 0)
			return &toc->entries[middle];
		*(order < 0 ? &high : &low) = middle + (order > 0);
	}
	return NULL;
}
