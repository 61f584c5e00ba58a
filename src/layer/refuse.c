/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one line that a refused set of layers leaves: "OPTION: PATH: cause". The first cause stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "internal.h"

static const char *refuse_cause_of(int err)
{
	switch (-err) {
	case ENOTDIR:
		return "not a directory";
	case EROFS:
		return "read-only file system";
	default:
		return strerror(-err);
	}
}

int layer_refuse(struct layer_opening *lo, int err, const char *option, const char *path, const char *fmt, ...)
{
	_cleanup_free_ char *cause = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&cause, fmt, ap) < 0)
		cause = NULL;
	va_end(ap);
	return cause ? error_set(lo->error, err, "%s: %s%s%s", option, path ? path : "", path ? ": " : "", cause) : err;
}

int layer_passing(int ret)
{
	switch (-ret) {
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EIO:
	case EROFS:
	case EINTR:
	case EAGAIN:
	case ESTALE:
	case ETIMEDOUT:
		return ret;
	default:
		return 0;
	}
}

int layer_supports(int ret)
{
	return ret >= 0 ? 1 : layer_passing(ret);
}

int layer_refuse_errno(struct layer_opening *lo, int err, const char *option, const char *path)
{
	return layer_refuse(lo, err, option, path, "%s", refuse_cause_of(err));
}
