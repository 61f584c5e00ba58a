/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a layer set is interrupted or fails at each of its system calls in turn, until it passes untouched.
 */
#include <sys/mman.h>
#include <syslog.h>

#include "base/fault.h"
#include "base/log.h"
#include "fixture.h"
#include "format/ovl_fh.h"
#include "format/source.h"
#include "layer/index.h"

#define SET "lowerdir=l1:l2,upperdir=u,workdir=w"
#define MOST 400

#ifdef PLYFS_FAULTS

/* What an earlier crash may have left. */
static bool make_leftovers(void)
{
	return (!mkdir("w/work", 0700) || errno == EEXIST) && (!mkdir("w/work/#1", 0700) || errno == EEXIST) &&
	       (exists("w/work/#1/file") || make_file("w/work/#1/file", "x", 0644)) &&
	       (exists("w/work/#2") || !mknod("w/work/#2", S_IFCHR, makedev(0, 0)));
}

/* In a process of its own, because calls are counted over the life of a process; its wait status. */
static int run_apart(int (*run)(const char *fault, const char *options), const char *fault, const char *options)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(run(fault, options));
	EXPECT_INT(waitpid(pid, &status, 0), pid);
	return status;
}

static int open_here(const char *fault, const char *options)
{
	struct fixture f = {.fd = -1};

	if (fault)
		setenv("PLYFS_FAULT", fault, 1);
	fault_init();
	if (!fixture_open(&f, options))
		return 0;
	return f.error && strchr(f.error, ':') && !strchr(f.error, '\n') ? 1 : 2;
}

/* Opens with a fault configured (NULL: none). The exit status: 0 opened, 1 refused with a line, 2 refused without. */
static int open_with(const char *fault, const char *options)
{
	return run_apart(open_here, fault, options);
}

TEST("a mount that was killed at any system call is followed by one that works and finds the work directory empty")
{
	FIXTURE(f);
	char fault[64];
	int status = -1, n;

	for (n = 1; n < MOST && status; n++) {
		ASSERT(make_leftovers());
		snprintf(fault, sizeof(fault), "kill:mount:%d", n);
		status = open_with(fault, SET);
		EXPECT(!status || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		EXPECT_INT(open_with(NULL, SET), 0);
		EXPECT_INT(count_entries("w/work"), 0);
		EXPECT_INT(count_entries("u"), 0);
	}
	EXPECT_INT(status, 0);
	EXPECT(n > 20);
}

#define ABILITIES_SIZE 160

/* What an untouched mount can do; shared with the processes that find it out, because calls are counted in each. */
static char *abilities;

static void describe(const struct layer_set *set, char ret[ABILITIES_SIZE])
{
	snprintf(ret, ABILITIES_SIZE,
		 "xattr %d reopen %d chown %d tmpfile %d rename-whiteout %d whiteout %d index %d removed %d cloned %d "
		 "%d %d handles %d",
		 set->has_upper_xattr, set->can_reopen, set->can_chown, set->has_tmpfile, set->has_rename_whiteout,
		 set->whiteout_form, set->index != NULL, set->removed, set->layers[0].cloned, set->layers[1].cloned,
		 set->layers[2].cloned, set->layers[1].has_handles);
}

static int open_untouched(const char *fault, const char *options)
{
	struct fixture f = {.fd = -1};

	if (fixture_open(&f, options) < 0)
		return 1;
	describe(f.set, abilities);
	return 0;
}

/* 0: opened, and as able; 1: refused for this cause; 2: refused otherwise; 3: opened, and less able. */
static int open_as_able(const char *fault, const char *options)
{
	const char *error = strerror(atoi(strrchr(fault, ':') + 1));
	struct fixture f = {.fd = -1};
	char now[ABILITIES_SIZE];

	setenv("PLYFS_FAULT", fault, 1);
	fault_init();
	if (fixture_open(&f, options) < 0) {
		bool told = f.error && strcasestr(f.error, error) && !strstr(f.error, "index=off") &&
			    !strchr(f.error, '\n');

		if (!told)
			printf("# %s: %s\n", fault, f.error ? f.error : "no line");
		fflush(stdout);
		return told ? 1 : 2;
	}
	describe(f.set, now);
	if (strcmp(now, abilities) != 0)
		printf("# %s: %s, not %s\n", fault, now, abilities);
	fflush(stdout);
	return strcmp(now, abilities) != 0 ? 3 : 0;
}

TEST("an error that may pass refuses the mount with its cause, and is never taken for what the file system can't do")
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EMFILE, ENOMEM, EROFS};
	FIXTURE(f);
	int refused = 0;

	log_set_level(LOG_ERR);
	ASSERT(make_leftovers());
	abilities = mmap(NULL, ABILITIES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(abilities != MAP_FAILED);
	ASSERT_INT(run_apart(open_untouched, NULL, SET), 0);
	for (int n = 0; n < 60 * (int)(sizeof(errors) / sizeof(*errors)); n++) {
		char fault[64];
		int status;

		ASSERT(make_leftovers());
		snprintf(fault, sizeof(fault), "fail:mount:%d:%d", n / 6 + 1, errors[n % 6]);
		status = run_apart(open_as_able, fault, SET);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		refused += status != 0;
	}
	EXPECT(refused > 60);
	EXPECT_INT(open_with(NULL, SET), 0);
	EXPECT_INT(count_entries("w/work"), 0);
}

