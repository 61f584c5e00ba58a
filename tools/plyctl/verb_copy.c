/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl copy: files become a layer of a new image, as with COPY of a Dockerfile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/error.h"
#include "step.h"
#include "store/addition.h"

static const char *image_name, *from, *owner, *mode, *exclude;
static bool parents;
static const struct opt opts[] = {
	{"name", 'n', "NAME", "the name that the new image gets in the store", NULL, &image_name},
	{"from", 0, "STACK", "copy from this stack, instead of the machine", NULL, &from},
	{"chown", 0, "UID[:GID]", "the owner of what is copied", NULL, &owner},
	{"chmod", 0, "MODE", "the mode of what is copied, in octal digits", NULL, &mode},
	{"parents", 0, NULL, "keep the directories in the paths of the sources", &parents, NULL},
	{"exclude", 0, "PATTERNS", "leave out these paths of the sources; separated by commas", NULL, &exclude},
};

static bool read_number(const char *text, int base, unsigned long max, char end, const char **ret_rest, uint32_t *ret)
{
	char *rest;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &rest, base);
	*ret = (uint32_t)number;
	*ret_rest = rest;
	return *text >= '0' && *text <= '9' && !errno && number <= max && (!*rest || *rest == end);
}

static int read_options(struct addition_options *ret)
{
	const char *rest;

	ret->exclude = exclude;
	ret->keeps_path = parents;
	if (owner) {
		ret->has_owner = true;
		if (!read_number(owner, 10, UINT32_MAX - 1, ':', &rest, &ret->uid))
			return usage_error("copy: --chown: %s: no UID or UID:GID in digits", owner);
		ret->gid = ret->uid;
		if (*rest && !read_number(rest + 1, 10, UINT32_MAX - 1, '\0', &rest, &ret->gid))
			return usage_error("copy: --chown: %s: no UID or UID:GID in digits", owner);
	}
	if (mode) {
		ret->has_mode = true;
		if (!read_number(mode, 8, 07777, '\0', &rest, &ret->mode))
			return usage_error("copy: --chmod: %s: no mode in octal digits", mode);
	}
	return EXIT_FINE;
}

/* A relative destination is meant from the working directory of the image. */
static char *absolute(const struct view_stack *stack, const char *path)
{
	json_t *doc = stack->image && stack->image->config
			      ? json_loadb(stack->image->config, stack->image->config_len, 0, NULL)
			      : NULL;
	const char *cwd = json_string_value(json_object_get(json_object_get(doc, "config"), "WorkingDir"));
	char *all = NULL;

	if (*path == '/')
		all = strdup(path);
	else if (asprintf(&all, "%s/%s", cwd && *cwd == '/' ? cwd : "", path) < 0)
		all = NULL;
	if (!all)
		abort();
	json_decref(doc);
	return all;
}

static int add_sources(struct addition *a, const struct view_stack *of, char **sources, size_t n,
		       struct image_error *error)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = of ? addition_add_union(a, of->set, sources[i], n > 1, error)
		       : addition_add_files(a, sources[i], n > 1, error);
	return r;
}

/* A hit, or a new layer. */
static int copy_step(struct step *step, struct addition *a)
{
	int r = step_find(step);

	if (r == 0)
		r = step_make(step, addition_write, a);
	return r < 0 ? EXIT_FAILED : EXIT_FINE;
}

static int copy_over(struct step *step, const struct view_stack *of, char **sources, size_t n, const char *destination)
{
	_cleanup_(addition_cleanup) struct addition *a = NULL;
	_cleanup_free_ char *path = absolute(step->stack, destination);
	struct addition_options options = {.exclude = NULL};
	struct archive_options archive;
	struct image_error error = {.text = "fails"};
	int status = read_options(&options), r;

	if (status != EXIT_FINE)
		return status;
	step_add(step, "kind", "copy");
	options.archive = &archive;
	r = archive_options_of_environment(&archive, &error);
	if (r == 0)
		r = addition_new(step->stack->set, path, &options, &a, &error);
	if (r == 0)
		r = add_sources(a, of, sources, n, &error);
	if (r == 0)
		r = addition_finish(a, &step->parts, &error);
	if (r < 0)
		return fail("copy: %s", error.text);
	return copy_step(step, a);
}

static int run_copy(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *of = NULL;
	_cleanup_free_ char *lease = NULL;
	struct step step = {.name = image_name};
	int status = EXIT_FAILED;

	if (argc < 3)
		return usage_error("copy: STACK SOURCE.. DESTINATION are wanted");
	if (!*argv[argc - 1])
		return usage_error("copy: the DESTINATION is empty");
	umask(0);
	step.text = step_words("COPY", argv + 1);
	if (step_open(&step, argv[0]) == 0 && (!from || (of = step_open_stack(&step, from, &lease))))
		status = copy_over(&step, of, argv + 1, (size_t)argc - 2, argv[argc - 1]);
	if (status == EXIT_FINE)
		step_tell(&step, "copy");
	if (status == EXIT_FINE && !common.json)
		printf("%s\n", step.id);
	step_finish(&step);
	return status;
}

const struct verb verb_copy = {
	.name = "copy",
	.operands = "STACK SOURCE.. DESTINATION",
	.help = "Make a layer of files",
	.more = "All in a directory is copied, and not the directory itself. DESTINATION is a "
		"directory if it ends with a slash,\n"
		"or is one in the STACK. If an earlier step had the same sources and STACK, its layer is "
		"reused.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.makes = true,
	.run = run_copy};
