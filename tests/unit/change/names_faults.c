/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every change of names, with each of its system calls failing once and with the process killed before and after each
 * of them once, until the change passes untouched. What the union shows is the old state or the new one; a change that
 * answers an error has changed nothing and left nothing in the work directory, and after the next mount that is empty
 * in any case.
 */
#include <signal.h>
#include <sys/mman.h>

#include "change/names.h"

#ifdef PLYFS_FAULTS

enum { DONE = 0, REFUSED = 1, BROKEN = 2 };

struct change_case {
	const char *title;
	const char *scope;
	const char *layers;
	int (*run)(struct uni *u);
	bool no_rename_whiteout;
	const char *held; /* is known when it loses its name, and no descriptor is left for it */
	enum removed_form removed;
	/* Between its two steps this change shows a third state; killed there, it is what the next mount finds. */
	const char *between;
};

static int create_over(struct uni *u)
{
	return names_create(u, "d/w", S_IFREG | 0644);
}
static int mkdir_over(struct uni *u)
{
	return names_create(u, "d/w", S_IFDIR | 0755);
}
static int symlink_over(struct uni *u)
{
	return names_create(u, "d/w", S_IFLNK | 0777);
}
static int create_plain(struct uni *u)
{
	return names_create(u, "d/new", S_IFREG | 0644);
}
static int mkdir_plain(struct uni *u)
{
	return names_create(u, "d/new", S_IFDIR | 0755);
}
static int create_for_user(struct uni *u)
{
	static const struct caller user = {.uid = 1000, .gid = 1000};
	struct create_spec spec = {.mode = S_IFREG | 0644};
	struct inode *inode;

	u->writer->as_caller = false;
	return names_create_as(u, &user, "d/new", &spec, &inode);
}
static int link_over(struct uni *u)
{
	return names_link(u, "f", "d/w");
}
static int link_plain(struct uni *u)
{
	return names_link(u, "f", "d/new");
}
static int unlink_it(struct uni *u)
{
	return names_unlink(u, "d/f");
}
static int rmdir_it(struct uni *u)
{
	return names_rmdir(u, "d/e");
}
static int rename_to_new(struct uni *u)
{
	return names_rename(u, "s", "d/new", 0);
}
static int rename_over(struct uni *u)
{
	return names_rename(u, "s", "d/t", 0);
}
static int rename_from_merged(struct uni *u)
{
	return names_rename(u, "d/f", "new", 0);
}
static int rename_from_merged_over(struct uni *u)
{
	return names_rename(u, "d/f", "t", 0);
}
static int rename_exchange(struct uni *u)
{
	return names_rename(u, "s", "d/t", RENAME_EXCHANGE);
}

#define CASE(title_, scope_, layers_, run_, ...)                                                                       \
	{                                                                                                              \
		.title = (title_), .scope = (scope_), .layers = (layers_), .run = (run_), ##__VA_ARGS__                \
	}

