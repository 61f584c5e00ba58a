/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker of a union (tree/walk.h) beside a mount of the same layers: the same paths, types, owners, modes, sizes
 * and link counts, and the data that the walker names is what is read from the mount.
 *
 * usage: walk make SEED DIR          makes the layers l0 to l3 and d0, d1 with data alone in DIR
 *        walk hide SEED DIR          adds names of the aufs dialect to them
 *        walk check OPTIONS MOUNT    compares; OPTIONS as for plyfs. An upper is shown as the topmost layer
 * environment: WALK_REFUSED=1: what one of the two refuses, and what lies below it, isn't compared. The kernel and
 * plyfs refuse broken layers for different reasons, which are listed in DEVIATIONS.md
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "cli/option.h"
#include "os/fs.h"
#include "os/task.h"
#include "tree/walk.h"

/* --- layers ------------------------------------------------------------------------------------------------------- */

#define LAYERS 4
/* Every file has as many bytes, so that any may have the data of any. */
#define CONTENT 64

static void print(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void print(char *to, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vsnprintf(to, size, format, args) >= (int)size)
		abort();
	va_end(args);
}

static void set_xattr(const char *path, const char *name, const char *value)
{
	char full[64];

	print(full, sizeof(full), "trusted.overlay.%s", name);
	if (lsetxattr(path, full, value, strlen(value), 0) < 0)
		perror(path);
}

/* Of what is made, or -1 where there is something already or no parent. */
static int make_file(const char *path, size_t size)
{
	char content[CONTENT + 1] = "";
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0644);

	if (fd < 0)
		return -1;
	print(content, sizeof(content), "%s\n", path);
	if (write(fd, content, size) != (ssize_t)size)
		perror(path);
	return close(fd);
}

static int make_metacopy(const char *path)
{
	int res = make_file(path, 0);

	if (res == 0 && truncate(path, CONTENT) < 0)
		perror(path);
	if (res == 0)
		set_xattr(path, "metacopy", "");
	return res;
}

/* "/a/b" or "a". */
static void redirect_to(const char *path)
{
	char to[16];

	if (rand() % 3 == 0)
		print(to, sizeof(to), "%c", 'a' + rand() % 4);
	else if (rand() % 2)
		print(to, sizeof(to), "/%c", 'a' + rand() % 4);
	else
		print(to, sizeof(to), "/%c/%c", 'a' + rand() % 4, 'a' + rand() % 4);
	set_xattr(path, "redirect", to);
}

/* Whether the directory that it is to be made in may hold whiteouts of the xattr form; the kernel is of two minds about
 * those elsewhere. */
