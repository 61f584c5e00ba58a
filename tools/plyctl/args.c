/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options, from the table of each verb.
 */
#include "plyctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "progress.h"

#define OPTS_MAX 32
#define LETTERS_MAX 128
#define FIRST_LONG 256

struct common common;

static const struct opt general[] = {
	{"json", 0, NULL, "print one JSON document", &common.json, NULL},
	{"userxattr", 0, NULL, "directories have their private xattrs in user.*", &common.userxattr, NULL},
	{"store", 0, "DIR", "the store, instead of PLYCTL_STORE", NULL, &common.store},
};
static const struct opt of_tables[] = {
	{"quiet", 'q', NULL, "print the first column only", &common.quiet, NULL},
	{"no-trunc", 0, NULL, "cut nothing to the width of the terminal", &common.no_trunc, NULL},
	{"columns", 0, "LIST", "the columns to print, separated by commas", NULL, &common.columns},
};

/* One line, whatever bytes names have. */
static void say(const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	if (text)
		utf8_make_printable(text);
	progress_clear();
	fprintf(stderr, "plyctl: %s\n", text ? text : "out of memory");
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return EXIT_USAGE;
}

int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return EXIT_FAILED;
}

/* All options of a verb, its own first. Returns their number. */
static size_t collect(const struct verb *verb, const struct opt *ret[OPTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < verb->n_opts; i++)
		ret[n++] = &verb->opts[i];
	for (size_t i = 0; verb->is_table && i < ARRAY_SIZE(of_tables); i++)
		ret[n++] = &of_tables[i];
	for (size_t i = 0; i < ARRAY_SIZE(general); i++)
		ret[n++] = &general[i];
	return n;
}

static void take(const struct verb *verb, const struct opt *opt)
{
	if (opt->flag)
		*opt->flag = true;
	else if (opt->value)
		*opt->value = optarg;
	else
		verb->take(opt, optarg);
}

int args_read(const struct verb *verb, int argc, char **argv, int *ret_first)
{
	const struct opt *opts[OPTS_MAX];
	struct option longs[OPTS_MAX + 2] = {{"help", no_argument, NULL, 'h'}};
	/* Operands end the options: those of a path may begin with a dash after "--". */
	char letters[LETTERS_MAX] = "+h", *out = letters + 2;
	size_t n = collect(verb, opts);
	int c;

	for (size_t i = 0; i < n; i++) {
		int has_arg = opts[i]->placeholder ? required_argument : no_argument;

		longs[i + 1] = (struct option){opts[i]->name, has_arg, NULL, FIRST_LONG + (int)i};
		if (!opts[i]->letter)
			continue;
		*out++ = opts[i]->letter;
		if (opts[i]->placeholder)
			*out++ = ':';
	}
	*out = '\0';
	while ((c = getopt_long(argc, argv, letters + !verb->takes_command, longs, NULL)) != -1) {
		if (c == '?')
			return usage_error("see plyctl help %s", verb->name);
		if (c == 'h') {
			args_help(verb);
			return -1;
		}
		for (size_t i = 0; i < n; i++)
			if (c == FIRST_LONG + (int)i || (c == opts[i]->letter && c))
				take(verb, opts[i]);
	}
	*ret_first = optind;
	return 0;
}

void args_help(const struct verb *verb)
{
	const struct opt *opts[OPTS_MAX];
	size_t n = collect(verb, opts);

	printf("usage: plyctl %s [OPTION].. %s\n\n%s.\n", verb->name, verb->operands, verb->help);
	if (verb->alias)
		printf("%s is another name of it.\n", verb->alias);
	if (verb->more)
		printf("\n%s\n", verb->more);
	printf("\n");
	for (size_t i = 0; i < n; i++) {
		char text[64];

		snprintf(text, sizeof(text), "--%s%s%s", opts[i]->name, opts[i]->placeholder ? "=" : "",
			 opts[i]->placeholder ? opts[i]->placeholder : "");
		if (opts[i]->letter)
			printf("  -%c, %-22s %s\n", opts[i]->letter, text, opts[i]->help);
		else
			printf("      %-22s %s\n", text, opts[i]->help);
	}
}

void args_words(const struct verb *verb)
{
	const struct opt *opts[OPTS_MAX];
	size_t n = collect(verb, opts);

	for (size_t i = 0; i < n; i++)
		printf("--%s%s\n", opts[i]->name, opts[i]->placeholder ? "=" : "");
	printf("--help\n");
}

void args_table(const struct verb *verb, bool with_options)
{
	const struct opt *opts[OPTS_MAX];
	size_t n = collect(verb, opts);

	printf("verb\t%s\t%s\t%s\t%s\t%s\n", verb->name, verb->makes ? "makes" : "looks",
	       verb->alias ? verb->alias : "", verb->operands, verb->help);
	for (size_t i = 0; with_options && i < n; i++)
		printf("option\t%s\t%.1s\t%s\t%s\n", opts[i]->name, &opts[i]->letter,
		       opts[i]->placeholder ? opts[i]->placeholder : "", opts[i]->help);
}
