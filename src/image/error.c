// SPDX-License-Identifier: Apache-2.0
/*
 * Names and values of hostile files get into error texts, and these onto terminals: nothing there may move a cursor or
 * begin a new line.
 */
#include "image/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/utf8.h"

static void error_escape(const char *from, char *to, size_t size)
{
	size_t n = 0, len;

	for (; *from && n + 5 < size; from += len ? len : 1) {
		len = utf8_printable((const unsigned char *)from);
		if (len)
			memcpy(to + n, from, len);
		else
			snprintf(to + n, 5, "\\x%02x", (unsigned char)*from);
		n += len ? len : 4;
	}
	to[n] = 0;
}

int image_fail(struct image_error *error, int err, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!CHECK(err < 0))
		err = -EIO;
	if (!error)
		return err;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_escape(text, error->text, sizeof(error->text));
	return err;
}

int image_fail_memory(struct image_error *error)
{
	return image_fail(error, -ENOMEM, "out of memory");
}
