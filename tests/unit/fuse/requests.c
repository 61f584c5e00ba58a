/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw requests in, raw replies out: what the kernel is told, to the byte where the protocol demands it.
 */
#include "device.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "unit.h"

TEST("INIT takes what is offered of the setuid bits, leaves O_TRUNC to SETATTR and promises what the kernel may cache")
{
	DEVICE(d);
	struct fuse_init_out out;

	DEVICE_OPEN(d);
	ASSERT_INT(d->size, sizeof(out));
	memcpy(&out, d->body, sizeof(out));
	EXPECT_INT(out.major, FUSE_KERNEL_VERSION);
	EXPECT(out.flags & FUSE_HANDLE_KILLPRIV_V2);
	EXPECT(out.flags & FUSE_EXPLICIT_INVAL_DATA);
	EXPECT(out.flags & FUSE_PARALLEL_DIROPS);
	EXPECT(out.flags & FUSE_POSIX_ACL);
	EXPECT(!(out.flags & FUSE_ATOMIC_O_TRUNC));
	EXPECT(!(out.flags & FUSE_WRITEBACK_CACHE));
	EXPECT_INT(out.max_write, 256 << 10);
}

TEST("what isn't offered isn't taken")
{
	DEVICE(d);
	struct fuse_init_out out;

	ASSERT(device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", NULL));
	ASSERT_INT(device_init(d, FUSE_BIG_WRITES), 0);
	memcpy(&out, d->body, sizeof(out));
	EXPECT_INT(out.flags & ~(uint32_t)(FUSE_BIG_WRITES | FUSE_INIT_EXT), 0);
}

/* How many messages lie at the kernel's end when the session says that it is live. */
static int kernels_end;
static _Atomic int answers_when_live = -1;

static void on_live(void *arg)
{
	struct pollfd ready = {.fd = kernels_end, .events = POLLIN};

	(void)arg;
	/* The first time counts. */
	if (answers_when_live < 0)
		answers_when_live = poll(&ready, 1, 0);
}

static void tell_live(struct host_options *host, struct fs_options *opt)
{
	(void)opt;
	host->on_live = on_live;
}

TEST("the mount is live when the kernel has the answer to INIT, and not before")
{
	const struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .flags = DEVICE_FLAGS};
	uint64_t unique;
	DEVICE(d);

	ASSERT(device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", tell_live));
	kernels_end = d->fd;
	unique = device_send(d, FUSE_INIT, 0, PART(in), PART_NONE, PART_NONE);
	for (int ms = 0; answers_when_live < 0 && ms < DEVICE_WAIT_MS; ms++)
		usleep(1000);
	EXPECT_INT(answers_when_live, 1);
	EXPECT_INT(device_receive(d), unique);
}

TEST("an answer to INIT that can't be written ends the session")
{
	const struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .flags = DEVICE_FLAGS};
	struct timespec end;
	DEVICE(d);

	signal(SIGPIPE, SIG_IGN); /* of a socket alone */
	ASSERT(device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", NULL));
	ASSERT_INT(shutdown(d->fd, SHUT_RD), 0);
	ASSERT(device_send(d, FUSE_INIT, 0, PART(in), PART_NONE, PART_NONE));
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += DEVICE_WAIT_MS / 1000;
	ASSERT_INT(pthread_timedjoin_np(d->loop, NULL, &end), 0);
	d->running = false;
}

TEST("OPEN and OPENDIR are answered once and for all, where the kernel can do without")
{
	DEVICE(d);
	struct fuse_open_in in = {.flags = O_RDONLY};
	uint64_t node;

	ASSERT(make_file("l1/f", "lower", 0644));
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT(node);
	EXPECT_INT(device_call(d, FUSE_OPEN, node, PART(in), PART_NONE, PART_NONE), -ENOSYS);
	EXPECT_INT(device_call(d, FUSE_OPENDIR, FUSE_ROOT_ID, PART(in), PART_NONE, PART_NONE), -ENOSYS);
}

TEST("LOOKUP answers with attributes that stay valid, and with a negative entry that does too")
{
	DEVICE(d);
	struct fuse_entry_out entry;

	ASSERT(make_file("l2/f", "from below", 0640));
	DEVICE_OPEN(d);
	ASSERT(device_lookup(d, FUSE_ROOT_ID, "f", &entry));
	EXPECT_INT(entry.attr.size, strlen("from below"));
	EXPECT_INT(entry.attr.mode, S_IFREG | 0640);
	EXPECT(entry.entry_valid > 1000000 && entry.attr_valid > 1000000);
	ASSERT_INT(device_call(d, FUSE_LOOKUP, FUSE_ROOT_ID, PART_NAME("none"), PART_NONE, PART_NONE), 0);
	memcpy(&entry, d->body, sizeof(entry));
	EXPECT_INT(entry.nodeid, 0);
	EXPECT(entry.entry_valid > 1000000);
}

TEST("the same name is the same node, and after its lookups are forgotten its id is stale and not another file's")
{
	DEVICE(d);
	struct fuse_forget_in forget = {.nlookup = 2};
	struct fuse_attr attr;
	uint64_t node, other;

	ASSERT(make_file("l1/f", "f", 0644) && make_file("l1/g", "g", 0644));
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "f", NULL), node);
	ASSERT(device_send(d, FUSE_FORGET, node, PART(forget), PART_NONE, PART_NONE));
	EXPECT_INT(device_getattr(d, node, &attr), -ESTALE);
	other = device_lookup(d, FUSE_ROOT_ID, "g", NULL);
	EXPECT(other && other != node);
	EXPECT_INT(device_getattr(d, node, &attr), -ESTALE);
}

