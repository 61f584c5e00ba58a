/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rename on real layers: what the union shows, what the upper holds, and that inodes keep their numbers.
 */
#include "change/names.h"

TEST("an upper file is renamed; one that lower layers show too leaves a whiteout")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/both=low u/d/ u/d/own=own u/d/both=up"));
	UNI_OPEN(u);
	uint64_t ino = uni_find(&u, "d/both")->ino;

	EXPECT_INT(names_rename(&u, "d/own", "own2", 0), 0);
	EXPECT_INT(names_rename(&u, "d/both", "d/moved", 0), 0);
	EXPECT(!exists("u/d/own"));
	EXPECT(is_whiteout("u/d/both"));
	EXPECT_INT(uni_find(&u, "d/moved")->ino, ino);
	EXPECT_VIEW(&u, "d/\nd/moved=up\nown2=own\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("a copied-up file is renamed with its number, also after a remount")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low l1/e/ u/e/"));
	UNI_OPEN(u);
	struct inode *f = uni_find(&u, "d/f");
	uint64_t ino = f->ino;

	EXPECT_INT(names_rename(&u, "d/f", "e/f", 0), -LOOK_AGAIN);
	ASSERT_INT(copyup_now(u.writer, f, COPYUP_FULL), 0);
	EXPECT_INT(names_rename(&u, "d/f", "e/f", 0), 0);
	EXPECT(uni_find(&u, "e/f") == f);
	EXPECT_VIEW(&u, "d/\ne/\ne/f=low\n");
	uni_close(&u);
	UNI_OPEN(u);
	EXPECT_INT(uni_find(&u, "e/f")->ino, ino);
	EXPECT_VIEW(&u, "d/\ne/\ne/f=low\n");
}

TEST("a replaced file stays usable by who has it open")
{
	UNI(u);
	ASSERT(layers_make("l1/low=low u/a=a u/b=b u/c=c"));
	UNI_OPEN(u);
	static const char *const targets[] = {"low", "b"}, *const sources[] = {"a", "c"};

	for (int i = 0; i < 2; i++) {
		struct inode *target = uni_find(&u, targets[i]);
		struct statx stx;
		char text[8] = "";
		int fd;

		EXPECT_INT(names_rename(&u, sources[i], targets[i], 0), 0);
		ASSERT_INT(inode_statx(u.tree, target, &stx), 0);
		EXPECT_INT(stx.stx_nlink, 0);
		fd = inode_open(u.tree, target, O_RDONLY, NULL);
		ASSERT(fd >= 0);
		EXPECT(pread(fd, text, 7, 0) > 0);
		EXPECT_STR(text, targets[i]);
		close(fd);
	}
	EXPECT_VIEW(&u, "b=c\nlow=a\n");
}

TEST("a file that goes to a removed lower name takes the place of the whiteout")
{
	UNI(u);
	ASSERT(layers_make("l1/gone=low l1/src=low u/gone! u/own=own u/src=up l1/gone2=low u/gone2!"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "own", "gone", 0), 0);
	EXPECT(!exists("u/own"));
	EXPECT_INT(names_rename(&u, "src", "gone2", 0), 0);
	EXPECT(is_whiteout("u/src"));
	EXPECT_VIEW(&u, "gone=own\ngone2=up\n");
}

