/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mountpoint before the mount. A call for what is mounted already in the same way at the same place is no mistake:
 * engines make it. With an upper the layers tell it (layer/layer.h), because somebody has the lock of the upper.
 * Without one there is nothing to be exclusive about, and the union that is mounted there is asked which it is. This is
 * done too where it covers layers of its own, which can't be opened again. Other layers at the same place are mounted
 * on top.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "internal.h"
#include "base/cleanup.h"
#include "os/fs.h"
#include "os/mount.h"
#include "os/task.h"

#define WAIT_MS 5000
#define POLL_MS 50

/* Looking for the topmost mount at the mountpoint. */
struct mountpoint_search {
	const struct options *opt;
	bool has_our_type; /* which has the type that ours will have */
};

static int look_at_mount(void *arg, const struct os_mountinfo *m)
{
	struct mountpoint_search *search = arg;

	if (!strcmp(m->mountpoint, search->opt->mountpoint))
		search->has_our_type = !strncmp(m->fstype, "fuse.", 5) && !strcmp(m->fstype + 5, search->opt->subtype);
	return 0;
}

/* False: nothing is mounted there. It costs less than the table of mounts, and nobody is asked who may hang. Before
 * Linux 5.8 the kernel doesn't tell. */
static bool may_be_mounted(const struct options *opt)
{
	_cleanup_close_ int fd = os_open_path(opt->mountpoint, O_PATH | O_DIRECTORY, 0);
	struct statx stx;

	if (fd < 0 || os_statx_cached(fd, "", &stx) < 0)
		return true;
	return !(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) || (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Strangers aren't asked for more: they may hang. */
static bool has_our_type(const struct options *opt)
{
	struct mountpoint_search search = {.opt = opt};

	if (may_be_mounted(opt))
		os_each_mount(look_at_mount, &search);
	return search.has_our_type;
}

static bool has_identity(const struct options *opt, const uint8_t identity[LAYER_IDENTITY_SIZE])
{
	uint8_t there[LAYER_IDENTITY_SIZE];
	_cleanup_close_ int fd = os_open_path(opt->mountpoint, O_RDONLY | O_DIRECTORY, 0);

	return fd >= 0 && fs_ask_identity(fd, there) == 0 && !memcmp(there, identity, sizeof(there));
}

static bool is_same(const struct options *opt, const struct layer_set *set)
{
	return has_our_type(opt) && has_identity(opt, set->identity);
}

bool mountpoint_has_same(const struct options *opt, const struct stack_spec *spec)
{
	uint8_t identity[LAYER_IDENTITY_SIZE];

	return has_our_type(opt) && layer_overmounted_identity(spec, opt->mountpoint, identity) == 0 &&
	       has_identity(opt, identity);
}

int mountpoint_lock(const struct options *opt, const struct layer_set *set, int *ret_fd)
{
	unsigned long long start = os_now_ms();

	*ret_fd = -1;
	if (set->has_upper || !strncmp(opt->mountpoint, "/dev/fd/", strlen("/dev/fd/")))
		return 0;
	for (;;) {
		_cleanup_close_ int fd = os_open_path(opt->mountpoint, O_RDONLY | O_DIRECTORY, 0);
		int r = fd < 0 ? fd : os_flock(fd, LOCK_EX | LOCK_NB);

		/* Who keeps it for longer isn't about to mount; and without a lock only calls at the same time aren't
		 * seen. */
		if (r != -EWOULDBLOCK || os_now_ms() >= start + WAIT_MS) {
			*ret_fd = TAKE_FD(fd);
			return is_same(opt, set) ? -EALREADY : 0;
		}
		os_sleep_us(POLL_MS * 1000);
	}
}

void mountpoint_unlock(int *fd)
{
	/* The parent, which waits for us, has the descriptor too. */
	if (*fd < 0)
		return;
	os_flock(*fd, LOCK_UN);
	os_close(*fd);
	*fd = -1;
}
