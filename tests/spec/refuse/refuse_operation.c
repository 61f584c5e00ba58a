/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload into the daemon: the one FUSE operation that REFUSE_OPERATION names is answered with ENOSYS, as
 * if it had never been written. A scenario that still passes then doesn't test that operation.
 */
#define FUSE_USE_VERSION 314
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fuse_lowlevel.h>

#define OPERATION(name) {#name, offsetof(struct fuse_lowlevel_ops, name)}

static const struct {
	const char *name;
	size_t offset;
} operations[] = {
	OPERATION(lookup),   OPERATION(getattr),     OPERATION(setattr),   OPERATION(readlink),	       OPERATION(mknod),
	OPERATION(mkdir),    OPERATION(unlink),	     OPERATION(rmdir),	   OPERATION(symlink),	       OPERATION(rename),
	OPERATION(link),     OPERATION(read),	     OPERATION(write),	   OPERATION(fsync),	       OPERATION(readdir),
	OPERATION(fsyncdir), OPERATION(statfs),	     OPERATION(setxattr),  OPERATION(getxattr),	       OPERATION(listxattr),
	OPERATION(create),   OPERATION(removexattr), OPERATION(fallocate), OPERATION(copy_file_range), OPERATION(ioctl),
	OPERATION(lseek),
};

/* The request is the first argument of every operation, and the others don't matter. */
static void answer_enosys(fuse_req_t req)
{
	fuse_reply_err(req, ENOSYS);
}

static struct fuse_lowlevel_ops changed(const struct fuse_lowlevel_ops *op, size_t size)
{
	struct fuse_lowlevel_ops copy = {0};
	const char *name = getenv("REFUSE_OPERATION") ?: "";
	void (*answer)(fuse_req_t) = answer_enosys;

	memcpy(&copy, op, size < sizeof(copy) ? size : sizeof(copy));
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].name, name))
			continue;
		memcpy((char *)&copy + operations[i].offset, &answer, sizeof(answer));
		/* the write that takes a buffer vector stands in for the plain one */
		if (!strcmp(name, "write") && copy.write_buf)
			memcpy(&copy.write_buf, &answer, sizeof(answer));
		if (!strcmp(name, "readdir") && copy.readdirplus)
			memcpy(&copy.readdirplus, &answer, sizeof(answer));
		return copy;
	}
	fprintf(stderr, "refuse_operation: no operation '%s'\n", name);
	abort();
}

/* Each name under which one libfuse or another exports the function that is given the operations. */
struct fuse_session *(fuse_session_new)(struct fuse_args * args, const struct fuse_lowlevel_ops *op, size_t size,
					void *userdata)
{
	struct fuse_session *(*real)(struct fuse_args *, const struct fuse_lowlevel_ops *, size_t, void *) =
		(void *)dlsym(RTLD_NEXT, "fuse_session_new");
	struct fuse_lowlevel_ops copy = changed(op, size);

	return real(args, &copy, size, userdata);
}

struct fuse_session *fuse_session_new_versioned(struct fuse_args *args, const struct fuse_lowlevel_ops *op, size_t size,
						void *version, void *userdata);
struct fuse_session *fuse_session_new_versioned(struct fuse_args *args, const struct fuse_lowlevel_ops *op, size_t size,
						void *version, void *userdata)
{
	struct fuse_session *(*real)(struct fuse_args *, const struct fuse_lowlevel_ops *, size_t, void *, void *) =
		(void *)dlsym(RTLD_NEXT, "fuse_session_new_versioned");
	struct fuse_lowlevel_ops copy = changed(op, size);

	return real(args, &copy, size, version, userdata);
}
