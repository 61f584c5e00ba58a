/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots and comparisons of trees. Two trees are walked together by name; what isn't there has a snapshot too, its
 * error.
 */
#include "differential.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OVERLAY "trusted.overlay."
/* As snapshots show them. */
#define OPAQUE " " OVERLAY "opaque="
#define REDIRECT " " OVERLAY "redirect="

/* --- the generator ------------------------------------------------------------------------------------------------ */

uint32_t rng_below(struct rng *rng, uint32_t n)
{
	uint64_t z = (rng->state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)(((z ^ (z >> 31)) >> 32) % n);
}

bool rng_one_in(struct rng *rng, uint32_t n)
{
	return rng_below(rng, n) == 0;
}

const char *rng_name(struct rng *rng)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

	return names[rng_below(rng, 6)];
}

void rng_path(struct rng *rng, char path[PATH_SIZE])
{
	uint32_t depth = 1 + rng_below(rng, 2) + rng_below(rng, 3) / 2;

	strcpy(path, rng_name(rng));
	for (uint32_t i = 1; i < depth; i++)
		strcat(strcat(path, "/"), rng_name(rng));
}

void rng_fill(uint32_t seed, void *buf, size_t size)
{
	struct rng rng = {seed};
	char *p = buf;

	for (size_t i = 0; i < size; i += 4) {
		uint32_t word = rng_below(&rng, UINT32_MAX);

		memcpy(p + i, &word, size - i < 4 ? size - i : 4);
	}
}

size_t rng_acl(struct rng *rng, void *buf)
{
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[] = {{1, 0, UINT32_MAX}, {2, 0, 1000},	{4, 0, UINT32_MAX},
		       {8, 0, 2000},	   {16, 0, UINT32_MAX}, {32, 0, UINT32_MAX}};
	uint32_t version = 2;

	for (size_t i = 0; i < 6; i++)
		entries[i].perm = (uint16_t)rng_below(rng, 8);
	/* The mask is the mode's group bits: setgid without group-execute has a documented difference. */
	entries[4].perm |= 1;
	memcpy(buf, &version, 4);
	memcpy((char *)buf + 4, entries, sizeof(entries));
	return 4 + sizeof(entries);
}

void die(const char *what, const char *path)
{
	fprintf(stderr, "%s: %s: %s\n", what, path, strerror(errno));
	exit(2);
}

/* --- listings ----------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int names_of(const char *dir, char ***ret_names)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	char **names = NULL;
	int n = 0;

	*ret_names = NULL;
	if (!d)
		return -1;
	while ((de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		names = realloc(names, (size_t)(n + 1) * sizeof(*names));
		names[n++] = strdup(de->d_name);
	}
	closedir(d);
	if (n)
		qsort(names, (size_t)n, sizeof(*names), by_name);
	*ret_names = names;
	return n;
}

void names_free(char **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* The names of both directories. */
static int names_of_both(const char *a, const char *b, char ***ret_names)
{
	char **na, **nb, **all;
	int ca = names_of(a, &na), cb = names_of(b, &nb), n = 0;

	ca = ca < 0 ? 0 : ca;
	cb = cb < 0 ? 0 : cb;
	all = calloc((size_t)(ca + cb) + 1, sizeof(*all));
	for (int i = 0, j = 0; i < ca || j < cb;) {
		int order = i == ca ? 1 : j == cb ? -1 : strcmp(na[i], nb[j]);

		all[n++] = strdup(order <= 0 ? na[i] : nb[j]);
		i += order <= 0;
		j += order >= 0;
	}
	names_free(na, ca);
	names_free(nb, cb);
	*ret_names = all;
	return n;
}

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(const void *data, size_t size, uint64_t h)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static uint64_t hash_content(const char *path)
{
	static char buf[65536];
	uint64_t h = 0xcbf29ce484222325;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOATIME);
	ssize_t n;

	if (fd < 0)
		return (uint64_t)errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		h = hash_of(buf, (size_t)n, h);
	if (n < 0)
		h = (uint64_t)errno;
	close(fd);
	return h;
}

static bool is_shown(const char *name, enum snap_kind kind)
{
	static const char *const handles[] = {"origin", "impure", "uuid", "nlink", "plyfs_ino", "plyfs_source"};

	if (kind == SNAP_LAYER || strncmp(name, OVERLAY, strlen(OVERLAY)))
		return true;
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		if (!strcmp(name + strlen(OVERLAY), handles[i]))
			return false;
	return true;
}

