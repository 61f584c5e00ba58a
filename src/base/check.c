/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when an invariant doesn't hold. The line is rate-limited: a broken invariant in a hot path must not fill
 * the log's disk as well.
 */
#include "base/check.h"

#include <stdlib.h>

#include "base/log.h"

bool check_failed(const char *expr, const char *file, int line, const char *func)
{
	log_limited(LOG_CAUSE_INVARIANT, LOG_ERR, "broken invariant: %s at %s:%d in %s()", expr, file, line, func);
#ifdef PLYFS_DEBUG
	abort();
#endif
	return false;
}
