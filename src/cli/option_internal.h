/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the option module. Not for other modules.
 */
#ifndef CLI_OPTION_INTERNAL_H
#define CLI_OPTION_INTERNAL_H

#include "base/macros.h"
#include "cli/option.h"

/* option_split.c: one option as written. */
struct option_token {
	const char *name;
	size_t name_len;
	const char *value; /* NULL without "="; raw: escapes are still in it */
	size_t value_len;
	const char *end; /* behind the value */
};

/*
 * The next option at *text, which moves behind it. 1, 0 at the end, -EINVAL when a quote is not closed (the token is
 * filled as far as it goes).
 */
int option_next(const char **text, struct option_token *ret);
/* Copies `len` bytes with escapes resolved; NULL when memory is short. */
char *option_unescape(const char *raw, size_t len);

/* option_value.c: each parses one value into *field; returns NULL or the cause of the refusal. */
const char *option_parse_number(const char *text, uint32_t *field);
const char *option_parse_size(const char *text, uint64_t *field);
const char *option_parse_seconds(const char *text, double *field);
const char *option_parse_bool(const char *text, bool *field);
const struct option_choice *option_parse_choice(const struct option_choice *choices, const char *text);

/* Bytes of a value in an error text. */
#define VALUE_SHOWN 256

/* option_error.c: fills the error; control characters of the value are shown as `?` and it is cut when long. Returns
 * -EINVAL. */
int option_refuse(struct option_error *error, const char *name, size_t name_len, const char *value, size_t value_len,
		  const char *cause);
/* The same of a call that makes no sense: status 2, and a text of its own. */
int option_usage(struct option_error *error, const char *format, ...) PRINTF_FORMAT(2, 3);
/* Makes one line of it: control characters become `?`. */
void option_sanitize(char *text);
int option_no_memory(struct option_error *error);

/* Adds to a list of owned strings; -ENOMEM. */
int option_list_add(struct option_list *list, const char *format, ...) PRINTF_FORMAT(2, 3);

/* Layers: replaces (lowerdir=) or adds one (lowerdir+=, datadir+=). */
int option_layers_set(struct options *options, const char *raw, size_t len, struct option_error *error);
int option_layers_add(struct options *options, const struct option_token *token, bool data_only,
		      struct option_error *error);
void option_layers_clear(struct options *options);
/* Whether containers-storage keeps a layer of an image at such a path: `l/` and 26 capitals or digits, a link to the
 * layer, or 64 hexadecimal digits and `/diff`, or `/empty` where there is no layer below. */
bool option_is_image_layer(const char *path);

#endif
