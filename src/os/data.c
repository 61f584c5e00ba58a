/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File data and syncing. What is read or written may be short (an error behind it, a signal, a quota); everything else
 * is one call.
 */
#include "base/check.h"
#include "os/fs.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

/* An error begins where a block does, and few files end there: elsewhere the end isn't asked for. */
#define BLOCK 512

ssize_t os_pread(int fd, void *buf, size_t size, off_t off)
{
	(void)CHECK(fd >= 0);
	return OS_LOOK(pread(fd, buf, size, off));
}

ssize_t os_pread_all(int fd, void *buf, size_t size, off_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = os_pread(fd, (char *)buf + done, size - done, off + (off_t)done);

		if (n < 0)
			return n;
		done += (size_t)n;
		if (n == 0 || (off + (off_t)done) % BLOCK)
			break;
	}
	return (ssize_t)done;
}

ssize_t os_pwrite_all(int fd, const void *buf, size_t size, off_t off)
{
	const char *from = buf;
	size_t done = 0;

	while (done < size) {
		ssize_t n = OS_CHANGE(pwrite(fd, from + done, size - done, off + (off_t)done));

		if (n == 0)
			n = -EIO;
		(void)CHECK(n <= (ssize_t)(size - done));
		if (n < 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t os_copy_file_range(int in, off_t *off_in, int out, off_t *off_out, size_t len)
{
	(void)CHECK(in >= 0 && out >= 0 && len > 0);
	return OS_CHANGE(copy_file_range(in, off_in, out, off_out, len, 0));
}

int os_ficlone(int out, int in)
{
	return OS_CHANGE(ioctl(out, FICLONE, in));
}

int os_fallocate(int fd, int mode, off_t off, off_t len)
{
	return OS_CHANGE(fallocate(fd, mode, off, len));
}

off_t os_lseek(int fd, off_t off, int whence)
{
	return OS_LOOK(lseek(fd, off, whence));
}

int os_fsync(int fd)
{
	(void)CHECK(fd >= 0);
	return OS_CHANGE(fsync(fd));
}

int os_fdatasync(int fd)
{
	(void)CHECK(fd >= 0);
	return OS_CHANGE(fdatasync(fd));
}

int os_syncfs(int fd)
{
	return OS_CHANGE(syncfs(fd));
}

int os_sync_file_range(int fd, off_t off, off_t len, unsigned flags)
{
	return OS_CHANGE(sync_file_range(fd, off, len, flags));
}

int os_flock(int fd, int operation)
{
	return flock(fd, operation) < 0 ? -errno : 0;
}

void os_will_read(int fd, off_t off, off_t len)
{
	(void)posix_fadvise(fd, off, len, POSIX_FADV_WILLNEED);
}
