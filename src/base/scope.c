/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Thread_local struct scope *scope_of_thread;

int scope_new(const char prefix[static LOG_PREFIX_MAX], struct scope **ret_scope)
{
	struct scope *scope = calloc(1, sizeof(*scope));

	if (!scope)
		return -ENOMEM;
	memcpy(scope->prefix, prefix, sizeof(scope->prefix));
	*ret_scope = scope;
	return 0;
}

void scope_free(struct scope *scope)
{
	free(scope);
}