TEST("a node id that was never given out is stale in every operation")
{
	static const uint32_t opcodes[] = {FUSE_GETATTR, FUSE_READLINK, FUSE_READ,     FUSE_WRITE,
					   FUSE_FSYNC,	 FUSE_READDIR,	FUSE_LISTXATTR};
	const uint64_t never = UINT64_C(77) << 32 | 12345;
	char zeros[128] = "";
	DEVICE(d);

	DEVICE_OPEN(d);
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++)
		EXPECT_INT(device_call(d, opcodes[i], never, PART_BYTES(zeros, 80), PART_NONE, PART_NONE), -ESTALE);
	EXPECT_INT(device_call(d, FUSE_LOOKUP, never, PART_NAME("x"), PART_NONE, PART_NONE), -ESTALE);
	EXPECT_INT(device_call(d, FUSE_UNLINK, never, PART_NAME("x"), PART_NONE, PART_NONE), -ESTALE);
}

TEST("READ answers with the bytes of the lower file, and less at its end")
{
	DEVICE(d);
	uint64_t node;

	ASSERT(make_file("l2/f", "0123456789", 0644));
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_read(d, node, 2, 4), 4);
	EXPECT_MEM(d->body, "2345", 4);
	EXPECT_INT(device_read(d, node, 8, 4096), 2);
	EXPECT_INT(device_read(d, node, 10, 4096), 0);
	EXPECT(!exists("u/f"));
}

TEST("WRITE to a lower file copies it up and answers once, with all the bytes")
{
	DEVICE(d);
	uint64_t node;

	ASSERT(make_file("l2/f", "0123456789", 0644));
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_write(d, node, 4, "XY", 0), 2);
	EXPECT_INT(device_read(d, node, 0, 4096), 10);
	EXPECT_MEM(d->body, "0123XY6789", 10);
	EXPECT(exists("u/f"));
}

TEST("a WRITE whose caller may not keep setuid takes it away, any other leaves it")
{
	DEVICE(d);
	struct fuse_attr attr;
	uint64_t node;

	ASSERT(make_file("u/f", "program", 0755) && chmod("u/f", 04755) == 0);
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_write(d, node, 0, "P", 0), 1);
	ASSERT_INT(device_getattr(d, node, &attr), 0);
	EXPECT_INT(attr.mode & 07777, 04755);
	ASSERT_INT(device_write(d, node, 0, "Q", FUSE_WRITE_KILL_SUIDGID), 1);
	ASSERT_INT(device_getattr(d, node, &attr), 0);
	EXPECT_INT(attr.mode & 07777, 0755);
}

