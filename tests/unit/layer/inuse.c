/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upper and a work directory belong to one union at a time.
 */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "fixture.h"
#include "os/task.h"

#define SET "lowerdir=l1,upperdir=u,workdir=w"

static int open_second(struct fixture *f, const char *text, char **ret_error)
{
	struct fixture second = {.fd = -1};
	int ret = fixture_open(&second, text);

	*ret_error = second.error;
	second.error = NULL;
	fixture_close(&second);
	return ret;
}

TEST("a second union over the same upper waits 5 seconds and is refused, also with a work directory of its own")
{
	FIXTURE(f);
	unsigned long long start;
	char *error = NULL;
	ASSERT_INT(mkdir("w2", 0755), 0);
	EXPECT_OPENS(&f, SET);
	start = os_now_ms();
	EXPECT_INT(open_second(&f, "lowerdir=l1,upperdir=u,workdir=w2", &error), -EBUSY);
	EXPECT_STR(error, "upperdir: u: in use by another mount");
	EXPECT(os_now_ms() - start >= 4900);
	EXPECT(os_now_ms() - start < 8000);
	free(error);
}

TEST("a second union over the same work directory is refused")
{
	FIXTURE(f);
	char *error = NULL;
	ASSERT_INT(mkdir("u2", 0755), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT(make_file("w/work/#1", "in use", 0644));
	EXPECT_INT(open_second(&f, "lowerdir=l1,upperdir=u2,workdir=w", &error), -EBUSY);
	EXPECT_STR(error, "workdir: w: in use by another mount");
	EXPECT(exists("w/work/#1"));
	free(error);
}

TEST("who can't change anything may show an upper in use, where the work directory is in use too")
{
	FIXTURE(f);
	struct fixture second = {.fd = -1};
	struct stack_spec spec;
	char *error = NULL;
	ASSERT_INT(mkdir("w2", 0755), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(open_second(&f, "lowerdir=l1,upperdir=u,workdir=w2,ro", &error), -EBUSY);
	EXPECT_STR(error, "upperdir: u: in use by another mount");
	free(error);
	EXPECT_INT(fixture_open(&second, SET ",ro"), -EBUSY);
	EXPECT_STR(second.error, NULL);
	EXPECT_INT(options_show_upper(&second.opt), 0);
	spec = options_stack(&second.opt);
	EXPECT_INT(fixture_open_spec(&second, &spec, "m"), 0);
	EXPECT_STR(second.error, NULL);
	EXPECT_INT(second.set->n, 2);
	EXPECT(second.set->shows_upper && !second.set->has_upper);
	fixture_close(&second);
}

/* The identity that the mount at r would have, or zeros. */
static bool is_known_as(const uint8_t identity[16], const char *text, const char *path)
{
	struct fixture f = {.fd = -1};
	char mountpoint[sizeof(f.path) + 2];
	uint8_t other[16] = {0};
	struct stack_spec spec;
	bool opens, same;

	snprintf(mountpoint, sizeof(mountpoint), "%s/r", path);
	opens = fixture_open_at(&f, text, mountpoint) == 0;
	if (opens)
		memcpy(other, f.set->identity, sizeof(other));
	same = opens && !memcmp(identity, other, sizeof(other));
	spec = options_stack(&f.opt);
	memset(other, 0, sizeof(other));
	if (layer_overmounted_identity(&spec, mountpoint, other) == 0)
		same = !memcmp(identity, other, sizeof(other));
	fixture_close(&f);
	return same;
}

TEST("a mount over its own layers is known by their paths below the mountpoint, when they aren't to be found any more")
{
	FIXTURE(f);
	char real[PATH_MAX], mountpoint[PATH_MAX + 2];
	uint8_t identity[16];

	ASSERT(realpath(f.path, real));
	snprintf(mountpoint, sizeof(mountpoint), "%s/r", real);
	ASSERT(!mkdir("r", 0755) && !mkdir("r/l", 0755) && !mkdir("r/l/m", 0755) && !mkdir("r/u", 0755));
	ASSERT_INT(fixture_open_at(&f, "lowerdir=r/l:l1", mountpoint), 0);
	memcpy(identity, f.set->identity, sizeof(identity));
	fixture_close(&f);
	EXPECT(is_known_as(identity, "lowerdir=r/l:l1", real));
	EXPECT(!is_known_as(identity, "lowerdir=r/l:l2", real));
	EXPECT(!is_known_as(identity, "lowerdir=l1:r/l", real));
	EXPECT(!is_known_as(identity, "lowerdir=r/l/m:l1", real));
	/* As if a union were mounted there. */
	ASSERT(!rename("r", "old") && !mkdir("r", 0755));
	EXPECT(is_known_as(identity, "lowerdir=r/l:l1", real));
	EXPECT(is_known_as(identity, "lowerdir=l2/..//r/./l/:l1", real));
	EXPECT(!is_known_as(identity, "lowerdir=r/l/m/..:l1", real));
	EXPECT(!is_known_as(identity, "lowerdir=r/l:l2", real));
	EXPECT(!is_known_as(identity, "lowerdir=r/l:missing", real));
	EXPECT(!is_known_as(identity, "lowerdir=r/l::l1", real));
}

TEST("an upper that becomes free within 5 seconds is taken")
{
	FIXTURE(f);
	struct fixture second = {.fd = -1};
	struct timespec moment = {.tv_nsec = 300000000};
	int status;
	pid_t pid;
	EXPECT_OPENS(&f, SET);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* The lock is shared by parent and child, as by a daemon and who started it: the child's end frees
		 * it. */
		nanosleep(&moment, NULL);
		_exit(0);
	}
	fixture_close(&f);
	EXPECT_INT(fixture_open(&second, SET), 0);
	EXPECT_STR(second.error, NULL);
	fixture_close(&second);
	EXPECT_INT(waitpid(pid, &status, 0), pid);
}

TEST("lower layers may be shared by any number of unions")
{
	FIXTURE(f);
	char *error = NULL;
	ASSERT_INT(mkdir("u2", 0755), 0);
	ASSERT_INT(mkdir("w2", 0755), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(open_second(&f, "lowerdir=l1,upperdir=u2,workdir=w2", &error), 0);
	EXPECT_STR(error, NULL);
}

TEST("closing the set frees the upper at once")
{
	FIXTURE(f);
	unsigned long long start = os_now_ms();
	EXPECT_OPENS(&f, SET);
	fixture_close(&f);
	EXPECT_OPENS(&f, SET);
	EXPECT(os_now_ms() - start < 2000);
}

static void kernel_mount(void)
{
	FIXTURE(f);
	char *options;
	ASSERT_INT(mkdir("k", 0755), 0);
	ASSERT_INT(mkdir("w2", 0755), 0);
	ASSERT_INT(mkdir("odd,u: \\x", 0755), 0);
	ASSERT(asprintf(&options, "lowerdir=%1$s/l1,upperdir=%1$s/odd\\,u: \\\\x,workdir=%1$s/w", f.path) > 0);
	if (mount("overlay", "k", "overlay", 0, options) < 0) {
		printf("# no kernel overlayfs here\n");
		free(options);
		return;
	}
	free(options);
	EXPECT_REFUSED(&f, "lowerdir=l2,upperdir=odd\\,u: \\\\x,workdir=w2", -EBUSY,
		       "upperdir: odd,u: \\x: in use by another mount");
	EXPECT_REFUSED(&f, "lowerdir=l2,upperdir=u,workdir=w", -EBUSY, "workdir: w: in use by another mount");
	EXPECT_INT(umount("k"), 0);
	EXPECT_OPENS(&f, "lowerdir=l2,upperdir=u,workdir=w");
}

TEST("an upper or work directory of a kernel overlayfs mount is refused")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, kernel_mount);
}

static void called_twice(void)
{
	FIXTURE(f);
	unsigned long long start;
	char *error = NULL;
	int fuse;
	ASSERT_INT(mkdir("m2", 0755), 0);
	EXPECT_OPENS(&f, SET);
	fuse = mount_silent_fuse("m");
	if (fuse < 0) {
		printf("# no FUSE here\n");
		return;
	}
	start = os_now_ms();
	EXPECT_INT(open_second(&f, SET, &error), -EALREADY);
	EXPECT_STR(error, NULL);
	EXPECT(os_now_ms() - start < 2000);
	EXPECT_INT(open_second(&f, "lowerdir=l2,upperdir=u,workdir=w", &error), -EBUSY);
	EXPECT_STR(error, "upperdir: u: in use by another mount");
	free(error);
	umount_silent_fuse("m", fuse);
	/* The same call while nothing is mounted there, the other daemon is just ending. */
	error = NULL;
	EXPECT_INT(open_second(&f, SET, &error), -EBUSY);
	free(error);
}

TEST("a second call for what is mounted already is told so at once, other layers are refused")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, called_twice);
}
