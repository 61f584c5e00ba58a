/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses a command line that is written as one text; words are separated by blanks.
 */
#ifndef OPTION_HELPERS_H
#define OPTION_HELPERS_H

#include "cli/option.h"
#include "unit.h"

static struct options opts;
static struct option_error error;
static bool selinux_is_on = true;

static inline int parse_as(bool privileged, const char *line)
{
	const struct option_env env = {.privileged = privileged, .selinux = selinux_is_on};
	char *copy = strdup(line), *argv[32];
	int argc = 0, r;

	for (char *save, *word = strtok_r(copy, " ", &save); word && argc < 31; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	r = options_parse(argc, argv, &env, &opts, &error);
	free(copy);
	return r;
}

static inline int parse(const char *line)
{
	return parse_as(true, line);
}

/* The command line is refused with exactly this status and text. */
#define EXPECT_REFUSED(line, status_, text_)                                                                           \
	do {                                                                                                           \
		if (parse(line) == 0) {                                                                                \
			options_free(&opts);                                                                           \
			UNIT_FAIL("\"%s\" is taken", line);                                                            \
		} else {                                                                                               \
			EXPECT_STR(error.text, text_);                                                                 \
			EXPECT_INT(error.status, status_);                                                             \
		}                                                                                                      \
	} while (0)

#endif
