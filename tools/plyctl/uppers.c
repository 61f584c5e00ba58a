/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upper is made below a name that nobody takes for one, and gets its name when all of it is there.
 */
#include "uppers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply.h"
#include "base/hex.h"
#include "image/image.h"
#include "os/fs.h"
#include "os/task.h"
#include "sandbox.h"
#include "unpacked.h"

#define ID_BYTES 6
#define ID_HEX (2 * ID_BYTES)
#define REMOVED ".removed"
/* Longer than a tick of the kernel's clock for times of files. */
#define TICK_US 2000

static char *text(const char *format, const char *a, const char *b)
{
	char *all = NULL;

	if (asprintf(&all, format, a, b) < 0)
		abort();
	return all;
}

/* The directory of the uppers, made if it isn't there. */
static char *upper_store(void)
{
	_cleanup_free_ char *store = NULL, *path = NULL;
	int r = image_default_path(IMAGE_STORE, &store);
	char *real;

	if (r < 0) {
		fail("the store: %s", strerror(-r));
		return NULL;
	}
	path = text("%s%s", store, "/uppers");
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	/* What users change is theirs. */
	(void)mkdir(path, 0700);
	real = realpath(path, NULL);
	if (!real)
		fail("%s: %s", path, strerror(errno));
	return real;
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static json_t *document(const struct view_stack *stack, char *const *argv, const struct timespec *made)
{
	json_t *doc = json_object(), *layers = json_array(), *words = json_array();

	json_object_set_new(doc, "schema", json_string("plyctl.upper/1"));
	json_set_path(doc, "stack", stack->name);
	for (size_t i = 0; i < stack->options.layer_count; i++) {
		_cleanup_free_ char *path = realpath(stack->options.layers[i].path, NULL);
		json_t *layer = json_object();

		json_set_path(layer, "directory", path ? path : stack->options.layers[i].path);
		json_object_set_new(layer, "data_only", json_boolean(stack->options.layers[i].data_only));
		json_array_append_new(layers, layer);
	}
	json_object_set_new(doc, "layers", layers);
	json_object_set_new(doc, "made", json_time(made->tv_sec));
	json_object_set_new(doc, "made_seconds", json_integer(made->tv_sec));
	json_object_set_new(doc, "made_nanoseconds", json_integer(made->tv_nsec));
	for (; argv && *argv; argv++)
		json_array_append_new(words, json_text(*argv));
	json_object_set_new(doc, "command", words);
	return doc;
}

/* What json_set_path() has written. */
static char *path_of(const json_t *object, const char *name)
{
	_cleanup_free_ char *hex_name = text("%s%s", name, "_hex");
	const char *hex = json_string_value(json_object_get(object, hex_name));
	const char *plain = json_string_value(json_object_get(object, name));
	char *path;
	size_t n;

	if (!hex)
		return plain ? strdup(plain) : NULL;
	n = strlen(hex) / 2;
	path = calloc(1, n + 1);
	for (size_t i = 0; path && i < n; i++) {
		unsigned byte = 0;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			break;
		path[i] = (char)byte;
	}
	return path;
}

static char *command_of(const json_t *words)
{
	char *all = NULL;
	size_t i;
	json_t *word;

	json_array_foreach(words, i, word)
	{
		_cleanup_free_ char *old = all;

		all = text(old ? "%s %s" : "%s%s", old ? old : "", json_string_value(word));
	}
	return all;
}

static void read_document(struct upper *u)
{
	_cleanup_free_ char *path = text("%s%s", u->base, "/stack");
	json_t *doc = json_load_file(path, 0, NULL), *layers = json_object_get(doc, "layers"), *layer;
	size_t i;

	if (!doc)
		return;
	u->made.tv_sec = json_integer_value(json_object_get(doc, "made_seconds"));
	u->made.tv_nsec = json_integer_value(json_object_get(doc, "made_nanoseconds"));
	u->command = command_of(json_object_get(doc, "command"));
	u->layers = calloc(json_array_size(layers) + 1, sizeof(*u->layers));
	if (!u->layers)
		abort();
	json_array_foreach(layers, i, layer)
	{
		char *directory = path_of(layer, "directory");

		if (directory)
			u->layers[u->n_layers++] = directory;
	}
	json_decref(doc);
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static int write_document(const char *base, const struct view_stack *stack, char *const *argv, struct timespec *made)
{
	_cleanup_free_ char *path = text("%s%s", base, "/stack");
	json_t *doc;
	int r, fd;

	*made = os_now_real();
	doc = document(stack, argv, made);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	r = fd < 0 ? -1 : json_dumpfd(doc, fd, JSON_INDENT(1));
	json_decref(doc);
	if (fd >= 0 && (fsync(fd) < 0 || close(fd) < 0))
		r = -1;
	return r;
}

/* Times of files come from a clock that ticks: what changes from now on is later than `made`. */
static void wait_for_tick(const struct timespec *made)
{
	struct timespec now;

	while (clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 &&
	       (now.tv_sec < made->tv_sec || (now.tv_sec == made->tv_sec && now.tv_nsec <= made->tv_nsec)))
		os_sleep_us(TICK_US);
}

static int make_directories(const struct upper *u, const struct view_stack *stack)
{
	struct stat st;

	if (mkdir(u->dir, 0700) < 0 || mkdir(u->work, 0700) < 0)
		return -1;
	if (stat(stack->options.layers[0].path, &st) < 0)
		return chmod(u->dir, 0755);
	/* A user has no other's. */
	(void)!chown(u->dir, st.st_uid, st.st_gid);
	return chmod(u->dir, st.st_mode & 07777);
}

static void set_paths(struct upper *u, char *base)
{
	u->base = base;
	u->dir = text("%s%s", base, "/upper");
	u->work = text("%s%s", base, "/work");
}

int upper_new(const char *parent, const struct view_stack *stack, char *const *argv, struct upper *ret)
{
	_cleanup_free_ char *store = parent ? realpath(parent, NULL) : upper_store();
	unsigned char random[ID_BYTES];
	char id[ID_HEX + 1];

	if (!store)
		return parent ? fail("%s: %s", parent, strerror(errno)) : EXIT_FAILED;
	if (os_random(random, sizeof(random)) < 0)
		return fail("%s: no random numbers", store);
	hex_text(random, sizeof(random), id);
	*ret = (struct upper){.id = strdup(id)};
	set_paths(ret, parent ? text("%s/plyctl-%s", store, id) : text("%s/%s", store, id));
	if (mkdir(ret->base, 0700) < 0 || make_directories(ret, stack) < 0 ||
	    write_document(ret->base, stack, argv, &ret->made) < 0) {
		fail("%s: %s", ret->base, strerror(errno));
		upper_drop(ret);
		return EXIT_FAILED;
	}
	read_document(ret);
	wait_for_tick(&ret->made);
	return EXIT_FINE;
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

static bool is_upper(const char *base)
{
	_cleanup_free_ char *dir = text("%s%s", base, "/upper"), *document = text("%s%s", base, "/stack");
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && stat(document, &st) == 0;
}

static bool is_id(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return n >= 4 && n <= ID_HEX && !name[n];
}

/* The one name of the directory that begins with the text. 0: none, 2: several. */
static int find_id(const char *store, const char *id, char **ret_name)
{
	DIR *dir = opendir(store);
	struct dirent *entry;
	int n = 0;

	while (dir && n < 2 && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, id, strlen(id)) != 0 || !is_id(entry->d_name) ||
		    strlen(entry->d_name) != ID_HEX)
			continue;
		n++;
		free(*ret_name);
		*ret_name = strdup(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* A directory: one that plyctl made, its `upper`, or any other, whose work directory is DIR.work. */
static int find_directory(const char *name, struct upper *ret)
{
	char *real, *slash;

	if (!name_is_here(name))
		return fail("%s: a directory behind the root of another process has no name here", name);
	real = realpath(name, NULL);
	if (!real)
		return fail("%s: %s", name, strerror(errno));
	*ret = (struct upper){.id = NULL};
	slash = strrchr(real, '/');
	if (slash && !strcmp(slash, "/upper")) {
		*slash = '\0';
		if (!is_upper(real))
			*slash = '/';
	}
	if (is_upper(real)) {
		ret->id = strdup(strrchr(real, '/') + 1);
		set_paths(ret, real);
		read_document(ret);
		return EXIT_FINE;
	}
	ret->dir = real;
	ret->work = text("%s%s", real, ".work");
	return EXIT_FINE;
}

int upper_find(const char *name, struct upper *ret)
{
	_cleanup_free_ char *store = NULL, *id = NULL, *path = NULL;
	int n;

	if (!is_id(name) || strchr(name, '/'))
		return find_directory(name, ret);
	store = upper_store();
	if (!store)
		return EXIT_FAILED;
	n = find_id(store, name, &id);
	if (n > 1)
		return fail("%s: several uppers have an id that begins so", name);
	if (n == 0)
		return access(name, F_OK) == 0 ? find_directory(name, ret) : fail("%s: no such upper", name);
	path = text("%s/%s", store, id);
	return find_directory(path, ret);
}

/* A colon or a backslash of a path is a part of it. */
static void append_layer(char **all, const char *path)
{
	size_t n = *all ? strlen(*all) : 0;
	char *out = realloc(*all, n + 2 * strlen(path) + 2);

	if (!out)
		abort();
	*all = out;
	out += n;
	if (n)
		*out++ = ':';
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			*out++ = '\\';
		*out++ = *path;
	}
	*out = '\0';
}

char *upper_stack(const char *id)
{
	_cleanup_free_ char *store = NULL, *uppers = NULL, *whole = NULL, *path = NULL;
	_cleanup_upper_ struct upper u = {.id = NULL};
	char *all = NULL;

	if (!is_id(id) || image_default_path(IMAGE_STORE, &store) < 0)
		return NULL;
	uppers = text("%s%s", store, "/uppers");
	if (find_id(uppers, id, &whole) != 1)
		return NULL;
	path = text("%s/%s", uppers, whole);
	if (!is_upper(path) || find_directory(path, &u) != EXIT_FINE || !u.n_layers)
		return NULL;
	append_layer(&all, u.dir);
	for (size_t i = 0; i < u.n_layers; i++)
		append_layer(&all, u.layers[i]);
	return all;
}

static int each_below(const char *uppers, void (*each)(void *arg, const struct upper *u), void *arg)
{
	struct dirent **names;
	int n = scandir(uppers, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = text("%s/%s", uppers, names[i]->d_name);
		_cleanup_upper_ struct upper u = {.id = NULL};

		if (is_id(names[i]->d_name) && is_upper(path) && find_directory(path, &u) == EXIT_FINE)
			each(arg, &u);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return n < 0 ? EXIT_FAILED : EXIT_FINE;
}

int upper_each(void (*each)(void *arg, const struct upper *u), void *arg)
{
	_cleanup_free_ char *uppers = upper_store();

	return uppers ? each_below(uppers, each, arg) : EXIT_FAILED;
}

int upper_each_in(const char *store, void (*each)(void *arg, const struct upper *u), void *arg)
{
	_cleanup_free_ char *uppers = text("%s%s", store, "/uppers");

	return access(uppers, F_OK) < 0 ? EXIT_FINE : each_below(uppers, each, arg);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

int upper_lock(const struct upper *u)
{
	int fd = open(u->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		fail("%s: %s", u->dir, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		fail("%s: it is in use by a mount", u->id ? u->id : u->dir);
		close(fd);
		return -1;
	}
	return fd;
}

static int remove_tree(void *arg)
{
	const char *path = arg, *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = strndup(path, (size_t)(slash - path));
	_cleanup_close_ int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : apply_remove_tree(dir, slash + 1);

	return r < 0 ? fail("%s: %s", path, strerror(-r)) : EXIT_FINE;
}

/* With the lock of whoever removes it. */
static int remove_locked(char *gone, bool waits)
{
	_cleanup_close_ int fd = open(gone, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX | (waits ? 0 : LOCK_NB)) < 0)
		return EXIT_FINE;
	return geteuid() == 0 ? remove_tree(gone) : sandbox_call_as_root(remove_tree, gone);
}

int upper_drop(const struct upper *u)
{
	_cleanup_free_ char *gone = text("%s%s", u->base, REMOVED);

	/* From now on nobody takes what is left for an upper. */
	if (rename(u->base, gone) < 0)
		return errno == ENOENT ? EXIT_FINE : fail("%s: %s", u->base, strerror(errno));
	return remove_locked(gone, true);
}

static bool is_removed(const char *name)
{
	size_t n = strlen(name);

	return n == ID_HEX + strlen(REMOVED) && strspn(name, "0123456789abcdef") == ID_HEX &&
	       !strcmp(name + ID_HEX, REMOVED);
}

void upper_sweep(void)
{
	_cleanup_free_ char *store = upper_store();
	struct dirent **names;
	int n = store ? scandir(store, &names, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = text("%s/%s", store, names[i]->d_name);

		if (is_removed(names[i]->d_name))
			(void)remove_locked(path, false);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

void upper_finish(struct upper *u)
{
	for (size_t i = 0; i < u->n_layers; i++)
		free(u->layers[i]);
	free(u->layers);
	free(u->id);
	free(u->base);
	free(u->dir);
	free(u->work);
	free(u->command);
	*u = (struct upper){.id = NULL};
}
