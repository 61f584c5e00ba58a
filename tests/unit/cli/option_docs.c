/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what the option table says in the forms that other files hold: for option-docs.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		char *(*make)(void);
	} parts[] = {
		{"table", option_manual_table}, {"list", option_manual_list}, {"idle", option_manual_idle_list},
		{"words", option_word_list},	{"paths", option_path_list},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *text = strcmp(parts[i].name, argv[1]) ? NULL : parts[i].make();

		if (text) {
			fputs(text, stdout);
			free(text);
			return fflush(stdout) ? 1 : 0;
		}
	}
	fprintf(stderr, "usage: option-docs table|list|idle|words|paths\n");
	return 2;
}
