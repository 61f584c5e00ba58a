/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl doctor: what this machine has and allows, on one page for a bug report.
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/task.h"

#define TITLE_WIDTH 29

/* --- findings ----------------------------------------------------------------------------------------------------- */

static json_t *document, *section, *problems, *advice;

void doctor_section(const char *name, const char *title)
{
	section = json_object();
	json_object_set_new(document, name, section);
	if (!common.json)
		printf("\n%s\n", title);
}

/* Lines after the first are indented. */
static void print_finding(const char *title, const char *text)
{
	const char *end;

	printf("  %-*s", TITLE_WIDTH, title);
	for (; (end = strchr(text, '\n')); text = end + 1) {
		_cleanup_free_ char *line = strndup(text, (size_t)(end - text));

		print_name(line ? line : "");
		printf("\n  %-*s", TITLE_WIDTH, "");
	}
	print_name(text);
	printf("\n");
}

void doctor_add(const char *name, const char *title, json_t *value, const char *text)
{
	char number[32];

	if (!text && json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		text = number;
	}
	if (!text)
		text = json_is_true(value) ? "yes" : json_is_false(value) ? "no" : json_string_value(value);
	if (!common.json)
		print_finding(title, text ? text : "-");
	json_object_set_new(section, name, value);
}

void doctor_add_text(const char *name, const char *title, const char *value)
{
	doctor_add(name, title, value ? json_text(value) : json_null(), value);
}

void doctor_add_bool(const char *name, const char *title, bool value)
{
	doctor_add(name, title, json_boolean(value), NULL);
}

void doctor_add_trial(const char *name, const char *title, int r)
{
	char text[128];

	snprintf(text, sizeof(text), "no: %s", strerror(-MIN(r, 0)));
	doctor_add(name, title, json_boolean(r >= 0), r < 0 ? text : "yes");
}

static void say_in(json_t *list, const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	json_array_append_new(list, json_text(text));
}

void doctor_problem(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_in(problems, fmt, ap);
	va_end(ap);
}

void doctor_advice(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_in(advice, fmt, ap);
	va_end(ap);
}

/* --- help --------------------------------------------------------------------------------------------------------- */

char *doctor_program(const char *name)
{
	const char *path = getenv("PATH");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	_cleanup_free_ char *places = NULL;
	char *place, *rest, *found = NULL;

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	if (asprintf(&places, "%s:%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin", self) < 0)
		abort();
	for (rest = places; (place = strsep(&rest, ":"));) {
		free(found);
		if (asprintf(&found, "%s/%s", place, name) < 0)
			abort();
		if (*place == '/' && access(found, X_OK) == 0)
			return found;
	}
	free(found);
	return NULL;
}

char *doctor_output(const char *command, unsigned max)
{
	FILE *in = popen(command, "re");
	char *text = NULL;
	size_t len = 0;
	char buf[512];

	for (unsigned i = 0; in && fgets(buf, sizeof(buf), in);) {
		char *grown = i++ < max ? realloc(text, len + strlen(buf) + 1) : NULL;

		if (!grown)
			continue;
		text = grown;
		strcpy(text + len, buf);
		len += strlen(buf);
	}
	if (!in || pclose(in) != 0) {
		free(text);
		return NULL;
	}
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	return text;
}

char *doctor_file(const char *path, size_t max)
{
	FILE *in = fopen(path, "re");
	char *text = calloc(1, max + 1);
	size_t n;

	if (!text || !in) {
		if (in)
			fclose(in);
		free(text);
		return NULL;
	}
	n = fread(text, 1, max, in);
	fclose(in);
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return text;
}

/* --- the machine -------------------------------------------------------------------------------------------------- */

static char *distribution(void)
{
	_cleanup_free_ char *text = doctor_file("/etc/os-release", 8192);
	char *at = text ? strstr(text, "PRETTY_NAME=\"") : NULL, *end;

	if (!at)
		return NULL;
	at += strlen("PRETTY_NAME=\"");
	end = strchr(at, '"');
	return end ? strndup(at, (size_t)(end - at)) : NULL;
}

static void look_at_system(void)
{
	_cleanup_free_ char *name = distribution(), *plyfs = doctor_program("plyfs"), *quoted = NULL, *said = NULL,
			    *modules = doctor_file("/sys/kernel/security/lsm", 256);
	char kernel[3 * 65 + 3];
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	snprintf(kernel, sizeof(kernel), "%s %s %s", u.sysname, u.release, u.machine);
	if (plyfs && !strchr(plyfs, '\'') && asprintf(&quoted, "'%s' --version 2>/dev/null", plyfs) >= 0)
		said = doctor_output(quoted, 3);
	doctor_section("system", "The machine");
	doctor_add_text("plyctl", "plyctl", PLYFS_VERSION);
	doctor_add_text("plyfs", "plyfs", plyfs);
	doctor_add_text("plyfs_version", "plyfs says", said);
	doctor_add_text("kernel", "kernel", kernel);
	doctor_add_text("distribution", "distribution", name);
	doctor_add_text("security_modules", "security modules", modules);
	doctor_add("uid", "user id", json_integer(geteuid()), NULL);
	doctor_add_bool("initial_user_namespace", "initial user namespace", os_in_init_userns());
	doctor_add_bool("container", "in a container",
			access("/run/.containerenv", F_OK) == 0 || access("/.dockerenv", F_OK) == 0);
	if (!plyfs)
		doctor_problem("The program plyfs isn't found.");
	if (sscanf(u.release, "%u.%u", &major, &minor) == 2 && major * 1000 + minor < 5006)
		doctor_problem("plyfs needs Linux 5.6, and this is %s.", u.release);
	else if (major * 1000 + minor < 6009)
		doctor_advice("data=passthrough needs Linux 6.9, and this is %s.", u.release);
}