TEST("CREATE gives an entry and a file that can be written, and CREATE of a name that is there fails")
{
	DEVICE(d);
	struct fuse_create_in in = {.flags = O_CREAT | O_EXCL | O_WRONLY, .mode = S_IFREG | 0600};
	struct fuse_entry_out entry;

	ASSERT(make_file("l1/old", "old", 0644));
	DEVICE_OPEN(d);
	ASSERT_INT(device_call(d, FUSE_CREATE, FUSE_ROOT_ID, PART(in), PART_NAME("new"), PART_NONE), 0);
	ASSERT_INT(d->size, sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out));
	memcpy(&entry, d->body, sizeof(entry));
	EXPECT_INT(entry.attr.mode, S_IFREG | 0600);
	EXPECT_INT(device_write(d, entry.nodeid, 0, "abc", 0), 3);
	EXPECT_INT(device_call(d, FUSE_CREATE, FUSE_ROOT_ID, PART(in), PART_NAME("old"), PART_NONE), -EEXIST);
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "new", NULL), entry.nodeid);
}

TEST("UNLINK of a lower file leaves a whiteout, and the node goes on reading")
{
	DEVICE(d);
	struct stat st;
	uint64_t node;

	ASSERT(make_file("l1/f", "still here", 0644));
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_call(d, FUSE_UNLINK, FUSE_ROOT_ID, PART_NAME("f"), PART_NONE, PART_NONE), 0);
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "f", NULL), 0);
	EXPECT(lstat("u/f", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0);
	EXPECT_INT(device_read(d, node, 0, 100), 10);
}

TEST("RENAME2 knows its flags and refuses RENAME_WHITEOUT")
{
	DEVICE(d);
	struct fuse_rename2_in in = {.newdir = FUSE_ROOT_ID, .flags = RENAME_NOREPLACE};

	ASSERT(make_file("l1/a", "a", 0644) && make_file("u/b", "b", 0644));
	DEVICE_OPEN(d);
	ASSERT(device_lookup(d, FUSE_ROOT_ID, "a", NULL) && device_lookup(d, FUSE_ROOT_ID, "b", NULL));
	EXPECT_INT(device_call(d, FUSE_RENAME2, FUSE_ROOT_ID, PART(in), PART_NAME("a"), PART_NAME("b")), -EEXIST);
	in.flags = RENAME_WHITEOUT;
	EXPECT_INT(device_call(d, FUSE_RENAME2, FUSE_ROOT_ID, PART(in), PART_NAME("a"), PART_NAME("b")), -EINVAL);
	in.flags = RENAME_EXCHANGE;
	EXPECT_INT(device_call(d, FUSE_RENAME2, FUSE_ROOT_ID, PART(in), PART_NAME("a"), PART_NAME("b")), 0);
	in.flags = 0;
	EXPECT_INT(device_call(d, FUSE_RENAME2, FUSE_ROOT_ID, PART(in), PART_NAME("a"), PART_NAME("c")), 0);
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "a", NULL), 0);
	EXPECT(device_lookup(d, FUSE_ROOT_ID, "c", NULL));
}

/* The names of a directory, read in replies of `room` bytes, as " a b c". */
static bool list(struct device *d, uint64_t node, uint32_t room, char *ret, size_t size)
{
	struct fuse_read_in in = {.size = room};

	ret[0] = '\0';
	for (;;) {
		if (device_call(d, FUSE_READDIR, node, PART(in), PART_NONE, PART_NONE) < 0)
			return false;
		if (!d->size)
			return true;
		for (size_t at = 0; at + FUSE_NAME_OFFSET <= d->size;) {
			const struct fuse_dirent *e = (const struct fuse_dirent *)(const void *)(d->body + at);
			size_t used = strlen(ret);

			if (at + FUSE_DIRENT_SIZE(e) > d->size || e->off <= in.offset)
				return false;
			in.offset = e->off;
			if (e->name[0] != '.')
				snprintf(ret + used, size - used, " %.*s", (int)e->namelen, e->name);
			at += FUSE_DIRENT_SIZE(e);
		}
	}
}

