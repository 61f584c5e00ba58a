/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: operands and flags first come, first served; each option of -o goes through the table to its field.
 * Defaults that depend on privilege are laid under what was given at the very end, so that the order of options never
 * matters between different ones.
 */
#include "option_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/check.h"
#include "base/cleanup.h"

#define COMPAT_NAME "fuse-overlayfs"

struct parser {
	int argc;
	char *const *argv;
	int at;
	bool only_operands; /* after "--" */
	bool sloppy;	    /* unknown options are ignored with a warning */
	const char *operands[2];
	int operand_count;
	struct options *options;
	struct option_error *error;
};

static int refuse_token(struct parser *parser, const struct option_token *token, const char *cause)
{
	return option_refuse(parser->error, token->name, token->name_len, token->value, token->value_len, cause);
}

/* ---- one option ---- */

static void *field_of(struct options *options, const struct option_desc *desc)
{
	(void)CHECK(desc->where > 0 && desc->where < sizeof(*options));
	return (char *)options + desc->where;
}

static int set_string(struct parser *parser, const struct option_desc *desc, const struct option_token *token)
{
	bool quoted = desc->arg == OPTION_ARG_QUOTED && token->value_len && token->value[0] == '"';
	char *text = quoted ? strndup(token->value, token->value_len) : option_unescape(token->value, token->value_len);
	char **field;

	if (!text)
		return option_no_memory(parser->error);
	if (!desc->where) {
		free(text);
		return 0;
	}
	field = field_of(parser->options, desc);
	free(*field);
	*field = text;
	return 0;
}

static int set_choice(struct parser *parser, const struct option_desc *desc, const struct option_token *token,
		      const char *text)
{
	const struct option_choice *choice = option_parse_choice(desc->choices, text);
	char cause[128] = "not one of";

	(void)CHECK(desc->choices);
	if (choice && choice->refusal)
		return refuse_token(parser, token, choice->refusal);
	if (choice) {
		*(int *)field_of(parser->options, desc) = choice->value;
		return 0;
	}
	for (choice = desc->choices; choice->word; choice++) {
		size_t len = strlen(cause);

		snprintf(cause + len, sizeof(cause) - len, "%s %s", choice == desc->choices ? "" : ",", choice->word);
	}
	return refuse_token(parser, token, cause);
}

static int set_map(struct parser *parser, const struct option_desc *desc, const struct option_token *token,
		   const char *text)
{
	struct idmap_error map_error;
	struct idmap map, *field = field_of(parser->options, desc);
	int r = idmap_parse(text, &map, &map_error);

	(void)CHECK(desc->arg == OPTION_ARG_MAP);
	if (r == -ENOMEM)
		return option_no_memory(parser->error);
	if (r < 0)
		return option_refuse(parser->error, token->name, token->name_len, map_error.where,
				     strlen(map_error.where), map_error.cause);
	idmap_free(field);
	*field = map;
	return 0;
}

/* A value that is a number or a word; it is checked even where nobody keeps it. Choices and maps always have a
 * field. */
static int set_scalar(struct parser *parser, const struct option_desc *desc, const struct option_token *token)
{
	_cleanup_free_ char *text = option_unescape(token->value, token->value_len);
	uint64_t scratch;
	void *field = desc->where ? field_of(parser->options, desc) : &scratch;
	const char *cause = NULL;

	(void)CHECK(token->value);
	if (!text)
		return option_no_memory(parser->error);
	switch (desc->arg) {
	case OPTION_ARG_NUMBER:
		cause = option_parse_number(text, field);
		break;
	case OPTION_ARG_SIZE:
		cause = option_parse_size(text, field);
		break;
	case OPTION_ARG_SECONDS:
		cause = option_parse_seconds(text, field);
		break;
	case OPTION_ARG_BOOL:
		cause = option_parse_bool(text, field);
		break;
	case OPTION_ARG_CHOICE:
		return set_choice(parser, desc, token, text);
	default:
		return set_map(parser, desc, token, text);
	}
	return cause ? refuse_token(parser, token, cause) : 0;
}

static int set_value(struct parser *parser, const struct option_desc *desc, const struct option_token *token)
{
	switch (desc->arg) {
	case OPTION_ARG_LAYERS:
		return option_layers_set(parser->options, token->value, token->value_len, parser->error);
	case OPTION_ARG_PATH:
		if (!token->value_len)
			return refuse_token(parser, token, "empty path");
		if (!strcmp(desc->name, "lowerdir+"))
			return option_layers_add(parser->options, token, false, parser->error);
		if (!strcmp(desc->name, "datadir+"))
			return option_layers_add(parser->options, token, true, parser->error);
		return set_string(parser, desc, token);
	case OPTION_ARG_TEXT:
	case OPTION_ARG_QUOTED:
		return set_string(parser, desc, token);
	default:
		return set_scalar(parser, desc, token);
	}
}

