/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build without ncursesw: the verbs say what they lack.
 */
#include "top.h"

int top_screen(struct top *top)
{
	return fail("top: this plyctl was built without ncursesw; top -b prints lines");
}
