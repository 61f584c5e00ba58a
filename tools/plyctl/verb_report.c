/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl report: a stack as one page of HTML that needs nothing else.
 */
#include "report.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Some four megabytes. */
#define NODES_MOST 40000

static const char *target;
static const struct opt opts[] = {
	{"output", 'o', "FILE", "the page; - is standard output", NULL, &target},
};

static int report_write(FILE *out, const struct view_stack *stack, const struct report *report)
{
	int r = common.json ? report_write_json(out, stack, report) : report_write_page(out, stack, report);

	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return r;
}

/* Beside the target, which it replaces when it is whole. */
static int report_replace(const char *path, const struct view_stack *stack, const struct report *report)
{
	_cleanup_free_ char *temp = NULL;
	mode_t mask = umask(0);
	FILE *out;
	int fd, r;

	umask(mask);
	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out)
		abort();
	r = fchmod(fd, 0666 & ~mask) < 0 ? -errno : report_write(out, stack, report);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (fclose(out) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temp);
	return r;
}

/* The file behind a link is replaced, and nothing that isn't a file. */
static int report_save(const struct view_stack *stack, const struct report *report)
{
	_cleanup_free_ char *real = NULL;
	struct stat st;
	int r;

	if (common.json || !strcmp(target, "-")) {
		r = report_write(stdout, stack, report);
		return r < 0 ? fail("standard output: %s", strerror(-r)) : EXIT_FINE;
	}
	if (stat(target, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return fail("%s: it is there and is no file", target);
		real = realpath(target, NULL);
	}
	r = report_replace(real ? real : target, stack, report);
	return r < 0 ? fail("%s: %s", target, strerror(-r)) : EXIT_FINE;
}

static int run_report(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *error = NULL;
	struct report report;
	int status, r;

	if (argc != 1 || (!target && !common.json))
		return usage_error("report: -o FILE and one STACK are wanted");
	stack = stack_open_any(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	progress_expect_layers(stack, 0, SIZE_MAX, PROGRESS_OBJECTS, 1);
	progress_start("report");
	r = report_read(stack, &report, &error);
	progress_end();
	if (r < 0)
		return error ? fail("%s", error) : fail("%s: %s", argv[0], strerror(-r));
	r = report_fold(&report, NODES_MOST);
	status = r < 0 ? fail("%s: %s", argv[0], strerror(-r)) : report_save(stack, &report);
	report_free(&report);
	return status;
}

const struct verb verb_report = {
	.name = "report",
	.operands = "STACK",
	.help = "Write a page of HTML that draws a stack, what it adds, hides and wastes",
	.more = "The page needs no network and no other file. An existing file is replaced when "
		"the page is whole.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = run_report};
