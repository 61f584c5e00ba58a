/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poor DIR MOUNTPOINT [WORD...] : shows DIR as a network file system of the old kind would: no extended attributes, no
 * device nodes, no renames but plain ones, no files without a name. What it does have - links, locks, symlinks - works.
 * The words, for file systems on FUSE that lack something else:
 *
 *	attributes  there are extended attributes
 *	unlisted    and none in trusted.* is listed, though all can be read (ntfs-3g)
 *	pretended   none is kept, though setting one succeeds
 *	devices     there are device nodes
 *	nolinks     a file has one name
 *	nodeids     numbers are of what the kernel knows at the time, another one for each name, and reading a directory
 *	            tells none (libfuse's own, as of sshfs and unionfs-fuse)
 *	pathids     numbers are made of paths (mergerfs)
 *	backwards   the end of a file's data is said to lie before it
 *	hidden      what is open when it is removed or replaced gets the name .fuse_hidden... meanwhile, as most have
 *	            it; else it is gone for who had it open by its path alone
 */
#define FUSE_USE_VERSION 35
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int root_fd;

enum word { ATTRIBUTES, UNLISTED, PRETENDED, DEVICES, NOLINKS, HIDDEN, NODEIDS, PATHIDS, BACKWARDS, WORDS };
static const char *const word_names[WORDS] = {"attributes", "unlisted", "pretended", "devices",	 "nolinks",
					      "hidden",	    "nodeids",	"pathids",   "backwards"};
static bool has[WORDS];

static const char *below(const char *path)
{
	return path[1] ? path + 1 : ".";
}

static int result(long res)
{
	return res < 0 ? -errno : (int)res;
}

static void *poor_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	config->use_ino = !has[NODEIDS];
	config->hard_remove = !has[HIDDEN];
	/* Links are paths of their own here. */
	config->attr_timeout = config->entry_timeout = 0;
	return NULL;
}

/* FNV-1a, of a path in two pieces. */
static ino_t number_of_path(const char *dir, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *c = dir; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return hash;
}

static ino_t number_in(const char *dir, const char *name)
{
	char path[NAME_MAX + 2];

	snprintf(path, sizeof(path), "/%s", name);
	return number_of_path(dir[1] ? dir : "", path);
}

static int poor_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	int res = result(fi ? fstat((int)fi->fh, st) : fstatat(root_fd, below(path), st, AT_SYMLINK_NOFOLLOW));

	if (res == 0 && has[PATHIDS])
		st->st_ino = number_of_path(path, "");
	return res;
}

static int poor_readlink(const char *path, char *target, size_t size)
{
	ssize_t len = readlinkat(root_fd, below(path), target, size - 1);

	if (len < 0)
		return -errno;
	target[len] = '\0';
	return 0;
}

/* What is new belongs to its maker. */
static int give(const char *path)
{
	const struct fuse_context *context = fuse_get_context();

	return result(fchownat(root_fd, below(path), context->uid, context->gid, AT_SYMLINK_NOFOLLOW));
}

static int poor_mknod(const char *path, mode_t mode, dev_t dev)
{
	int res;

	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !has[DEVICES])
		return -EPERM;
	res = result(mknodat(root_fd, below(path), mode, dev));
	return res < 0 ? res : give(path);
}

static int poor_mkdir(const char *path, mode_t mode)
{
	int res = result(mkdirat(root_fd, below(path), mode));

	return res < 0 ? res : give(path);
}

static int poor_symlink(const char *target, const char *path)
{
	int res = result(symlinkat(target, root_fd, below(path)));

	return res < 0 ? res : give(path);
}

static int poor_unlink(const char *path)
{
	return result(unlinkat(root_fd, below(path), 0));
}

static int poor_rmdir(const char *path)
{
	return result(unlinkat(root_fd, below(path), AT_REMOVEDIR));
}

static int poor_rename(const char *from, const char *to, unsigned flags)
{
	return flags ? -EINVAL : result(renameat(root_fd, below(from), root_fd, below(to)));
}

static int poor_link(const char *from, const char *to)
{
	return has[NOLINKS] ? -EPERM : result(linkat(root_fd, below(from), root_fd, below(to), 0));
}

static int poor_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return result(fi ? fchmod((int)fi->fh, mode) : fchmodat(root_fd, below(path), mode, 0));
}