static void look_at_fuse(void)
{
	_cleanup_free_ char *fusermount = doctor_program("fusermount3"), *version = NULL,
			    *settings = doctor_file("/etc/fuse.conf", 65536),
			    *uring = doctor_file("/sys/module/fuse/parameters/enable_uring", 8);
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	struct stat st;
	bool is_setuid = fusermount && stat(fusermount, &st) == 0 && (st.st_mode & S_ISUID) && st.st_uid == 0;

	doctor_section("fuse", "FUSE");
	doctor_add_trial("device", "/dev/fuse can be opened", r);
	doctor_add_text("fusermount3", "fusermount3", fusermount);
	version = fusermount ? doctor_output("fusermount3 --version 2>/dev/null", 1) : NULL;
	doctor_add_text("fusermount3_version", "fusermount3 says", version);
	doctor_add_bool("fusermount3_setuid", "fusermount3 is setuid root", is_setuid);
	doctor_add_bool("user_allow_other", "users may allow_other",
			settings &&
				(!strncmp(settings, "user_allow_other", 16) || strstr(settings, "\nuser_allow_other")));
	doctor_add_bool("io_uring", "FUSE over io_uring", uring && *uring == 'Y');
	doctor_add_bool("overlay", "kernel overlayfs", os_has_filesystem("overlay"));
	if (r == -ENOENT)
		doctor_problem(
			"/dev/fuse isn't there: the module fuse isn't loaded, or a container has no such device.");
	else if (r < 0)
		doctor_problem("/dev/fuse can't be opened: %s.", strerror(-r));
	if (geteuid() != 0 && !is_setuid)
		doctor_advice("Without a fusermount3 that is setuid root, users mount in a user namespace only.");
}

static long long number_of(const char *path)
{
	_cleanup_free_ char *text = doctor_file(path, 32);

	return text && *text ? strtoll(text, NULL, 10) : -1;
}

static void add_number(const char *name, const char *title, long long value)
{
	doctor_add(name, title, value < 0 ? json_null() : json_integer(value), NULL);
}

/* By doing it in a child. */
static int try_user_namespace(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* The ids that /etc/subuid gives this user. */
static long long subordinate_ids(const char *path)
{
	_cleanup_free_ char *text = doctor_file(path, 1 << 16), *uid = NULL;
	const char *user = getenv("USER");
	long long sum = 0, count;
	char name[256], *line, *rest = text;

	if (asprintf(&uid, "%u", geteuid()) < 0)
		abort();
	while (rest && (line = strsep(&rest, "\n")))
		if (sscanf(line, "%255[^:]:%*u:%lld", name, &count) == 2 &&
		    (!strcmp(name, uid) || (user && !strcmp(name, user))))
			sum += count;
	return sum;
}

static void look_at_limits(void)
{
	struct rlimit files;
	long long restricted = number_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	_cleanup_free_ char *newuidmap = doctor_program("newuidmap");
	int r = try_user_namespace();

	getrlimit(RLIMIT_NOFILE, &files);
	doctor_section("limits", "Limits");
	doctor_add("open_files", "open files", json_integer((json_int_t)files.rlim_max), NULL);
	doctor_add_trial("user_namespaces", "user namespaces", r);
	add_number("max_user_namespaces", "at most", number_of("/proc/sys/user/max_user_namespaces"));
	add_number("apparmor_restricts", "AppArmor restricts them", restricted);
	doctor_add_text("newuidmap", "newuidmap", newuidmap);
	add_number("subuids", "subordinate user ids", subordinate_ids("/etc/subuid"));
	add_number("subgids", "subordinate group ids", subordinate_ids("/etc/subgid"));
	if (files.rlim_max < 65536)
		doctor_advice("The limit of %llu open files is low: plyfs keeps fewer files of layers open.",
			      (unsigned long long)files.rlim_max);
	if (r < 0)
		doctor_advice("A user namespace can't be made (%s), so containers without root won't work.",
			      strerror(-r));
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static void print_sentences(const char *title, const json_t *list)
{
	size_t i;
	json_t *item;

	if (!json_array_size(list))
		return;
	printf("\n%s\n", title);
	json_array_foreach(list, i, item)
	{
		printf("  - ");
		print_name(json_string_value(item));
		printf("\n");
	}
}

static void print_document(void)
{
	const char *name;
	json_t *value;

	if (!common.json) {
		print_sentences("Problems", problems);
		print_sentences("Advice", advice);
		if (!json_array_size(problems))
			printf("\nNothing keeps plyfs from working.\n");
		return;
	}
	json_start("doctor");
	json_object_foreach(document, name, value) json_member(name, json_incref(value));
	json_member("problems", json_incref(problems));
	json_member("advice", json_incref(advice));
	json_end();
}

static int run_doctor(int argc, char **argv)
{
	int status = EXIT_FINE, r = 0;

	if (argc > 1)
		return usage_error("doctor: one DIR at most is wanted");
	document = json_object();
	problems = json_array();
	advice = json_array();
	fflush(stdout);
	look_at_system();
	look_at_fuse();
	look_at_limits();
	if (argc)
		r = doctor_directory(argv[0]);
	if (r < 0) {
		status = fail("%s: %s", argv[0], strerror(-r));
	} else {
		doctor_engines();
		print_document();
		status = json_array_size(problems) ? EXIT_FOUND : EXIT_FINE;
	}
	json_decref(document);
	json_decref(problems);
	json_decref(advice);
	return status;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.operands = "[DIR]",
	.help = "Tell what this machine has and allows, on one page for a bug report",
	.more = "With DIR it is tried out what that directory supports as an upper. Nothing stays there. "
		"Exit status 3: something\n"
		"keeps plyfs from working.",
	.run = run_doctor};
