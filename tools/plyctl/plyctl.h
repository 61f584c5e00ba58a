/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs share. A verb is one file with one `struct verb`, which verbs.def names: help, manual pages and
 * completions are made from it. args.c reads options, stacks.c opens stacks and layers, output.c prints tables and
 * JSON.
 *
 * A verb returns its exit status. Errors are one line on stderr, "plyctl: NAME: cause".
 */
#ifndef PLYCTL_H
#define PLYCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "layer/layer.h"
#include "view/stack.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_FOUND = 3 };

/* --- verbs and their options -------------------------------------------------------------------------------------- */

struct opt {
	const char *name;
	char letter;		 /* 0: none */
	const char *placeholder; /* of a value; NULL: the option has none */
	const char *help;
	bool *flag;
	const char **value;
};

struct verb {
	const char *name, *alias;
	const char *operands;
	const char *help; /* one line, no full stop */
	const char *more; /* further lines, or NULL */
	const struct opt *opts;
	size_t n_opts;
	/* Takes an option without `flag` and `value`, in the order of the command line: such may come several times. */
	void (*take)(const struct opt *opt, const char *value);
	bool is_table;			   /* it has --no-trunc, --columns and -q */
	int usage_status;		   /* the exit status of a wrong option; 0: EXIT_USAGE */
	bool takes_command;		   /* its options end at the first operand */
	bool makes;			   /* it makes or changes something; the others look */
	int (*run)(int argc, char **argv); /* operands */
};

/* The table of verbs. */
#define VERB(name) extern const struct verb verb_##name;
#include "verbs.def"
#undef VERB

/* The common options. */
struct common {
	bool json, quiet, no_trunc, userxattr;
	const char *columns;
	const char *store;
};
extern struct common common;

/* The limit of open descriptors as the caller had it; plyctl's own is the highest. */
extern unsigned long caller_nofile;

/* Reads the options of a verb. Its operands are left in argv from *ret_first on. 0, or an exit status, or -1: help was
 * asked for. */
int args_read(const struct verb *verb, int argc, char **argv, int *ret_first);
void args_help(const struct verb *verb);
/* One line an option, for completions. */
void args_words(const struct verb *verb);
/* The verb as a line of fields with tabs between them, and its options, for manual pages (man/verb.awk) and
 * completions: "verb", name, "looks" or "makes", alias, operands, help; "option", name, letter, placeholder, help. */
void args_table(const struct verb *verb, bool with_options);
/* EXIT_USAGE, after one line. */
int usage_error(const char *fmt, ...) PRINTF_FORMAT(1, 2);
/* EXIT_FAILED, after one line. */
int fail(const char *fmt, ...) PRINTF_FORMAT(1, 2);

/* --- stacks ------------------------------------------------------------------------------------------------------- */

/* Opens the stack of a name, of any kind. NULL after one line on stderr. */
struct view_stack *stack_open_any(const char *name);
/* Whether it is the name of a whole store: `containers-storage:`, or with its directory in brackets. *ret_path is where
 * it is, or NULL; the caller frees it. */
bool stack_is_store(const char *name, enum image_source *ret_source, char **ret_path);
/* Calls `each` for the stack of a name, or for all images, containers and uppers of a whole store. `each` frees the
 * stack. EXIT_FAILED after one line, or the first non-zero result of `each`. */
int stack_each(const char *name, int (*each)(void *arg, struct view_stack *stack), void *arg);
/* The same for what looks at directories alone: `set` isn't NULL. */
struct view_stack *stack_open(const char *name);
static inline void cleanup_stack(struct view_stack **stack)
{
	view_stack_free(*stack);
}
#define _cleanup_stack_ _cleanup_(cleanup_stack)
/* The layer that a text names, also by an id that `history --ids` has told. -ENOENT, or -EINVAL for several. */
int stack_find_layer(const struct view_stack *stack, const char *text);
/* The same, or -1 after one line. */
int stack_layer(const struct view_stack *stack, const char *text);
/* Follows the symlinks of the directories on the way, within the union. *path may be replaced. EXIT_FINE, or
 * EXIT_FAILED after one line. */
int stack_follow(const struct view_stack *stack, char **path);
/* Opens the stack of [STACK] PATH. With one operand the path must lie in a live union. *ret_path is the path in the
 * union, without a slash at either end; the caller frees it. `@N:` before the path is left in *ret_layer, which is a
 * part of the operand, or NULL. NULL after one line. */
struct view_stack *stack_of_path_any(const char *stack, const char *path, char **ret_path, char **ret_layer);
/* For call-backs: says that something can't be looked at, and goes on. The verb ends with EXIT_FAILED then. */
int stack_failed_at(void *arg, const char *path, int err);
int stack_failed_in(void *arg, const char *path, unsigned layer, int err);
int stack_failed_layer(void *arg, const struct layer *l, const char *path, int err);
extern bool stack_incomplete;

#define SHORT_ID 12

/* Whether the path is the directory or lies in it. "" and "/" hold all. */
bool path_is_below(const char *path, const char *dir);

/* --- output ------------------------------------------------------------------------------------------------------- */

#define SIZE_TEXT 16
/* SI, three digits, as docker prints it: "170MB". */
const char *size_text(uint64_t bytes, char buf[SIZE_TEXT]);
#define TIME_TEXT 32
/* RFC 3339, UTC. */
const char *time_text(time_t t, char buf[TIME_TEXT]);
/* How long ago: "3 hours". */
const char *age_text(time_t t, char buf[TIME_TEXT]);
/* Prints a name. With control characters it is printed in one line, with escapes. */
void print_name(const char *name);
/* Whether it is a mark that would reorder what follows it on a terminal. */
bool is_direction(wchar_t c);
/* A letter for a type, as ls -l has it. */
char type_letter(uint16_t mode);
const char *type_name(uint16_t mode);

struct column {
	const char *name;
	bool right, may_be_cut;
};
/* Rows of `n` cells. The strings are copied. */
struct table;
struct table *table_new(const struct column *columns, size_t n);
void table_add(struct table *t, const char *const *cells);
/* Whether the options want a column of this title, so it is worth the work. */
bool table_has(const char *title);
/* Prints the columns that --columns names, or all, cut to the terminal; with -q the first column without its title.
 * Frees the table. EXIT_FINE, or EXIT_USAGE for an unknown column. */
int table_print(struct table *t);

/* JSON with `"schema": "plyctl.VERB/1"`. The document is printed piece by piece, so a list may have any length. */
void json_start(const char *verb);
void json_member(const char *name, json_t *value); /* takes `value` */
void json_list_start(const char *name);
void json_list_item(json_t *value); /* takes `value` */
void json_list_end(void);
void json_end(void);
/* A string of any bytes: those that aren't UTF-8 become U+FFFD. */
json_t *json_text(const char *text);
/* JSON null for NULL. */
json_t *json_text_or_null(const char *text);
/* A path: member `name`, and NAME_hex with its bytes if they aren't UTF-8. */
void json_set_path(json_t *object, const char *name, const char *path);
json_t *json_time(time_t t);
json_t *json_size(uint64_t bytes);
/* The bits of `flags` by name; the list of names ends with NULL. */
json_t *json_flags(unsigned flags, const char *const *names);

/* Whether all was printed: `status`, or EXIT_FAILED. */
int output_done(int status);

#endif