static int set_flag(struct parser *parser, const struct option_desc *desc)
{
	struct options *options = parser->options;

	(void)CHECK(!(desc->vfs_set & desc->vfs_clear));
	if (desc->where)
		*(bool *)field_of(options, desc) = true;
	options->vfs_flags = (options->vfs_flags & ~desc->vfs_clear) | desc->vfs_set;
	options->vfs_given |= desc->vfs_set | desc->vfs_clear;
	return 0;
}

static bool is_refused(const struct parser *parser, const struct option_desc *desc)
{
	(void)CHECK((desc->class == OPTION_REFUSED) <= (desc->refusal != NULL));
	if (desc->class != OPTION_REFUSED)
		return false;
	/* An empty map maps nothing: tools send one. */
	return desc->arg != OPTION_ARG_MAP || !idmap_is_empty(field_of(parser->options, desc));
}

static int apply_known(struct parser *parser, const struct option_desc *desc, const struct option_token *token)
{
	int r;

	if (desc->arg == OPTION_ARG_NONE && token->value)
		return refuse_token(parser, token, "takes no value");
	if (desc->arg != OPTION_ARG_NONE && !token->value && !desc->value_optional)
		return refuse_token(parser, token, "needs a value");
	/* Without a value a string field keeps nothing, a BOOL is set, and of choices it is the first. */
	if (token->value)
		r = set_value(parser, desc, token);
	else if (desc->arg == OPTION_ARG_CHOICE)
		r = set_choice(parser, desc, token, desc->choices[0].word);
	else if (desc->arg == OPTION_ARG_NONE || desc->arg == OPTION_ARG_BOOL)
		r = set_flag(parser, desc);
	else
		r = 0;
	if (r < 0)
		return r;
	if (is_refused(parser, desc))
		return refuse_token(parser, token, desc->refusal);
	if (desc->class == OPTION_WARNED &&
	    option_list_add(&parser->options->warnings, "plyfs: %s: accepted without effect", desc->name) < 0)
		return option_no_memory(parser->error);
	return 0;
}

static int ignore_argument(struct parser *parser, const char *dashes, const char *text, size_t len)
{
	struct option_list *warnings = &parser->options->warnings;

	if (option_list_add(warnings, "unknown argument ignored: %s%.*s", dashes, (int)MIN(len, (size_t)VALUE_SHOWN),
			    text) < 0)
		return option_no_memory(parser->error);
	(void)CHECK(warnings->count > 0);
	option_sanitize(warnings->items[warnings->count - 1]);
	return 0;
}

static int apply_unknown(struct parser *parser, const struct option_token *token)
{
	if (!parser->sloppy)
		return option_refuse(parser->error, token->name, token->name_len, NULL, 0, "unknown option");
	return ignore_argument(parser, "", token->name, (size_t)(token->end - token->name));
}

static int apply_text(struct parser *parser, const char *text)
{
	struct option_token token;
	int r;

	while ((r = option_next(&text, &token)) > 0) {
		const struct option_desc *desc = option_find(token.name, token.name_len);

		r = desc ? apply_known(parser, desc, &token) : apply_unknown(parser, &token);
		if (r < 0)
			return r;
	}
	return r < 0 ? refuse_token(parser, &token, "quotes are not closed, or something follows them") : 0;
}

/* ---- the words of the command line ---- */

/* The argument of a flag: the rest of its word, or the next word. */
static const char *flag_argument(struct parser *parser, const char *rest)
{
	(void)CHECK(parser->at <= parser->argc);
	if (*rest)
		return rest;
	return parser->at < parser->argc ? parser->argv[parser->at++] : NULL;
}

/* Flags that mean the same in both calling forms. 0 when it was one, 1 when not. */
static int common_flag(struct parser *parser, char flag)
{
	switch (flag) {
	case 'h':
		parser->options->help = true;
		return 0;
	case 'V':
		parser->options->version = true;
		return 0;
	case 'd':
		parser->options->debug = true;
		return 0;
	default:
		return 1;
	}
}

static int own_flag(struct parser *parser, char flag)
{
	switch (flag) {
	case 'f':
		parser->options->foreground = true;
		return 0;
	case 's': /* libfuse's "single-threaded": there are always several */
		return 0;
	default:
		return common_flag(parser, flag);
	}
}

