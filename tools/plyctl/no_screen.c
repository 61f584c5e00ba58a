/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build without ncursesw: the verbs say what they lack.
 */
#include "top.h"

static int run_explore(int argc, char **argv)
{
	return fail("explore: this plyctl was built without ncursesw");
}

const struct verb verb_explore = {.name = "explore",
				  .operands = "STACK",
				  .help = "Walk through layers and the union on a full screen",
				  .more = "This plyctl was built without ncursesw, so it can't.",
				  .run = run_explore};

int top_screen(struct top *top)
{
	return fail("top: this plyctl was built without ncursesw; top -b prints lines");
}