static const struct change_case cases[] = {
	CASE("create", "create", "l1/d/ u/d/", create_plain),
	CASE("create as another without chown", "create", "l1/d/ u/d/", create_for_user),
	CASE("mkdir", "create", "l1/d/ u/d/", mkdir_plain),
	CASE("create over a whiteout", "create", "l1/d/ l1/d/w=low u/d/ u/d/w!", create_over),
	CASE("mkdir over a whiteout", "create", "l1/d/ l1/d/w/ l1/d/w/below= u/d/ u/d/w!", mkdir_over),
	CASE("symlink over a whiteout", "create", "l1/d/ l1/d/w=low u/d/ u/d/w!", symlink_over),
	CASE("link", "create", "l1/d/ u/d/ u/f=up", link_plain),
	CASE("link over a whiteout", "create", "l1/d/ l1/d/w=low u/d/ u/d/w! u/f=up", link_over),
	CASE("unlink of an upper file", "remove", "l1/d/ u/d/ u/d/f=up", unlink_it),
	CASE("unlink of a lower file", "remove", "l1/d/ l1/d/f=low u/d/", unlink_it),
	CASE("unlink of a file in both", "remove", "l1/d/ l1/d/f=low u/d/ u/d/f=up", unlink_it),
	CASE("rmdir of a lower directory", "remove", "l1/d/ l1/d/e/ u/d/", rmdir_it),
	CASE("rmdir of a merged directory", "remove", "l1/d/ l1/d/e/ l1/d/e/x=low u/d/ u/d/e/ u/d/e/x!", rmdir_it),
	CASE("rmdir of an upper directory of whiteouts", "remove", "u/d/ u/d/e/ u/d/e/x! u/d/e/y!", rmdir_it),
	CASE("rename of a file", "rename", "l1/d/ u/d/ u/s=up", rename_to_new),
	CASE("rename of a file over a lower one", "rename", "l1/d/ l1/d/t=low u/d/ u/s=up", rename_over),
	CASE("rename of a file over a whiteout", "rename", "l1/d/ l1/d/t=low u/d/ u/d/t! u/s=up", rename_over),
	CASE("rename of a file that leaves a whiteout", "rename", "l1/d/ l1/d/f=low u/d/ u/d/f=up", rename_from_merged),
	CASE("rename of a file that leaves a whiteout over another", "rename", "l1/d/ l1/d/f=low u/d/ u/d/f=up u/t=old",
	     rename_from_merged_over),
	CASE("rename of a file that changes places with a whiteout", "rename",
	     "l1/d/ l1/d/f=low l1/t=low u/d/ u/d/f=up u/t!", rename_from_merged_over),
	CASE("rename of a directory into a merged one", "rename", "l1/d/ u/d/ u/s/ u/s/x=up", rename_to_new),
	CASE("rename of a directory over a whiteout", "rename", "l1/d/ l1/d/t/ l1/d/t/x=low u/d/ u/d/t! u/s/ u/s/y=up",
	     rename_over),
	CASE("rename of a directory over a merged one", "rename",
	     "l1/d/ l1/d/t/ l1/d/t/x=low u/d/ u/d/t/ u/d/t/x! u/s/ u/s/y=up", rename_over),
	CASE("rename of a directory over a lower one", "rename", "l1/d/ l1/d/t/ u/d/ u/s/ u/s/y=up", rename_over),
	CASE("rename of a directory over one of whiteouts", "rename", "u/d/ u/d/t/ u/d/t/x! u/s/ u/s/y=up",
	     rename_over),
	CASE("exchange", "rename", "l1/d/ l1/d/t=low u/d/ u/d/t=up u/s/ u/s/x=x", rename_exchange),
	CASE("unlink of an upper file that is held by name", "remove", "l1/d/ u/d/ u/d/f=up", unlink_it, .held = "d/f"),
	CASE("unlink of a file in both that is held by name", "remove", "l1/d/ l1/d/f=low u/d/ u/d/f=up", unlink_it,
	     .held = "d/f"),
	CASE("rename over a file that is held by name", "rename", "l1/d/ u/d/ u/s=up u/d/t=old", rename_over,
	     .held = "d/t"),
	CASE("rename of a file that leaves a whiteout over one that is held by name", "rename",
	     "l1/d/ l1/d/f=low l1/t=low u/d/ u/d/f=up u/t=old", rename_from_merged_over, .held = "t"),
	CASE("unlink of an upper file that no descriptor keeps", "remove", "l1/d/ u/d/ u/d/f=up", unlink_it,
	     .held = "d/f", .removed = REMOVED_GOES),
	CASE("unlink of a file in both that no descriptor keeps", "remove", "l1/d/ l1/d/f=low u/d/ u/d/f=up", unlink_it,
	     .held = "d/f", .removed = REMOVED_GOES),
	CASE("unlink of a file that is hidden while it is open", "remove", "l1/d/ u/d/ u/d/f=up", unlink_it,
	     .held = "d/f", .removed = REMOVED_HIDES),
	CASE("rename over a file that is hidden while it is open", "rename", "l1/d/ u/d/ u/s=up u/d/t=old", rename_over,
	     .held = "d/t", .removed = REMOVED_HIDES),
	CASE("rename to a free name without RENAME_WHITEOUT", "rename", "l1/d/ l1/d/f=low u/d/ u/d/f=up",
	     rename_from_merged, .no_rename_whiteout = true),
	CASE("rename over a lower file without RENAME_WHITEOUT", "rename", "l1/d/ l1/d/f=low l1/t=old u/d/ u/d/f=up",
	     rename_from_merged_over, .no_rename_whiteout = true, .between = "d/\nd/f=low\nt=up\n"),
};

/* --- in a process of its own ------------------------------------------------------------------------------------ */

static unsigned long calls_made(const char *scope)
{
	char name[32];
	unsigned long n = 0, found = 0;
	FILE *file;

	fault_write_counts();
	file = fopen("counts", "re");
	while (file && fscanf(file, "%31s %lu", name, &n) == 2)
		if (!strcmp(name, scope))
			found = n;
	if (file)
		fclose(file);
	return found;
}

/* What the union shows, asked in both ways. */
static bool shows(struct uni *u, const char *want, const char *or_want)
{
	struct view kept, fresh;

	view_kept(u, &kept);
	view_fresh(u, &fresh);
	if (!strcmp(kept.text, fresh.text) && tree_check(u->tree) &&
	    (!strcmp(kept.text, want) || (or_want && !strcmp(kept.text, or_want))))
		return true;
	printf("# shows\n%s# after a remount\n%s# wanted\n%s", kept.text, fresh.text, want);
	return false;
}

struct attempt {
	const struct change_case *c;
	char fault[64];
	unsigned long number; /* of the failing call; 0: none fails */
};

static bool attempt_open(struct uni *u)
{
	u->f.fd = -1;
	return uni_open(u, UNI_LAYERS);
}