/* mount(8), "external helpers": -s tolerates unknown options, -f does all but the mount, -n writes no mtab, -v tells
 * more. */
static int helper_flag(struct parser *parser, char flag)
{
	switch (flag) {
	case 's':
		parser->sloppy = true;
		return 0;
	case 'f':
		parser->options->fake = true;
		return 0;
	case 'n':
	case 'v':
		return 0;
	case 'r':
		return apply_text(parser, "ro");
	case 'w':
		return apply_text(parser, "rw");
	default:
		return common_flag(parser, flag);
	}
}

static int flag_with_argument(struct parser *parser, const char *letter)
{
	const char *argument = flag_argument(parser, letter + 1);

	(void)CHECK(strchr("otN", *letter));
	if (!argument)
		return option_usage(parser->error, "-%c needs an argument", *letter);
	if (*letter == 'o')
		return apply_text(parser, argument);
	if (*letter == 'N') {
		free(parser->options->mount_ns);
		parser->options->mount_ns = strdup(argument);
		return parser->options->mount_ns ? 0 : option_no_memory(parser->error);
	}
	return 0;
}

/* fuse-overlayfs ignores flags too. But mount(8) has flags with an argument, which would be taken for an operand. */
static int unknown_flag(struct parser *parser, const char *dashes, const char *name, size_t len)
{
	if (parser->options->fuse_overlayfs && !parser->options->mount_helper)
		return ignore_argument(parser, dashes, name, len);
	return option_usage(parser->error, "unknown flag %s%.*s", dashes, (int)MIN(len, (size_t)VALUE_SHOWN), name);
}