TEST("a new directory that goes to a removed lower name doesn't bring the old content back")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low u/d! u/n/ u/n/x=new"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "n", "d", 0), 0);
	EXPECT(is_opaque("u/d"));
	EXPECT(!exists("u/n"));
	EXPECT_VIEW(&u, "d/\nd/x=new\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("a whiteout in the attribute form doesn't become a file when a directory takes its place")
{
	UNI(u);
	ASSERT(layers_make(
		"l1/m/ l1/m/d/ l1/m/d/f=low u/m/ u/m@x u/m/d~ u/n/ u/n/x=new l1/o=low u/o=up l1/m/o=low u/m/o~"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "n", "m/d", 0), 0);
	EXPECT_INT(names_rename(&u, "o", "m/o", 0), 0);
	EXPECT(is_whiteout("u/o"));
	EXPECT_VIEW(&u, "m/\nm/d/\nm/d/x=new\nm/o=up\n");
}

TEST("an empty directory is replaced, whichever layers it is in and whatever whiteouts it holds")
{
	static const char *const worlds[] = {"u/t/",
					     "u/t/ u/t/w!",
					     "l1/t/",
					     "l1/t/ u/t/",
					     "l1/t/ l1/t/f=low u/t/ u/t/f!",
					     "l1/t/ l1/t/f=low u/t/ u/t@",
					     "l1/t/ l1/t/f=low u/t/ u/t@ u/t/f!"};

	for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++) {
		UNI(u);
		ASSERT(layers_make(worlds[i]));
		ASSERT(layers_make("u/s/ u/s/x=new"));
		UNI_OPEN(u);
		struct inode *t = uni_find(&u, "t"), *s = uni_find(&u, "s");
		struct statx stx;

		EXPECT_INT(names_rename(&u, "s", "t", RENAME_NOREPLACE), -EEXIST);
		EXPECT_INT(names_rename(&u, "s", "t", 0), 0);
		EXPECT(uni_find(&u, "t") == s);
		EXPECT_INT(inode_statx(u.tree, t, &stx), 0);
		EXPECT_VIEW(&u, "t/\nt/x=new\n");
		EXPECT_INT(work_temps(), 0);
	}
}

TEST("a directory that shows an entry is not replaced")
{
	static const char *const worlds[] = {"u/t/ u/t/f=", "l1/t/ l1/t/f=", "l1/t/ l1/t/f= u/t/",
					     "l1/t/ l2/t/ l2/t/f= u/t/ u/t/w!"};

	for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++) {
		UNI(u);
		ASSERT(layers_make(worlds[i]));
		ASSERT(layers_make("u/s/"));
		UNI_OPEN(u);
		EXPECT_INT(names_rename(&u, "s", "t", 0), -ENOTEMPTY);
		EXPECT_VIEW(&u, "s/\nt/\nt/f=\n");
	}
}

TEST("exchange: files and directories change places, numbers go along")
{
	UNI(u);
	ASSERT(layers_make("l1/m/ l1/m/f=low u/m/ u/m/f=up u/d/ u/d/x=x u/e/"));
	UNI_OPEN(u);
	u.f.set->make_redirects = false;
	struct inode *f = uni_find(&u, "m/f"), *d = uni_find(&u, "d");

	EXPECT_INT(names_rename(&u, "m/f", "d", RENAME_EXCHANGE), 0);
	EXPECT(uni_find(&u, "d") == f && uni_find(&u, "m/f") == d);
	EXPECT(is_opaque("u/m/f"));
	EXPECT_VIEW(&u, "d=up\ne/\nm/\nm/f/\nm/f/x=x\n");
	EXPECT_INT(names_rename(&u, "d", "m/f", RENAME_EXCHANGE), 0);
	EXPECT_VIEW(&u, "d/\nd/x=x\ne/\nm/\nm/f=up\n");
	EXPECT_INT(names_rename(&u, "d", "none", RENAME_EXCHANGE), -ENOENT);
	EXPECT_INT(names_rename(&u, "d", "m", RENAME_EXCHANGE), -EXDEV);
	EXPECT_INT(names_rename(&u, "m", "e", RENAME_EXCHANGE), -EXDEV);
}

