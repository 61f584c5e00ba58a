/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in the layers of a stack, in an upper, and in its work directory: what the format (FORMAT.md) doesn't permit,
 * what leads nowhere, and what other programs would read in another way. Layers that plyfs, kernel overlayfs or an
 * engine wrote have none, also after a crash: what a crash leaves and the next mount removes is a note, no fault.
 *
 * Of an image that is packed, each layer is read once: the names in it, what they mean for the layers below, and its
 * digests and size as the image states them. Nothing of it can be mended.
 *
 * A single directory is an upper whose layers below aren't known. Then nothing is said about what it hides. The work
 * directory is known for live unions and for a .mstack. Else it is one that the caller names, or one beside the upper
 * that looks like one.
 *
 * Looking changes nothing and takes no lock, so it may see a live upper on its way from one state to the next.
 * view_check_fix() mends some kinds of faults. It refuses layers that are in use. It never changes what a union shows,
 * but for faults for which no union shows anything, and but for those that need `destroy`.
 */
#ifndef VIEW_CHECK_H
#define VIEW_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "view/stack.h"

enum view_fault {
	VIEW_FAULT_ORPHAN_WHITEOUT,
	VIEW_FAULT_LOWEST_WHITEOUT,
	VIEW_FAULT_BAD_WHITEOUT,
	VIEW_FAULT_DANGLING_REDIRECT,
	VIEW_FAULT_BAD_REDIRECT,
	VIEW_FAULT_REDIRECT_LOOP,
	VIEW_FAULT_BAD_OPAQUE,
	VIEW_FAULT_BAD_IMPURE,
	VIEW_FAULT_BAD_METACOPY,
	VIEW_FAULT_NO_DATA,
	VIEW_FAULT_OTHER_SIZE,
	VIEW_FAULT_BAD_ORIGIN,
	VIEW_FAULT_DANGLING_ORIGIN,
	VIEW_FAULT_OTHER_ORIGIN,
	VIEW_FAULT_BAD_NLINK,
	VIEW_FAULT_NLINK_MISMATCH,
	VIEW_FAULT_BAD_PROTATTR,
	VIEW_FAULT_BAD_UUID,
	VIEW_FAULT_BAD_INO,
	VIEW_FAULT_SAME_INO,
	VIEW_FAULT_BAD_SOURCE,
	VIEW_FAULT_BAD_OVERRIDE,
	VIEW_FAULT_MIXED_DIALECTS,
	VIEW_FAULT_RESERVED_NAME,
	VIEW_FAULT_LOWER_CHANGED,
	VIEW_FAULT_OTHER_LOWER,
	VIEW_FAULT_STRAY_TEMP,
	VIEW_FAULT_INDEX_NAME,
	VIEW_FAULT_INDEX_ORIGIN,
	VIEW_FAULT_INDEX_DANGLING,
	VIEW_FAULT_INDEX_UPPER,
	VIEW_FAULT_BAD_NLINK_NOTE,
	VIEW_FAULT_STATE,
	VIEW_FAULT_VOLATILE,
	/* of layers that are packed */
	VIEW_FAULT_SAME_PATH,
	VIEW_FAULT_EMPTY_WHITEOUT,
	VIEW_FAULT_OPAQUE_ROOT,
	VIEW_FAULT_DANGLING_LINK,
	VIEW_FAULT_NO_DIRECTORY,
	VIEW_FAULT_DEVICE_ZERO,
	VIEW_FAULT_UNSTORABLE_NAME,
	VIEW_FAULT_BAD_ARCHIVE,
	VIEW_FAULT_WRONG_DIGEST,
	VIEW_FAULT_WRONG_SIZE,
	VIEW_FAULT_NO_BLOB,
	VIEW_FAULTS,
};
/* "orphan-whiteout", .. */
const char *view_fault_name(enum view_fault fault);
/* One sentence without a full stop. */
const char *view_fault_text(enum view_fault fault);
/* The remedy, as a verb and its object, or NULL. */
const char *view_fault_remedy(enum view_fault fault);
/* The remedy takes away what can't be made again. */
bool view_fault_destroys(enum view_fault fault);

/* A finding that is in no layer. */
#define VIEW_CHECK_WORK SIZE_MAX
struct view_finding {
	enum view_fault fault;
	bool note; /* no fault: the next mount deals with it */
	bool mended;
	/* from the top; VIEW_CHECK_WORK: of the work directory, or the document `path` of a packed image */
	size_t layer;
	char *path;	   /* from the root of that; "" of a packed layer that is wrong itself; owned */
	char *detail;	   /* a value, or what was expected; owned; NULL: nothing to say */
	const char *xattr; /* the xattr that is wrong; NULL: none */
	int err;	   /* -errno of a remedy that failed */
};

struct view_check {
	struct view_finding *list; /* owned */
	size_t n, room;
	char *workdir;	   /* that was looked at, NULL: none; owned */
	bool in_use;	   /* a mount uses the upper */
	bool packed;	   /* there are no directories, and no remedies */
	size_t unreadable; /* how often `failed` was called */
};

/* Something can't be looked at: 0 goes on without it. */
typedef int (*view_check_failed)(void *arg, const char *where, int err);

/* `workdir` NULL: it is looked for. *ret is to be freed also after a failure. `ret_error` as in view/stack.h. */
int view_check_find(const struct view_stack *stack, const char *workdir, view_check_failed failed, void *arg,
		    struct view_check *ret, char **ret_error);
/* Mends what has a remedy, and what destroys only with `destroy`. -EBUSY: a mount uses one of the directories;
 * -EOPNOTSUPP: the layers belong to an engine's store; nothing is changed then. */
int view_check_fix(const struct view_stack *stack, struct view_check *check, bool destroy, char **ret_error);
void view_check_free(struct view_check *check);

#endif
