/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live unions, from mountinfo. The kernel's overlayfs prints its options there: values have blanks, commas, equal signs
 * and backslashes in octal, and `lowerdir=` has the string of its caller, or there is a `lowerdir+=` for each layer.
 * Both are turned into a command line of plyfs, which has the same options.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"

/* Of the kernel's options those that say what the layers show. */
static const char *const overlay_names[] = {"lowerdir", "lowerdir+", "datadir+", "upperdir", "workdir",
					    "index",	"metacopy",  "uuid",	 "userxattr"};

/* A list as the option parser wants it: commas are escaped, also where the caller of the mount had no need to. */
static char *escape_commas(const char *list)
{
	char *text = malloc(2 * strlen(list) + 1), *out = text;

	for (; text && *list; list++) {
		if (*list == ',')
			*out++ = '\\';
		*out++ = *list;
		if (*list == '\\' && list[1])
			*out++ = *++list;
	}
	if (text)
		*out = '\0';
	return text;
}

/* Decodes a value. A colon that a kernel has printed in octal is part of a name. */
static char *decode_value(const char *raw, bool is_list)
{
	_cleanup_free_ char *text = strdup(raw);

	for (char *c = text; c && is_list && (c = strstr(c, "\\072")); c++) {
		c[1] = ':';
		memmove(c + 2, c + 4, strlen(c + 4) + 1);
	}
	if (!text)
		return NULL;
	os_mountinfo_unescape(text);
	return is_list ? escape_commas(text) : TAKE_PTR(text);
}

static int translate_option(char **text, const char *name, const char *raw)
{
	_cleanup_free_ char *value = NULL;
	bool is_list = !strcmp(name, "lowerdir"), is_known = false;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(overlay_names); i++)
		is_known |= !strcmp(name, overlay_names[i]);
	if (!is_known)
		return 0;
	r = view_append(text, name);
	if (r < 0 || !raw)
		return r < 0 ? r : view_append(text, ",");
	value = decode_value(raw, is_list);
	if (!value)
		return -ENOMEM;
	r = view_append(text, "=");
	if (r == 0)
		r = is_list || !strchr(value, '/') ? view_append(text, value) : view_append_path(text, value);
	return r < 0 ? r : view_append(text, ",");
}

char *view_overlay_options(const char *super_options)
{
	_cleanup_free_ char *copy = strdup(super_options), *text = NULL;
	char *rest = copy, *option;

	while (rest && (option = strsep(&rest, ","))) {
		char *value = strchr(option, '=');

		if (value)
			*value++ = '\0';
		if (translate_option(&text, option, value) < 0)
			return NULL;
	}
	/* A read-only union. */
	return view_append(&text, "ro") < 0 ? NULL : TAKE_PTR(text);
}

/* --- mountinfo ---------------------------------------------------------------------------------------------------- */

/* A mount that may be a union, as mountinfo has it. */
struct mounted {
	dev_t dev;
	enum view_kind kind;
	char *mountpoint; /* owned */
	char *flags;	  /* owned */
	char *options;	  /* owned */
	pid_t seen_by;	  /* as in struct view_stack */
};

struct mounts {
	struct mounted *list; /* owned */
	size_t n, room;
	pid_t seen_by; /* of those that are added now */
};

static bool live_kind_of(const struct os_mountinfo *m, enum view_kind *ret)
{
	if (!strcmp(m->fstype, "overlay"))
		*ret = VIEW_OVERLAY;
	else if (!strcmp(m->fstype, "fuse.plyfs"))
		*ret = VIEW_PLYFS;
	else if (!strcmp(m->fstype, "fuse.fuse-overlayfs") || !strcmp(m->fstype, "fuse3.fuse-overlayfs"))
		*ret = VIEW_FUSE_OVERLAYFS;
	else
		return false;
	return true;
}

static int live_add(void *arg, const struct os_mountinfo *m)
{
	struct mounts *mounts = arg;
	struct mounted new = {.dev = m->dev, .seen_by = mounts->seen_by};

	if (!live_kind_of(m, &new.kind) || strcmp(m->root, "/") != 0)
		return 0;
	if (!ARRAY_ROOM(mounts->list, mounts->n, mounts->room, 1))
		return -ENOMEM;
	new.mountpoint = strdup(m->mountpoint);
	new.flags = strdup(m->options);
	new.options = strdup(m->super_options);
	mounts->list[mounts->n++] = new;
	return new.mountpoint &&new.flags &&new.options ? 0 : -ENOMEM;
}

