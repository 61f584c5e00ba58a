/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of advice.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "advise_state.h"
#include "base/array.h"
#include "base/check.h"

int advise_add(struct advising *a, enum view_advice_kind kind, size_t first, size_t last, uint64_t bytes, char *what,
	       const char *fmt, ...)
{
	struct view_advices *advices = a->advices;
	struct view_advice *advice;
	va_list ap;
	int r;

	(void)CHECK(first <= last && last < a->n);
	if (!ARRAY_ROOM(advices->list, advices->n, advices->room, 1)) {
		free(what);
		return -ENOMEM;
	}
	advice = &advices->list[advices->n++];
	*advice = (struct view_advice){
		.kind = kind, .stack = a->stack, .first = first, .last = last, .bytes = bytes, .what = what};
	va_start(ap, fmt);
	r = vasprintf(&advice->text, fmt, ap);
	va_end(ap);
	if (r < 0)
		advice->text = NULL;
	return r < 0 ? -ENOMEM : 0;
}
