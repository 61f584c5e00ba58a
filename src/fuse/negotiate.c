/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INIT: what is asked of the kernel and why stands in DESIGN.md; what is compiled in depends on libfuse's version.
 *
 * libfuse 3.17 moved the flags beyond 32 bits into fuse_set_feature_flag(); feature_want() hides the difference.
 */
#include "negotiate.h"
#include "passthrough.h"

#include <inttypes.h>
#include <utlist.h>

#include "base/check.h"
#include "base/log.h"
#include "wire.h"

/* Of Linux 5.14. Since 5.13 the kernel knows FS_IOC_SETFLAGS for what it is and checks it by itself; before, it hands
 * on any ioctl(2). */
#define CHECKED_FLAGS_MINOR 34U

static const struct {
	uint64_t cap;
	const char *name;
	bool off; /* libfuse's default that must go */
} features[] = {
	{FUSE_CAP_ASYNC_READ, "async-read", false},
	{FUSE_CAP_PARALLEL_DIROPS, "parallel-dirops", false},
	{FUSE_CAP_POSIX_ACL, "posix-acl", false},
	{FUSE_CAP_DONT_MASK, "dont-mask", false},
	{FUSE_CAP_CACHE_SYMLINKS, "cache-symlinks", false},
	{FUSE_CAP_EXPLICIT_INVAL_DATA, "explicit-inval-data", false},
	{FUSE_CAP_READDIRPLUS, "readdirplus", false},
	{FUSE_CAP_IOCTL_DIR, "ioctl-dir", false},
	{FUSE_CAP_NO_OPEN_SUPPORT, "no-open", false},
	{FUSE_CAP_NO_OPENDIR_SUPPORT, "no-opendir", false},
#ifdef FUSE_CAP_DIRECT_IO_ALLOW_MMAP
	{FUSE_CAP_DIRECT_IO_ALLOW_MMAP, "direct-io-allow-mmap", false},
#endif
	{FUSE_CAP_WRITEBACK_CACHE, "writeback-cache", false},
#ifdef FUSE_CAP_PASSTHROUGH
	{FUSE_CAP_PASSTHROUGH, "passthrough", false},
#endif
#ifdef FUSE_CAP_OVER_IO_URING
	{FUSE_CAP_OVER_IO_URING, "io-uring", false},
	/* On a ring messages don't pass through wire.c, and such a libfuse tells by itself whose writes take setuid
	 * away. */
	{FUSE_CAP_HANDLE_KILLPRIV_V2, "native-killpriv-v2", false},
#endif
	{FUSE_CAP_ATOMIC_O_TRUNC, "atomic-o-trunc", true},
	{FUSE_CAP_ASYNC_DIO, "async-dio", true},
	{FUSE_CAP_AUTO_INVAL_DATA, "auto-inval-data", false},
	{FUSE_CAP_READDIRPLUS_AUTO, "readdirplus-auto", true},
	{FUSE_CAP_HANDLE_KILLPRIV, "handle-killpriv", true},
	{FUSE_CAP_SPLICE_READ, "splice-read", true},
	{FUSE_CAP_SPLICE_WRITE, "splice-write", false},
	{FUSE_CAP_SPLICE_MOVE, "splice-move", true},
	{FUSE_CAP_FLOCK_LOCKS, "flock-locks", true},
	{FUSE_CAP_POSIX_LOCKS, "posix-locks", true},
};

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
static bool feature_capable(struct fuse_conn_info *conn, uint64_t cap)
{
	return (conn->capable_ext & cap) != 0;
}
static bool feature_want(struct fuse_conn_info *conn, uint64_t cap)
{
	return fuse_set_feature_flag(conn, cap);
}
static void feature_unwant(struct fuse_conn_info *conn, uint64_t cap)
{
	fuse_unset_feature_flag(conn, cap);
}
static bool feature_wanted(struct fuse_conn_info *conn, uint64_t cap)
{
	return (conn->want_ext & cap) != 0;
}
#else
static bool feature_capable(struct fuse_conn_info *conn, uint64_t cap)
{
	return (conn->capable & cap) != 0;
}
static bool feature_want(struct fuse_conn_info *conn, uint64_t cap)
{
	if (!feature_capable(conn, cap))
		return false;
	conn->want |= (unsigned)cap;
	return true;
}
static void feature_unwant(struct fuse_conn_info *conn, uint64_t cap)
{
	conn->want &= ~(unsigned)cap;
}
static bool feature_wanted(struct fuse_conn_info *conn, uint64_t cap)
{
	return (conn->want & cap) != 0;
}
#endif

static bool asked_for(const struct host *host, uint64_t cap)
{
	if (cap == FUSE_CAP_POSIX_ACL)
		return host->opt.acl;
	if (cap == FUSE_CAP_WRITEBACK_CACHE)
		return host->opt.writeback;
	if (cap == FUSE_CAP_CACHE_SYMLINKS || cap == FUSE_CAP_EXPLICIT_INVAL_DATA)
		return !host->opt.revalidate;
#ifdef FUSE_CAP_PASSTHROUGH
	if (cap == FUSE_CAP_PASSTHROUGH)
		return host->opt.passthrough;
#endif
#ifdef FUSE_CAP_OVER_IO_URING
	if (cap == FUSE_CAP_OVER_IO_URING || cap == FUSE_CAP_HANDLE_KILLPRIV_V2)
		return host->opt.io_uring;
#endif
	/* Where layers may change beneath us a new modification time empties the page cache. */
	if (cap == FUSE_CAP_AUTO_INVAL_DATA)
		return host->opt.revalidate;
	return true;
}