static void live_free(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->list[i].mountpoint);
		free(mounts->list[i].flags);
		free(mounts->list[i].options);
	}
	free(mounts->list);
}

static int live_read(struct mounts *mounts)
{
	int r = os_each_mount(live_add, mounts);

	(void)CHECK(r <= 0);
	return r;
}

/* Engines change to the folder of their layers, so that the names of many fit into the options. They mount on
 * FOLDER/ID/merged. Returns the length of FOLDER, or 0. */
static size_t engine_folder(const char *mountpoint)
{
	static const char merged[] = "/merged";
	size_t len = strlen(mountpoint), end = sizeof(merged) - 1;

	if (len <= end || strcmp(mountpoint + len - end, merged) != 0)
		return 0;
	for (len -= end; len > 0 && mountpoint[len - 1] != '/'; len--)
		;
	return len > 1 ? len - 1 : 0;
}

/* The number of a directory, or 0. */
static uint64_t live_number_of(const char *path, dev_t *ret_dev)
{
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	struct statx stx;

	if (fd < 0 || os_statx_cached(fd, "", &stx) < 0)
		return 0;
	*ret_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return stx.stx_ino;
}

/* Whether the layers lie in this process's directory. The union's root has the number of one of them, if they are all
 * on one file system. Equal names alone say nothing. */
static bool is_from_here(const struct mounted *m, const struct options *options)
{
	dev_t dev = 0;
	uint64_t root = live_number_of(m->mountpoint, &dev);
	bool is_same = false;

	if (!root || dev != m->dev || (options->upperdir && !live_number_of(options->upperdir, &dev)))
		return false;
	is_same = options->upperdir && live_number_of(options->upperdir, &dev) == root;
	for (size_t i = 0; i < options->layer_count; i++) {
		uint64_t own = live_number_of(options->layers[i].path, &dev);

		if (!own)
			return false;
		is_same |= own == root;
	}
	return is_same;
}

static int live_absolute(const struct mounted *m, char **path, char **ret_error)
{
	_cleanup_free_ char *relative = NULL;
	size_t folder = engine_folder(m->mountpoint);

	if (!*path || **path == '/')
		return 0;
	if (!folder)
		return view_refuse(ret_error, -EINVAL, "%s: its layer %s is relative to a directory that isn't known",
				   m->mountpoint, *path);
	relative = TAKE_PTR(*path);
	(void)CHECK(m->mountpoint[folder] == '/');
	return asprintf(path, "%.*s/%s", (int)folder, m->mountpoint, relative) < 0 ? -ENOMEM : 0;
}

static int live_all_absolute(const struct mounted *m, struct options *options, char **ret_error)
{
	bool is_relative = options->upperdir && *options->upperdir != '/';
	int r;

	for (size_t i = 0; i < options->layer_count; i++)
		is_relative |= *options->layers[i].path != '/';
	if (!is_relative || (!m->seen_by && is_from_here(m, options)))
		return 0;
	r = live_absolute(m, &options->upperdir, ret_error);
	if (r == 0)
		r = live_absolute(m, &options->workdir, ret_error);
	for (size_t i = 0; i < options->layer_count && r == 0; i++)
		r = live_absolute(m, &options->layers[i].path, ret_error);
	return r;
}

/* The path of another mount namespace as this process has to say it. os_open_path() stays in its root. */
static int live_translate(char **path, pid_t seen_by)
{
	_cleanup_free_ char *own = NULL;

	if (!*path)
		return 0;
	(void)CHECK(seen_by > 0 && **path == '/');
	own = TAKE_PTR(*path);
	if (asprintf(path, "/proc/%d/root%s", seen_by, own) >= 0)
		return 0;
	*path = NULL;
	return -ENOMEM;
}