static void snap_xattrs(const char *path, enum snap_kind kind, char *out, size_t left)
{
	char list[8192], value[4096], *names[200];
	ssize_t size = llistxattr(path, list, sizeof(list));
	size_t n = 0;

	if (size < 0 && errno != EOPNOTSUPP)
		snprintf(out, left, " llistxattr: %s", strerror(errno));
	for (char *p = list; size > 0 && p < list + size; p += strlen(p) + 1)
		if (is_shown(p, kind))
			names[n++] = p;
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		ssize_t len = lgetxattr(path, names[i], value, sizeof(value));
		int done = snprintf(out, left, " %s=%zd:%lx", names[i], len < 0 ? -errno : len,
				    len < 0 ? 0ul : (unsigned long)hash_of(value, (size_t)len, 0) & 0xffff);

		out += done;
		left -= (size_t)done;
	}
}

static void snap_time(const char *key, const struct timespec *ts, bool hide_new, char *out)
{
	if (hide_new && ts->tv_sec >= TIME_OF_RUN)
		sprintf(out + strlen(out), " %s=new", key);
	else
		sprintf(out + strlen(out), " %s=%ld.%09ld", key, (long)ts->tv_sec, ts->tv_nsec);
}

void snap(const char *path, enum snap_kind kind, char out[static SNAP_SIZE])
{
	char target[4096];
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) < 0) {
		snprintf(out, SNAP_SIZE, "%s", strerror(errno));
		return;
	}
	sprintf(out, "%06o %u:%u", st.st_mode, st.st_uid, st.st_gid);
	/* A whiteout has no time of its own: all share one inode. */
	if (kind == SNAP_UPPER && S_ISCHR(st.st_mode) && !st.st_rdev)
		return;
	if (!S_ISDIR(st.st_mode))
		sprintf(out + strlen(out), " size=%ld", (long)st.st_size);
	/* What plyfs counts in its own directory the kernel doesn't know. */
	if (!S_ISDIR(st.st_mode) && (kind == SNAP_LAYER || !getenv("DIFFERENTIAL_NO_NLINK")))
		sprintf(out + strlen(out), " nlink=%u", (unsigned)st.st_nlink);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		sprintf(out + strlen(out), " rdev=%u:%u", major(st.st_rdev), minor(st.st_rdev));
	snap_time("mtime", &st.st_mtim, kind != SNAP_LAYER, out);
	if (kind == SNAP_LAYER)
		snap_time("ctime", &st.st_ctim, false, out);
	if (S_ISREG(st.st_mode))
		sprintf(out + strlen(out), " hash=%016lx", (unsigned long)hash_content(path));
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		sprintf(out + strlen(out), " -> %s", target);
	}
	snap_xattrs(path, kind, out + strlen(out), SNAP_SIZE - strlen(out));
}

/* --- two trees ---------------------------------------------------------------------------------------------------- */

