/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks of unions that nobody has mounted, told as text: "PATH KIND LAYER", and of each layer's say where that is asked
 * for.
 */
#include "tree/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "layer/walk.h"
#include "os/task.h"
#include "unit.h"

struct told {
	char text[16384];
	unsigned n, left, failed, deepest;
	int last_error;
	unsigned last_layer;
	char last_path[256];
	const char *prune, *stop;
	bool quiet; /* only counted */
};

static void add(struct told *t, const char *format, ...) PRINTF_FORMAT(2, 3);
static void add(struct told *t, const char *format, ...)
{
	size_t used = strlen(t->text);
	va_list args;

	va_start(args, format);
	vsnprintf(t->text + used, sizeof(t->text) - used, format, args);
	va_end(args);
}

static const char *text_of(const char *format, ...) PRINTF_FORMAT(1, 2);
static const char *text_of(const char *format, ...)
{
	static char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

static char kind_of(uint16_t mode)
{
	return S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISREG(mode) ? 'f' : 'x';
}

/* "LAYER KIND", then "T", "P" or "D" for its role, else "H" and why, by which layer. */
static void add_says(struct told *t, const struct tree_walk_entry *e)
{
	static const char *const whys[] = {"", "object", "whiteout", "opaque", "redirect", "index", "error"};

	for (unsigned i = 0; i < e->n_says; i++) {
		const struct tree_say *s = &e->says[i];

		add(t, "%s%u", i ? "," : " [", s->layer);
		if (s->whiteout)
			add(t, "w");
		if (s->object)
			add(t, "%c%c%s", kind_of(s->stx.stx_mode), "HTPD"[s->role], whys[s->why]);
		if (s->object && s->by != TREE_WALK_NO_LAYER)
			add(t, "%u", s->by);
		if (s->err)
			add(t, "!%d", s->err);
		if (strcmp(s->path, e->path) != 0)
			add(t, "=%s", s->path);
	}
	if (e->n_says)
		add(t, "]");
}

static int tell(void *arg, const struct tree_walk_entry *e)
{
	struct told *t = arg;
	_cleanup_free_ char *path = NULL;

	t->n++;
	t->deepest = MAX(t->deepest, e->depth);
	if (!t->quiet) {
		add(t, "%s ", *e->path ? e->path : ".");
		if (e->shown)
			add(t, "%c%u", kind_of(e->stx.stx_mode), e->layer);
		else
			add(t, "-");
		if (e->n_parts > 1)
			add(t, "*%u", e->n_parts);
		if (e->metacopy && e->data_layer == TREE_WALK_NO_LAYER)
			add(t, " none");
		else if (e->metacopy)
			add(t, " %u:%s", e->data_layer, e->data_path ? e->data_path : "own");
		if (e->shown && tree_walk_layer_path(e, &path) == 0 && strcmp(path, e->path) != 0)
			add(t, " at %s", path);
		add_says(t, e);
		add(t, "\n");
	}
	if (t->stop && !strcmp(t->stop, e->path))
		return 77;
	return t->prune && !strcmp(t->prune, e->path) ? TREE_WALK_PRUNE : 0;
}

static int leave(void *arg, const char *path, unsigned depth)
{
	struct told *t = arg;

	t->left++;
	if (!t->quiet && !*path)
		add(t, "end %u\n", depth);
	return 0;
}

static int failed(void *arg, const char *path, unsigned layer, int err)
{
	struct told *t = arg;

	t->failed++;
	t->last_error = err;
	t->last_layer = layer;
	UNIT_PRINT(t->last_path, "%.200s", path);
	return 0;
}

/* Keeps one entry, whose pointers are void afterwards. */
static int keep_entry(void *arg, const struct tree_walk_entry *e)
{
	*(struct tree_walk_entry *)arg = *e;
	return 0;
}

static const struct tree_walk_calls calls = {.entry = tell, .leave = leave, .failed = failed};

static int walk(struct fixture *f, const char *path, unsigned flags, struct told *t)
{
	return tree_walk(f->set, path, flags, &calls, t);
}

#define EXPECT_WALK(f, flags, want)                                                                                    \
	do {                                                                                                           \
		struct told _told = {.n = 0};                                                                          \
		EXPECT_INT(walk((f), "", (flags), &_told), 0);                                                         \
		EXPECT_STR(_told.text, (want));                                                                        \
		EXPECT_INT(_told.failed, 0);                                                                           \
	} while (0)

/* --- order and shape ---------------------------------------------------------------------------------------------- */

TEST("names come in order, and each directory is followed by what is in it")
{
	FIXTURE(f, .layers = 2, .no_upper = true);

	ASSERT(fixture_make(&f, "0d/b 0f/b/z 0f/c 1d/a 1d/a/x 1f/a/x/y 1d/b 1f/b/a 1l/a.b"));
	EXPECT_WALK(&f, 0, ". d0*2\na d1\na/x d1\na/x/y f1\na.b l1\nb d0*2\nb/a f1\nb/z f0\nc f0\nend 0\n");
	EXPECT_WALK(&f, TREE_WALK_STAT,
		    ". d0*2\na d1\na/x d1\na/x/y f1\na.b l1\nb d0*2\nb/a f1\nb/z f0\nc f0\nend 0\n");
}

TEST("a walk can begin anywhere, leave a directory out and end early")
{
	FIXTURE(f, .layers = 2, .no_upper = true);
	struct told t = {.n = 0}, pruned = {.prune = "a"}, stopped = {.stop = "a/x"}, other = {.n = 0};

	ASSERT(fixture_make(&f, "0d/a 1d/a 1d/a/x 1f/a/x/y 0f/b"));
	EXPECT_INT(walk(&f, "/a//./x/", 0, &t), 0);
	EXPECT_STR(t.text, "a/x d1\na/x/y f1\n");
	EXPECT_INT(walk(&f, "", 0, &pruned), 0);
	EXPECT_STR(pruned.text, ". d0*2\na d0*2\nb f0\nend 0\n");
	EXPECT_INT(walk(&f, "", 0, &stopped), 77);
	EXPECT_STR(stopped.text, ". d0*2\na d0*2\na/x d1\n");
	EXPECT_INT(walk(&f, "a/x/y", TREE_WALK_STAT, &other), 0);
	EXPECT_STR(other.text, "a/x/y f1\n");
	EXPECT_INT(walk(&f, "a/none", 0, &other), -ENOENT);
	EXPECT_INT(walk(&f, "b/none", 0, &other), -ENOENT);
	EXPECT_INT(walk(&f, "a/../b", 0, &other), -EINVAL);
}

TEST("names are bytes: line ends, quotes and what is no UTF-8")
{
	FIXTURE(f, .layers = 2, .no_upper = true);
	struct told t = {.n = 0};
	char name[256];

	ASSERT(fixture_make_one(&f, 0, 'f', "a\nb") && fixture_make_one(&f, 1, 'd', "\xff\xfe") &&
	       fixture_make_one(&f, 1, 'f', "\xff\xfe/\"'\\"));
	memset(name, 'n', 255);
	name[255] = '\0';
	ASSERT(fixture_make_one(&f, 1, 'f', name));
	EXPECT_INT(walk(&f, "", TREE_WALK_STAT | TREE_WALK_HIDDEN, &t), 0);
	EXPECT(strstr(t.text, "a\nb f0 [0fT]\n") && strstr(t.text, "\xff\xfe/\"'\\ f1 [1fT]\n") &&
	       strstr(t.text, name));
	EXPECT_INT(t.failed, 0);
	EXPECT_INT(t.n, 5);
}

/* --- what shows --------------------------------------------------------------------------------------------------- */

TEST("whiteouts of the kernel's forms hide what is below, and opaque directories")
{
	FIXTURE(f, .layers = 3, .no_upper = true);

	ASSERT(fixture_make(
		&f, "0w/a 0x/x 0z/x/b 0e/x/c 0o/o 0f/o/new 1f/a 1d/x 1f/x/b 1f/x/c 1d/o 1f/o/old 2w/gone 1f/kept"));
	EXPECT_WALK(&f, TREE_WALK_STAT, ". d0*3\nkept f1\no d0\no/new f0\nx d0*2\nx/c f0\nend 0\n");
}

TEST("the aufs dialect is read where it is asked for, with user.fuseoverlayfs.opaque")
{
	FIXTURE(f, .layers = 3, .no_upper = true, .aufs = true);

	ASSERT(fixture_make(&f, "0e/.wh.a 0d/o 0e/o/.wh..wh..opq 0f/o/new 0d/b 0e/.wh.b 0f/b/x 0u/u 1f/a 1d/o 1f/o/old "
				"1d/b 1f/b/y 1d/u 1f/u/z"));
	EXPECT_WALK(&f, TREE_WALK_STAT, ". d0*3\nb d0\nb/x f0\no d0\no/new f0\nu d0\nend 0\n");
	f.set->aufs = false;
	EXPECT_WALK(&f, 0,
		    ". d0*3\n.wh.a f0\n.wh.b f0\na f1\nb d0*2\nb/x f0\nb/y f1\no d0*2\no/.wh..wh..opq f0\no/new "
		    "f0\no/old f1\nu d0*2\nu/z "
		    "f1\nend 0\n");
}

TEST("redirects are followed, and what is shown is told with its place in the layer")
{
	FIXTURE(f, .layers = 3, .no_upper = true, .follow = true);

	ASSERT(fixture_make(&f, "0r/new>/old 0w/old 0f/new/n 1d/old 1f/old/x 1d/old/sub 1r/old/sub/r>was 2d/old "
				"2d/old/sub 2d/old/sub/was 2f/old/sub/was/y"));
	EXPECT_WALK(&f, TREE_WALK_STAT,
		    ". d0*3\nnew d0*3\nnew/n f0\nnew/sub d1*2 at old/sub\nnew/sub/r d1*2 at old/sub/r\nnew/sub/r/y f2 "
		    "at old/sub/was/y\n"
		    "new/sub/was d2 at old/sub/was\nnew/sub/was/y f2 at old/sub/was/y\nnew/x f1 at old/x\nend 0\n");
}

TEST("a redirect that isn't followed is told as a failure, and the walk goes on")
{
	FIXTURE(f, .layers = 2, .no_upper = true);
	struct told t = {.n = 0};

	ASSERT(fixture_make(&f, "0r/a>/old 1d/old 1f/z"));
	EXPECT_INT(walk(&f, "", TREE_WALK_STAT, &t), 0);
	EXPECT_STR(t.text, ". d0*2\nold d1\nz f1\nend 0\n");
	EXPECT_INT(t.failed, 1);
	EXPECT_INT(t.last_error, -EPERM);
	EXPECT_STR(t.last_path, "a");
	EXPECT_INT(tree_walk(f.set, "", 0, &(struct tree_walk_calls){.entry = tell}, &t), -EPERM);
}

TEST("a metacopy file is told with where its data is, also in a data-only layer")
{
	FIXTURE(f, .layers = 3, .data_layers = 2, .no_upper = true, .follow = true, .metacopy = true);

	ASSERT(fixture_make(&f, "0m/a 1f/a 0m/b>/d/c 1d/d 1m/d/c 2d/d 2f/d/c 2m/e>/blob 4f/blob 2m/none>/gone"));
	EXPECT_WALK(&f, TREE_WALK_STAT,
		    ". d0*3\na f0 1:a\nb f0 2:d/c\nd d1*2\nd/c f1 2:d/c\ne f2 none\nnone f2 none\nend 0\n");
	/* As long as the metadata says. */
	ASSERT(truncate(text_of("%s/4/blob", f.path), 3) == 0);
	EXPECT_WALK(&f, TREE_WALK_STAT,
		    ". d0*3\na f0 1:a\nb f0 2:d/c\nd d1*2\nd/c f1 2:d/c\ne f2 4:blob\nnone f2 none\nend 0\n");
}

TEST("attributes are those that a mount shows")
{
	FIXTURE(f, .layers = 2, .no_upper = true);
	struct inode *inode;
	struct statx stx;

	ASSERT(fixture_make(&f, "0d/m 1d/m 1d/m/pure 1d/m/pure/s 1f/m/f"));
	for (unsigned i = 0; i < 3; i++) {
		static const char *const paths[] = {"m", "m/pure", "m/f"};
		struct tree_walk_entry got = {.n_says = 0};

		inode = fixture_get(&f, paths[i]);
		ASSERT(inode && inode_statx(f.tree, inode, &stx) == 0);
		ASSERT_INT(tree_explain(f.set, paths[i], keep_entry, &got), 0);
		EXPECT_INT(got.stx.stx_ino, stx.stx_ino);
		EXPECT_INT(got.stx.stx_nlink, stx.stx_nlink);
		EXPECT_INT(got.stx.stx_mode, stx.stx_mode);
		EXPECT_INT(got.stx.stx_size, stx.stx_size);
		EXPECT_INT(got.stx.stx_blocks, stx.stx_blocks);
	}
}

/* --- what doesn't ------------------------------------------------------------------------------------------------- */

TEST("what each layer has is told, and why it doesn't show")
{
	FIXTURE(f, .layers = 3, .no_upper = true);

	ASSERT(fixture_make(&f, "0w/a 1f/a 2f/a 0f/b 1d/b 1f/b/x 0o/o 1d/o 1f/o/old 0d/m 1f/m 2d/m 2f/m/x 1w/w"));
	EXPECT_WALK(&f, TREE_WALK_HIDDEN,
		    ". d0*3 [0dT,1dP,2dP]\n"
		    "a - [0w,1fHwhiteout0,2fHwhiteout0]\n"
		    "b f0 [0fT,1dHobject0]\n"
		    "b/x - [1fHobject0]\n"
		    "m d0 [0dT,1fHobject0,2dHobject1]\n"
		    "m/x - [2fHobject1]\n"
		    "o d0 [0dT,1dHopaque0]\n"
		    "o/old - [1fHopaque0]\n"
		    "w - [1w]\n"
		    "end 0\n");
}

TEST("the place that a redirect leads away from is told as hidden, and the one it leads to at its own path")
{
	FIXTURE(f, .layers = 2, .no_upper = true, .follow = true);

	ASSERT(fixture_make(&f, "0r/new>/old 0w/old 1d/old 1f/old/x 1d/new 1f/new/y"));
	EXPECT_WALK(&f, TREE_WALK_HIDDEN,
		    ". d0*2 [0dT,1dP]\n"
		    "new d0*2 [0dT,1dP=old,1dHredirect0]\n"
		    "new/x f1 at old/x [1fT=old/x]\n"
		    "new/y - [1fHredirect0]\n"
		    "old - [0w,1dHwhiteout0]\n"
		    "old/x - [1fHwhiteout0]\n"
		    "end 0\n");
}

TEST("whiteouts of the aufs dialect say so beside the object of their layer")
{
	FIXTURE(f, .layers = 2, .no_upper = true, .aufs = true);

	ASSERT(fixture_make(&f, "0d/b 0e/.wh.b 0f/b/x 1d/b 1f/b/y 0e/.wh.c 1f/c 0e/.wh.d"));
	EXPECT_WALK(&f, TREE_WALK_HIDDEN,
		    ". d0*2 [0dT,1dP]\n"
		    "b d0 [0wdT,1dHwhiteout0]\n"
		    "b/x f0 [0fT]\n"
		    "b/y - [1fHwhiteout0]\n"
		    "c - [0w,1fHwhiteout0]\n"
		    "d - [0w]\n"
		    "end 0\n");
}

TEST("data that a metacopy file has below is told as such")
{
	FIXTURE(f, .layers = 3, .data_layers = 1, .no_upper = true, .follow = true, .metacopy = true);

	ASSERT(fixture_make(&f, "0m/a 1m/a 2f/a 2m/e>/xyz 3f/xyz"));
	EXPECT_WALK(&f, TREE_WALK_HIDDEN,
		    ". d0*3 [0dT,1dP,2dP]\n"
		    "a f0 2:a [0fT,1fHobject0,2fD]\n"
		    "e f2 none [2fT,3fD=xyz]\n"
		    "end 0\n");
}

TEST("one path is explained from the root down, also where it is hidden and where nothing is")
{
	FIXTURE(f, .layers = 3, .no_upper = true);
	struct told t = {.n = 0}, none = {.n = 0}, hidden = {.n = 0};

	ASSERT(fixture_make(&f, "0d/a 1o/a 1f/a/x 2d/a 2f/a/x 2f/a/y"));
	EXPECT_INT(tree_explain(f.set, "a/x", tell, &t), 0);
	EXPECT_STR(t.text, ". d0*3 [0dT,1dP,2dP]\na d0*2 [0dT,1dP,2dHopaque1]\na/x f1 [1fT,2fHopaque1]\n");
	EXPECT_INT(tree_explain(f.set, "/a/y", tell, &hidden), 0);
	EXPECT_STR(hidden.text, ". d0*3 [0dT,1dP,2dP]\na d0*2 [0dT,1dP,2dHopaque1]\na/y - [2fHopaque1]\n");
	EXPECT_INT(tree_explain(f.set, "a/none", tell, &none), -ENOENT);
	EXPECT_INT(tree_explain(f.set, "a/x/none", tell, &none), -ENOENT);
}

TEST("an explained path that can't be shown says why, and goes on below")
{
	FIXTURE(f, .layers = 2, .no_upper = true);
	struct tree_walk_entry got = {.n_says = 0};

	ASSERT(fixture_make(&f, "0r/a>/old 1d/a 1f/a/x 1d/old"));
	EXPECT_INT(tree_explain(f.set, "a", keep_entry, &got), 0);
	EXPECT_INT(got.err, -EPERM);
	EXPECT(!got.shown);
	EXPECT_INT(got.n_says, 2);
}

/* --- hostile and large -------------------------------------------------------------------------------------------- */

TEST("symbolic links in a layer lead nowhere")
{
	FIXTURE(f, .layers = 2, .no_upper = true, .follow = true);
	struct told t = {.n = 0};

	ASSERT(symlinkat("/etc", f.top_fd, "1/etc") == 0 && symlinkat(".", f.top_fd, "1/loop") == 0);
	ASSERT(fixture_make(&f, "0d/etc 0r/x>/etc 0r/y>/loop/loop"));
	EXPECT_INT(walk(&f, "", TREE_WALK_STAT | TREE_WALK_HIDDEN, &t), 0);
	EXPECT_STR(t.text, ". d0*2 [0dT,1dP]\netc d0 [0dT,1lHobject0]\nloop l1 [1lT]\nx d0 [0dT,1lHobject0=etc]\ny d0 "
			   "[0dT]\nend 0\n");
}

TEST("layers that double at each redirect are walked in bounded time")
{
	FIXTURE(f, .layers = 9, .no_upper = true, .follow = true);
	struct told t = {.quiet = true};

	for (unsigned l = 0; l < 9; l++) {
		ASSERT(fixture_make_one(&f, l, 'd', "d"));
		for (char c = 'a'; c < 'e'; c++)
			ASSERT(fixture_make_one(&f, l, 'r', text_of("d/%c>/d", c)));
	}
	EXPECT_INT(walk(&f, "", TREE_WALK_STAT, &t), 0);
	EXPECT(t.failed > 0);
	EXPECT_INT(t.last_error, -ELOOP);
	EXPECT(t.n < 20000);
}

TEST("paths longer than PATH_MAX are walked, and come back to")
{
	FIXTURE(f, .layers = 2, .no_upper = true);
	struct told t = {.quiet = true}, hidden = {.quiet = true};
	int fd = openat(f.top_fd, "1", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < 400; i++) {
		int next;

		ASSERT(mkdirat(fd, "a-directory-with-a-name", 0755) == 0 && mknodat(fd, "z", S_IFREG | 0644, 0) == 0);
		next = openat(fd, "a-directory-with-a-name", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	EXPECT_INT(walk(&f, "", TREE_WALK_STAT, &t), 0);
	EXPECT_INT(t.n, 801);
	EXPECT_INT(t.left, 401);
	EXPECT_INT(t.deepest, 400);
	EXPECT_INT(t.failed, 0);
	EXPECT_INT(walk(&f, "", TREE_WALK_HIDDEN, &hidden), 0);
	EXPECT_INT(hidden.n, 801);
	EXPECT_INT(hidden.failed, 0);
}

TEST("2,000 layers are walked with few descriptors more")
{
	unsigned long limit = os_raise_nofile();
	struct told t = {.quiet = true}, all = {.quiet = true};

	if (limit < 2500)
		SKIP("needs 2,500 descriptors");
	FIXTURE(f, .layers = 2000, .no_upper = true, .in_memory = true);
	for (unsigned l = 0; l < 2000; l++) {
		ASSERT(fixture_make_one(&f, l, 'd', "dir"));
		ASSERT(fixture_make_one(&f, l, 'f', text_of("dir/f%u", l)));
		if (l % 10 == 0)
			ASSERT(fixture_make_one(&f, l, 'f', "dir/same"));
	}
	EXPECT_INT(walk(&f, "", TREE_WALK_STAT, &t), 0);
	EXPECT_INT(t.n, 2003);
	EXPECT_INT(walk(&f, "", TREE_WALK_HIDDEN, &all), 0);
	EXPECT_INT(all.n, 2003);
	EXPECT_INT(t.failed + all.failed, 0);
}

/* --- speed -------------------------------------------------------------------------------------------------------- */

#define SPEED_DIRS 600
#define SPEED_FILES 50
/* How many times as long as find(1) a walk may take. A debug build takes about as long for names, and less than twice
 * as long for attributes. */
#define SPEED_LIMIT 4

static long long cpu_us(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

/* Processor time, on which other processes have little influence. */
static long long time_find(struct fixture *f, const char *format)
{
	long long before = cpu_us(RUSAGE_CHILDREN);
	char command[512];

	UNIT_PRINT(command, "find %s/0 %s/1 %s/2 %s > /dev/null", f->path, f->path, f->path, format);
	EXPECT_INT(system(command), 0);
	return cpu_us(RUSAGE_CHILDREN) - before;
}

static long long time_walk(struct fixture *f, unsigned flags)
{
	long long before = cpu_us(RUSAGE_SELF);
	struct told t = {.quiet = true};

	EXPECT_INT(walk(f, "", flags, &t), 0);
	EXPECT_INT(t.n, SPEED_DIRS * (SPEED_FILES + 1) + 1);
	return cpu_us(RUSAGE_SELF) - before;
}

static int tell_object(void *arg, struct layer_walk_entry *e)
{
	++*(unsigned *)arg;
	return 0;
}

static long long time_layers(struct fixture *f, unsigned flags)
{
	static const struct layer_walk_calls object_calls = {.entry = tell_object};
	long long before = cpu_us(RUSAGE_SELF);
	unsigned n = 0;

	for (unsigned l = 0; l < 3; l++)
		EXPECT_INT(layer_walk(f->set, &f->set->layers[l], LAYER_WALK_SORTED | flags, &object_calls, &n), 0);
	EXPECT(n > SPEED_DIRS * SPEED_FILES);
	return cpu_us(RUSAGE_SELF) - before;
}

static bool make_many(struct fixture *f)
{
	for (unsigned d = 0; d < SPEED_DIRS; d++) {
		for (unsigned l = 0; l < 3; l++)
			if ((l == 2 || d % 3 == l) && !fixture_make_one(f, l, 'd', text_of("directory-%u", d)))
				return false;
		for (unsigned i = 0; i < SPEED_FILES; i++)
			if (!fixture_make_one(f, d % 3 == 2 || i % 5 ? 2 : d % 3, 'e',
					      text_of("directory-%u/file-%u", d, i)))
				return false;
	}
	return true;
}

static void expect_as_fast(const char *what, long long took, long long find)
{
	printf("# %s: %lld us, find %lld us\n", what, took, find);
	if (took > find * SPEED_LIMIT)
		UNIT_FAIL("%s takes more than %d times as long as find", what, SPEED_LIMIT);
}

TEST("30,000 entries are walked about as fast as find(1) takes")
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	SKIP("a sanitizer takes most of the time");
#endif
	long long best[6] = {0};

	FIXTURE(f, .layers = 3, .no_upper = true, .in_memory = true);
	ASSERT(make_many(&f));
	for (unsigned l = 0; l < 3; l++)
		atomic_store(&f.set->layers[l].lists_xattrs, true);
	for (unsigned round = 0; round < 3; round++) {
		long long took[6] = {time_find(&f, ""),
				     time_walk(&f, 0),
				     time_layers(&f, 0),
				     time_find(&f, "-printf '%s %m %U %p\\n'"),
				     time_walk(&f, TREE_WALK_STAT),
				     time_layers(&f, LAYER_WALK_STAT)};

		for (unsigned i = 0; i < 6; i++)
			best[i] = round && best[i] < took[i] ? best[i] : took[i];
	}
	expect_as_fast("names of the union", best[1], best[0]);
	expect_as_fast("names of the layers", best[2], best[0]);
	expect_as_fast("attributes of the union", best[4], best[3]);
	expect_as_fast("attributes of the layers", best[5], best[3]);
}

/* As a user who owns nothing. */
static void in_other_user(void (*check)(struct fixture *f), struct fixture *f)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(77);
		unit_state.failures = 0;
		check(f);
		fflush(stdout);
		_exit(unit_state.failures ? 1 : 0);
	}
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
}

static void check_unreadable(struct fixture *f)
{
	struct told t = {.n = 0}, hidden = {.n = 0}, one = {.n = 0};

	EXPECT_INT(walk(f, "", TREE_WALK_STAT, &t), 0);
	EXPECT_STR(t.text, ". d0*2\na d0*2\nb d1\nc f1\nend 0\n");
	EXPECT_INT(t.failed, 2);
	EXPECT_INT(t.last_error, -EACCES);
	EXPECT_INT(t.last_layer, 1);
	EXPECT_STR(t.last_path, "b");
	/* What another part has is told all the same. */
	EXPECT_INT(walk(f, "a", TREE_WALK_HIDDEN, &hidden), 0);
	EXPECT_STR(hidden.text, "a d0*2 [0dT,1dP]\na/x f0 [0fT]\n");
	EXPECT_INT(hidden.failed, 1);
	/* Names can be looked up without reading. */
	EXPECT_INT(tree_explain(f->set, "b/y", tell, &one), 0);
	EXPECT(strstr(one.text, "b/y f1 [1fT]\n"));
}

TEST("an ordinary user walks what he may read, and is told what he may not")
{
	if (geteuid())
		SKIP("needs root");
	FIXTURE(f, .layers = 2, .no_upper = true);

	ASSERT(fixture_make(&f, "0d/a 0f/a/x 1d/a 1f/a/z 1d/b 1f/b/y 1f/c"));
	/* Else each is asked for, which needs the right to read. */
	for (unsigned l = 0; l < 2; l++)
		atomic_store(&f.set->layers[l].lists_xattrs, true);
	ASSERT(chmod(f.path, 0755) == 0 && fchmodat(f.top_fd, "1/a", 0700, 0) == 0 &&
	       fchmodat(f.top_fd, "1/b", 0711, 0) == 0);
	in_other_user(check_unreadable, &f);
}

/* --- the same as a mount's tree ----------------------------------------------------------------------------------- */

struct same {
	struct fixture *f;
	unsigned shown, failed, listed;
};

static unsigned count_listed(struct fixture *f, struct inode *dir)
{
	struct listing_batch *b = malloc(sizeof(*b));
	uint64_t cookie = LISTING_FIRST;
	unsigned n = 0;

	while (b && listing_read(f->tree, dir, cookie, 1 << 20, b) == 0 && b->n) {
		n += b->n;
		cookie = b->entries[b->n - 1].cookie;
	}
	free(b);
	return n;
}

/* Also of a path that leads through what is no directory. */
static int look_up(struct fixture *f, const char *path, struct inode **ret)
{
	const char *slash = strrchr(path, '/');
	struct inode *parent;
	char above[64];
	int res;

	if (!slash)
		return fixture_lookup(f, path, ret);
	UNIT_PRINT(above, "%.*s", (int)(slash - path), path);
	res = look_up(f, above, &parent);
	if (res < 0)
		return res;
	return inode_is_dir(parent) ? fixture_lookup(f, path, ret) : -ENOTDIR;
}

/* An entry and what a lookup gives. */
static int compare(void *arg, const struct tree_walk_entry *e)
{
	struct same *s = arg;
	struct inode *inode = NULL;
	struct statx stx;

	s->shown += e->shown;
	if (!e->shown) {
		EXPECT(look_up(s->f, e->path, &inode) < 0);
		return 0;
	}
	/* What is listed can be refused when it is looked up. */
	if (!(e->stx.stx_mask & STATX_INO) && fixture_lookup(s->f, e->path, &inode) == -EIO)
		return 0;
	inode = fixture_get(s->f, e->path);
	if (!inode || inode_statx(s->f->tree, inode, &stx) < 0)
		return UNIT_FAIL("%s: can't be looked at", e->path);
	if (inode_is_dir(inode))
		s->listed += count_listed(s->f, inode);
	EXPECT_INT(e->stx.stx_mode & S_IFMT, stx.stx_mode & S_IFMT);
	if (!(e->stx.stx_mask & STATX_INO))
		return 0;
	/* A mount gives a number of the upper that is taken to nobody else. */
	if (!s->f->set->has_upper)
		EXPECT_INT(e->stx.stx_ino, stx.stx_ino);
	EXPECT_INT(e->stx.stx_nlink, stx.stx_nlink);
	EXPECT_INT(e->stx.stx_size, stx.stx_size);
	return 0;
}

static int same_failed(void *arg, const char *path, unsigned layer, int err)
{
	struct same *s = arg;
	struct inode *inode;

	s->failed++;
	EXPECT_INT(look_up(s->f, path, &inode), err);
	return 0;
}

static void random_layers(struct fixture *f, unsigned layers)
{
	static const char kinds[] = "ffeldddoxwzrrmmu";

	for (unsigned i = 0; i < 120; i++) {
		unsigned depth = (unsigned)rand() % 3, layer = (unsigned)rand() % layers;
		char kind = kinds[rand() % (int)(sizeof(kinds) - 1)], path[64] = "", item[80],
		     name = (char)('a' + rand() % 3);

		for (unsigned d = 0; d < depth; d++)
			snprintf(path + strlen(path), sizeof(path) - strlen(path), "%c/", 'a' + rand() % 3);
		if (rand() % 8 == 0)
			UNIT_PRINT(item, "%s.wh.%c", path, name);
		else if (kind == 'r' || (kind == 'm' && rand() % 2))
			UNIT_PRINT(item, "%s%c>%s%c", path, name, rand() % 2 ? "/" : "", 'a' + rand() % 3);
		else
			UNIT_PRINT(item, "%s%c", path, name);
		/* What has no parent, or is there already, isn't made. */
		(void)fixture_make_one(f, layer, strchr(item, '>') || !strstr(item, ".wh.") ? kind : 'e', item);
	}
}

static void one_round(unsigned seed)
{
	static const struct tree_walk_calls same_calls = {.entry = compare, .failed = same_failed};
	struct fixture_options o = {.layers = 2 + seed % 3,
				    .no_upper = seed % 4 != 0,
				    .aufs = seed % 2,
				    .follow = seed % 5,
				    .metacopy = true};
	struct fixture f __attribute__((cleanup(fixture_finish))) = {.top_fd = -1};
	struct same names = {.f = &f}, stat = {.f = &f}, hidden = {.f = &f};
	int before = unit_state.failures;

	ASSERT(fixture_init(&f, &o));
	srand(seed);
	random_layers(&f, o.layers);
	ASSERT(fixture_remount(&f, &o));
	EXPECT_INT(tree_walk(f.set, "", 0, &same_calls, &names), 0);
	EXPECT_INT(tree_walk(f.set, "", TREE_WALK_STAT, &same_calls, &stat), 0);
	EXPECT_INT(tree_walk(f.set, "", TREE_WALK_HIDDEN, &same_calls, &hidden), 0);
	/* Nothing is left out. */
	EXPECT_INT(stat.shown + stat.failed, stat.listed + 1);
	EXPECT_INT(names.listed, stat.listed);
	EXPECT_INT(hidden.shown, stat.shown);
	EXPECT_INT(hidden.failed, stat.failed);
	if (unit_state.failures > before)
		printf("# seed %u\n", seed);
}

TEST("random unions are walked as a mount's tree looks them up and lists them")
{
	for (unsigned seed = 1; seed <= 60 && !unit_state.failures; seed++)
		one_round(seed);
}
