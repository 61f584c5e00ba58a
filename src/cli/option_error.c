/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser says when it refuses: one line, whatever bytes the command line holds.
 */
#include "option_internal.h"
#include "base/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void option_sanitize(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

int option_refuse(struct option_error *error, const char *name, size_t name_len, const char *value, size_t value_len,
		  const char *cause)
{
	const char *more = value_len > VALUE_SHOWN ? "..." : "";
	int shown = (int)MIN(value_len, (size_t)VALUE_SHOWN), named = (int)MIN(name_len, (size_t)64);

	(void)CHECK(cause && *cause && !error->status);
	error->status = 1;
	if (value && value_len)
		snprintf(error->text, sizeof(error->text), "%.*s: %.*s%s: %s", named, name, shown, value, more, cause);
	else
		snprintf(error->text, sizeof(error->text), "%.*s: %s", named, name, cause);
	option_sanitize(error->text);
	return -EINVAL;
}

int option_usage(struct option_error *error, const char *format, ...)
{
	(void)CHECK(!error->status);
	va_list args;

	error->status = 2;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	option_sanitize(error->text);
	return -EINVAL;
}

int option_no_memory(struct option_error *error)
{
	error->status = 1;
	snprintf(error->text, sizeof(error->text), "out of memory");
	return -ENOMEM;
}
