/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted /dev/fuse: a union served by libfuse over a socket whose other end is the test. Raw requests of the
 * protocol (linux/fuse.h) go in and raw replies come out, so everything between the kernel and the tiers below is the
 * code that users run. Nothing is mounted.
 *
 * A thread serves it. device_call() sends one request and waits for the reply to it; messages that the daemon sends by
 * itself (unique 0) are counted and dropped.
 */
#ifndef UNIT_FUSE_DEVICE_H
#define UNIT_FUSE_DEVICE_H

#include <linux/fuse.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/macros.h"
#include "fuse/fs.h"
#include "fuse/host.h"
#include "layer/fixture.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#define DEVICE_MESSAGE_MAX (128 << 10)
#define DEVICE_WAIT_MS 20000

struct device {
	struct fixture f;
	struct host *host;
	struct fs *fs;
	const char
		*second; /* options of the layers of a second union, "b", in the same directory; NULL: there is none */
	struct fixture second_f;
	struct fs *second_fs;
	struct fuse_session *se;
	pthread_t loop;
	bool running;
	_Atomic bool served;			  /* the loop has ended */
	pid_t pid;				  /* whose requests they are; 0: ours */
	void (*before_serving)(struct device *d); /* on the thread that serves; NULL: nothing */
	int fd;					  /* the kernel's end */
	uint64_t unique;
	uint32_t minor; /* of the kernel's protocol, before INIT; 0: that of the headers */
	uid_t uid;	/* whose, likewise */
	unsigned notifications;
	/* the last reply */
	int error; /* 0 or -errno */
	size_t size;
	char body[DEVICE_MESSAGE_MAX];
};

static inline void device_wake(int sig)
{
	(void)sig;
}

static inline void *device_serve(void *arg)
{
	struct device *d = arg;

	if (d->before_serving)
		d->before_serving(d);
	host_serve(d->host);
	atomic_store(&d->served, true);
	return NULL;
}

/* Whether the daemon has read all that was sent. */
static inline bool device_has_read(struct device *d)
{
	int unread = 1;

	return ioctl(d->fd, SIOCOUTQ, &unread) == 0 && unread == 0;
}

/* The next message of the daemon into d; its unique number, or 0 after none came in time or the session ended. */
static inline uint64_t device_receive(struct device *d)
{
	for (;;) {
		struct pollfd ready = {.fd = d->fd, .events = POLLIN};
		struct fuse_out_header h;
		struct iovec iov[2] = {{&h, sizeof(h)}, {d->body, sizeof(d->body)}};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
		ssize_t n;

		if (poll(&ready, 1, DEVICE_WAIT_MS) <= 0)
			return 0;
		n = recvmsg(d->fd, &msg, 0);
		if (n < (ssize_t)sizeof(h) || h.len != (uint32_t)n)
			return 0;
		d->error = h.error;
		d->size = (size_t)n - sizeof(h);
		if (h.unique)
			return h.unique;
		d->notifications++;
	}
}

struct device_part {
	const void *bytes;
	size_t size;
};

/* Sends a request of up to three parts; returns its unique number. */
static inline uint64_t device_send(struct device *d, uint32_t opcode, uint64_t node, struct device_part a,
				   struct device_part b, struct device_part c)
{
	struct fuse_in_header h = {
		.len = (uint32_t)(sizeof(h) + a.size + b.size + c.size),
		.opcode = opcode,
		.unique = d->unique += 2,
		.nodeid = node,
		.uid = d->uid ? d->uid : geteuid(),
		.gid = getegid(),
		.pid = (uint32_t)(d->pid ? d->pid : getpid()),
	};
	struct iovec iov[4] = {{&h, sizeof(h)},
			       {(void *)(uintptr_t)a.bytes, a.size},
			       {(void *)(uintptr_t)b.bytes, b.size},
			       {(void *)(uintptr_t)c.bytes, c.size}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 4};

