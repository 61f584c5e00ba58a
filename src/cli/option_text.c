/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts made from the table. They go through a memory stream, so that a failed allocation shows once, at its end.
 */
#include "option_internal.h"
#include "base/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

struct text {
	char *bytes;
	size_t size;
	FILE *stream;
};

static bool text_open(struct text *text)
{
	text->stream = open_memstream(&text->bytes, &text->size);
	return text->stream;
}

static char *text_close(struct text *text)
{
	bool failed = ferror(text->stream);

	if (fclose(text->stream) || failed) {
		free(text->bytes);
		return NULL;
	}
	return text->bytes;
}

/* ---- the mount's options ---- */

static void put_option(FILE *out, const char *name)
{
	fprintf(out, "%s%s", ftell(out) ? "," : "", name);
}

/* fusermount3 resolves one level of backslashes. */
static void put_option_value(FILE *out, const char *name, const char *value)
{
	if (!value)
		return;
	put_option(out, name);
	fputc('=', out);
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
}

char *options_helper_string(const struct options *options)
{
	static const struct {
		unsigned long flag;
		const char *set, *clear;
	} flags[] = {
		{MS_RDONLY, "ro", "rw"},       {MS_NOSUID, "nosuid", "suid"},  {MS_NODEV, "nodev", "dev"},
		{MS_NOEXEC, "noexec", NULL},   {MS_SYNCHRONOUS, "sync", NULL}, {MS_NOATIME, "noatime", NULL},
		{MS_DIRSYNC, "dirsync", NULL},
	};
	const struct {
		bool given;
		const char *name;
	} words[] = {
		{options->default_permissions, "default_permissions"},
		{options->allow_other || options->allow_root, "allow_other"}, /* libfuse keeps others than root out */
		{options->auto_unmount, "auto_unmount"},
	};
	struct text text;

	if (!text_open(&text))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const char *word = options->vfs_flags & flags[i].flag ? flags[i].set : flags[i].clear;

		if (word)
			put_option(text.stream, word);
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].given)
			put_option(text.stream, words[i].name);
	if (options->max_read) {
		put_option(text.stream, "max_read=");
		fprintf(text.stream, "%u", options->max_read);
	}
	put_option_value(text.stream, "fsname", options->fsname);
	put_option_value(text.stream, "subtype", options->subtype);
	put_option_value(text.stream, "context", options->context);
	put_option_value(text.stream, "fscontext", options->fscontext);
	put_option_value(text.stream, "defcontext", options->defcontext);
	put_option_value(text.stream, "rootcontext", options->rootcontext);
	return text_close(&text);
}

/* As they are: the kernel takes nothing as an escape, and labels with commas have their quotes. */
char *options_kernel_string(const struct options *options)
{
	const struct {
		const char *name, *label;
	} labels[] = {
		{"context", options->context},
		{"fscontext", options->fscontext},
		{"defcontext", options->defcontext},
		{"rootcontext", options->rootcontext},
	};
	struct text text;

	if (!text_open(&text))
		return NULL;
	if (options->default_permissions)
		put_option(text.stream, "default_permissions");
	if (options->allow_other || options->allow_root)
		put_option(text.stream, "allow_other");
	if (options->max_read)
		fprintf(text.stream, "%smax_read=%u", ftell(text.stream) ? "," : "", options->max_read);
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (labels[i].label)
			fprintf(text.stream, "%s%s=%s", ftell(text.stream) ? "," : "", labels[i].name, labels[i].label);
	return text_close(&text);
}

/* ---- the table in words ---- */

