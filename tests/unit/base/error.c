/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

TEST("the first text stays, and the result is each one's own errno")
{
	_cleanup_error_ struct error error = {0};

	EXPECT_INT(error_set(&error, -ENOENT, "lowerdir: %s: %s", "/a", strerror(ENOENT)), -ENOENT);
	EXPECT_INT(error_set(&error, -EIO, "layers: %s", strerror(EIO)), -EIO);
	EXPECT_INT(error.err, -ENOENT);
	EXPECT_STR(error.text, "lowerdir: /a: No such file or directory");
	EXPECT_STR(error_text(&error), error.text);
}

TEST("a text is one line whatever a path holds, and bytes beyond ASCII stay")
{
	_cleanup_error_ struct error error = {0};

	(void)error_set(&error, -EINVAL, "%s",
			"a\nb\tc\x7f"
			"d\xc3\xa4");
	EXPECT_STR(error.text, "a?b?c?d\xc3\xa4");
}

TEST("without a text memory is short, and a finished error is none")
{
	struct error error = {.err = -ENOMEM};

	EXPECT_STR(error_text(&error), "out of memory");
	error_finish(&error);
	EXPECT_INT(error.err, 0);
	EXPECT_INT(error_set(&error, -EBUSY, "m: in use"), -EBUSY);
	error_finish(&error);
	EXPECT(!error.text && !error.err);
}