	return sendmsg(d->fd, &msg, MSG_NOSIGNAL) == (ssize_t)h.len ? h.unique : 0;
}

#define PART(object) ((struct device_part){&(object), sizeof(object)})
#define PART_NAME(text) ((struct device_part){(text), strlen(text) + 1})
#define PART_BYTES(bytes, size) ((struct device_part){(bytes), (size)})
#define PART_NONE ((struct device_part){NULL, 0})

/* One request and its reply: 0 or -errno of the reply, -ETIME without one. */
static inline int device_call(struct device *d, uint32_t opcode, uint64_t node, struct device_part a,
			      struct device_part b, struct device_part c)
{
	uint64_t unique = device_send(d, opcode, node, a, b, c);

	return unique && device_receive(d) == unique ? d->error : -ETIME;
}

static inline int device_init(struct device *d, uint64_t flags)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = d->minor ? d->minor : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 128 << 10,
		.flags = (uint32_t)flags | FUSE_INIT_EXT,
		.flags2 = (uint32_t)(flags >> 32),
	};

	return device_call(d, FUSE_INIT, 0, PART(in), PART_NONE, PART_NONE);
}

static inline void device_close(struct device *d)
{
	if (d->se)
		fuse_session_exit(d->se);
	if (d->fd >= 0)
		close(d->fd);
	if (d->running)
		pthread_join(d->loop, NULL);
	if (d->fs)
		fs_quiesce(d->fs);
	if (d->second_fs)
		fs_quiesce(d->second_fs);
	fs_free(d->fs);
	fs_free(d->second_fs);
	host_free(d->host);
	if (d->se)
		fuse_session_destroy(d->se);
	if (d->f.set)
		layer_set_shutdown(d->f.set);
	if (d->second_f.set)
		layer_set_shutdown(d->second_f.set);
	fixture_close(&d->second_f);
	fixture_finish(&d->f);
}

/* What a daemon has without options. */
static inline struct fs_options device_options(const struct layer_set *set)
{
	static const struct idmap none;

	return (struct fs_options){
		.uidmap = &none,
		.gidmap = &none,
		.timeout = 1e9,
		.sync = true,
		.acl = true,
		.xattrs = true,
		.open_handles = set->has_upper && !set->can_reopen,
		.squash_uid = ID_UNSET,
		.squash_gid = ID_UNSET,
	};
}

static inline struct host_options device_host_options(const struct layer_set *set)
{
	return (struct host_options){
		.acl = true,
		.answers_open = set->has_upper && !set->can_reopen,
		.cpu_latency = CPU_LATENCY_NEVER,
		.max_fds = 1024,
	};
}

static inline bool device_add_second(struct device *d)
{
	struct fs_options opt;

	if (fixture_open(&d->second_f, d->second) < 0)
		return UNIT_FAIL("layers of the second union: %s", d->second_f.error ? d->second_f.error : "?");
	opt = device_options(d->second_f.set);
	opt.name = "b";
	return fs_new(d->host, d->second_f.set, &opt, &d->second_fs) == 0;
}

/* Serves the fixture's directories, which have been filled, with the options `text` of the layers; `adjust` changes
 * those of the host and its union. */
