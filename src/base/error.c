/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* A path may hold any byte, the message is one line. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int error_set(struct error *error, int err, const char *fmt, ...)
{
	va_list args;

	(void)CHECK(err < 0);
	if (error->text)
		return err;
	error->err = err;
	va_start(args, fmt);
	if (vasprintf(&error->text, fmt, args) < 0)
		error->text = NULL;
	va_end(args);
	if (error->text)
		make_one_line(error->text);
	return err;
}

const char *error_text(const struct error *error)
{
	return error->text ? error->text : "out of memory";
}

void error_finish(struct error *error)
{
	(void)CHECK(!error->text || error->err < 0);
	free(error->text);
	*error = (struct error){.text = NULL};
}