static int poor_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	return result(fi ? fchown((int)fi->fh, uid, gid)
			 : fchownat(root_fd, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int poor_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	int fd, res;

	if (fi)
		return result(ftruncate((int)fi->fh, size));
	fd = openat(root_fd, below(path), O_WRONLY | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	res = result(ftruncate(fd, size));
	close(fd);
	return res;
}

static int poor_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi)
{
	return result(fi ? futimens((int)fi->fh, times) : utimensat(root_fd, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int poor_open(const char *path, struct fuse_file_info *fi)
{
	int fd = openat(root_fd, below(path), fi->flags | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	fi->fh = (uint64_t)fd;
	return 0;
}

static int poor_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	int fd = openat(root_fd, below(path), fi->flags | O_CREAT | O_NOFOLLOW, mode), res;

	if (fd < 0)
		return -errno;
	fi->fh = (uint64_t)fd;
	res = give(path);
	return res;
}

static int poor_read(const char *path, char *data, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)path;
	return result(pread((int)fi->fh, data, size, offset));
}

static int poor_write(const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)path;
	return result(pwrite((int)fi->fh, data, size, offset));
}

static int poor_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	close((int)fi->fh);
	return 0;
}

static int poor_fsync(const char *path, int data, struct fuse_file_info *fi)
{
	(void)path;
	(void)data;
	return result(fsync((int)fi->fh));
}

static int poor_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *fi,
			enum fuse_readdir_flags flags)
{
	int fd = openat(root_fd, below(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	(void)offset;
	(void)fi;
	(void)flags;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct stat st = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};

		if (has[PATHIDS])
			st.st_ino = number_in(path, entry->d_name);
		if (fill(list, entry->d_name, &st, 0, 0))
			break;
	}
	closedir(dir);
	return 0;
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

#define TRUSTED "trusted."

/* The calls have no form with a directory's descriptor. */
static const char *by_proc(const char *path, char ret[static PATH_MAX])
{
	snprintf(ret, PATH_MAX, "/proc/self/fd/%d/%s", root_fd, below(path));
	return ret;
}

static int poor_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
	char proc[PATH_MAX];

	if (has[PRETENDED])
		return 0;
	return has[ATTRIBUTES] ? result(lsetxattr(by_proc(path, proc), name, value, size, flags)) : -EOPNOTSUPP;
}

static int poor_getxattr(const char *path, const char *name, char *value, size_t size)
{
	char proc[PATH_MAX];

	return has[ATTRIBUTES] ? result(lgetxattr(by_proc(path, proc), name, value, size)) : -EOPNOTSUPP;
}

static int poor_removexattr(const char *path, const char *name)
{
	char proc[PATH_MAX];

	return has[ATTRIBUTES] ? result(lremovexattr(by_proc(path, proc), name)) : -EOPNOTSUPP;
}

static int poor_listxattr(const char *path, char *list, size_t size)
{
	char proc[PATH_MAX], all[65536];
	ssize_t len = has[ATTRIBUTES] ? llistxattr(by_proc(path, proc), all, sizeof(all)) : 0;
	size_t shown = 0;

	if (!has[ATTRIBUTES] || len < 0)
		return has[ATTRIBUTES] ? -errno : -EOPNOTSUPP;
	for (char *name = all; name < all + len; name += strlen(name) + 1) {
		size_t n = strlen(name) + 1;

		if (has[UNLISTED] && !strncmp(name, TRUSTED, strlen(TRUSTED)))
			continue;
		if (size && shown + n > size)
			return -ERANGE;
		if (size)
			memcpy(list + shown, name, n);
		shown += n;
	}
	return (int)shown;
}

static off_t poor_lseek(const char *path, off_t off, int whence, struct fuse_file_info *fi)
{
	(void)path;
	(void)fi;
	if (!has[BACKWARDS])
		return -ENOSYS;
	return whence == SEEK_DATA ? off : 0;
}

static const struct fuse_operations operations = {
	.lseek = poor_lseek,
	.init = poor_init,
	.getattr = poor_getattr,
	.readlink = poor_readlink,
	.mknod = poor_mknod,
	.mkdir = poor_mkdir,
	.symlink = poor_symlink,
	.unlink = poor_unlink,
	.rmdir = poor_rmdir,
	.rename = poor_rename,
	.link = poor_link,
	.chmod = poor_chmod,
	.chown = poor_chown,
	.truncate = poor_truncate,
	.utimens = poor_utimens,
	.open = poor_open,
	.create = poor_create,
	.read = poor_read,
	.write = poor_write,
	.release = poor_release,
	.fsync = poor_fsync,
	.readdir = poor_readdir,
	.setxattr = poor_setxattr,
	.getxattr = poor_getxattr,
	.listxattr = poor_listxattr,
	.removexattr = poor_removexattr,
};

static bool take_words(char *const *words)
{
	for (; *words; words++) {
		unsigned i = 0;

		while (i < WORDS && strcmp(*words, word_names[i]))
			i++;
		if (i == WORDS)
			return false;
		has[i] = true;
	}
	return true;
}

int main(int argc, char *argv[])
{
	char program[] = "poor", mode[] = "-oallow_other,default_permissions,subtype=poor";
	/* One request after another: what was closed is closed before anything else happens. */
	char single[] = "-s";
	char *args[] = {program, mode, single, argc > 2 ? argv[2] : NULL, NULL};

	if (argc < 3 || !take_words(argv + 3)) {
		fprintf(stderr, "usage: poor DIR MOUNTPOINT [WORD...]\n");
		return 2;
	}
	root_fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	umask(0);
	return fuse_main(4, args, &operations, NULL);
}