static int short_flags(struct parser *parser, const char *letters)
{
	bool helper = parser->options->mount_helper;

	for (; *letters; letters++) {
		int r;

		if (*letters == 'o' || (helper && (*letters == 't' || *letters == 'N')))
			return flag_with_argument(parser, letters);
		r = helper ? helper_flag(parser, *letters) : own_flag(parser, *letters);
		if (r > 0)
			r = unknown_flag(parser, "-", letters, 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int long_flag(struct parser *parser, const char *word)
{
	static const struct {
		const char *word;
		char flag;
	} flags[] = {{"help", 'h'}, {"version", 'V'}, {"debug", 'd'}};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(word, flags[i].word))
			return common_flag(parser, flags[i].flag);
	return unknown_flag(parser, "--", word, strlen(word));
}

static int operand(struct parser *parser, const char *word)
{
	(void)CHECK(parser->operand_count >= 0 && parser->operand_count <= 2);
	if (parser->operand_count == 2)
		return option_usage(parser->error, "too many operands: %s", word);
	parser->operands[parser->operand_count++] = word;
	return 0;
}

/* -s of mount(8) may come behind the -o that it is about. */
static void find_sloppy(struct parser *parser)
{
	for (int i = 1; i < parser->argc; i++) {
		const char *word = parser->argv[i];

		if (!strcmp(word, "-o") || !strcmp(word, "-t") || !strcmp(word, "-N"))
			i++;
		else if (word[0] == '-' && word[1] && !strchr("otN", word[1]) && strchr(word, 's'))
			parser->sloppy = true;
	}
}

static int parse_words(struct parser *parser)
{
	while (parser->at < parser->argc && !parser->options->help && !parser->options->version) {
		const char *word = parser->argv[parser->at++];
		int r;

		if (parser->only_operands || word[0] != '-' || !word[1])
			r = operand(parser, word);
		else if (!strcmp(word, "--"))
			r = 0, parser->only_operands = true;
		else
			r = word[1] == '-' ? long_flag(parser, word + 2) : short_flags(parser, word + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- names, defaults, what must fit together ---- */

static const char *skip_prefix(const char *text, const char *prefix, bool *ret_skipped)
{
	size_t len = strlen(prefix);

	*ret_skipped = !strncmp(text, prefix, len) && text[len];
	return *ret_skipped ? text + len : text;
}

static int set_program(struct options *options, const char *argv0)
{
	const char *name = argv0 && *argv0 ? argv0 : "plyfs";
	const char *slash = strrchr(name, '/');
	bool skipped;

	(void)CHECK(!options->program);
	name = slash && slash[1] ? slash + 1 : name;
	name = skip_prefix(name, "mount.", &options->mount_helper);
	if (options->mount_helper) {
		name = skip_prefix(name, "fuse.", &skipped);
		name = skip_prefix(name, "fuse3.", &skipped);
	}
	options->fuse_overlayfs = !strcmp(name, COMPAT_NAME);
	options->program = strdup(name);
	return options->program ? 0 : -ENOMEM;
}

/* The two places where the mount table shows a name. */
static int default_names(struct options *options)
{
	const char *fsname = options->mount_helper && options->source ? options->source : options->program;

	(void)CHECK(options->program);
	/* mount -a knows a mount again by its source, so the helper keeps it. */
	if (!options->fsname)
		options->fsname = strdup(fsname);
	if (!options->subtype)
		options->subtype = strdup(options->program);
	return options->fsname && options->subtype ? 0 : -ENOMEM;
}

static int take_operands(struct parser *parser)
{
	struct options *options = parser->options;
	int last = parser->operand_count - 1;

	(void)CHECK(!options->mountpoint && !options->source);
	if (last < 0 || !*parser->operands[last])
		return option_usage(parser->error, "no mountpoint given");
	options->mountpoint = strdup(parser->operands[last]);
	options->source = last ? strdup(parser->operands[0]) : NULL;
	if (!options->mountpoint || (last && !options->source))
		return option_no_memory(parser->error);
	return 0;
}

static int check_layers(struct parser *parser)
{
	struct options *options = parser->options;

	if (!options->layer_count || options->layers[0].data_only)
		return option_refuse(parser->error, "lowerdir", 8, NULL, 0, "not given");
	if (options->upperdir && !options->workdir)
		return option_refuse(parser->error, "workdir", 7, NULL, 0, "not given, upperdir needs it");
	if (options->workdir && !options->upperdir) {
		free(TAKE_PTR(options->workdir));
		if (option_list_add(&options->warnings, "plyfs: workdir: without upperdir it has no effect") < 0)
			return option_no_memory(parser->error);
	}
	return 0;
}

/* As the kernel: a file that was copied up without its data can be renamed only with a redirect that leads to it. */
static int check_metacopy(struct parser *parser)
{
	struct options *options = parser->options;
	bool follows = options->redirect_dir == REDIRECT_DIR_FOLLOW && !options->upperdir;

	if (options->metacopy != METACOPY_ON)
		return 0;
	if (options->userxattr)
		return option_refuse(parser->error, "metacopy", 8, "on", 2, "excludes userxattr");
	if (options->redirect_dir == REDIRECT_DIR_AUTO)
		options->redirect_dir = REDIRECT_DIR_ON;
	if (options->redirect_dir != REDIRECT_DIR_ON && !follows)
		return option_refuse(parser->error, "metacopy", 8, "on", 2, "needs redirect_dir=on");
	return 0;
}

/* The kernel doesn't do both. */
static int check_data(struct parser *parser)
{
	if (parser->options->data == DATA_PASSTHROUGH && parser->options->writeback)
		return option_refuse(parser->error, "data", 4, "passthrough", 11, "excludes writeback");
	return 0;
}

/* A container engine that has been told to mount with a program unpacks its image layers in the archives' own form, and
 * tells the program by nothing but its name or where the layers lie. The upper of a container that was made on the
 * kernel's overlayfs may hold metacopy files, and engines give a program no metacopy option. */
static void option_choose_by_images(struct options *options)
{
	(void)CHECK(options->layer_count > 0);
	options->image_layers = options->fuse_overlayfs;
	for (size_t i = 0; i < options->layer_count; i++)
		options->image_layers |= option_is_image_layer(options->layers[i].path);
	/* Else it depends on what the upper can hold. */
	if (options->whiteouts == WHITEOUTS_AUTO && options->image_layers)
		options->whiteouts = WHITEOUTS_BOTH;
	if (options->metacopy == METACOPY_FOLLOW && !options->image_layers)
		options->metacopy = METACOPY_OFF;
}

/* Tools write labels into their options without looking whether the machine has SELinux, and without it the kernel
 * refuses them. */
static void drop_labels(struct options *options)
{
	char **const labels[] = {&options->context, &options->fscontext, &options->defcontext, &options->rootcontext};

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		free(TAKE_PTR(*labels[i]));
}

static int check_fsync(struct parser *parser)
{
	struct options *options = parser->options;

	options->volatile_upper |= options->fsync == FSYNC_VOLATILE;
	if (options->fsync == FSYNC_STRICT && options->volatile_upper)
		return option_refuse(parser->error, "fsync", 5, "strict", 6, "excludes volatile");
	return 0;
}

static int complete(struct parser *parser, const struct option_env *env)
{
	struct options *options = parser->options;
	unsigned long base = env->privileged ? 0 : MS_NOSUID | MS_NODEV;
	int r;

	r = take_operands(parser);
	if (r < 0)
		return r;
	r = check_layers(parser);
	if (r < 0)
		return r;
	option_choose_by_images(options);
	r = check_metacopy(parser);
	if (r < 0)
		return r;
	r = check_data(parser);
	if (r == 0)
		r = check_fsync(parser);
	if (r < 0)
		return r;
	if (options->allow_root && options->allow_other_given)
		return option_refuse(parser->error, "allow_root", 10, NULL, 0, "excludes allow_other");
	options->allow_other = options->allow_other_given || (env->privileged && !options->allow_root);
	options->vfs_flags |= base & ~options->vfs_given;
	/* Nothing can be written: the kernel says so at open, where callers look for it. */
	if (!options->upperdir)
		options->vfs_flags |= MS_RDONLY;
	options->foreground |= options->debug;
	if (!env->selinux)
		drop_labels(options);
	if (default_names(options) < 0)
		return option_no_memory(parser->error);
	return 0;
}

int options_parse(int argc, char *const *argv, const struct option_env *env, struct options *ret,
		  struct option_error *ret_error)
{
	struct options options = {
		.timeout = OPTIONS_TIMEOUT_FOREVER,
		.index = INDEX_AUTO,
		.metacopy = METACOPY_FOLLOW,
		.whiteouts = WHITEOUTS_AUTO,
		.default_permissions = true,
		.squash_to_uid = ID_UNSET,
		.squash_to_gid = ID_UNSET,
	};
	struct parser parser = {.argc = argc, .argv = argv, .at = 1, .options = &options, .error = ret_error};
	int r;

	*ret_error = (struct option_error){.status = 0};
	if (set_program(&options, argc > 0 ? argv[0] : NULL) < 0)
		return option_no_memory(ret_error);
	parser.sloppy = options.fuse_overlayfs;
	if (options.mount_helper)
		find_sloppy(&parser);
	r = parse_words(&parser);
	if (r >= 0 && !options.help && !options.version)
		r = complete(&parser, env);
	if (r < 0) {
		options_free(&options);
		return r;
	}
	(void)CHECK(options.help || options.version || (options.mountpoint && options.layer_count > 0));
	*ret = options;
	return 0;
}

/* The kernel keeps no access times for a FUSE mount, whose option is the user's wish about the upper. The first one
 * wins, as in mount(2). */
static unsigned long upper_atime(unsigned long vfs_flags)
{
	static const unsigned long modes[] = {MS_STRICTATIME, MS_NOATIME, MS_RELATIME};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (vfs_flags & modes[i])
			return modes[i];
	return 0;
}

struct stack_spec options_stack(const struct options *options)
{
	(void)CHECK(options->layer_count > 0 && (!options->upperdir || options->workdir));
	return (struct stack_spec){
		.layers = options->layers,
		.layer_count = options->layer_count,
		.upperdir = options->upperdir,
		.workdir = options->workdir,
		.shows_upper = options->shows_upper,
		.read_only = options->vfs_flags & MS_RDONLY,
		.atime = upper_atime(options->vfs_flags),
		.userxattr = options->userxattr,
		.lenient = options->fuse_overlayfs,
		.whiteouts = options->whiteouts,
		.redirect_dir = options->redirect_dir,
		.uuid = options->uuid,
		.index = options->index,
		.metacopy = options->metacopy,
		.xattr_permissions = options->xattr_permissions,
		.uidmap = options->uidmap,
		.gidmap = options->gidmap,
		.volatile_upper = options->volatile_upper,
		.revalidate = options->timeout == 0,
		/* The kernel asks a FUSE file system for xattrs each time, and can only be told for the whole mount
		 * that there are none. Container engines ask for the xattrs of every file of an image, twice, when they
		 * compare it with another one. */
		.seek_xattrs = options->image_layers,
		.layer_cache = options->layer_cache,
	};
}

void options_free(struct options *options)
{
	char *const strings[] = {
		options->program,     options->source,	  options->mountpoint, options->upperdir,
		options->workdir,     options->log,	  options->pidfile,    options->control_socket,
		options->fsname,      options->subtype,	  options->context,    options->cgroup,
		options->layer_cache, options->fscontext, options->defcontext, options->rootcontext,
		options->mount_ns,    options->lock,
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	for (size_t i = 0; i < options->warnings.count; i++)
		free(options->warnings.items[i]);
	free(options->warnings.items);
	option_layers_clear(options);
	idmap_free(&options->uidmap);
	idmap_free(&options->gidmap);
	*options = (struct options){.program = NULL};
}