TEST("errors are the kernel's")
{
	UNI(u);
	ASSERT(layers_make("l1/low/ l1/m/ l1/f=low u/m/ u/d/ u/d/s/ u/g=up u/h:u/g u/i=up"));
	UNI_OPEN(u);
	u.f.set->make_redirects = false;
	EXPECT_INT(names_rename(&u, "low", "low2", 0), -EXDEV);
	EXPECT_INT(names_rename(&u, "m", "m2", 0), -EXDEV);
	EXPECT_INT(names_rename(&u, "d", "d/s/t", 0), -EINVAL);
	EXPECT_INT(names_rename(&u, "d", "d/s", 0), -EINVAL);
	EXPECT_INT(names_rename(&u, "d/s", "d", 0), -ENOTEMPTY);
	EXPECT_INT(names_rename(&u, "d/s", "d", RENAME_EXCHANGE), -EINVAL);
	EXPECT_INT(names_rename(&u, "g", "d", 0), -EISDIR);
	EXPECT_INT(names_rename(&u, "d", "g", 0), -ENOTDIR);
	EXPECT_INT(names_rename(&u, "none", "x", 0), -ENOENT);
	EXPECT_INT(names_rename(&u, "f", "x", 0), -LOOK_AGAIN);
	EXPECT_INT(names_rename(&u, "g", "x", RENAME_WHITEOUT), -EINVAL);
	EXPECT_INT(names_rename(&u, "g", "i", RENAME_NOREPLACE | RENAME_EXCHANGE), -EINVAL);
	EXPECT_INT(names_rename(&u, "g", "h", 0), 0);
	EXPECT_INT(names_rename(&u, "g", "g", 0), 0);
	EXPECT_VIEW(&u, "d/\nd/s/\nf=low\ng=up\nh=up\ni=up\nlow/\nm/\n");
}

static const char *redirect_of(const char *path)
{
	static char value[512];
	ssize_t n = getxattr(path, "trusted.overlay.redirect", value, sizeof(value) - 1);

	value[n < 0 ? 0 : n] = '\0';
	return value;
}

TEST("a merged directory keeps its content wherever it goes, and names where the lower layers have it")
{
	UNI(u);
	ASSERT(layers_make(
		"l1/p/ l1/p/m/ l1/p/m/a=1 l2/p/ l2/p/m/ l2/p/m/b=2 l2/p/m/s/ l2/p/m/s/c=3 u/p/ u/p/m/ u/p/m/s/ u/q/"));
	UNI_OPEN(u);
	struct inode *c = uni_find(&u, "p/m/s/c");

	EXPECT_INT(names_rename(&u, "p/m", "p/n", 0), 0);
	EXPECT_STR(redirect_of("u/p/n"), "m");
	EXPECT(is_whiteout("u/p/m"));
	EXPECT_VIEW(&u, "p/\np/n/\np/n/a=1\np/n/b=2\np/n/s/\np/n/s/c=3\nq/\n");
	EXPECT_INT(names_rename(&u, "p/n", "q/o", 0), 0);
	EXPECT_STR(redirect_of("u/q/o"), "/p/m");
	EXPECT(!exists("u/p/n"));
	EXPECT_VIEW(&u, "p/\nq/\nq/o/\nq/o/a=1\nq/o/b=2\nq/o/s/\nq/o/s/c=3\n");
	EXPECT_INT(names_rename(&u, "q/o/s", "t", 0), 0);
	EXPECT_STR(redirect_of("u/t"), "/p/m/s");
	EXPECT_VIEW(&u, "p/\nq/\nq/o/\nq/o/a=1\nq/o/b=2\nt/\nt/c=3\n");
	EXPECT(uni_find(&u, "t/c") == c);
	EXPECT_INT(names_rename(&u, "q/o", "p/m", 0), 0);
	EXPECT_STR(redirect_of("u/p/m"), "/p/m");
	EXPECT_INT(names_rename(&u, "t", "p/m/s", 0), 0);
	EXPECT_VIEW(&u, "p/\np/m/\np/m/a=1\np/m/b=2\np/m/s/\np/m/s/c=3\nq/\n");
	EXPECT(uni_find(&u, "p/m/s/c") == c);
	EXPECT_INT(work_temps(), 0);
}

TEST("merged directories change places")
{
	UNI(u);
	ASSERT(layers_make(
		"l1/a/ l1/a/x=1 l2/b/ l2/b/y=2 l1/p/ l1/p/c/ l1/p/c/z=3 u/a/ u/b/ u/p/ u/p/c/ u/d/ u/d/new=4"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "a", "b", RENAME_EXCHANGE), 0);
	EXPECT_VIEW(&u, "a/\na/y=2\nb/\nb/x=1\nd/\nd/new=4\np/\np/c/\np/c/z=3\n");
	EXPECT_INT(names_rename(&u, "a", "p/c", RENAME_EXCHANGE), 0);
	EXPECT_STR(redirect_of("u/a"), "/p/c");
	EXPECT_STR(redirect_of("u/p/c"), "/b");
	EXPECT_INT(names_rename(&u, "d", "a", RENAME_EXCHANGE), 0);
	EXPECT(is_opaque("u/a") && !is_opaque("u/d"));
	EXPECT_VIEW(&u, "a/\na/new=4\nb/\nb/x=1\nd/\nd/z=3\np/\np/c/\np/c/y=2\n");
}