TEST("READDIR gives each name once and rising offsets, however small the replies are")
{
	DEVICE(d);
	char names[256];

	ASSERT(make_file("l1/a", "", 0644) && make_file("l2/a", "", 0644) && make_file("l2/b", "", 0644) &&
	       make_file("u/c", "", 0644));
	DEVICE_OPEN(d);
	ASSERT(list(d, FUSE_ROOT_ID, 4096, names, sizeof(names)));
	EXPECT_INT(strlen(names), strlen(" a b c"));
	EXPECT(strstr(names, " a") && strstr(names, " b") && strstr(names, " c"));
	ASSERT(list(d, FUSE_ROOT_ID, 32, names, sizeof(names)));
	EXPECT_INT(strlen(names), strlen(" a b c"));
}

TEST("private attributes are neither listed nor given")
{
	DEVICE(d);
	struct fuse_getxattr_in in = {.size = 1000};
	uint64_t node;

	ASSERT(make_file("u/f", "", 0644) && setxattr("u/f", "trusted.overlay.origin", "x", 1, 0) == 0 &&
	       setxattr("u/f", "user.mine", "1", 1, 0) == 0);
	DEVICE_OPEN(d);
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_call(d, FUSE_LISTXATTR, node, PART(in), PART_NONE, PART_NONE), 0);
	EXPECT_INT(d->size, sizeof("user.mine"));
	EXPECT_MEM(d->body, "user.mine", sizeof("user.mine"));
	EXPECT_INT(device_call(d, FUSE_GETXATTR, node, PART(in), PART_NAME("trusted.overlay.origin"), PART_NONE),
		   -ENODATA);
}

/* As chattr(1) does it: those that the file has stay. */
static int add_flags(struct device *d, uint64_t node, unsigned flags)
{
	struct fuse_ioctl_in get = {.cmd = FS_IOC_GETFLAGS, .out_size = sizeof(long)};
	struct fuse_ioctl_in set = {.cmd = FS_IOC_SETFLAGS, .in_size = sizeof(long)};
	unsigned before;
	long value;
	int r = device_call(d, FUSE_IOCTL, node, PART(get), PART_NONE, PART_NONE);

	if (r < 0)
		return r;
	memcpy(&before, d->body + sizeof(struct fuse_ioctl_out), sizeof(before));
	value = before | flags;
	return device_call(d, FUSE_IOCTL, node, PART(set), PART(value), PART_NONE);
}

static int set_fsxattr(struct device *d, uint64_t node, unsigned flags)
{
	struct fuse_ioctl_in in = {.cmd = FS_IOC_FSSETXATTR, .in_size = sizeof(struct fsxattr)};
	struct fsxattr value = {.fsx_xflags = flags};

	return device_call(d, FUSE_IOCTL, node, PART(in), PART(value), PART_NONE);
}