static int may_hold_xwhiteouts(const char *path)
{
	char dir[256], value[2];

	print(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	return lgetxattr(dir, "trusted.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'x';
}

static int make_object(const char *path, char kind)
{
	int res;

	switch (kind) {
	case 'f':
		return make_file(path, CONTENT);
	case 'l':
		return symlink(path, path);
	case 'p':
		return mknod(path, S_IFIFO | 0600, 0);
	case 'c':
		return mknod(path, S_IFCHR | 0600, makedev(1, 3));
	case 'w':
		return mknod(path, S_IFCHR, makedev(0, 0));
	case 'z':
		res = may_hold_xwhiteouts(path) ? make_file(path, 0) : -1;
		if (res == 0)
			set_xattr(path, "whiteout", "");
		return res;
	case 'm':
		res = make_metacopy(path);
		if (res == 0 && rand() % 2)
			redirect_to(path);
		return res;
	default:
		res = mkdir(path, 0755);
		if (res == 0 && (kind == 'o' || kind == 'x'))
			set_xattr(path, "opaque", kind == 'o' ? "y" : "x");
		if (res == 0 && kind == 'r')
			redirect_to(path);
		return res;
	}
}

static void make_layer(const char *top)
{
	static const char kinds[] = "fffffddddddoxxxrrrwwzzzmmmlpc";

	for (unsigned i = 0; i < 120; i++) {
		char path[256], kind = kinds[rand() % (int)(sizeof(kinds) - 1)];
		struct stat st;

		print(path, sizeof(path), "%s", top);
		for (int depth = rand() % 4; depth >= 0; depth--)
			print(path + strlen(path), sizeof(path) - strlen(path), "/%c", 'a' + rand() % 4);
		if (make_object(path, kind) < 0 || lstat(path, &st) < 0 || (S_ISCHR(st.st_mode) && !st.st_rdev))
			continue;
		if (lchown(path, (uid_t)rand() % 3, (gid_t)rand() % 3) < 0 ||
		    (!S_ISLNK(st.st_mode) && chmod(path, 0700 | (mode_t)rand() % 0100) < 0))
			perror(path);
	}
}

static int make(unsigned seed, const char *dir)
{
	char top[16];

	srand(seed);
	if (chdir(dir) < 0)
		return 2;
	for (unsigned l = 0; l < LAYERS + 2; l++) {
		print(top, sizeof(top), "%c%u", l < LAYERS ? 'l' : 'd', l < LAYERS ? l : l - LAYERS);
		if (mkdir(top, 0755) < 0)
			return 2;
		if (rand() % 4 == 0)
			set_xattr(top, "opaque", "x");
		make_layer(top);
	}
	return 0;
}

/* Names of the aufs dialect beside what is there. */
static int hide(unsigned seed, const char *dir)
{
	srand(seed);
	if (chdir(dir) < 0)
		return 2;
	for (unsigned i = 0; i < 40; i++) {
		char path[256];

		print(path, sizeof(path), "l%d/", rand() % LAYERS);
		for (int depth = rand() % 3; depth > 0; depth--)
			print(path + strlen(path), sizeof(path) - strlen(path), "%c/", 'a' + rand() % 4);
		if (rand() % 4)
			print(path + strlen(path), sizeof(path) - strlen(path), ".wh.%c", 'a' + rand() % 4);
		else
			print(path + strlen(path), sizeof(path) - strlen(path), ".wh..wh..opq");
		(void)make_file(path, 0);
	}
	return 0;
}

/* --- what is compared --------------------------------------------------------------------------------------------- */

struct entry {
	char *path;
	bool failed;
	struct stat st;
	char content[CONTENT * 2]; /* or what a symlink says */
};

#define NO_DATA "no data"

struct entries {
	struct entry *list;
	size_t n, room;
	struct layer_set *set;
};

static struct entry *add(struct entries *all, const char *path)
{
	struct entry *e;

	if (all->n == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		all->list = realloc(all->list, all->room * sizeof(*all->list));
		if (!all->list)
			abort();
	}
	e = &all->list[all->n++];
	memset(e, 0, sizeof(*e));
	e->path = strdup(path);
	return e;
}

/* From a path in one of the layers or in the mount. */
static void read_content(const char *path, mode_t mode, char *to, size_t size)
{
	int fd;

	memset(to, 0, size);
	if (S_ISLNK(mode) && readlink(path, to, size - 1) < 0)
		print(to, size, "link: %s", strerror(errno));
	if (!S_ISREG(mode))
		return;
	fd = open(path, O_RDONLY | O_NOFOLLOW);
	/* Where the data is missing plyfs says so at the read, and the kernel, in other words, at the open. */
	if (fd < 0 || read(fd, to, size - 1) < 0)
		print(to, size, NO_DATA);
	if (fd >= 0)
		close(fd);
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */

static int walked(void *arg, const struct tree_walk_entry *w)
{
	struct entries *all = arg;
	struct entry *e = add(all, w->path);
	char *at = NULL, path[8192];

	e->st.st_mode = w->stx.stx_mode;
	e->st.st_uid = w->stx.stx_uid;
	e->st.st_gid = w->stx.stx_gid;
	e->st.st_size = (off_t)w->stx.stx_size;
	e->st.st_nlink = w->stx.stx_nlink;
	if (S_ISREG(e->st.st_mode) && w->data_layer == TREE_WALK_NO_LAYER) {
		print(e->content, sizeof(e->content), NO_DATA);
		return 0;
	}
	/* The copy in the index has its data there. */
	if (w->indexed && !w->data_path) {
		print(e->content, sizeof(e->content), "*");
		return 0;
	}
	if (!w->data_path && tree_walk_layer_path(w, &at) < 0)
		abort();
	print(path, sizeof(path), "%s/%s", all->set->layers[w->data_path ? w->data_layer : w->layer].path,
	      w->data_path ? w->data_path : at);
	free(at);
	read_content(path, e->st.st_mode, e->content, sizeof(e->content));
	return 0;
}

static int walk_failed(void *arg, const char *path, unsigned layer, int err)
{
	(void)layer;
	(void)err;
	add(arg, path)->failed = true;
	return 0;
}

static bool walk_layers(const char *text, struct entries *ret)
{
	static const struct tree_walk_calls calls = {.entry = walked, .failed = walk_failed};
	char *argv[] = {(char *)"plyfs", (char *)"-o", (char *)text, (char *)"m", NULL};
	struct option_env env = {.privileged = true};
	struct option_error error;
	struct stack_layer *layers;
	struct options opt;
	struct stack_spec spec;
	struct error refused = {0};
	int res = options_parse(4, argv, &env, &opt, &error);

	if (res < 0)
		return fprintf(stderr, "%s\n", error.text), false;
	spec = options_stack(&opt);
	layers = calloc(spec.layer_count + 1, sizeof(*layers));
	if (!layers)
		abort();
	if (spec.upperdir)
		layers[0].path = (char *)spec.upperdir;
	memcpy(layers + (spec.upperdir != NULL), spec.layers, spec.layer_count * sizeof(*layers));
	spec.layers = layers;
	spec.layer_count += spec.upperdir != NULL;
	spec.shows_upper = spec.upperdir != NULL;
	spec.upperdir = NULL;
	spec.read_only = true;
	res = layer_set_open(&spec, NULL, &ret->set, &refused);
	if (res == 0)
		res = tree_walk(ret->set, "", TREE_WALK_STAT, &calls, ret);
	if (res < 0)
		fprintf(stderr, "%s: %s\n", refused.text ? refused.text : "walk", strerror(-res));
	layer_set_put(ret->set);
	error_finish(&refused);
	free(layers);
	options_free(&opt);
	return res == 0;
}

/* --- the mount ---------------------------------------------------------------------------------------------------- */

static void read_mount(struct entries *all, const char *top, const char *path)
{
	char full[8192], child[4096];
	struct dirent *d;
	struct entry *e = add(all, path);
	DIR *dir;

	print(full, sizeof(full), "%s/%s", top, path);
	e->failed = lstat(full, &e->st) < 0;
	/* The kernel lists whiteouts of the xattr form in directories of one layer, and doesn't find them. */
	if (e->failed && errno == ENOENT) {
		free(e->path);
		all->n--;
	}
	if (e->failed)
		return;
	read_content(full, e->st.st_mode, e->content, sizeof(e->content));
	if (!S_ISDIR(e->st.st_mode))
		return;
	dir = opendir(full);
	if (!dir)
		perror(full);
	while (dir && (d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		print(child, sizeof(child), "%s%s%s", path, *path ? "/" : "", d->d_name);
		read_mount(all, top, child);
	}
	if (dir)
		closedir(dir);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static void describe(const char *who, const struct entry *e)
{
	if (e->failed)
		printf("  %s: fails\n", who);
	else
		printf("  %s: mode %o owner %u:%u size %lld links %lu %s\n", who, e->st.st_mode, e->st.st_uid,
		       e->st.st_gid, (long long)e->st.st_size, (unsigned long)e->st.st_nlink, e->content);
}

static bool same(const struct entry *w, const struct entry *m)
{
	bool links = !getenv("DIFFERENTIAL_NO_NLINK");

	if (w->failed || m->failed)
		return w->failed == m->failed;
	return w->st.st_mode == m->st.st_mode && w->st.st_uid == m->st.st_uid && w->st.st_gid == m->st.st_gid &&
	       w->st.st_size == m->st.st_size && (!links || w->st.st_nlink == m->st.st_nlink) &&
	       (!strcmp(w->content, "*") || !memcmp(w->content, m->content, sizeof(w->content)));
}

static bool refuses(const struct entry *e)
{
	return e->failed || !strcmp(e->content, NO_DATA);
}

/* Whether one of the two isn't compared. `above` is the last path that one side refused. */
static bool is_refused(const struct entry *w, const struct entry *m, const char **above)
{
	const char *path = w ? w->path : m->path;
	size_t len = *above ? strlen(*above) : 0;

	if (!getenv("WALK_REFUSED"))
		return false;
	if (*above && !strncmp(path, *above, len) && path[len] == '/')
		return true;
	if (!(w && refuses(w)) && !(m && refuses(m)))
		return false;
	*above = path;
	return true;
}

static unsigned compare(const struct entries *w, const struct entries *m, unsigned *ret_compared)
{
	const char *refused = NULL;
	unsigned bad = 0;

	for (size_t i = 0, j = 0; (i < w->n || j < m->n) && bad < 10;) {
		int order = i == w->n ? 1 : j == m->n ? -1 : strcmp(w->list[i].path, m->list[j].path);

		if (is_refused(order <= 0 ? &w->list[i] : NULL, order >= 0 ? &m->list[j] : NULL, &refused)) {
			bad--;
			--*ret_compared;
		} else if (order) {
			printf("%s: only %s\n", order < 0 ? w->list[i].path : m->list[j].path,
			       order < 0 ? "walked" : "mounted");
			describe("there", order < 0 ? &w->list[i] : &m->list[j]);
		} else if (!same(&w->list[i], &m->list[j])) {
			printf("%s: differs\n", w->list[i].path);
			describe("walk", &w->list[i]);
			describe("mount", &m->list[j]);
		} else {
			bad--;
		}
		bad++;
		++*ret_compared;
		i += order <= 0;
		j += order >= 0;
	}
	return bad;
}

static void finish(struct entries *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->list[i].path);
	free(all->list);
}

static int check(const char *options, const char *mount)
{
	struct entries w = {0}, m = {0};
	unsigned bad, compared = 0;

	if (!walk_layers(options, &w))
		return 2;
	read_mount(&m, mount, "");
	qsort(w.list, w.n, sizeof(*w.list), by_path);
	qsort(m.list, m.n, sizeof(*m.list), by_path);
	bad = compare(&w, &m, &compared);
	printf("%zu paths, %u compared, %u differ\n", m.n, compared, bad);
	finish(&w);
	finish(&m);
	return bad != 0 || !compared;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "make"))
		return make((unsigned)atoi(argv[2]), argv[3]);
	if (argc == 4 && !strcmp(argv[1], "hide"))
		return hide((unsigned)atoi(argv[2]), argv[3]);
	if (argc != 4 || strcmp(argv[1], "check") != 0 || os_init() < 0)
		return 2;
	hash_seed_init();
	os_raise_nofile();
	return check(argv[2], argv[3]);
}
