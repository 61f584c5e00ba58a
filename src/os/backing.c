/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backing files of a FUSE connection, see the kernel's Documentation/filesystems/fuse/fuse-passthrough.rst.
 */
#include "os/backing.h"

#include <stdint.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "base/check.h"

/* Linux 6.9, newer than many headers. */
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define IOC_BACKING_OPEN _IOW(229, 1, struct backing_map)
#define IOC_BACKING_CLOSE _IOW(229, 2, uint32_t)

int os_backing_open(int dev_fd, int fd)
{
	struct backing_map map = {.fd = fd};
	int id = OS_LOOK(ioctl(dev_fd, IOC_BACKING_OPEN, &map));

	return id == 0 ? -EIO : id;
}

void os_backing_close(int dev_fd, int id)
{
	uint32_t which = (uint32_t)id;

	(void)CHECK(id > 0);
	(void)OS_LOOK(ioctl(dev_fd, IOC_BACKING_CLOSE, &which));
}
