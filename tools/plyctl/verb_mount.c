/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl mount: a plyfs over any stack that has a name.
 */
#include "plyfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lease.h"
#include "unpacked.h"
#include "uppers.h"

static const char *upper;
static bool print_only;
static const struct opt opts[] = {
	{"upper", 0, "DIR", "the writable layer: a directory, `new` or `tmp`", NULL, &upper},
	{"print", 0, NULL, "print the commands of plyfs and of the kernel, and mount nothing", &print_only, NULL},
};

/* In single quotes, for a shell. */
static void print_quoted(const char *word)
{
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

/* Over a layer that has its changes already, an upper with redirects would show something else. */
static int refuse_applied(const struct upper *u)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, u->base ? "%s/applied" : "%s.applied", u->base ? u->base : u->dir) < 0)
		abort();
	return lstat(path, &st) == 0 ? fail("%s: its changes were applied (%s)", u->id ? u->id : u->dir, path)
				     : EXIT_FINE;
}

static int mount_upper_of(const char *dir, struct upper *u)
{
	int status;

	if (!realpath(dir, NULL) && errno == ENOENT && !print_only && mkdir(dir, 0755) < 0)
		return fail("%s: %s", dir, strerror(errno));
	status = upper_find(dir, u);
	if (status == EXIT_FINE)
		status = refuse_applied(u);
	if (status == EXIT_FINE && !print_only && mkdir(u->work, 0755) < 0 && errno != EEXIST)
		return fail("%s: %s", u->work, strerror(errno));
	return status;
}

static int choose_upper(const struct view_stack *stack, struct upper *u)
{
	bool is_new = !strcmp(upper, "new"), is_tmp = !strcmp(upper, "tmp");
	const char *tmp = getenv("TMPDIR");
	int status;

	if (!is_new && !is_tmp)
		return mount_upper_of(upper, u);
	if (print_only)
		return usage_error("mount: --print goes with --upper DIR");
	status = upper_new(is_new ? NULL : tmp ? tmp : "/tmp", stack, NULL, u);
	if (status == EXIT_FINE)
		fprintf(stderr, "plyctl: the upper is %s, in %s\n", u->id, u->dir);
	return status;
}

/* Layers are mounted with the forms in which plyctl reads them. The kernel knows one form of whiteouts alone. */
static char *mount_options(const struct view_stack *stack, const struct upper *u, bool of_plyfs)
{
	char *text = plyfs_options(stack, u->dir, u->work);

	if (stack->options.userxattr)
		plyfs_append(&text, ",userxattr", "", false);
	if (of_plyfs && stack->options.whiteouts == WHITEOUTS_BOTH)
		plyfs_append(&text, ",whiteouts=both", "", false);
	return text;
}

static int mount_print(const char *options, const char *of_kernel, const char *mountpoint)
{
	printf("plyfs -o ");
	print_quoted(options);
	printf(" ");
	print_quoted(mountpoint);
	printf("\nmount -t overlay overlay -o ");
	print_quoted(of_kernel);
	printf(" ");
	print_quoted(mountpoint);
	printf("\n");
	return EXIT_FINE;
}

static int run_mount(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *hold = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_upper_ struct upper u = {.id = NULL};
	_cleanup_free_ char *options = NULL, *of_kernel = NULL, *lease = NULL;
	int status;

	if (argc != 2)
		return usage_error("mount: STACK MOUNTPOINT are wanted");
	/* The commands that are printed mount nothing, so they put nothing into the store either. */
	stack = print_only ? stack_open(argv[0]) : stack_open_unpacked(argv[0], &hold);
	if (!stack || (print_only && !stack_is_here(stack)))
		return EXIT_FAILED;
	/* plyfs has the lease before plyctl's own descriptor is closed. */
	status = print_only ? EXIT_FINE : lease_take(stack, true, &lease);
	if (status == EXIT_FINE && upper)
		status = choose_upper(stack, &u);
	if (status != EXIT_FINE)
		return status;
	options = mount_options(stack, &u, true);
	of_kernel = mount_options(stack, &u, false);
	if (lease)
		plyfs_append(&options, ",lock=", lease, false);
	return print_only ? mount_print(options, of_kernel, argv[1]) : plyfs_exec(options, argv[1]);
}

const struct verb verb_mount = {.name = "mount",
				.operands = "STACK MOUNTPOINT",
				.help = "Mount a plyfs over a stack",
				.more = "Without --upper the union is read-only. The work directory of an upper DIR is "
					"DIR.work. `new` makes an upper in\n"
					"the store (PLYCTL_STORE, or /var/lib/plyfs for root and "
					"~/.local/share/plyfs), `tmp` one in TMPDIR; its path is\n"
					"printed, and it stays when the union is unmounted. An upper that plyctl made "
					"is named by its id too.",
				.opts = opts,
				.n_opts = ARRAY_SIZE(opts),
				.makes = true,
				.run = run_mount};
