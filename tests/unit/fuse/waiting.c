/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait for a copy-up. A lease on the lower file, which is held here, keeps the copy-up waiting as long as
 * a test likes.
 */
#include "device.h"

#include <sys/wait.h>

struct leased {
	int fd;
};

/* A writer's lease, which the copy-up's open has to wait for. */
static bool lease(struct leased *l, const char *path)
{
	signal(SIGIO, SIG_IGN);
	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	return l->fd >= 0 && fcntl(l->fd, F_SETLEASE, F_WRLCK) == 0;
}

static void unlease(struct leased *l)
{
	fcntl(l->fd, F_SETLEASE, F_UNLCK);
	close(l->fd);
	l->fd = -1;
}

static uint64_t send_write(struct device *d, uint64_t node, uint64_t off, const char *text)
{
	struct fuse_write_in in = {.offset = off, .size = (uint32_t)strlen(text)};

	return device_send(d, FUSE_WRITE, node, PART(in), PART_BYTES(text, strlen(text)), PART_NONE);
}

static uint64_t interrupt(struct device *d, uint64_t unique)
{
	struct fuse_interrupt_in in = {.unique = unique};

	return device_send(d, FUSE_INTERRUPT, 0, PART(in), PART_NONE, PART_NONE);
}

/* A process that is dead, but there until it is waited for. */
static pid_t dead_process(void)
{
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	return child;
}

#define WAITING(d, l, node)                                                                                            \
	DEVICE(d);                                                                                                     \
	struct leased l = {.fd = -1};                                                                                  \
	uint64_t node;                                                                                                 \
	ASSERT(make_file("l1/f", "0123456789", 0644));                                                                 \
	DEVICE_OPEN(d);                                                                                                \
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);                                                              \
	ASSERT(node != 0 && lease(&l, "l1/f"))

TEST("a write waits for its copy-up, and no other request for that one")
{
	struct fuse_attr attr;
	uint64_t write;

	WAITING(d, l, node);
	write = send_write(d, node, 0, "W");
	for (unsigned i = 0; i < 20; i++)
		EXPECT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
	EXPECT(!exists("u/f"));
	unlease(&l);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, 0);
	ASSERT_INT(device_read(d, node, 0, 100), 10);
	EXPECT_MEM(d->body, "W123456789", 10);
}

TEST("requests that wait for one copy-up are all answered, and none of their data is lost")
{
	uint64_t writes[3], answers = 0;

	WAITING(d, l, node);
	writes[0] = send_write(d, node, 0, "A");
	writes[1] = send_write(d, node, 4, "B");
	writes[2] = send_write(d, node, 9, "C");
	unlease(&l);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t unique = device_receive(d);

		EXPECT_INT(d->error, 0);
		for (unsigned k = 0; k < 3; k++)
			answers |= unique == writes[k] ? 1U << k : 0;
	}
	EXPECT_INT(answers, 7);
	ASSERT_INT(device_read(d, node, 0, 100), 10);
	EXPECT_MEM(d->body, "A123B5678C", 10);
}

TEST("a signal that kills nobody doesn't end a write")
{
	struct fuse_attr attr;
	uint64_t write;

	WAITING(d, l, node);
	write = send_write(d, node, 0, "W");
	interrupt(d, write);
	/* Longer than the watcher takes to look, twice. */
	for (unsigned i = 0; i < 25; i++) {
		EXPECT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
		usleep(10000);
	}
	unlease(&l);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, 0);
}

TEST("a write of a process that was killed is answered at once, and the file stays below")
{
	uint64_t write;

	WAITING(d, l, node);
	d->pid = dead_process();
	write = send_write(d, node, 0, "W");
	interrupt(d, write);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, -EINTR);
	EXPECT(!exists("u/f"));
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
	unlease(&l);
	EXPECT_INT(device_write(d, node, 0, "X", 0), 1);
}

TEST("an interrupt that comes before its request counts")
{
	uint64_t write;

	WAITING(d, l, node);
	d->pid = dead_process();
	interrupt(d, d->unique + 4);
	write = send_write(d, node, 0, "W");
	EXPECT_INT(write, d->unique);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, -EINTR);
	waitpid(d->pid, NULL, 0);
	unlease(&l);
}

TEST("an interrupt of a request that was answered is nobody's")
{
	struct fuse_getattr_in in = {0};
	uint64_t write, interrupted, getattr, unique;

	WAITING(d, l, node);
	unlease(&l);
	write = send_write(d, node, 0, "W");
	EXPECT_INT(device_receive(d), write);
	interrupted = interrupt(d, write);
	getattr = device_send(d, FUSE_GETATTR, node, PART(in), PART_NONE, PART_NONE);
	unique = device_receive(d);
	/* Where libfuse doesn't know the request any more it asks the kernel to send the interrupt again. */
	if (unique == interrupted) {
		EXPECT_INT(d->error, -EAGAIN);
		unique = device_receive(d);
	}
	EXPECT_INT(unique, getattr);
	EXPECT_INT(d->error, 0);
}

TEST("a node that is forgotten while its copy-up waits is copied up all the same, and its id is stale afterwards")
{
	struct fuse_forget_in forget = {.nlookup = 1};
	struct fuse_attr attr;
	uint64_t write;

	WAITING(d, l, node);
	write = send_write(d, node, 0, "W");
	ASSERT(device_send(d, FUSE_FORGET, node, PART(forget), PART_NONE, PART_NONE));
	EXPECT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
	unlease(&l);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, 0);
	EXPECT(exists("u/f"));
	node = device_lookup(d, FUSE_ROOT_ID, "f", NULL);
	ASSERT_INT(device_read(d, node, 0, 100), 10);
	EXPECT_MEM(d->body, "W123456789", 10);
}

TEST("a name that is removed while its copy-up waits takes nothing from the write, and leaves nothing in the upper")
{
	uint64_t write, unlink;
	struct stat st;

	WAITING(d, l, node);
	write = send_write(d, node, 0, "W");
	unlink = device_send(d, FUSE_UNLINK, FUSE_ROOT_ID, PART_NAME("f"), PART_NONE, PART_NONE);
	ASSERT_INT(device_receive(d), unlink);
	EXPECT_INT(d->error, 0);
	unlease(&l);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, 0);
	EXPECT(lstat("u/f", &st) == 0 && S_ISCHR(st.st_mode));
	ASSERT_INT(device_read(d, node, 0, 100), 10);
	EXPECT_MEM(d->body, "W123456789", 10);
}

TEST("what still waits when the session has ended is answered, and nothing is copied up for it")
{
	uint64_t write;

	WAITING(d, l, node);
	write = send_write(d, node, 0, "W");
	/* It is read before the session ends. */
	while (!device_has_read(d))
		usleep(1000);
	fuse_session_exit(d->se);
	while (!atomic_load(&d->served)) {
		pthread_kill(d->loop, SIGUSR2);
		usleep(1000);
	}
	pthread_join(d->loop, NULL);
	d->running = false;
	fs_quiesce(d->fs);
	EXPECT_INT(device_receive(d), write);
	EXPECT_INT(d->error, -EIO);
	EXPECT(!exists("u/f"));
	unlease(&l);
}
