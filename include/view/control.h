/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the control socket of a plyfs (control/protocol.h). The device number of the mount is the name of the
 * socket. It is looked for in the directory of the option control_socket, if the command line of the daemon is known.
 * The next ones are $XDG_RUNTIME_DIR/plyfs, /run/plyfs, and as root /run/user/UID/plyfs of the daemon's user. A
 * directory counts if it is root's or one's own, or as root that of the daemon's user, and nobody else may write there.
 * So does the process at the other end.
 *
 * A daemon that doesn't answer holds nobody up: a question takes no longer than the caller says, and an answer has
 * CONTROL_ANSWER bytes at most. Errors are -errno, with one line "NAME: cause" that the caller frees.
 */
#ifndef VIEW_CONTROL_H
#define VIEW_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "view/stack.h"

/* How long a question may take; one that freezes has to wait for changes that are under way. */
#define VIEW_CONTROL_MS 4000U
#define VIEW_CONTROL_FREEZE_MS 15000U

struct view_control;

/* The daemon of the plyfs that is mounted at a path, which isn't touched: only the table of mounts says. -ENODEV:
 * nothing that has a control socket is mounted there. -ENOENT: there is no socket. */
int view_control_open(const char *mountpoint, struct view_control **ret, char **ret_error);
/* That of a live union that is known already. */
int view_control_of(const struct view_stack *stack, struct view_control **ret, char **ret_error);
void view_control_close(struct view_control *control);

/* Asks for one line of JSON, `request` without its newline, within `ms`. *ret_answer has no newline, and is valid until
 * the next question. It isn't looked at: it may say "ok":false, or be no JSON at all. After an error the connection is
 * of no use. */
int view_control_ask(struct view_control *control, const char *request, unsigned ms, const char **ret_answer,
		     char **ret_error);
/* The mountpoint, as the table of mounts has it. */
const char *view_control_mountpoint(const struct view_control *control);
/* Calls `each` for each mountpoint of a plyfs until it returns non-zero, and returns this value. -errno: the table
 * can't be read. */
int view_control_each(int (*each)(void *arg, const char *mountpoint), void *arg);

#endif
