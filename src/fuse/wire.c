/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between the kernel and libfuse, seen as they pass.
 *
 * libfuse drops what a WRITE or SETATTR says of the setuid and setgid bits, so without this plyfs couldn't take over
 * removing them (FUSE_HANDLE_KILLPRIV_V2). Without that the kernel asks for security.capability before every write, a
 * second round trip, and leaves setgid to strangers where the group may not execute. So the flags are read from the raw
 * request and kept for the thread that serves it, and the answer to INIT gets the flag that older versions of libfuse
 * don't know. So it does with FUSE_NO_EXPORT_SUPPORT.
 *
 * The layouts are the kernel's (linux/fuse.h), which never change.
 */
#include "wire.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/counter.h"
#include "base/latency.h"
#include "base/log.h"
#include "base/macros.h"
#include "cpu_latency.h"
#include "negotiate.h"
#include "os/fs.h"
#include "os/fuse_device.h"

/* Newer than the headers of some distributions. */
#ifndef FUSE_NO_EXPORT_SUPPORT
#define FUSE_NO_EXPORT_SUPPORT (1ULL << 38)
#endif

/* Of the request that this thread read last. */
static _Thread_local bool kills_priv;

static bool wire_is_request(const char *buf, size_t n, size_t arg_size)
{
	return n >= sizeof(struct fuse_in_header) + arg_size && buf;
}

static void note_init(struct host *host, const struct fuse_in_header *h, const char *arg, size_t n)
{
	struct fuse_init_in in;

	if (!wire_is_request(arg, n, sizeof(in)))
		return;
	memcpy(&in, arg, sizeof(in));
	host->init.offers_killpriv = in.flags & FUSE_HANDLE_KILLPRIV_V2;
	host->init.offers_parallel_dirops = in.flags & FUSE_PARALLEL_DIROPS;
	host->init.offers_no_export = in.flags & FUSE_INIT_EXT && in.flags2 & FUSE_NO_EXPORT_SUPPORT >> 32;
	atomic_store(&host->init.unique, h->unique);
}

static void note_request(struct host *host, const char *buf, size_t n)
{
	struct fuse_in_header h;
	const char *arg = buf + sizeof(h);

	kills_priv = false;
	if (!wire_is_request(buf, n, 0))
		return;
	memcpy(&h, buf, sizeof(h));
	if (h.opcode == FUSE_WRITE && wire_is_request(buf, n, sizeof(struct fuse_write_in))) {
		struct fuse_write_in in;

		memcpy(&in, arg, sizeof(in));
		kills_priv = in.write_flags & FUSE_WRITE_KILL_SUIDGID;
	} else if (h.opcode == FUSE_SETATTR && wire_is_request(buf, n, sizeof(struct fuse_setattr_in))) {
		struct fuse_setattr_in in;

		memcpy(&in, arg, sizeof(in));
		kills_priv = in.valid & FATTR_KILL_SUIDGID;
	} else if (h.opcode == FUSE_INIT) {
		note_init(host, &h, arg, n);
	}
}

/* Of the union that the request is for. */
static void enter_scope(const struct host *host, const char *buf, size_t n)
{
	struct fuse_in_header h = {0};

	if (wire_is_request(buf, n, 0))
		memcpy(&h, buf, sizeof(h));
	(void)host_find(host, h.nodeid);
}

/* The next request, or -errno. */
static ssize_t read_request(struct host *host, int fd, void *buf, size_t size)
{
	ssize_t n = os_fuse_read(fd, buf, size);

	(void)CHECK(host->session && fd >= 0);
	if (n <= 0)
		return n;
	if (host->cpu_latency)
		cpu_latency_note(host->cpu_latency);
	if (!host->single)
		enter_scope(host, buf, (size_t)n);
	note_request(host, buf, (size_t)n);
	if (wire_is_request(buf, (size_t)n, 0))
		latency_begin(((const struct fuse_in_header *)buf)->opcode);
	return n;
}