static int live_translate_all(const struct mounted *m, struct options *options, char **ret_error)
{
	int r = 0;

	if (!m->seen_by)
		return 0;
	r = live_translate(&options->upperdir, m->seen_by);
	if (r == 0)
		r = live_translate(&options->workdir, m->seen_by);
	for (size_t i = 0; i < options->layer_count && r == 0; i++)
		r = live_translate(&options->layers[i].path, m->seen_by);
	return r < 0 ? view_refuse(ret_error, r, "%s: out of memory", m->mountpoint) : 0;
}

static int live_describe(const struct mounted *m, struct view_stack *stack, char **ret_error)
{
	_cleanup_free_ char *text = NULL;
	int r;

	(void)CHECK(!stack->options.layer_count);
	if (m->kind != VIEW_OVERLAY)
		return view_server_find(stack, ret_error);
	text = view_overlay_options(m->options);
	if (!text)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", m->mountpoint);
	r = view_parse_options(text, &stack->options, ret_error);
	if (r == 0)
		r = live_all_absolute(m, &stack->options, ret_error);
	return r < 0 ? r : live_translate_all(m, &stack->options, ret_error);
}

/* What mountinfo says of it. */
static struct view_stack *live_bare(const struct mounted *m)
{
	struct view_stack *stack = calloc(1, sizeof(*stack));

	if (!stack)
		return NULL;
	stack->kind = m->kind;
	stack->dev = m->dev;
	stack->seen_by = m->seen_by;
	stack->name = strdup(m->mountpoint);
	stack->mountpoint = strdup(m->mountpoint);
	stack->mount_flags = strdup(m->flags);
	stack->super_options = strdup(m->options);
	if (stack->name && stack->mountpoint && stack->mount_flags && stack->super_options)
		return stack;
	view_stack_free(stack);
	return NULL;
}

/* *ret is set after a failure too, without layers, but for -ENOMEM of the stack itself. */
static int live_look(const struct mounted *m, struct view_stack **ret, char **ret_error)
{
	struct view_stack *stack = live_bare(m);
	int r;

	*ret = stack;
	if (!stack)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", m->mountpoint);
	r = live_describe(m, stack, ret_error);
	if (r == 0)
		r = view_layers_answer(stack->name, &stack->options, ret_error);
	stack->has_upper = r == 0 && (stack->options.upperdir || stack->options.shows_upper);
	if (r == 0 && stack->options.upperdir)
		r = options_show_upper(&stack->options);
	(void)CHECK(r < 0 || stack->options.layer_count > 0);
	if (r == 0)
		return 0;
	options_free(&stack->options);
	return view_refuse(ret_error, r, "%s: %s", m->mountpoint, strerror(-r));
}

static int live_new(const struct mounted *m, struct view_stack **ret, char **ret_error)
{
	struct view_stack *stack;
	int r = live_look(m, &stack, ret_error);

	(void)CHECK(r < 0 || stack);
	if (r < 0)
		view_stack_free(stack);
	else
		*ret = stack;
	return r;
}

int view_live_at(dev_t dev, const char *mountpoint, struct view_stack **ret, char **ret_error)
{
	_cleanup_(live_free) struct mounts mounts = {.n = 0};
	int r = live_read(&mounts);

	if (r < 0)
		return view_refuse(ret_error, r, "mountinfo: %s", strerror(-r));
	for (size_t i = mounts.n; i-- > 0;)
		if (mounts.list[i].dev == dev && !strcmp(mounts.list[i].mountpoint, mountpoint))
			return live_new(&mounts.list[i], ret, ret_error);
	return -ENOENT;
}

/* How much of the path is the mountpoint, or 0. */
static size_t leads(const char *mountpoint, const char *path)
{
	size_t len = strlen(mountpoint);

	(void)CHECK(len > 0);
	if (len == 1)
		return 1;
	return !strncmp(mountpoint, path, len) && (path[len] == '/' || !path[len]) ? len : 0;
}

int view_stack_containing(const char *path, struct view_stack **ret, const char **ret_path, char **ret_error)
{
	_cleanup_(live_free) struct mounts mounts = {.n = 0};
	const struct mounted *best = NULL;
	size_t length = 0;
	int r = live_read(&mounts);

	if (r < 0)
		return view_refuse(ret_error, r, "mountinfo: %s", strerror(-r));
	for (size_t i = 0; i < mounts.n; i++) {
		size_t len = leads(mounts.list[i].mountpoint, path);

		if (len && len >= length) {
			best = &mounts.list[i];
			length = len;
		}
	}
	if (!best)
		return view_refuse(ret_error, -ENOENT, "%s: not in a union that is mounted", path);
	r = live_new(best, ret, ret_error);
	*ret_path = path + length;
	return r;
}