/* "=DIR", "=off|on", "=0|1" or nothing; "[=..]" when it may be left out. */
static void value_form(const struct option_desc *desc, char *ret, size_t size)
{
	char form[96] = "";
	size_t len = 0;

	(void)CHECK(desc->arg != OPTION_ARG_CHOICE || desc->choices);
	if (desc->arg == OPTION_ARG_BOOL)
		snprintf(form, sizeof(form), "0|1");
	else if (desc->placeholder)
		snprintf(form, sizeof(form), "%s", desc->placeholder);
	for (const struct option_choice *c = desc->choices; c && c->word; c++)
		len += (size_t)snprintf(form + len, sizeof(form) - len, "%s%s", len ? "|" : "", c->word);
	(void)CHECK(len < sizeof(form));
	if (desc->arg == OPTION_ARG_NONE)
		ret[0] = '\0';
	else
		snprintf(ret, size, desc->value_optional ? "[=%s]" : "=%s", form);
}

/* "effective", and which of its choices are refused. */
static void class_form(const struct option_desc *desc, char *ret, size_t size)
{
	size_t len = (size_t)snprintf(ret, size, "%s", option_class_name(desc));
	const char *glue = "; ";

	for (const struct option_choice *c = desc->choices; c && c->word; c++) {
		if (!c->refusal)
			continue;
		len += (size_t)snprintf(ret + len, size - len, "%s%s", glue, c->word);
		glue = ", ";
	}
	(void)CHECK(len < size);
	if (*glue == ',')
		snprintf(ret + len, size - len, " refused");
}

/* A line of names, wrapped. */
static void put_names(FILE *out, const char *title, enum option_class class)
{
	size_t count, column = (size_t)fprintf(out, "\n%s", title);
	const struct option_desc *table = option_table(&count);

	for (size_t i = 0; i < count; i++) {
		if (table[i].class != class)
			continue;
		if (column + strlen(table[i].name) > 76)
			column = (size_t)fprintf(out, "\n   ") - 1;
		column += (size_t)fprintf(out, " %s", table[i].name);
	}
	fputc('\n', out);
}

char *option_help_text(const char *program)
{
	size_t count;
	const struct option_desc *table = option_table(&count);
	struct text text;

	if (!text_open(&text))
		return NULL;
	fprintf(text.stream,
		"Usage: %s [-f] [-d] [-o OPTION[,OPTION..]].. [SOURCE] MOUNTPOINT\n"
		"Stacks read-only layers under one writable directory and mounts the union.\n\n"
		"    -f             stay in the foreground\n"
		"    -d             debug: stay in the foreground and say more\n"
		"    -o OPTION      see below; a comma in a value is written \\,\n"
		"    -h, --help     this text\n"
		"    -V, --version  version and features\n\nOptions of -o:\n",
		program);
	for (size_t i = 0; i < count; i++) {
		char value[128], left[192], class[96];

		if (table[i].class == OPTION_VFS || table[i].class == OPTION_MOUNT)
			continue;
		value_form(&table[i], value, sizeof(value));
		class_form(&table[i], class, sizeof(class));
		snprintf(left, sizeof(left), "%s%s", table[i].name, value);
		fprintf(text.stream, "    %-*s  %s", 32, left, table[i].help);
		if (strcmp(class, "effective") != 0)
			fprintf(text.stream, " (%s)", class);
		fputc('\n', text.stream);
	}
	put_names(text.stream, "Mount flags:", OPTION_VFS);
	put_names(text.stream, "Taken for mount(8):", OPTION_MOUNT);
	return text_close(&text);
}

/* ---- scdoc ---- */

static void put_escaped(FILE *out, const char *plain)
{
	for (; *plain; plain++) {
		if (strchr("\\*_", *plain))
			fputc('\\', out);
		fputc(*plain, out);
	}
}

char *option_manual_table(void)
{
	size_t count;
	const struct option_desc *table = option_table(&count);
	struct text text;

	if (!text_open(&text))
		return NULL;
	fputs("[[ *Option*\n:[ *Default*\n:[ *Effect*\n", text.stream);
	for (size_t i = 0; i < count; i++) {
		char value[128], class[96];

		value_form(&table[i], value, sizeof(value));
		class_form(&table[i], class, sizeof(class));
		fputs("|  ", text.stream);
		put_escaped(text.stream, table[i].name);
		put_escaped(text.stream, value);
		fputs("\n:  ", text.stream);
		put_escaped(text.stream, table[i].fallback ? table[i].fallback : "-");
		fprintf(text.stream, "\n:  %s\n", class);
	}
	fputc('\n', text.stream); /* ends the table */
	return text_close(&text);
}

