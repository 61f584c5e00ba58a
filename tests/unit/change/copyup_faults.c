/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of a copy-up fails once, and the process is killed before and after each of them once: what is left
 * is the old state or the new one, and the work directory is empty (after a kill, on the next mount).
 */
#include <signal.h>

#include "change/union.h"

#ifdef PLYFS_FAULTS

enum { DONE = 0, REFUSED = 1, BROKEN = 2 };

/* The objects that are copied up, below two directories that come along. */
static const char *const objects[] = {"a/b/file", "a/b/sparse", "a/b/link", "a/b/fifo", "a/b/dir"};

static bool make_objects(void)
{
	return !mkdir("l1/a", 0755) && !mkdir("l1/a/b", 0755) && uni_fill("l1/a/b/file", 0, 20000) &&
	       !setxattr("l1/a/b/file", "user.x", "1", 1, 0) && uni_fill("l1/a/b/sparse", 1 << 20, 5000) &&
	       !symlink("target", "l1/a/b/link") && !mkfifo("l1/a/b/fifo", 0640) && !mkdir("l1/a/b/dir", 0700);
}

/* Whether the layers' file system is taken to have no nameless files. */
static bool named_temps;

/* The copy-up of objects[which] in a process of its own, with a fault. Returns its exit status, or -signal. */
static int run_child(unsigned which, const char *fault, const char *count)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct uni u = {.tree = NULL};
		struct inode *inode;
		int r;

		u.f.fd = -1;
		if (fault)
			setenv("PLYFS_FAULT", fault, 1);
		if (count)
			setenv("PLYFS_FAULT_COUNT", count, 1);
		fault_init();
		if (!uni_open(&u, UNI_LAYERS) || !(inode = uni_find(&u, objects[which])))
			_exit(BROKEN);
		u.f.set->has_tmpfile = u.f.set->has_tmpfile && !named_temps;
		r = copyup_now(u.writer, inode, COPYUP_FULL);
		if (r < 0 && r != -ENOSPC)
			printf("# %s: error %d\n", fault, r);
		if (uni_work_entries() != 0) {
			printf("# %s: the work directory is not empty\n", fault);
			r = -EIO;
		}
		fault_write_counts();
		fflush(stdout);
		_exit(r == 0 ? DONE : r == -ENOSPC ? REFUSED : BROKEN);
	}
	if (waitpid(pid, &status, 0) != pid)
		return BROKEN;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Whether u has nothing of the object, or all of it. *ret_there. */
static bool old_or_new(unsigned which, bool *ret_there)
{
	char copy[64], original[64];
	struct stat a, b;

	snprintf(copy, sizeof(copy), "u/%s", objects[which]);
	snprintf(original, sizeof(original), "l1/%s", objects[which]);
	*ret_there = !lstat(copy, &a);
	if (!*ret_there)
		return true;
	return !lstat(original, &b) && a.st_mode == b.st_mode && a.st_uid == b.st_uid &&
	       a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
	       (!S_ISREG(a.st_mode) || uni_same(copy, original)) &&
	       lgetxattr(copy, "user.x", NULL, 0) == lgetxattr(original, "user.x", NULL, 0);
}

static unsigned long count_calls(unsigned which)
{
	unsigned long n = 0;
	char line[64];
	FILE *file;

	if (run_child(which, NULL, "counts") != DONE || !(file = fopen("counts", "re")))
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "copyup %lu", &n) == 1)
			break;
	fclose(file);
	return n;
}

static void reset_upper(void)
{
	ASSERT(system("rm -rf u && mkdir u") == 0);
}

static void check_failure(unsigned which, unsigned long n)
{
	char fault[64];
	bool there;
	int status;

	snprintf(fault, sizeof(fault), "fail:copyup:%lu:%d", n, ENOSPC);
	status = run_child(which, fault, NULL);
	if (status != DONE && status != REFUSED)
		UNIT_FAIL("%s of %s ends with %d", fault, objects[which], status);
	if (!old_or_new(which, &there))
		UNIT_FAIL("%s of %s leaves something between old and new", fault, objects[which]);
	else if (there != (status == DONE))
		UNIT_FAIL("%s of %s: the answer is not what happened", fault, objects[which]);
	reset_upper();
}

static void check_kill(unsigned which, const char *kind, unsigned long n)
{
	struct uni u = {.tree = NULL};
	char fault[64];
	bool there;
	int status;

	snprintf(fault, sizeof(fault), "%s:copyup:%lu", kind, n);
	status = run_child(which, fault, NULL);
	if (status != -SIGKILL)
		UNIT_FAIL("%s of %s ends with %d", fault, objects[which], status);
	if (!old_or_new(which, &there))
		UNIT_FAIL("%s of %s leaves something between old and new", fault, objects[which]);
	u.f.fd = -1;
	ASSERT(uni_open(&u, UNI_LAYERS));
	EXPECT_INT(uni_work_entries(), 0);
	uni_close(&u);
	reset_upper();
}

/* Regular files are made in two ways; the other objects need one round. */
static bool next_round(unsigned *which)
{
	const unsigned n = sizeof(objects) / sizeof(*objects), regular = 2;

	if (!named_temps && *which + 1 == n) {
		named_temps = true;
		*which = 0;
		return true;
	}
	return ++*which < (named_temps ? regular : n);
}

static void fail_all(unsigned which)
{
	UNI(u);
	ASSERT(make_objects());
	unsigned long calls = count_calls(which);

	EXPECT(calls > 10);
	reset_upper();
	for (unsigned long n = 1; n <= calls; n++)
		check_failure(which, n);
}

/* With each of the objects. */
static void each_round(void (*all)(unsigned which))
{
	unsigned which = 0;

	named_temps = false;
	NEEDS_ROOT();
	do
		all(which);
	while (next_round(&which));
}

TEST("a failed copy-up leaves the old file and an empty work directory, whichever call fails")
{
	each_round(fail_all);
}

static void kill_all(unsigned which)
{
	UNI(u);
	ASSERT(make_objects());
	unsigned long calls = count_calls(which);

	EXPECT(calls > 10);
	reset_upper();
	for (unsigned long n = 1; n <= calls; n++)
		check_kill(which, "kill", n);
	check_kill(which, "kill-after", calls);
}

TEST("killed at any call, a copy-up leaves the old file or the new one")
{
	each_round(kill_all);
}

#else

TEST("a failed copy-up leaves the old file and an empty work directory, whichever call fails")
{
	SKIP("built without fault points");
}

#endif
