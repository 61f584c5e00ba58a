/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <linux/fuse.h>

#include "base/check.h"
#include "ops.h"

#ifdef FUSE_CAP_OVER_IO_URING

#define OPCODE_TMPFILE 51 /* newer than the headers of some distributions */
#define OPCODE_STATX 52

/* After the operation the request may be gone. A job that another thread goes on with has taken the time along. */
#define RING(operation, number, parameters, arguments)                                                                 \
	static void ring_##operation parameters                                                                        \
	{                                                                                                              \
		bool by_ring = fuse_req_is_uring(req);                                                                 \
                                                                                                                       \
		if (by_ring)                                                                                           \
			latency_begin(number);                                                                         \
		op_##operation arguments;                                                                              \
		if (by_ring)                                                                                           \
			latency_end();                                                                                 \
	}

RING(lookup, FUSE_LOOKUP, (fuse_req_t req, fuse_ino_t parent, const char *name), (req, parent, name))
RING(getattr, FUSE_GETATTR, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
RING(setattr, FUSE_SETATTR, (fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi),
     (req, ino, attr, to_set, fi))
RING(readlink, FUSE_READLINK, (fuse_req_t req, fuse_ino_t ino), (req, ino))
RING(mknod, FUSE_MKNOD, (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev),
     (req, parent, name, mode, rdev))
RING(mkdir, FUSE_MKDIR, (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode), (req, parent, name, mode))
RING(unlink, FUSE_UNLINK, (fuse_req_t req, fuse_ino_t parent, const char *name), (req, parent, name))
RING(rmdir, FUSE_RMDIR, (fuse_req_t req, fuse_ino_t parent, const char *name), (req, parent, name))
RING(symlink, FUSE_SYMLINK, (fuse_req_t req, const char *target, fuse_ino_t parent, const char *name),
     (req, target, parent, name))
RING(rename, flags ? FUSE_RENAME2 : FUSE_RENAME,
     (fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname, unsigned flags),
     (req, parent, name, newparent, newname, flags))
RING(link, FUSE_LINK, (fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname),
     (req, ino, newparent, newname))
RING(open, FUSE_OPEN, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
RING(create, FUSE_CREATE, (fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi),
     (req, parent, name, mode, fi))
RING(read, FUSE_READ, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi),
     (req, ino, size, off, fi))
RING(write, FUSE_WRITE,
     (fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi),
     (req, ino, buf, size, off, fi))
RING(flush, FUSE_FLUSH, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
RING(release, FUSE_RELEASE, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
RING(fsync, FUSE_FSYNC, (fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi),
     (req, ino, datasync, fi))
RING(opendir, FUSE_OPENDIR, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
RING(readdir, FUSE_READDIR, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi),
     (req, ino, size, off, fi))
RING(readdirplus, FUSE_READDIRPLUS, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi),
     (req, ino, size, off, fi))
RING(releasedir, FUSE_RELEASEDIR, (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi), (req, ino, fi))
RING(fsyncdir, FUSE_FSYNCDIR, (fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi),
     (req, ino, datasync, fi))
RING(statfs, FUSE_STATFS, (fuse_req_t req, fuse_ino_t ino), (req, ino))
RING(setxattr, FUSE_SETXATTR,
     (fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags),
     (req, ino, name, value, size, flags))
RING(getxattr, FUSE_GETXATTR, (fuse_req_t req, fuse_ino_t ino, const char *name, size_t size), (req, ino, name, size))
RING(listxattr, FUSE_LISTXATTR, (fuse_req_t req, fuse_ino_t ino, size_t size), (req, ino, size))
RING(removexattr, FUSE_REMOVEXATTR, (fuse_req_t req, fuse_ino_t ino, const char *name), (req, ino, name))
RING(fallocate, FUSE_FALLOCATE,
     (fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi),
     (req, ino, mode, off, len, fi))
RING(lseek, FUSE_LSEEK, (fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi),
     (req, ino, off, whence, fi))
RING(copy_file_range, FUSE_COPY_FILE_RANGE,
     (fuse_req_t req, fuse_ino_t in, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t out, off_t off_out,
      struct fuse_file_info *fi_out, size_t len, int flags),
     (req, in, off_in, fi_in, out, off_out, fi_out, len, flags))
RING(ioctl, FUSE_IOCTL,
     (fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
      const void *in, size_t in_size, size_t out_size),
     (req, ino, cmd, arg, fi, flags, in, in_size, out_size))
RING(tmpfile, OPCODE_TMPFILE, (fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi),
     (req, parent, mode, fi))
RING(statx, OPCODE_STATX, (fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi),
     (req, ino, flags, mask, fi))

/* An operation that isn't there is libfuse's to answer. */
#define WRAP(operation)                                                                                                \
	do {                                                                                                           \
		if (ops->operation)                                                                                    \
			ops->operation = ring_##operation;                                                             \
	} while (0)

void ring_wrap(struct fuse_lowlevel_ops *ops)
{
	(void)CHECK(ops);
	WRAP(lookup);
	WRAP(getattr);
	WRAP(setattr);
	WRAP(readlink);
	WRAP(mknod);
	WRAP(mkdir);
	WRAP(unlink);
	WRAP(rmdir);
	WRAP(symlink);
	WRAP(rename);
	WRAP(link);
	WRAP(open);
	WRAP(create);
	WRAP(read);
	WRAP(write);
	WRAP(flush);
	WRAP(release);
	WRAP(fsync);
	WRAP(opendir);
	WRAP(readdir);
	WRAP(readdirplus);
	WRAP(releasedir);
	WRAP(fsyncdir);
	WRAP(statfs);
	WRAP(setxattr);
	WRAP(getxattr);
	WRAP(listxattr);
	WRAP(removexattr);
	WRAP(fallocate);
	WRAP(lseek);
	WRAP(copy_file_range);
	WRAP(ioctl);
	WRAP(tmpfile);
	WRAP(statx);
}
#else
void ring_wrap(struct fuse_lowlevel_ops *ops)
{
	(void)CHECK(ops);
}
#endif
