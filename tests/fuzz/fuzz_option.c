/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a command line, words separated by newlines. What is taken must be complete and print as options for
 * libfuse; what is refused must have one line of text and a status.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "cli/option.h"

static void check_taken(struct options *options)
{
	char *text;

	MUST(options->program);
	if (options->help || options->version)
		return;
	MUST(options->mountpoint && *options->mountpoint && options->layer_count && options->fsname &&
	     options->subtype);
	MUST(!options->upperdir == !options->workdir);
	for (size_t i = 0; i < options->layer_count; i++)
		MUST(*options->layers[i].path && (i ? options->layers[i].data_only >= options->layers[i - 1].data_only
						    : !options->layers[i].data_only));
	for (size_t i = 0; i < options->warnings.count; i++)
		MUST(!strchr(options->warnings.items[i], '\n'));
	text = options_helper_string(options);
	MUST(text && strstr(text, "fsname="));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), *argv[16];
	struct option_error error;
	struct options options;
	int argc = 0;

	MUST(copy);
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (char *word = copy; word && argc < 15;) {
		char *next = strchr(word, '\n');

		if (next)
			*next++ = '\0';
		argv[argc++] = word;
		word = next;
	}
	argv[argc] = NULL;
	if (options_parse(argc, argv, &(struct option_env){.privileged = size & 1, .selinux = size & 2}, &options,
			  &error) == 0) {
		check_taken(&options);
		options_free(&options);
	} else {
		MUST(error.status == 1 || error.status == 2);
		MUST(*error.text && !strchr(error.text, '\n'));
	}
	free(copy);
	return 0;
}