/* Directories are listed before, so that listings are patched and not built afterwards. */
static int run_change(struct uni *u, const struct change_case *c)
{
	struct view v;

	view_kept(u, &v);
	if (c->no_rename_whiteout)
		u->f.set->has_rename_whiteout = false;
	u->f.set->removed = c->removed;
	if (c->held) {
		u->tree->own_pinned.max = 0;
		if (!uni_find(u, c->held))
			return -EIO;
	}
	return c->run(u);
}

static int attempt_in_child(const struct attempt *a, const char *before, const char *after)
{
	struct uni u = {.tree = NULL};
	bool good;
	int r;

	if (*a->fault)
		setenv("PLYFS_FAULT", a->fault, 1);
	setenv("PLYFS_FAULT_COUNT", "counts", 1);
	fault_init();
	if (!attempt_open(&u))
		return BROKEN;
	r = run_change(&u, a->c);
	if (*a->fault && calls_made(a->c->scope) < a->number)
		return r == 0 ? DONE : BROKEN;
	good = shows(&u, r < 0 ? before : after, NULL);
	if (r < 0 && work_temps() != 0) {
		printf("# temps are left behind a change that failed\n");
		good = false;
	}
	uni_close(&u);
	return good ? REFUSED : BROKEN;
}

/* Runs `run` in a process of its own, in a fresh copy of the case's layers. Exit status, or -signal. */
static int run_child(const struct attempt *a, const char *before, const char *after)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		int res = attempt_in_child(a, before, after);

		fflush(stdout);
		_exit(res);
	}
	if (waitpid(pid, &status, 0) != pid)
		return BROKEN;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- the sweep ---------------------------------------------------------------------------------------------------- */

/* The states before and after. In a process of its own too: calls are counted over the life of a process. */
struct views {
	struct view before, after;
	bool good;
};

static void learn_in_child(const struct change_case *c, struct views *ret)
{
	UNI(u);
	ASSERT(layers_make(c->layers));
	UNI_OPEN(u);
	view_fresh(&u, &ret->before);
	ASSERT_INT(run_change(&u, c), 0);
	view_fresh(&u, &ret->after);
	ASSERT_INT(work_temps(), c->held ? 1 : 0);
	ret->good = strcmp(ret->before.text, ret->after.text) != 0;
}

static struct views *learn_views(const struct change_case *c)
{
	struct views *views = mmap(NULL, sizeof(*views), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (views == MAP_FAILED)
		return NULL;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		learn_in_child(c, views);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return views;
}

/* The next mount after a kill. */
static void expect_old_or_new(const struct attempt *a, const char *before, const char *after, struct uni *u)
{
	struct view v;

	ASSERT(uni_open(u, UNI_LAYERS));
	view_fresh(u, &v);
	if (strcmp(v.text, before) && strcmp(v.text, after) && (!a->c->between || strcmp(v.text, a->c->between)))
		UNIT_FAIL("%s, %s: shows\n%s# which is neither old nor new", a->c->title, a->fault, v.text);
	EXPECT_INT(count_entries("w/work"), 0);
}

/* Returns whether there was such a call. */
static bool attempt(const struct change_case *c, const char *kind, unsigned long number, const char *error,
		    const struct view *before, const struct view *after)
{
	struct attempt a = {.c = c, .number = number};
	struct uni u __attribute__((cleanup(uni_finish))) = {.tree = NULL};
	int res;

	snprintf(a.fault, sizeof(a.fault), "%s:%s:%lu%s", kind, c->scope, number, error);
	if (!fixture_init(&u.f) || !layers_make(c->layers))
		return UNIT_FAIL("no layers");
	res = run_child(&a, before->text, after->text);
	if (res == BROKEN || (res < 0 && res != -SIGKILL))
		UNIT_FAIL("%s, %s: broken (%d)", c->title, a.fault, res);
	expect_old_or_new(&a, before->text, after->text, &u);
	return res == REFUSED || res == -SIGKILL;
}

static void sweep(const char *kind, const char *error)
{
	NEEDS_ROOT();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct views *v = learn_views(&cases[i]);
		unsigned long n = 1;

		ASSERT(v && v->good);
		while (unit_state.failures < 10 && attempt(&cases[i], kind, n, error, &v->before, &v->after))
			n++;
		munmap(v, sizeof(*v));
		EXPECT(n > 1);
		printf("# %s: %lu calls\n", cases[i].title, n - 1);
	}
}

TEST("when any system call of a change fails, the change failed whole or succeeded whole")
{
	sweep("fail", ":28");
}

TEST("killed before any system call, every name is old or new on the next mount and the work directory is empty")
{
	sweep("kill", "");
}

TEST("killed after any system call, every name is old or new on the next mount and the work directory is empty")
{
	sweep("kill-after", "");
}

#else

TEST("faults in changes of names")
{
	SKIP("built without fault points");
}

#endif