static void negotiate_features(struct host *host, struct fuse_conn_info *conn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		if (features[i].off || !asked_for(host, features[i].cap))
			feature_unwant(conn, features[i].cap);
		else
			feature_want(conn, features[i].cap);
	}
}

/* Depth 0: an overlay can be mounted on top of us, and files of layers that are on an overlay themselves go without. */
static void start_passthrough(struct host *host, struct fuse_conn_info *conn)
{
#ifdef FUSE_CAP_PASSTHROUGH
	if (!host->session || !feature_wanted(conn, FUSE_CAP_PASSTHROUGH))
		return;
	conn->max_backing_stack_depth = 0;
	if (passthrough_new(fuse_session_fd(host->session), &host->passthrough) < 0)
		feature_unwant(conn, FUSE_CAP_PASSTHROUGH);
#endif
}

static bool any_is_volatile(const struct host *host)
{
	const struct fs *fs;

	LL_FOREACH(host->unions, fs)
		if (fs->layers->is_volatile)
			return true;
	return false;
}

static void log_negotiated(const struct host *host, struct fuse_conn_info *conn)
{
	char line[1024];
	size_t used = 0;

	line[0] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		if (feature_wanted(conn, features[i].cap) && used < sizeof(line))
			used += (size_t)snprintf(line + used, sizeof(line) - used, " %s", features[i].name);
	log_message(LOG_INFO, "negotiated: FUSE %u.%u, max_write %u, max_readahead %u, max_background %u:%s%s%s%s",
		    conn->proto_major, conn->proto_minor, conn->max_write, conn->max_readahead, conn->max_background,
		    line, wire_takes_killpriv(host) ? " handle-killpriv-v2" : "",
		    host->no_open ? ", files open without a request" : ", files open with a handle",
		    any_is_volatile(host) ? ", volatile" : "");
}

static void note_negotiated(struct host *host, struct fuse_conn_info *conn)
{
	struct fs_negotiated *n = &host->negotiated;

	(void)CHECK(!atomic_load(&host->is_negotiated) && ARRAY_SIZE(features) <= 64);
	*n = (struct fs_negotiated){.major = conn->proto_major,
				    .minor = conn->proto_minor,
				    .max_write = conn->max_write,
				    .max_readahead = conn->max_readahead,
				    .max_background = conn->max_background,
				    .opens = !host->no_open,
				    .opendirs = !host->no_opendir,
				    .killpriv = wire_takes_killpriv(host)};
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		n->features |= (uint64_t)feature_wanted(conn, features[i].cap) << i;
	atomic_store(&host->is_negotiated, true);
}

bool fs_negotiated(const struct fs *fs, struct fs_negotiated *ret)
{
	if (!CHECK(fs->host) || !atomic_load(&fs->host->is_negotiated))
		return false;
	*ret = fs->host->negotiated;
	return true;
}

const char *fs_feature_name(unsigned number)
{
	return number < ARRAY_SIZE(features) ? features[number].name : NULL;
}

/*
 * The kernel takes no less than a page, and buffers of less end the session. This bounds reads too.
 *
 * Of more than 256 KiB a buffer doesn't stay in a processor's cache, and a file of ext4 that was written by such pieces
 * lies in the page cache in folios of that size, all of whose blocks each small write looks at: of a MiB a random write
 * of 4 KiB takes the daemon 24 us, of 256 KiB 15.
 */
unsigned host_max_write(const struct host *host)
{
	return host->opt.max_write ? MAX(host->opt.max_write, 4096U) : 256U << 10;
}

void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct host *host = userdata;
	struct fs *fs;

	(void)CHECK(host->unions && host->session);
	negotiate_features(host, conn);
	if (feature_wanted(conn, FUSE_CAP_WRITEBACK_CACHE))
		LL_FOREACH(host->unions, fs)
			data_keep_mtimes(fs->data);
	conn->max_write = host_max_write(host);
	/* libfuse ends the session where it differs from the mount option. */
	conn->max_read = host->opt.max_read;
	conn->max_background = host->opt.max_background ? host->opt.max_background : 64;
	if (host->opt.max_readahead && host->opt.max_readahead < conn->max_readahead)
		conn->max_readahead = host->opt.max_readahead;
	conn->time_gran = 1;
	host->no_open =
		!host->opt.answers_open && !host->opt.writeback && feature_capable(conn, FUSE_CAP_NO_OPEN_SUPPORT);
	start_passthrough(host, conn);
	host->no_opendir = !host->opt.revalidate && !host->opt.answers_opendir &&
			   feature_capable(conn, FUSE_CAP_NO_OPENDIR_SUPPORT);
	note_negotiated(host, conn);
	if (host->opt.print_negotiated)
		log_negotiated(host, conn);
	host->checks_flags = conn->proto_minor < CHECKED_FLAGS_MINOR;
	if (!host->is_wired)
		host_started(host, 0);
}

void fs_print_features(FILE *out)
{
	fprintf(out, "libfuse %s (built against %u.%u), tmpfile %s, passthrough %s, statx %s, io_uring %s\n",
		fuse_pkgversion(), FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
		FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17) ? "yes" : "no",
#ifdef FUSE_CAP_PASSTHROUGH
		"yes",
#else
		"no",
#endif
		FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18) ? "yes" : "no",
#ifdef FUSE_CAP_OVER_IO_URING
		"yes"
#else
		"no"
#endif
	);
}
