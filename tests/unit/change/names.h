/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of create, remove and rename: layers made from a text, and what a union shows as a text.
 *
 * The layers are given as words: "l1/d/" makes a directory, "l1/d/f=text" a file with this content, "u/w!" a whiteout,
 * "u/w~" a whiteout of the attribute form, "u/d@" marks the directory opaque, "u/a:l1/b" a hard link, "u/s>x" a symlink
 * to x.
 *
 * A view is one line an entry, sorted: "d/", "d/f=text", "s>x", "p|" (any other type). view_kept() asks the union that
 * made the changes, view_fresh() a second tree over the same layers, which is what the next mount would show: they must
 * agree always.
 */
#ifndef UNIT_CHANGE_NAMES_H
#define UNIT_CHANGE_NAMES_H

#include "change/union.h"

/* --- layers from a text ------------------------------------------------------------------------------------------- */

static inline bool layers_word(char *word)
{
	char *at = strpbrk(word, "=!~@:>"), sign;

	if (!at)
		return !mkdir(word, 0755);
	sign = *at;
	*at++ = '\0';
	switch (sign) {
	case '=':
		return make_file(word, at, 0644);
	case '!':
		return !mknod(word, S_IFCHR, makedev(0, 0));
	case '~':
		return make_file(word, "", 0644) && !setxattr(word, "trusted.overlay.whiteout", "y", 1, 0);
	case '@':
		return !setxattr(word, "trusted.overlay.opaque", *at ? at : "y", 1, 0);
	case ':':
		return !link(at, word);
	default:
		return !symlink(at, word);
	}
}

static inline bool layers_make(const char *text)
{
	char copy[2048], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " ")))
		if (*word && !layers_word(word))
			return UNIT_FAIL("%s: %s", word, strerror(errno));
	return true;
}

/* --- what a union shows ------------------------------------------------------------------------------------------- */

#define VIEW_MAX 4096

struct view {
	char text[VIEW_MAX];
};

static inline void view_add(struct view *v, const char *fmt, ...)
{
	size_t len = strlen(v->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->text + len, sizeof(v->text) - len, fmt, ap);
	va_end(ap);
}

static inline void view_object(struct tree *tree, struct inode *inode, const char *path, struct view *v)
{
	char content[256] = "";
	int flags = inode->type == S_IFREG ? O_RDONLY : O_PATH;
	int fd = inode_open(tree, inode, flags, NULL);
	ssize_t n = 0;

	if (fd < 0) {
		view_add(v, "%s: error %d\n", path, fd);
		return;
	}
	if (inode->type == S_IFREG)
		n = os_pread(fd, content, sizeof(content) - 1, 0);
	else if (inode->type == S_IFLNK)
		n = os_readlinkat(fd, "", content, sizeof(content) - 1);
	os_close(fd);
	if (n < 0)
		view_add(v, "%s: error %zd\n", path, n);
	else if (inode->type == S_IFREG || inode->type == S_IFLNK)
		view_add(v, "%s%c%s\n", path, inode->type == S_IFREG ? '=' : '>', content);
	else
		view_add(v, "%s|\n", path);
}

static inline int view_by_name(const void *a, const void *b)
{
	return strcmp(((const struct listing_entry *)a)->name, ((const struct listing_entry *)b)->name);
}

static inline void view_dir(struct tree *tree, struct inode *dir, const char *path, struct view *v);

/* Listing and lookup must tell the same of an entry. */
static inline void view_entry(struct tree *tree, struct inode *dir, const struct listing_entry *e, const char *path,
			      struct view *v)
{
	struct resolved r;
	struct inode *inode = NULL;
	int res = resolve_child(tree, dir, e->name, &r);

	if (res == 0)
		res = inode_intern(tree, dir, e->name, &r, &inode);
	resolved_finish(&r);
	if (res < 0) {
		view_add(v, "%s: listed, but lookup says %d\n", path, res);
		return;
	}
	if (e->type != inode->type >> 12 || e->ino != inode->ino)
		view_add(v, "%s: listed with another type or number\n", path);
	if (inode_is_dir(inode)) {
		view_add(v, "%s/\n", path);
		view_dir(tree, inode, path, v);
	} else {
		view_object(tree, inode, path, v);
	}
	inode_forget(tree, inode, 1);
}