/* --- an index over copied layers: l1 and l2 are copies of each other ---------------------------------------------- */

#define OVER(layer) "lowerdir=" layer ",upperdir=u,workdir=w,redirect_dir=off"

static bool set_xattr(const char *path, const char *name, const struct ovl_fh *origin)
{
	uint8_t value[OVL_FH_MAX];

	return !setxattr(path, name, value, ovl_fh_encode(origin, value), 0);
}

static bool make_lower(const char *name)
{
	const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
	char path[64], other[64];

	for (int i = 1; i <= 2; i++) {
		snprintf(path, sizeof(path), "l%d/%s", i, name);
		snprintf(other, sizeof(other), "l%d/%s-other", i, name);
		if (!make_file(path, "old", 0644) || link(path, other) < 0 || utimensat(AT_FDCWD, path, times, 0) < 0)
			return false;
	}
	return true;
}

/* A copy of l?/NAME with its entry, as if it had been made over yet another copy. */
static bool make_entry(const char *name)
{
	struct source source = {.layer = 1, .layers = 1, .nlink = 2, .size = 3, .mtime = 5};
	uint8_t value[SOURCE_MAX], uuid[16] = {0};
	char index_name[OVL_FH_INDEX_NAME_SIZE], upper[32], entry[300];
	struct ovl_fh origin;

	strcpy(source.path, name);
	snprintf(upper, sizeof(upper), "u/%s", name);
	if (!make_lower(name) || ovl_fh_make(1, name, strlen(name) + 1, uuid, false, &origin) < 0 ||
	    ovl_fh_index_name(&origin, index_name) < 0)
		return false;
	snprintf(entry, sizeof(entry), "w/index/%s", index_name);
	return make_file(upper, "new", 0644) && !link(upper, entry) &&
	       set_xattr(upper, "trusted.overlay.origin", &origin) &&
	       !setxattr(upper, "trusted.overlay.nlink", "U+0", 3, 0) &&
	       !setxattr(upper, "trusted.overlay.plyfs_source", value, source_encode(&source, value), 0) &&
	       set_xattr("u", "trusted.overlay.origin", &origin) &&
	       set_xattr("w/index", "trusted.overlay.upper", &origin);
}

/* Whether the names that the upper lacks lead to the copies. */
static bool leads(struct fixture *f, const char *name)
{
	const struct layer *l = &f->set->layers[1];
	struct index_entry entry;
	char other[64];
	struct statx stx, upper;

	snprintf(other, sizeof(other), "%s-other", name);
	return f->set->index && !layer_statx(l, l->root_fd, other, &stx, NULL) &&
	       !layer_statx(&f->set->layers[0], f->set->layers[0].root_fd, name, &upper, NULL) &&
	       !index_look(f->set, l, l->root_fd, other, &stx, &entry) && entry.indexed &&
	       entry.stx.stx_ino == upper.stx_ino;
}

static int look_here(const char *fault, const char *options)
{
	struct fixture f = {.fd = -1};
	bool whole = !fixture_open(&f, options) && leads(&f, "a") && leads(&f, "b") && count_entries("w/index") == 2;

	if (f.error)
		fprintf(stderr, "# %s\n", f.error);
	fixture_close(&f);
	return !whole;
}

static bool is_whole(const char *options)
{
	return !run_apart(look_here, NULL, options);
}

TEST("an index over copied layers that was killed at any system call is whole at the next mount, over this copy or "
     "another")
{
	FIXTURE(f);
	char fault[64];
	int status = -1, n;

	ASSERT(!mkdir("w/index", 0700) && make_entry("a") && make_entry("b"));
	log_set_level(LOG_WARNING);
	ASSERT(is_whole(OVER("l1")));
	for (n = 1; n < MOST && status; n++) {
		for (int back = 0; back < 2; back++) {
			snprintf(fault, sizeof(fault), "kill:mount:%d", n);
			status = open_with(fault, OVER("l2"));
			EXPECT(!status || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
			EXPECT(is_whole(back ? OVER("l1") : OVER("l2")));
			EXPECT(is_whole(OVER("l1")));
		}
	}
	EXPECT_INT(status, 0);
	EXPECT(n > 12);
}

TEST("an index over copied layers is whole after an error at any system call")
{
	FIXTURE(f);
	char fault[64];

	ASSERT(!mkdir("w/index", 0700) && make_entry("a") && make_entry("b"));
	for (int n = 1; n < 120; n++) {
		int status;

		snprintf(fault, sizeof(fault), "fail:mount:%d:%d", n, n % 2 ? EIO : ENOSPC);
		status = open_with(fault, n % 3 ? OVER("l2") : OVER("l1"));
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		EXPECT(is_whole(OVER("l1")));
	}
}

#else

TEST("fault injection")
{
	SKIP("this build has no fault points");
}

#endif
