/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure on its way up. Its errno is the result of every function on the way; its text says what an errno can't:
 * which option, path or step has failed, and why. The function that notices it sets the text, the functions between
 * hand the struct on, and one function at the top prints it. Nothing on the way is logged.
 *
 * A zeroed struct is no failure. The first text stays, because it is the nearest to the cause. A function that takes a
 * `struct error *ret_error` leaves it alone on success, and says what a failure without text means.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/cleanup.h"
#include "base/macros.h"

struct error {
	int err;    /* negative errno; 0: nothing has failed */
	char *text; /* one line without "plyfs: "; owned; NULL: none was set, or memory is short */
};

/* Sets both, unless there is a text. Control characters, which a path may hold, become question marks. Returns `err`,
 * which is negative. */
int error_set(struct error *error, int err, const char *fmt, ...) PRINTF_FORMAT(3, 4);
/* The text, or that memory is short. Valid as long as the text. */
const char *error_text(const struct error *error);
/* Frees the text. A zeroed struct is accepted. */
void error_finish(struct error *error);

#define _cleanup_error_ _cleanup_(error_finish)

#endif