/* A process of user 1000's, without capabilities, which does nothing. */
static pid_t make_user(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (setresuid(1000, 1000, 1000) < 0 || write(ready[1], "", 1) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

TEST("where the kernel doesn't ask, inode flags are changed by owners, and those that protect by nobody without "
     "privilege")
{
	uint64_t own, roots;
	pid_t user;
	DEVICE(d);

	ASSERT(make_file("u/own", "x", 0644) && make_file("u/roots", "x", 0644));
	ASSERT_INT(chown("u/own", 1000, 1000), 0);
	ASSERT(device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", NULL));
	d->minor = 33;
	ASSERT_INT(device_init(d, DEVICE_FLAGS), 0);
	own = device_lookup(d, FUSE_ROOT_ID, "own", NULL);
	roots = device_lookup(d, FUSE_ROOT_ID, "roots", NULL);
	if (add_flags(d, own, FS_NOATIME_FL) == -ENOTTY || d->error == -EOPNOTSUPP)
		SKIP("no inode flags here");
	EXPECT_INT(d->error, 0);
	user = make_user();
	ASSERT(user > 0);
	d->uid = 1000;
	d->pid = user;
	EXPECT_INT(add_flags(d, own, FS_NODUMP_FL), 0);
	EXPECT_INT(add_flags(d, own, FS_IMMUTABLE_FL), -EPERM);
	EXPECT_INT(add_flags(d, own, FS_APPEND_FL), -EPERM);
	EXPECT_INT(set_fsxattr(d, own, FS_XFLAG_IMMUTABLE), -EPERM);
	EXPECT_INT(set_fsxattr(d, own, FS_XFLAG_APPEND), -EPERM);
	EXPECT_INT(add_flags(d, roots, FS_NODUMP_FL), -EPERM);
	EXPECT_INT(set_fsxattr(d, roots, FS_XFLAG_NODUMP), -EPERM);
	d->uid = 0;
	d->pid = 0;
	EXPECT_INT(add_flags(d, roots, FS_NODUMP_FL), 0);
	kill(user, SIGKILL);
	waitpid(user, NULL, 0);
}

TEST("an operation that nobody knows is answered with ENOSYS and the session goes on")
{
	DEVICE(d);
	struct fuse_attr attr;

	DEVICE_OPEN(d);
	EXPECT_INT(device_call(d, 4000, FUSE_ROOT_ID, PART_NONE, PART_NONE, PART_NONE), -ENOSYS);
	EXPECT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
}

static void revalidate(struct host_options *host, struct fs_options *opt)
{
	host->revalidate = true;
	opt->timeout = 0;
	opt->revalidate = true;
}

TEST("with timeout=0 nothing stays valid, and a change of a layer shows in the next answer")
{
	DEVICE(d);
	struct fuse_entry_out entry;

	ASSERT(make_file("l1/f", "one", 0644));
	ASSERT(device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", revalidate));
	ASSERT_INT(device_init(d, DEVICE_FLAGS), 0);
	ASSERT(device_lookup(d, FUSE_ROOT_ID, "f", &entry));
	EXPECT(!entry.entry_valid && !entry.attr_valid);
	ASSERT(unlink("l1/f") == 0);
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "f", NULL), 0);
}

TEST("two unions live in one process, each with its own session")
{
	DEVICE(a);
	struct device *b __attribute__((cleanup(device_free))) = calloc(1, sizeof(*b));
	uint64_t node;

	ASSERT(make_file("l1/f", "first", 0644));
	DEVICE_OPEN(a);
	ASSERT(b);
	b->fd = -1;
	ASSERT(fixture_init(&b->f));
	ASSERT(make_file("l1/f", "second", 0644));
	DEVICE_OPEN(b);
	node = device_lookup(a, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_read(a, node, 0, 100), 5);
	EXPECT_MEM(a->body, "first", 5);
	node = device_lookup(b, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_read(b, node, 0, 100), 6);
	EXPECT_MEM(b->body, "second", 6);
	ASSERT_INT(device_write(b, node, 0, "S", 0), 1);
	node = device_lookup(a, FUSE_ROOT_ID, "f", NULL);
	EXPECT_INT(device_read(a, node, 0, 100), 5);
	EXPECT_MEM(a->body, "first", 5);
}

/* The request loop's clock stops some milliseconds after the last request. */
TEST("a session ends whenever it is cut, also just when its clock stops")
{
	for (unsigned i = 0; i < 150; i++) {
		DEVICE(d);
		struct fuse_attr attr;

		DEVICE_OPEN(d);
		ASSERT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
		usleep(1500 + i % 50 * 100);
	}
}