/* What libfuse calls gives errors as system calls do. */
static ssize_t as_system_call(ssize_t n)
{
	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

static ssize_t wire_read(int fd, void *buf, size_t size, void *arg)
{
	return as_system_call(read_request(arg, fd, buf, size));
}

ssize_t wire_receive(struct host *host, void *buf, size_t size)
{
	ssize_t n = read_request(host, fuse_session_fd(host->session), buf, size);

	if (n < 0)
		return n;
	return wire_is_request(buf, (size_t)n, 0) ? n : -EIO;
}

/* --- answers to READ ---------------------------------------------------------------------------------------------- */

/* What this thread reads; of size 0: nothing. */
static _Thread_local struct {
	int fd;
	size_t size;
	off_t off;
} reading;

void wire_reads(int fd, size_t size, off_t off)
{
	(void)CHECK(!reading.size && fd >= 0);
	reading.fd = fd;
	reading.size = size;
	reading.off = off;
}

void wire_has_read(void)
{
	reading.size = 0;
}

/* The error behind what an answer of that size has of the file, or 0: then its bytes are counted. */
static int settle_read(size_t size)
{
	size_t n = size - sizeof(struct fuse_out_header);
	ssize_t r = 0;
	char byte;

	(void)CHECK(size >= sizeof(struct fuse_out_header) && n <= reading.size);
	if (n < reading.size)
		r = os_pread_all(reading.fd, &byte, 1, reading.off + (off_t)n);
	if (r >= 0)
		counter_add(COUNTER_READ_BYTES, n);
	return (int)MIN(r, 0);
}

static size_t size_of(const struct iovec *iov, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	return size;
}

/* The error in the place of what the message has. */
static void put_error(struct iovec *iov, int err)
{
	struct fuse_out_header h;

	memcpy(&h, iov->iov_base, sizeof(h));
	h.len = sizeof(h);
	h.error = err;
	memcpy(iov->iov_base, &h, sizeof(h));
}

/* The same of a message that lies in a pipe: all of it is taken out, as if it had been sent. */
static ssize_t send_error(int from, int to, size_t size, int err)
{
	char bytes[4096];
	struct iovec iov = {bytes, sizeof(struct fuse_out_header)};
	ssize_t n = os_fuse_read(from, bytes, iov.iov_len);

	if (n != (ssize_t)iov.iov_len)
		return n < 0 ? n : -EIO;
	put_error(&iov, err);
	n = os_fuse_writev(to, &iov, 1);
	for (size_t left = size - iov.iov_len; n >= 0 && left > 0; left -= (size_t)n) {
		n = os_fuse_read(from, bytes, MIN(left, sizeof(bytes)));
		if (n == 0)
			n = -EIO;
	}
	return n < 0 ? n : (ssize_t)size;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The answer to INIT, if it is that: what is offered is taken. */
static bool amend_init(struct host *host, struct iovec *iov, int count)
{
	struct fuse_out_header h;
	struct fuse_init_out out;
	size_t size;

	if (count < 2 || iov[0].iov_len != sizeof(h) || iov[1].iov_len < FUSE_COMPAT_22_INIT_OUT_SIZE)
		return false;
	memcpy(&h, iov[0].iov_base, sizeof(h));
	if (h.unique != atomic_load(&host->init.unique) || h.error)
		return false;
	atomic_store(&host->init.unique, 0);
	size = MIN(iov[1].iov_len, sizeof(out));
	memcpy(&out, iov[1].iov_base, size);
	if (host->init.offers_killpriv)
		out.flags |= FUSE_HANDLE_KILLPRIV_V2;
	if (host->init.offers_parallel_dirops)
		out.flags |= FUSE_PARALLEL_DIROPS;
	if (host->init.offers_no_export && size == sizeof(out) && out.flags & FUSE_INIT_EXT)
		out.flags2 |= FUSE_NO_EXPORT_SUPPORT >> 32;
	memcpy(iov[1].iov_base, &out, size);
	return true;
}

/* Messages that are no answers have no number. */
static bool is_answer(const struct iovec *iov)
{
	struct fuse_out_header h;

	if (iov->iov_len < sizeof(h))
		return false;
	memcpy(&h, iov->iov_base, sizeof(h));
	return h.unique != 0;
}

/* ENOENT says that nobody waits any more, ENODEV that the mount is gone. libfuse tells of all others on stderr, which
 * nobody reads. */
static void tell_lost(ssize_t n)
{
	if (n < 0 && n != -ENOENT && n != -ENODEV)
		log_limited(LOG_CAUSE_SESSION, LOG_ERR, "an answer can't be written, and whoever asked waits on: %s",
			    strerror((int)-n));
}

static ssize_t wire_writev(int fd, struct iovec *iov, int count, void *arg)
{
	struct host *host = arg;
	bool is_init = atomic_load_explicit(&host->init.unique, memory_order_relaxed) && amend_init(host, iov, count);
	bool answers = is_answer(iov);
	ssize_t n = 0;

	(void)CHECK(count > 0 && iov[0].iov_len >= sizeof(struct fuse_out_header));
	if (answers && reading.size)
		n = settle_read(size_of(iov, count));
	if (n < 0) {
		put_error(iov, (int)n);
		count = 1;
	}
	if (answers) {
		latency_end();
		host->on_answer();
	}
	n = os_fuse_writev(fd, iov, count);
	if (answers)
		tell_lost(n);
	if (is_init)
		host_started(host, (int)MIN(n, 0));
	return as_system_call(n);
}

/* A READ that was interrupted meanwhile is no error, of which libfuse would tell: the kernel has taken what was in the
 * pipe. */
static ssize_t wire_splice(int from, off_t *off_from, int to, off_t *off_to, size_t size, unsigned flags, void *arg)
{
	const struct host *host = arg;
	ssize_t n;
	int err;

	(void)off_from;
	(void)off_to;
	latency_end();
	err = settle_read(size);
	host->on_answer();
	n = err < 0 ? send_error(from, to, size, err) : os_fuse_splice(from, to, size, flags);
	tell_lost(n);
	return as_system_call(n == -ENOENT ? (ssize_t)size : n);
}

bool wire_takes_killpriv(const struct host *host)
{
	return atomic_load(&host->init.unique) != 0 && host->init.offers_killpriv;
}

bool wire_kills_priv(void)
{
	return kills_priv;
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
/* A descriptor of its own for each thread; with messages of our own libfuse leaves that to us too. */
static int wire_clone(int session_fd)
{
	return os_fuse_clone(session_fd);
}

static int attach(struct fuse_session *se)
{
	static const struct fuse_custom_io io = {
		.read = wire_read, .writev = wire_writev, .splice_send = wire_splice, .clone_fd = wire_clone};

	return fuse_session_custom_io_317(se, &io, sizeof(io), fuse_session_fd(se));
}
#else
static int attach(struct fuse_session *se)
{
	static const struct fuse_custom_io io = {.read = wire_read, .writev = wire_writev, .splice_send = wire_splice};

	return fuse_session_custom_io(se, &io, fuse_session_fd(se));
}
#endif

int wire_attach(struct fuse_session *se)
{
	int r = attach(se);

	return r == -ENOTSUP ? 0 : r < 0 ? r : 1;
}
