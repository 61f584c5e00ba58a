/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the parts of view/check.h share.
 */
#ifndef VIEW_CHECK_STATE_H
#define VIEW_CHECK_STATE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"
#include "format/ovl_fh.h"
#include "os/mount.h"
#include "view/check.h"

/* A number in an ino xattr, and who has it. */
struct check_ino {
	uint64_t number, ino;
	dev_t dev;
	char *path; /* owned */
};

struct checking {
	const struct view_stack *stack;
	struct layer_set *set;
	struct view_check *check;
	view_check_failed failed;
	void *arg;
	bool alone;	       /* a single directory: what is below isn't known */
	bool loop_told;	       /* of redirects */
	bool crashed;	       /* the last mount of the work directory hasn't ended as it should */
	int upper_fd, work_fd; /* O_RDONLY of the topmost layer, O_PATH of the work directory; -1: none; owned */

	/* the layer that is being walked */
	size_t layer;
	size_t n_device_whiteouts, n_aufs_whiteouts;
	char *aufs_whiteout; /* the first; owned */
	struct check_ino *inos;
	size_t n_inos, inos_room;
	char *names; /* of xattrs; owned */
};

#define CHECK_NAMES_SIZE 65536
#define CHECK_VALUE_SIZE 4096

/* Adds a finding. `fmt` may be NULL. -ENOMEM. */
int check_add(struct checking *c, enum view_fault fault, size_t layer, const char *path, const char *xattr,
	      const char *fmt, ...) PRINTF_FORMAT(6, 7);
/* The same as a note. */
int check_note(struct checking *c, enum view_fault fault, size_t layer, const char *path);
/* Tells that something can't be looked at. */
int check_failed_at(struct checking *c, size_t layer, const char *path, int err);

/* The objects of a layer, one by one. */
int check_layer(struct checking *c, size_t layer);
/* All layers together. */
int check_union(struct checking *c);
/* All layers of an image that is packed. */
int check_packed(struct checking *c, char **ret_error);
/* The work directory. */
int check_work(struct checking *c);

/* Opens the object of a handle (O_PATH) in the file system that it names. -ENXIO: this process can't tell; -ESTALE: it
 * leads nowhere. */
int check_open_handle(const struct checking *c, const struct ovl_fh *fh);

#endif