static inline bool device_open_with(struct device *d, const char *text,
				    void (*adjust)(struct host_options *host, struct fs_options *opt))
{
	static pthread_once_t seeded = PTHREAD_ONCE_INIT; /* tables of a union that is open were made with the seed */
	char program[] = "plyfs", path[32];
	char *argv[] = {program, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct host_options host;
	struct fs_options opt;
	int fds[2];

	pthread_once(&seeded, hash_seed_init);
	sigaction(SIGUSR2, &(struct sigaction){.sa_handler = device_wake}, NULL); /* not restarted: see host_serve() */
	if (fixture_open(&d->f, text) < 0)
		return UNIT_FAIL("layers: %s", d->f.error ? d->f.error : "?");
	opt = device_options(d->f.set);
	host = device_host_options(d->f.set);
	if (adjust)
		adjust(&host, &opt);
	if (host_new(&host, &d->host) < 0 || fs_new(d->host, d->f.set, &opt, &d->fs) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return UNIT_FAIL("no file system or no socket");
	if (d->second && !device_add_second(d))
		return false;
	d->fd = fds[0];
	d->se = fuse_session_new(&args, host_operations(), sizeof(struct fuse_lowlevel_ops), d->host);
	fuse_opt_free_args(&args);
	UNIT_PRINT(path, "/dev/fd/%d", fds[1]);
	if (!d->se || fuse_session_mount(d->se, path) < 0 || host_set_session(d->host, d->se) < 0)
		return UNIT_FAIL("no session");
	d->running = pthread_create(&d->loop, NULL, device_serve, d) == 0;
	return d->running;
}

#define DEVICE(d)                                                                                                      \
	struct device *d __attribute__((cleanup(device_free))) = calloc(1, sizeof(*d));                                \
	NEEDS_ROOT();                                                                                                  \
	ASSERT(d);                                                                                                     \
	d->fd = -1;                                                                                                    \
	ASSERT(fixture_init(&d->f))

#define DEVICE_FLAGS                                                                                                   \
	(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT |         \
	 FUSE_PARALLEL_DIROPS | FUSE_POSIX_ACL | FUSE_EXPLICIT_INVAL_DATA | FUSE_HANDLE_KILLPRIV_V2 |                  \
	 FUSE_CACHE_SYMLINKS | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_MAX_PAGES)

#define DEVICE_OPEN(d)                                                                                                 \
	do {                                                                                                           \
		ASSERT(device_open_with((d), "lowerdir=l1:l2,upperdir=u,workdir=w", NULL));                            \
		ASSERT_INT(device_init((d), DEVICE_FLAGS), 0);                                                         \
	} while (0)

static inline void device_free(struct device **d)
{
	if (*d)
		device_close(*d);
	free(*d);
}

/* LOOKUP: the node id, or 0 after an error, which is in d->error. A negative entry is -ENOENT, however it is told. */
static inline uint64_t device_lookup(struct device *d, uint64_t parent, const char *name, struct fuse_entry_out *ret)
{
	struct fuse_entry_out entry = {0};

	if (device_call(d, FUSE_LOOKUP, parent, PART_NAME(name), PART_NONE, PART_NONE) == 0) {
		memcpy(&entry, d->body, MIN(d->size, sizeof(entry)));
		if (!entry.nodeid)
			d->error = -ENOENT;
	}
	if (ret)
		*ret = entry;
	return entry.nodeid;
}

/* READ into d->body; the number of bytes or -errno. */
static inline int device_read(struct device *d, uint64_t node, uint64_t off, uint32_t size)
{
	struct fuse_read_in in = {.offset = off, .size = size};
	int r = device_call(d, FUSE_READ, node, PART(in), PART_NONE, PART_NONE);

	return r < 0 ? r : (int)d->size;
}

static inline int device_write(struct device *d, uint64_t node, uint64_t off, const char *text, uint32_t flags)
{
	struct fuse_write_in in = {.offset = off, .size = (uint32_t)strlen(text), .write_flags = flags};
	int r = device_call(d, FUSE_WRITE, node, PART(in), PART_BYTES(text, strlen(text)), PART_NONE);

	return r < 0 ? r : (int)((struct fuse_write_out *)(void *)d->body)->size;
}

static inline int device_getattr(struct device *d, uint64_t node, struct fuse_attr *ret)
{
	struct fuse_getattr_in in = {0};
	int r = device_call(d, FUSE_GETATTR, node, PART(in), PART_NONE, PART_NONE);
	struct fuse_attr_out out;

	if (r == 0) {
		memcpy(&out, d->body, sizeof(out));
		*ret = out.attr;
	}
	return r;
}

#endif