/* The root of a container leads to no layers. */
static bool is_root_elsewhere(const struct mounted *m)
{
	return m->seen_by && !strcmp(m->mountpoint, "/");
}

/* A bind mount of a union is the same union. The first of its best places is told. */
static bool was_told(const struct mounts *mounts, size_t number)
{
	const struct mounted *own = &mounts->list[number];

	(void)CHECK(number < mounts->n);
	for (size_t i = 0; i < mounts->n; i++) {
		const struct mounted *other = &mounts->list[i];

		if (other->dev == own->dev &&
		    (is_root_elsewhere(other) == is_root_elsewhere(own) ? i < number : is_root_elsewhere(own)))
			return true;
	}
	return false;
}

static int live_tell(const struct mounts *mounts, int (*each)(void *arg, struct view_stack *stack, const char *cause),
		     void *arg)
{
	int r = 0;

	for (size_t i = 0; i < mounts->n && r == 0; i++) {
		_cleanup_free_ char *error = NULL;
		struct view_stack *stack = NULL;
		int look;

		if (was_told(mounts, i))
			continue;
		look = live_look(&mounts->list[i], &stack, &error);
		(void)CHECK(look == 0 || !stack || !stack->options.layer_count);
		r = each(arg, stack, look == 0 ? NULL : error ? error : mounts->list[i].mountpoint);
	}
	return r;
}

int view_each_live(int (*each)(void *arg, struct view_stack *stack, const char *cause), void *arg)
{
	_cleanup_(live_free) struct mounts mounts = {.n = 0};
	int r = live_read(&mounts);

	return r < 0 ? r : live_tell(&mounts, each, arg);
}

/* --- other mount namespaces --------------------------------------------------------------------------------------- */

struct namespaces {
	struct mounts *mounts;
	int proc_fd;
	int *ids; /* owned; of the first mounts that were seen */
	size_t n;
};

static int note_first(void *arg, const struct os_mountinfo *m)
{
	*(int *)arg = m->id;
	return 1;
}

/* No mount has its id twice on a machine, so the first one tells whether these mounts were seen. -1: not readable. */
static bool is_new_namespace(struct namespaces *all, int pid_fd)
{
	int first = -1, *next;

	(void)CHECK(all->proc_fd >= 0);
	if (os_each_mount_of(pid_fd, note_first, &first) < 0 || first < 0)
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (all->ids[i] == first)
			return false;
	next = ARRAY_NEXT(all->ids, all->n);
	if (!next)
		return false;
	*next = first;
	all->n++;
	return true;
}

static int live_in_process(void *arg, const struct os_dirent *d)
{
	struct namespaces *all = arg;
	char *end;
	long pid = strtol(d->name, &end, 10);
	int r;

	if (*end || pid <= 0)
		return 0;
	_cleanup_close_ int fd = os_openat(all->proc_fd, d->name, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);

	if (fd < 0 || !is_new_namespace(all, fd))
		return 0;
	all->mounts->seen_by = (pid_t)pid;
	r = os_each_mount_of(fd, live_add, all->mounts);
	/* A process may end meanwhile. */
	return r == -ENOMEM ? r : 0;
}

int view_each_live_anywhere(int (*each)(void *arg, struct view_stack *stack, const char *cause), void *arg)
{
	_cleanup_(live_free) struct mounts mounts = {.n = 0};
	_cleanup_close_ int proc_fd = os_open_path("/proc", O_RDONLY | O_DIRECTORY, 0);
	struct namespaces all = {.mounts = &mounts, .proc_fd = proc_fd};
	int r = live_read(&mounts), *own = ARRAY_NEXT(all.ids, all.n);

	(void)CHECK(r <= 0);
	if (r == 0 && own && os_each_mount(note_first, own) == 1)
		all.n = 1;
	if (r == 0 && proc_fd >= 0)
		r = os_read_dir(proc_fd, live_in_process, &all);
	free(all.ids);
	return r < 0 ? r : live_tell(&mounts, each, arg);
}
