/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory as the place of an upper: what its file system can do is found out by doing it, in a directory of our own
 * that is removed again. The last part opens a union there as a mount does, so it tells what plyfs itself would choose.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "layer/layer.h"
#include "os/fs.h"
#include "os/mount.h"

#define NAME "file"

/* --- its file system ---------------------------------------------------------------------------------------------- */

struct mount_search {
	const char *path;
	size_t longest;
	char *type, *options; /* owned */
};

static int look_at_mount(void *arg, const struct os_mountinfo *m)
{
	struct mount_search *s = arg;
	size_t n = strlen(m->mountpoint);

	if (strncmp(s->path, m->mountpoint, n) != 0 || (n > 1 && s->path[n] && s->path[n] != '/') || n < s->longest)
		return 0;
	s->longest = n;
	free(s->type);
	free(s->options);
	s->type = strdup(m->fstype);
	s->options = strdup(m->super_options);
	return 0;
}

static void look_at_file_system(const char *path, int fd)
{
	struct mount_search s = {.path = path};
	struct statvfs st;
	char size[SIZE_TEXT];

	(void)os_each_mount(look_at_mount, &s);
	doctor_add_text("path", "path", path);
	doctor_add_text("type", "file system", s.type);
	doctor_add_text("options", "mount options", s.options);
	if (os_fstatvfs(fd, &st) == 0) {
		uint64_t bytes = (uint64_t)st.f_bavail * st.f_frsize;

		doctor_add("free", "free", json_size(bytes), size_text(bytes, size));
		doctor_add("free_inodes", "free inodes", json_size(st.f_favail), NULL);
	}
	free(s.type);
	free(s.options);
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

static int try_file(int dir)
{
	int fd = os_openat(dir, NAME, O_CREAT | O_EXCL | O_RDWR, 0600, OS_NO_XDEV);
	int r = fd < 0 ? fd : (int)os_pwrite_all(fd, "content", 7, 0);

	if (fd >= 0)
		os_close(fd);
	return r;
}

static int try_tmpfile(int dir)
{
	_cleanup_close_ int fd = os_open_tmpfile(dir, O_RDWR, 0600);
	int r = fd < 0 ? fd : os_link_fd(fd, dir, "nameless");

	return r < 0 ? r : os_unlinkat(dir, "nameless", 0);
}

static int try_device(int dir)
{
	int r = os_mknodat(dir, "device", S_IFCHR, makedev(0, 0));

	return r < 0 ? r : os_unlinkat(dir, "device", 0);
}

static int try_rename_whiteout(int dir)
{
	int r = os_renameat2(dir, NAME, dir, "renamed", RENAME_WHITEOUT), unlinked;

	if (r < 0)
		return r;
	unlinked = os_unlinkat(dir, NAME, 0);
	r = os_renameat2(dir, "renamed", dir, NAME, 0);
	return unlinked < 0 ? unlinked : r;
}

static int try_exchange(int dir)
{
	int r = os_mkdirat(dir, "other", 0700);

	if (r < 0)
		return r;
	r = os_renameat2(dir, NAME, dir, "other", RENAME_EXCHANGE);
	if (r == 0)
		r = os_renameat2(dir, NAME, dir, "other", RENAME_EXCHANGE);
	(void)os_unlinkat(dir, "other", AT_REMOVEDIR);
	return r;
}

static int try_xattr(int dir, const char *name)
{
	int r = os_setxattr(dir, NAME, name, "y", 1, 0);

	return r < 0 ? r : os_removexattr(dir, NAME, name);
}

static int try_clone(int dir)
{
	_cleanup_close_ int in = os_openat(dir, NAME, O_RDONLY, 0, OS_NO_XDEV);
	_cleanup_close_ int out = os_openat(dir, "clone", O_CREAT | O_EXCL | O_WRONLY, 0600, OS_NO_XDEV);
	int r = in < 0 ? in : out < 0 ? out : os_ficlone(out, in);

	(void)os_unlinkat(dir, "clone", 0);
	return r;
}

static int try_handle(int dir)
{
	struct os_handle handle;

	return os_name_to_handle(dir, NAME, &handle);
}

static int count_type(void *arg, const struct os_dirent *entry)
{
	if (!strcmp(entry->name, NAME))
		*(int *)arg = entry->type == DT_REG;
	return 0;
}

static bool tells_types(int dir)
{
	_cleanup_close_ int fd = os_openat(dir, ".", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	int known = 0;

	return fd >= 0 && os_read_dir(fd, count_type, &known) == 0 && known;
}

/* Files have st_dev of their directory, and a number that readdir tells too. */
static bool has_one_device(int dir)
{
	struct statx a, b;

	return os_statx(dir, "", &a) == 0 && os_statx(dir, NAME, &b) == 0 && a.stx_dev_major == b.stx_dev_major &&
	       a.stx_dev_minor == b.stx_dev_minor;
}

static bool tells_birth(int dir)
{
	struct statx stx;

	return os_statx(dir, NAME, &stx) == 0 && (stx.stx_mask & STATX_BTIME);
}

static int look_at_features(int dir)
{
	int r = try_file(dir);

	if (r < 0)
		return r;
	doctor_add_trial("user_xattrs", "attributes user.*", try_xattr(dir, "user.overlay.opaque"));
	doctor_add_trial("trusted_xattrs", "attributes trusted.*", try_xattr(dir, "trusted.overlay.opaque"));
	doctor_add_trial("nameless_files", "O_TMPFILE", try_tmpfile(dir));
	doctor_add_trial("rename_whiteout", "RENAME_WHITEOUT", try_rename_whiteout(dir));
	doctor_add_trial("rename_exchange", "RENAME_EXCHANGE", try_exchange(dir));
	doctor_add_trial("whiteout_devices", "devices 0:0", try_device(dir));
	doctor_add_trial("reflinks", "copies without data", try_clone(dir));
	doctor_add_trial("file_handles", "file handles", try_handle(dir));
	doctor_add_bool("types", "types in listings (d_type)", tells_types(dir));
	doctor_add_bool("one_device", "one st_dev", has_one_device(dir));
	doctor_add_bool("birth_times", "times of creation", tells_birth(dir));
	return 0;
}

/* --- as plyfs takes it -------------------------------------------------------------------------------------------- */

static const char *whiteout_text(enum whiteout_form form)
{
	return form == WHITEOUT_DEVICE	? "devices 0:0"
	       : form == WHITEOUT_XATTR ? "empty files with an attribute"
					: "names .wh.*";
}

static void look_at_choice(const struct layer_set *set)
{
	doctor_add_text("would_whiteouts", "plyfs: whiteouts", whiteout_text(set->whiteout_form));
	doctor_add_text("would_private_xattrs", "plyfs: private attributes",
			!set->has_upper_xattr	      ? "none"
			: set->ns == XATTR_NS_TRUSTED ? "trusted.overlay.*"
						      : "user.overlay.*");
	doctor_add_bool("would_redirects", "plyfs: renames directories", set->make_redirects);
	doctor_add_bool("would_index", "plyfs: keeps hard links", set->index != NULL);
	doctor_add_bool("would_nameless_files", "plyfs: nameless files", set->has_tmpfile);
	doctor_add_bool("would_keep_owners", "plyfs: keeps owners", set->can_chown);
	doctor_add_bool("would_numbers_last", "plyfs: numbers last", set->layers[0].has_handles);
	if (!set->has_upper_xattr)
		doctor_advice("The directory keeps no attributes for plyfs, so inode numbers don't outlive a mount.");
	if (!set->can_chown)
		doctor_advice("New files in this directory belong to the user of plyfs, whoever makes them.");
}

/* `base` has lower, upper and work. */
static int look_at_union(const char *base)
{
	_cleanup_free_ char *lower = NULL, *upper = NULL, *work = NULL;
	_cleanup_error_ struct error error = {.err = 0};
	struct stack_layer layer;
	struct stack_spec spec = {
		.layers = &layer, .layer_count = 1, .lenient = true, .whiteouts = WHITEOUTS_AUTO, .index = INDEX_AUTO};
	struct layer_set *set = NULL;
	int r;

	if (asprintf(&lower, "%s/lower", base) < 0 || asprintf(&upper, "%s/upper", base) < 0 ||
	    asprintf(&work, "%s/work", base) < 0)
		abort();
	if (mkdir(lower, 0700) < 0 || mkdir(upper, 0700) < 0 || mkdir(work, 0700) < 0)
		return -errno;
	layer.path = lower;
	layer.data_only = false;
	spec.upperdir = upper;
	spec.workdir = work;
	r = layer_set_open(&spec, NULL, &set, &error);
	doctor_add_trial("is_upper", "can be an upper", r);
	if (r < 0)
		doctor_problem("The directory can't be an upper: %s.", error.text ? error.text : strerror(-r));
	else
		look_at_choice(set);
	layer_set_put(set);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	/* A directory without permissions, as workdir/work is, is empty. */
	return remove(path) < 0 && type != FTW_NS ? -1 : 0;
}

int doctor_directory(const char *path)
{
	char real[PATH_MAX], base[PATH_MAX + 32];
	sigset_t all, before;
	_cleanup_close_ int dir = -1;
	int r;

	if (!realpath(path, real))
		return -errno;
	snprintf(base, sizeof(base), "%s/.plyctl-doctor.XXXXXX", real);
	doctor_section("directory", "The directory");
	/* It takes some milliseconds, and nothing may stay. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	r = mkdtemp(base) ? 0 : -errno;
	if (r == 0) {
		dir = os_open_path(base, O_PATH | O_DIRECTORY, 0);
		r = dir < 0 ? dir : 0;
		if (r == 0) {
			look_at_file_system(real, dir);
			r = look_at_features(dir);
		}
		if (r == 0)
			r = look_at_union(base);
		if (nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && r == 0)
			r = -errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
