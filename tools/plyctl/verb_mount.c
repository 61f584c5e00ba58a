/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl mount: a plyfs over any stack that has a name.
 */
#include "plyctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *upper;
static bool print_only;
static const struct opt opts[] = {
	{"upper", 0, "DIR", "the writable layer: a directory, `new` or `tmp`", NULL, &upper},
	{"print", 0, NULL, "print the commands of plyfs and of the kernel, and mount nothing", &print_only, NULL},
};

static void mount_append(char **text, const char *option, const char *path, bool is_list)
{
	_cleanup_free_ char *old = *text, *escaped = malloc(2 * strlen(path) + 1);
	char *out = escaped;

	if (!escaped)
		abort();
	for (; *path; path++) {
		if (*path == ',' || *path == '\\' || (*path == ':' && is_list))
			*out++ = '\\';
		*out++ = *path;
	}
	*out = '\0';
	if (asprintf(text, "%s%s%s", old ? old : "", option, escaped) < 0)
		abort();
}

static char *mount_options(const struct view_stack *stack, const char *upperdir, const char *workdir)
{
	char *text = NULL;

	for (size_t i = 0; i < stack->options.layer_count; i++) {
		const struct stack_layer *layer = &stack->options.layers[i];
		char resolved[PATH_MAX];
		const char *path = realpath(layer->path, resolved) ? resolved : layer->path;

		mount_append(&text, !i ? "lowerdir=" : layer->data_only ? "::" : ":", path, true);
	}
	if (upperdir) {
		mount_append(&text, ",upperdir=", upperdir, false);
		mount_append(&text, ",workdir=", workdir, false);
	}
	return text;
}

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

static int make_directory(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* An upper of its own with its work directory beside it, below a new directory. */
static int new_upper(char *base, char **ret_upper, char **ret_work)
{
	if (!mkdtemp(base))
		return fail("%s: %s", base, strerror(errno));
	if (asprintf(ret_upper, "%s/upper", base) < 0 || asprintf(ret_work, "%s/work", base) < 0)
		abort();
	if (make_directory(*ret_upper) < 0 || make_directory(*ret_work) < 0)
		return fail("%s: %s", base, strerror(errno));
	fprintf(stderr, "plyctl: the upper is %s\n", *ret_upper);
	return EXIT_FINE;
}

/* STORE/uppers, made if it isn't there. */
static char *uppers_of_store(void)
{
	const char *store = getenv("PLYCTL_STORE"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	if (store)
		n = asprintf(&path, "%s/uppers/", store);
	else if (geteuid() == 0)
		n = asprintf(&path, "/var/lib/plyfs/uppers/");
	else if (data && *data == '/')
		n = asprintf(&path, "%s/plyfs/uppers/", data);
	else
		n = asprintf(&path, "%s/.local/share/plyfs/uppers/", home ? home : "");
	if (n < 0)
		abort();
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)make_directory(path);
		*slash = '/';
	}
	return path;
}

static int choose_upper(char **ret_upper, char **ret_work)
{
	_cleanup_free_ char *base = NULL, *uppers = NULL;
	int r;

	if (!strcmp(upper, "new") || !strcmp(upper, "tmp")) {
		const char *tmp = getenv("TMPDIR");

		uppers = *upper == 'n' ? uppers_of_store() : NULL;
		r = uppers ? asprintf(&base, "%sXXXXXX", uppers)
			   : asprintf(&base, "%s/plyctl-XXXXXX", tmp ? tmp : "/tmp");
		if (r < 0)
			abort();
		return print_only ? usage_error("mount: --print goes with --upper DIR")
				  : new_upper(base, ret_upper, ret_work);
	}
	*ret_upper = realpath(upper, NULL);
	if (!*ret_upper)
		return fail("%s: %s", upper, strerror(errno));
	if (asprintf(ret_work, "%s.work", *ret_upper) < 0)
		abort();
	r = print_only ? 0 : make_directory(*ret_work);
	return r < 0 ? fail("%s: %s", *ret_work, strerror(-r)) : EXIT_FINE;
}

static int mount_print(const char *options, const char *mountpoint)
{
	printf("plyfs -o ");
	print_quoted(options);
	printf(" ");
	print_quoted(mountpoint);
	printf("\nmount -t overlay overlay -o ");
	print_quoted(options);
	printf(" ");
	print_quoted(mountpoint);
	printf("\n");
	return EXIT_FINE;
}

/* The plyfs that lies beside this program, else that of PATH. */
static int mount_exec(const char *options, const char *mountpoint)
{
	char self[PATH_MAX - 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		strcpy(slash + 1, "plyfs");
		execl(self, "plyfs", "-o", options, mountpoint, NULL);
	}
	execlp("plyfs", "plyfs", "-o", options, mountpoint, NULL);
	return fail("plyfs: %s", strerror(errno));
}

static int run_mount(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *upperdir = NULL, *workdir = NULL, *options = NULL;
	int status;

	if (argc != 2)
		return usage_error("mount: STACK MOUNTPOINT are wanted");
	stack = stack_open(argv[0]);
	if (!stack)
		return EXIT_FAILED;
	status = upper ? choose_upper(&upperdir, &workdir) : EXIT_FINE;
	if (status != EXIT_FINE)
		return status;
	options = mount_options(stack, upperdir, workdir);
	return print_only ? mount_print(options, argv[1]) : mount_exec(options, argv[1]);
}

const struct verb verb_mount = {.name = "mount",
				.operands = "STACK MOUNTPOINT",
				.help = "Mount a plyfs over a stack",
				.more = "Without --upper the union is read-only. The work directory of an upper DIR is "
					"DIR.work. `new` makes an upper in\n"
					"the store (PLYCTL_STORE, or /var/lib/plyfs for root and "
					"~/.local/share/plyfs), `tmp` one in TMPDIR; its path is\n"
					"printed, and it stays when the union is unmounted.",
				.opts = opts,
				.n_opts = ARRAY_SIZE(opts),
				.makes = true,
				.run = run_mount};