/* A word, with those behind it that begin with a dot: at the start of a line scdoc loses the dot. */
static size_t word_length(const char *text)
{
	size_t len = strcspn(text, " ");

	while (text[len] == ' ' && text[len + 1] == '.')
		len += 1 + strcspn(text + len + 1, " ");
	return len;
}

/* A paragraph behind a tab, in lines of at most 120 columns. */
static void put_wrapped(FILE *out, const char *plain)
{
	const size_t tab = 8, width = 120;
	size_t column = 0;

	for (const char *word = plain; *word;) {
		char kept[128];
		size_t len = word_length(word), shown = len;

		for (size_t i = 0; i < len; i++)
			shown += strchr("\\*_", word[i]) != NULL;
		if (column && column + 1 + shown <= width) {
			column += (size_t)fprintf(out, " ");
		} else {
			fputs(column ? "\n\t" : "\t", out);
			column = tab;
		}
		(void)CHECK(len < sizeof(kept));
		snprintf(kept, sizeof(kept), "%.*s", (int)len, word);
		put_escaped(out, kept);
		column += shown;
		word += len + (word[len] == ' ');
	}
	fputc('\n', out);
}

static void put_description(FILE *out, const struct option_desc *desc)
{
	char value[128], plain[2048];

	(void)CHECK(*desc->help);
	value_form(desc, value, sizeof(value));
	fputc('*', out);
	put_escaped(out, desc->name);
	fputc('*', out);
	put_escaped(out, value);
	fputc('\n', out);
	snprintf(plain, sizeof(plain), "%c%s.%s%s%s%s%s", toupper((unsigned char)desc->help[0]), desc->help + 1,
		 desc->refusal ? " Refused: " : "", desc->refusal ? desc->refusal : "", desc->refusal ? "." : "",
		 desc->manual ? " " : "", desc->manual ? desc->manual : "");
	put_wrapped(out, plain);
}

/* Mount flags and the options of mount(8) stand in the table alone. */
static char *manual_list(bool effective)
{
	size_t count;
	const struct option_desc *table = option_table(&count);
	const char *between = "";
	struct text text;

	if (!text_open(&text))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		enum option_class class = table[i].class;

		if (class == OPTION_VFS || class == OPTION_MOUNT)
			continue;
		if ((class == OPTION_EFFECTIVE || class == OPTION_LIBFUSE) != effective)
			continue;
		fputs(between, text.stream);
		put_description(text.stream, &table[i]);
		between = "\n";
	}
	return text_close(&text);
}

char *option_manual_list(void)
{
	return manual_list(true);
}

char *option_manual_idle_list(void)
{
	return manual_list(false);
}

/* ---- completions ---- */

char *option_path_list(void)
{
	size_t count;
	const struct option_desc *table = option_table(&count);
	struct text text;

	if (!text_open(&text))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (table[i].arg == OPTION_ARG_PATH || table[i].arg == OPTION_ARG_LAYERS)
			fprintf(text.stream, "%s=\n", table[i].name);
	return text_close(&text);
}

char *option_word_list(void)
{
	size_t count;
	const struct option_desc *table = option_table(&count);
	struct text text;

	if (!text_open(&text))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct option_desc *desc = &table[i];

		if (desc->class == OPTION_REFUSED || strchr(desc->name, '*'))
			continue;
		if (desc->choices) {
			for (const struct option_choice *c = desc->choices; c->word; c++)
				if (!c->refusal)
					fprintf(text.stream, "%s=%s\n", desc->name, c->word);
		} else {
			fprintf(text.stream, "%s%s\n", desc->name,
				desc->arg == OPTION_ARG_NONE || desc->value_optional ? "" : "=");
		}
	}
	return text_close(&text);
}
