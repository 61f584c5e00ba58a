/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners of upper objects.
 *
 * Where the mount squashes owners they are a wish: they are set where that is possible, and else the object belongs to the daemon.
 */
#include "change/change.h"

#include <errno.h>

#include "internal.h"

/* What keeps a daemon from giving objects away: no privilege, or no such id in its user namespace or on the layer's mount. */
static bool is_refusal(int err)
{
	return err == -EPERM || err == -EINVAL || err == -EOVERFLOW;
}

int change_set_owner(struct change *change, int fd, uid_t uid, gid_t gid)
{
	int r = sys_fchown(fd, uid, gid);

	return change->squash && is_refusal(r) ? 0 : r;
}