static bool is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* d_ino and d_type tell what stat does. */
static unsigned check_listing(const char *dir)
{
	char path[2 * PATH_SIZE];
	struct dirent *de;
	struct stat st;
	unsigned bad = 0;
	DIR *d = opendir(dir);

	while (d && (de = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (!strcmp(de->d_name, "..") || lstat(path, &st) < 0)
			continue;
		if (st.st_ino == de->d_ino && IFTODT(st.st_mode) == de->d_type)
			continue;
		printf("DIFF %s: listed as inode %lu type %u, is inode %lu mode %o\n", path, (unsigned long)de->d_ino,
		       de->d_type, (unsigned long)st.st_ino, st.st_mode);
		bad++;
	}
	if (d)
		closedir(d);
	return bad;
}

unsigned trees_compare(const char *a, const char *b)
{
	static char sa[SNAP_SIZE], sb[SNAP_SIZE];
	char pa[2 * PATH_SIZE], pb[2 * PATH_SIZE], **names;
	unsigned bad = 0;
	int n;

	snap(a, SNAP_MERGED, sa);
	snap(b, SNAP_MERGED, sb);
	if (strcmp(sa, sb)) {
		printf("DIFF %s: %s\n     %s: %s\n", a, sa, b, sb);
		bad++;
	}
	if (!is_dir(a) && !is_dir(b))
		return bad;
	bad += check_listing(b);
	n = names_of_both(a, b, &names);
	for (int i = 0; i < n; i++) {
		snprintf(pa, sizeof(pa), "%s/%s", a, names[i]);
		snprintf(pb, sizeof(pb), "%s/%s", b, names[i]);
		bad += trees_compare(pa, pb);
	}
	names_free(names, n);
	return bad;
}

/* A copy that nothing has been done to since, and the directories above such copies: the other side may have made none.
 * Whether the content is that of the layer the merged trees tell. */
static bool is_mere_copy(const char *path)
{
	char child[2 * PATH_SIZE], value[2], **names;
	struct stat st;
	bool mere = true;
	int n;

	if (lstat(path, &st) < 0 || lgetxattr(path, OVERLAY "opaque", value, sizeof(value)) >= 0)
		return false;
	if (st.st_mtime >= TIME_OF_RUN)
		return false;
	if (S_ISREG(st.st_mode))
		return true;
	if (!S_ISDIR(st.st_mode))
		return false;
	n = names_of(path, &names);
	for (int i = 0; i < n && mere; i++) {
		snprintf(child, sizeof(child), "%s/%s", path, names[i]);
		mere = is_mere_copy(child);
	}
	names_free(names, n);
	return mere;
}

enum above { ABOVE_ABSENT, ABOVE_BLOCKS, ABOVE_OPAQUE, ABOVE_MERGES };

/* What a layer's directories above a name say of it and of the layers below. */
static enum above look_above(const char *layer, const char *name)
{
	char path[3 * PATH_SIZE], value[2];
	enum above above = ABOVE_MERGES;

	for (const char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(path, sizeof(path), "%s%.*s", layer, (int)(slash - name), name);
		if (!is_there(path))
			return above == ABOVE_OPAQUE ? ABOVE_BLOCKS : ABOVE_ABSENT;
		if (!is_dir(path))
			return ABOVE_BLOCKS;
		if (lgetxattr(path, OVERLAY "opaque", value, sizeof(value)) >= 0)
			above = ABOVE_OPAQUE;
	}
	return above;
}

/* Whether a layer below the upper may show something of this name. */
static bool layers_show(const char *upper, const char *name)
{
	char layer[PATH_SIZE], path[3 * PATH_SIZE];
	enum above above = look_above(upper, name);
	struct stat st;

	for (int l = 1; l <= 3 && above != ABOVE_BLOCKS && above != ABOVE_OPAQUE; l++) {
		snprintf(layer, sizeof(layer), "%s/../l%d", upper, l);
		above = look_above(layer, name);
		snprintf(path, sizeof(path), "%s%s", layer, name);
		if (above != ABOVE_BLOCKS && lstat(path, &st) == 0)
			return !S_ISCHR(st.st_mode) || st.st_rdev;
	}
	return false;
}

static void drop_xattr(char *snapshot, const char *name)
{
	char *xattr = strstr(snapshot, name), *end;

	if (!xattr)
		return;
	end = strchr(xattr + 1, ' ');
	memmove(xattr, end ? end : "", end ? strlen(end) + 1 : 1);
}

static unsigned uppers_walk(const char *root, const char *a, const char *b, enum uppers how)
{
	static char sa[SNAP_SIZE], sb[SNAP_SIZE];
	char pa[2 * PATH_SIZE], pb[2 * PATH_SIZE], **names;
	unsigned bad = 0;
	int n;

	if (!is_there(b) && is_mere_copy(a))
		return 0;
	if (how != UPPERS_STRICT && !is_there(a) && is_mere_copy(b))
		return 0;
	snap(a, SNAP_UPPER, sa);
	snap(b, SNAP_UPPER, sb);
	/* A rename of a directory that failed leaves the kernel's xattr on it, which hides nothing where no layer shows
	 * the name. */
	if (how == UPPERS_LOOSE || (!strstr(sb, OPAQUE) && !layers_show(root, a + strlen(root))))
		drop_xattr(sa, OPAQUE);
	if (how == UPPERS_LOOSE)
		drop_xattr(sb, OPAQUE);
	/* Such a rename leaves the redirect to where it is already, too. */
	if (how == UPPERS_LOOSE && !strstr(sb, REDIRECT))
		drop_xattr(sa, REDIRECT);
	if (strcmp(sa, sb)) {
		printf("DIFF %s: %s\n     %s: %s\n", a, sa, b, sb);
		bad++;
	}
	if (!is_dir(a) && !is_dir(b))
		return bad;
	n = names_of_both(a, b, &names);
	for (int i = 0; i < n; i++) {
		snprintf(pa, sizeof(pa), "%s/%s", a, names[i]);
		snprintf(pb, sizeof(pb), "%s/%s", b, names[i]);
		bad += uppers_walk(root, pa, pb, how);
	}
	names_free(names, n);
	return bad;
}

unsigned uppers_compare(const char *a, const char *b, enum uppers how)
{
	return uppers_walk(a, a, b, how);
}

void layer_print(const char *dir)
{
	static char s[SNAP_SIZE];
	char path[2 * PATH_SIZE], **names;
	int n;

	snap(dir, SNAP_LAYER, s);
	printf("%s %s\n", dir, s);
	if (!is_dir(dir))
		return;
	n = names_of(dir, &names);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		layer_print(path);
	}
	names_free(names, n);
}