TEST("a merged directory replaces an empty one and takes the place of a whiteout")
{
	UNI(u);
	ASSERT(layers_make("l1/m/ l1/m/f=1 l2/t/ l2/t/gone=2 u/m/ u/t/ u/t/gone! l1/w/ l1/w/old=3 u/w! l2/e/"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "m", "t", 0), 0);
	EXPECT_VIEW(&u, "e/\nt/\nt/f=1\n");
	EXPECT_INT(names_rename(&u, "t", "w", 0), 0);
	EXPECT(is_whiteout("u/t"));
	EXPECT_VIEW(&u, "e/\nw/\nw/f=1\n");
	EXPECT_INT(names_rename(&u, "w", "e", 0), 0);
	EXPECT_VIEW(&u, "e/\ne/f=1\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("a redirected directory is removed only when it shows nothing, and leaves a whiteout only where one is needed")
{
	UNI(u);
	ASSERT(layers_make("l1/m/ l1/m/f=1 u/m/ l1/k/ u/k/ l1/t=1"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "m", "n", 0), 0);
	EXPECT_INT(remove_dir(u.writer, u.tree->root, "n"), -ENOTEMPTY);
	EXPECT_INT(remove_file(u.writer, uni_find(&u, "n"), "f"), 0);
	EXPECT_INT(remove_dir(u.writer, u.tree->root, "n"), 0);
	EXPECT(!exists("u/n"));
	EXPECT_INT(remove_file(u.writer, u.tree->root, "t"), 0);
	EXPECT_INT(names_rename(&u, "k", "t", 0), 0);
	EXPECT_INT(remove_dir(u.writer, u.tree->root, "t"), 0);
	EXPECT(is_whiteout("u/t") && is_whiteout("u/k"));
	EXPECT_VIEW(&u, "");
	EXPECT_INT(work_temps(), 0);
}

static bool make_deep(const char *layer, unsigned levels, unsigned last)
{
	char path[4096];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s", layer);

	for (unsigned i = 0; i < levels; i++) {
		unsigned len = i + 1 == levels ? last : 50;

		path[n++] = '/';
		memset(path + n, 'x', len);
		n += len;
		path[n] = '\0';
		if (mkdir(path, 0755) < 0)
			return false;
	}
	return true;
}

TEST("a redirect has 256 bytes at the most: a longer one answers EXDEV and changes nothing")
{
	for (unsigned last = 51; last <= 52; last++) {
		UNI(u);
		char path[512];

		ASSERT(make_deep("l1", 5, last) && make_deep("u", 5, last));
		UNI_OPEN(u);
		snprintf(path, sizeof(path), "%050d/%050d/%050d/%050d/%0*d", 0, 0, 0, 0, (int)last, 0);
		for (char *c = path; *c; c++)
			*c = *c == '0' ? 'x' : *c;
		EXPECT_INT(strlen(path) + 1, 205 + last);
		EXPECT_INT(names_rename(&u, path, "top", 0), last == 51 ? 0 : -EXDEV);
		EXPECT_INT(names_rename(&u, last == 51 ? "top" : path, last == 51 ? "other" : path, 0), 0);
	}
}

TEST("the path of a redirect goes through the redirects of the directories above")
{
	UNI(u);
	ASSERT(layers_make("l1/a/ l1/a/b/ l1/a/b/c/ l1/a/b/c/f=1 u/a/ u/a/b/ u/a/b/c/ u/z/"));
	UNI_OPEN(u);
	EXPECT_INT(names_rename(&u, "a", "A", 0), 0);
	EXPECT_INT(names_rename(&u, "A/b/c", "c", 0), 0);
	EXPECT_STR(redirect_of("u/c"), "/a/b/c");
	EXPECT_INT(names_rename(&u, "A/b", "z/b", 0), 0);
	EXPECT_STR(redirect_of("u/z/b"), "/a/b");
	EXPECT_INT(names_rename(&u, "c", "z/b/c", 0), 0);
	EXPECT_INT(names_rename(&u, "z/b/c", "z/b/d", 0), 0);
	EXPECT_VIEW(&u, "A/\nz/\nz/b/\nz/b/d/\nz/b/d/f=1\n");
}

TEST("without RENAME_WHITEOUT the old name is hidden just the same")
{
	UNI(u);
	ASSERT(layers_make("l1/a=low u/a=up l1/b=low u/b=up l1/c=low u/c=up l1/t=low u/x=x l1/gone=low u/gone!"));
	UNI_OPEN(u);
	u.f.set->has_rename_whiteout = false;
	EXPECT_INT(names_rename(&u, "a", "new", 0), 0);
	EXPECT_INT(names_rename(&u, "b", "x", 0), 0);
	EXPECT_INT(names_rename(&u, "c", "t", 0), 0);
	EXPECT(is_whiteout("u/a") && is_whiteout("u/b") && is_whiteout("u/c"));
	EXPECT_VIEW(&u, "new=up\nt=up\nx=up\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("where whiteouts are attributes, renames leave them in directories that say so")
{
	UNI(u);
	ASSERT(layers_make(
		"l1/m/ l1/m/a=low l1/m/b=low l1/m/t=low u/m/ u/m/a=up u/m/b=up l1/n/ l1/n/d/ l1/n/d/f=low u/n/ u/s/ "
		"u/s/x=x"));
	UNI_OPEN(u);
	u.f.set->whiteout_form = WHITEOUT_XATTR;
	EXPECT_INT(names_rename(&u, "m/a", "a", 0), 0);
	EXPECT_INT(names_rename(&u, "m/b", "m/t", 0), 0);
	EXPECT_INT(names_unlink(&u, "n/d/f"), -LOOK_AGAIN);
	ASSERT_INT(copyup_now(u.writer, uni_find(&u, "n/d"), COPYUP_FULL), 0);
	EXPECT_INT(names_unlink(&u, "n/d/f"), 0);
	EXPECT_INT(names_rmdir(&u, "n/d"), 0);
	EXPECT_INT(names_rename(&u, "s", "n/d", 0), 0);
	EXPECT_VIEW(&u, "a=up\nm/\nm/t=up\nn/\nn/d/\nn/d/x=x\n");
}

TEST("a directory that holds whiteouts of the attribute form shows none of them where it must be opaque")
{
	UNI(u);
	ASSERT(layers_make("l1/m/ l1/m/n=low u/m/ u/d/ u/d@x u/d/w~ u/d/f=up u/d/e="));
	UNI_OPEN(u);
	EXPECT_VIEW(&u, "d/\nd/e=\nd/f=up\nm/\nm/n=low\n");
	EXPECT_INT(names_rename(&u, "d", "m/d", 0), 0);
	EXPECT(is_opaque("u/m/d"));
	EXPECT_VIEW(&u, "m/\nm/d/\nm/d/e=\nm/d/f=up\nm/n=low\n");
}

TEST("files that are renamed to and fro in listed directories are listed once")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low u/d/ u/e/"));
	UNI_OPEN(u);
	EXPECT_VIEW(&u, "d/\nd/f=low\ne/\n");
	ASSERT_INT(copyup_now(u.writer, uni_find(&u, "d/f"), COPYUP_FULL), 0);
	for (int i = 0; i < 5; i++) {
		EXPECT_INT(names_rename(&u, "d/f", "e/f", 0), 0);
		EXPECT_VIEW(&u, "d/\ne/\ne/f=low\n");
		EXPECT_INT(names_rename(&u, "e/f", "d/f", 0), 0);
		EXPECT_VIEW(&u, "d/\nd/f=low\ne/\n");
	}
	EXPECT_INT(names_unlink(&u, "d/f"), 0);
	EXPECT_INT(names_create(&u, "d/f", S_IFREG | 0644), 0);
	EXPECT_VIEW(&u, "d/\nd/f=\ne/\n");
}

/* --- many threads ------------------------------------------------------------------------------------------------- */

#define ROUNDS 300

struct mover {
	struct uni *u;
	unsigned seed;
	int strange; /* an error that no order of the changes explains */
};

/* As uni_find(), with D held as the kernel holds the directory: a lookup doesn't run beside a change of the same
 * name. */
static struct inode *find_locked(struct uni *u, const char *path)
{
	struct inode *inode = u->tree->root;
	char copy[64], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	while (inode && inode_is_dir(inode) && (name = strsep(&rest, "/"))) {
		struct inode *child = NULL;
		struct resolved r;

		LOCK_SCOPE(&inode->dir->lock);
		if (resolve_child(u->tree, inode, name, &r) < 0 || inode_intern(u->tree, inode, name, &r, &child) < 0)
			child = NULL;
		resolved_finish(&r);
		inode = child;
	}
	return inode;
}

static struct inode *find_parent(struct uni *u, const char *path, const char **ret_name)
{
	char dir[64];

	*ret_name = strrchr(path, '/') + 1;
	snprintf(dir, sizeof(dir), "%.*s", (int)(*ret_name - path - 1), path);
	return find_locked(u, dir);
}

static int create_at(struct uni *u, struct inode *parent, const char *name, mode_t mode)
{
	struct create_spec spec = {.mode = mode};
	struct inode *inode;
	struct statx stx;
	int fd;

	return create_entry(u->writer, &names_root, parent, name, &spec, &inode, &stx, &fd);
}

static void *move_around(void *arg)
{
	static const char *const paths[] = {"a/x", "a/b/x", "c/x", "c/d/x", "a/b",
					    "c/d", "c/b",   "a/d", "a/b/d", "c/d/b"};
	struct mover *m = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const char *from = paths[rand_r(&m->seed) % 10], *to = paths[rand_r(&m->seed) % 10];
		const char *oldname, *newname;
		struct inode *op = find_parent(m->u, from, &oldname), *np = find_parent(m->u, to, &newname);
		int r = 0;

		if (!op || !np || !inode_is_dir(op) || !inode_is_dir(np))
			continue;
		switch (rand_r(&m->seed) % 5) {
		case 0:
			r = create_at(m->u, op, oldname, S_IFREG | 0644);
			break;
		case 1:
			r = remove_dir(m->u->writer, np, newname);
			break;
		case 2:
			r = create_at(m->u, np, newname, S_IFDIR | 0755);
			break;
		default:
			r = rename_entry(m->u->writer, op, oldname, np, newname,
					 rand_r(&m->seed) % 3 ? 0 : RENAME_EXCHANGE);
		}
		if (r && r != -ENOENT && r != -EEXIST && r != -ENOTEMPTY && r != -EINVAL && r != -ENOTDIR &&
		    r != -EISDIR && r != -ESTALE)
			m->strange = r;
	}
	return NULL;
}

TEST("threads that move directories and files over each other end without deadlock and with a sound tree")
{
	struct view kept, fresh;
	pthread_t threads[4];
	struct mover movers[4];

	UNI(u);
	ASSERT(layers_make("l1/a/ l1/c/ u/a/ u/c/ u/a/b/ u/c/d/ u/a/x=x"));
	UNI_OPEN(u);
	/* The threads never forget an inode, so what they remove is kept to the end: all of it by descriptors, none by
	 * names in the work directory. */
	u.tree->own_pinned.max = 4 * ROUNDS;
	for (unsigned i = 0; i < 4; i++) {
		movers[i] = (struct mover){.u = &u, .seed = i + 1};
		ASSERT_INT(pthread_create(&threads[i], NULL, move_around, &movers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_INT(movers[i].strange, 0);
	}
	view_kept(&u, &kept);
	view_fresh(&u, &fresh);
	EXPECT_STR(kept.text, fresh.text);
	EXPECT(tree_check(u.tree));
	EXPECT_INT(work_temps(), 0);
}
