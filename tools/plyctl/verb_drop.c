/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl drop: removes uppers that run, try or mount have made.
 */
#include "uppers.h"

#include <unistd.h>

static int drop_one(const char *name)
{
	_cleanup_upper_ struct upper u = {.id = NULL};
	int status = upper_find(name, &u), fd;

	if (status != EXIT_FINE)
		return status;
	if (!u.base)
		return fail("%s: it is no upper that plyctl made", name);
	fd = upper_lock(&u);
	if (fd < 0)
		return EXIT_FAILED;
	status = upper_drop(&u);
	close(fd);
	return status;
}

static int run_drop(int argc, char **argv)
{
	int status = EXIT_FINE;

	if (!argc)
		return usage_error("drop: an UPPER is wanted");
	for (int i = 0; i < argc; i++)
		if (drop_one(argv[i]) != EXIT_FINE)
			status = EXIT_FAILED;
	upper_sweep();
	return status;
}

const struct verb verb_drop = {.name = "drop",
			       .operands = "UPPER..",
			       .help = "Remove uppers that run, try or mount have made",
			       .more = "UPPER is its id, the beginning of it, or its directory. What is mounted stays.",
			       .makes = true,
			       .run = run_drop};