static inline void view_dir(struct tree *tree, struct inode *dir, const char *path, struct view *v)
{
	struct listing_batch *batch = malloc(sizeof(*batch));
	int res = batch ? listing_read(tree, dir, 0, 1 << 20, batch) : -ENOMEM;

	if (res < 0)
		view_add(v, "%s: listing error %d\n", path, res);
	if (res >= 0)
		qsort(batch->entries, batch->n, sizeof(*batch->entries), view_by_name);
	for (unsigned i = 0; res >= 0 && i < batch->n; i++) {
		char child[512];

		UNIT_PRINT(child, "%s%s%s", path, *path ? "/" : "", batch->entries[i].name);
		view_entry(tree, dir, &batch->entries[i], child, v);
	}
	free(batch);
}

static inline void view_tree(struct tree *tree, struct view *ret)
{
	ret->text[0] = '\0';
	view_dir(tree, tree->root, "", ret);
}

static inline void view_kept(struct uni *u, struct view *ret)
{
	view_tree(u->tree, ret);
}

static inline void view_fresh(struct uni *u, struct view *ret)
{
	static const struct tree_limits limits = {.max_dirfds = 64, .max_listing_bytes = 1 << 20};
	struct tree *tree;

	ret->text[0] = '\0';
	if (tree_new(u->f.set, &limits, &tree) < 0) {
		view_add(ret, "no tree");
		return;
	}
	view_tree(tree, ret);
	tree_free(tree);
}

/* The union shows `want`, now and after a remount, and the table of inodes is sound. */
#define EXPECT_VIEW(u, want)                                                                                           \
	do {                                                                                                           \
		struct view _kept, _fresh;                                                                             \
		view_kept((u), &_kept);                                                                                \
		view_fresh((u), &_fresh);                                                                              \
		EXPECT_STR(_kept.text, (want));                                                                        \
		EXPECT_STR(_fresh.text, (want));                                                                       \
		EXPECT(tree_check((u)->tree));                                                                         \
	} while (0)

/* --- calls by path ------------------------------------------------------------------------------------------------ */

/* The parent's inode, and the last component in *ret_name. */
static inline struct inode *names_parent(struct uni *u, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char dir[512] = "";

	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	*ret_name = slash ? slash + 1 : path;
	return uni_find(u, dir);
}

static const struct caller names_root = {.uid = 0, .gid = 0, .umask = 022};

static inline int names_create_as(struct uni *u, const struct caller *caller, const char *path,
				  const struct create_spec *spec, struct inode **ret_inode)
{
	const char *name;
	struct inode *parent = names_parent(u, path, &name);
	struct statx stx;
	int fd = -1, r = create_entry(u->writer, caller, parent, name, spec, ret_inode, &stx, &fd);

	if (fd >= 0)
		os_close(fd);
	return r;
}

static inline int names_create(struct uni *u, const char *path, mode_t mode)
{
	struct create_spec spec = {.mode = mode, .rdev = makedev(1, 3), .target = "target"};
	struct inode *inode;

	return names_create_as(u, &names_root, path, &spec, &inode);
}

static inline int names_unlink(struct uni *u, const char *path)
{
	const char *name;
	struct inode *parent = names_parent(u, path, &name);

	return remove_file(u->writer, parent, name);
}

static inline int names_rmdir(struct uni *u, const char *path)
{
	const char *name;
	struct inode *parent = names_parent(u, path, &name);

	return remove_dir(u->writer, parent, name);
}

static inline int names_rename(struct uni *u, const char *from, const char *to, unsigned flags)
{
	const char *oldname, *newname;
	struct inode *oldparent = names_parent(u, from, &oldname), *newparent = names_parent(u, to, &newname);

	return rename_entry(u->writer, oldparent, oldname, newparent, newname, flags);
}

static inline int names_link(struct uni *u, const char *from, const char *to)
{
	const char *name;
	struct inode *inode = uni_find(u, from), *parent = names_parent(u, to, &name);
	struct statx stx;

	return create_link(u->writer, inode, parent, name, &stx);
}

/* --- looking at the upper ----------------------------------------------------------------------------------------- */

static inline bool is_whiteout(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static inline bool is_opaque(const char *path)
{
	char value[2];

	return lgetxattr(path, "trusted.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

static inline int work_not_whiteout(void *arg, const struct os_dirent *entry)
{
	char path[300];

	snprintf(path, sizeof(path), "w/work/%s", entry->name);
	*(int *)arg += !is_whiteout(path);
	return 0;
}

/* Temps in the work directory, the shared whiteout not counted. */
static inline int work_temps(void)
{
	int n = 0, fd = open("w/work", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || os_read_dir(fd, work_not_whiteout, &n) < 0)
		n = -1;
	if (fd >= 0)
		close(fd);
	return n;
}

#endif
