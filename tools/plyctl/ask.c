/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions go to stderr, because stdout may be a file.
 */
#include "ask.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool ask_can(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

char ask_letter(const char *question, const char *letters)
{
	char line[64];

	for (;;) {
		fprintf(stderr, "%s ", question);
		if (!fgets(line, sizeof(line), stdin) || *line == '\n')
			return *letters;
		*line = (char)tolower((unsigned char)*line);
		if (strchr(letters, *line))
			return *line;
	}
}

bool ask_yes(const char *question)
{
	char text[80];

	snprintf(text, sizeof(text), "%s [y/N]", question);
	return ask_can() && ask_letter(text, "ny") == 'y';
}
