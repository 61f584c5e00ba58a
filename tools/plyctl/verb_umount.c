/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl umount: what mounted the union unmounts it, umount(8) for root and fusermount3(1) for others.
 */
#include "plyctl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int run_umount(int argc, char **argv)
{
	if (argc != 1)
		return usage_error("umount: one MOUNTPOINT is wanted");
	if (geteuid() == 0)
		execlp("umount", "umount", "--", argv[0], NULL);
	else
		execlp("fusermount3", "fusermount3", "-u", "--", argv[0], NULL);
	return fail("%s: %s", geteuid() == 0 ? "umount" : "fusermount3", strerror(errno));
}

const struct verb verb_umount = {
	.name = "umount", .operands = "MOUNTPOINT", .help = "Unmount a union", .makes = true, .run = run_umount};
