/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of options: everything that is said about an option is said here. The parser looks names up in it, --help
 * and the manual print it, a test compares the completions with it.
 *
 * The rule for what is not implemented: refused when its absence would show in owners, modes, durability or in what is
 * visible; else accepted, and the class says so.
 */
#include "option_internal.h"

#include <string.h>
#include <sys/mount.h>

#define AT(field) .where = offsetof(struct options, field)
#define NOT_YET "not supported yet"

static const struct option_choice off_on_choices[] = {
	{"off", 0, NULL},
	{"on", 1, NOT_YET},
	{NULL, 0, NULL},
};
static const struct option_choice metacopy_choices[] = {
	{"off", METACOPY_OFF, NULL},
	{"on", METACOPY_ON, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice index_choices[] = {
	{"off", INDEX_OFF, NULL},
	{"on", INDEX_ON, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice redirect_choices[] = {
	{"off", REDIRECT_DIR_OFF, NULL},
	{"nofollow", REDIRECT_DIR_NOFOLLOW, NULL},
	{"follow", REDIRECT_DIR_FOLLOW, NULL},
	{"on", REDIRECT_DIR_ON, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice xino_choices[] = {
	{"off", XINO_OFF, NULL},
	{"auto", XINO_AUTO, NULL},
	{"on", XINO_ON, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice whiteout_choices[] = {
	{"overlay", WHITEOUTS_OVERLAY, NULL},
	{"aufs", WHITEOUTS_AUFS, NULL},
	{"both", WHITEOUTS_BOTH, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice copyup_choices[] = {
	{"write", COPYUP_AT_WRITE, NULL},
	{"open", COPYUP_AT_OPEN, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice fsync_choices[] = {
	{"auto", FSYNC_AUTO, NULL},
	{"strict", FSYNC_STRICT, NULL},
	{"volatile", FSYNC_VOLATILE, NULL},
	{"1", FSYNC_AUTO, NULL},
	{"0", FSYNC_NONE, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice data_choices[] = {
	{"auto", DATA_AUTO, NULL},
	{"cached", DATA_CACHED, NULL},
	{"passthrough", DATA_PASSTHROUGH, NULL},
	{NULL, 0, NULL},
};
static const struct option_choice low_latency_choices[] = {
	{"on", LOW_LATENCY_ON, NULL},
	{"off", LOW_LATENCY_OFF, NULL},
	{"auto", LOW_LATENCY_AUTO, NULL},
	{NULL, 0, NULL},
};

static const struct option_choice verity_choices[] = {
	{"off", VERITY_OFF, NULL},
	{"on", VERITY_ON, NOT_YET},
	{"require", VERITY_REQUIRE, NOT_YET},
	{NULL, 0, NULL},
};
static const struct option_choice uuid_choices[] = {
	{"auto", UUID_AUTO, NULL}, {"on", UUID_ON, NULL}, {"off", UUID_OFF, NULL},
	{"null", UUID_NULL, NULL}, {NULL, 0, NULL},
};
static const struct option_choice xattr_permissions_choices[] = {
	{"0", 0, NULL},
	{"1", 1, NULL},
	{"2", 2, NULL},
	{NULL, 0, NULL},
};

#define VFS(name_, set_, clear_, fallback_, help_)                                                                     \
	{                                                                                                              \
		.name = (name_), .class = OPTION_VFS, .vfs_set = (set_), .vfs_clear = (clear_),                        \
		.fallback = (fallback_), .help = (help_)                                                               \
	}
#define MOUNT(name_, help_)                                                                                            \
	{                                                                                                              \
		.name = (name_), .class = OPTION_MOUNT, .help = (help_)                                                \
	}

static const struct option_desc table[] = {
	/* layers */
	{.name = "lowerdir",
	 .arg = OPTION_ARG_LAYERS,
	 .class = OPTION_EFFECTIVE,
	 .placeholder = "DIR[:DIR..]",
	 .fallback = "required",
	 .help = "read-only layers, the topmost first",
	 .manual =
		 "In a name, \\: is a colon and \\\\ a backslash. A further lowerdir= replaces the layers given before "
		 "it. What follows a double colon is a data-only layer, and only such may follow. Relative paths and "
		 "symbolic links are taken. There may be 65,534 layers, and each takes a descriptor (ulimit -n)."},
	{.name = "lowerdir+",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 .placeholder = "DIR",
	 .help = "one more layer, below those before it",
	 .manual = "The value is one path: a colon needs no escape."},
	{.name = "datadir+",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 .placeholder = "DIR",
	 .help = "one more data-only layer, below those before it",
	 .manual = "None of its names shows: a file of the lowest other layer, or with metacopy=on of any, whose mark says "
		   "that its data lies elsewhere and gives an absolute path, has the data of the file at that path in the first "
		   "data-only layer that has it. The data is looked for when it is first read; where it is missing, or not "
		   "of the size that the file has, reads fail with EIO."},
	{.name = "upperdir",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(upperdir),
	 .placeholder = "DIR",
	 .fallback = "none: read-only",
	 .help = "the writable layer",
	 .manual = "One mount at a time has it, and another one is refused after five seconds, "
		   "or sixty where the first is gone and still being synced. But with ro it is shown as one "
		   "more layer, with the workdir of that mount alone; what the other mount changes shows, as with timeout=0."},
	{.name = "workdir",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(workdir),
	 .placeholder = "DIR",
	 .fallback = "required with upperdir",
	 .help = "an empty directory on the upper's file system, for plyfs's own use"},

	/* marks and formats */
	{.name = "userxattr",
	 .class = OPTION_EFFECTIVE,
	 AT(userxattr),
	 .fallback = "without privilege",
	 .help = "keep marks in user.overlay.* rather than trusted.overlay.*"},
	{.name = "whiteouts",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(whiteouts),
	 .choices = whiteout_choices,
	 .fallback = "overlay; both as fuse-overlayfs, for images' layers and where the upper has no attributes",
	 .help = "the forms of whiteouts that are read",
	 .manual = "With aufs and both, .wh.NAME hides NAME in the layers below, .wh..wh..opq and "
		   "user.fuseoverlayfs.opaque=y "
		   "make a directory opaque; names that begin with .wh. are not shown and can't be made (EPERM), nor can "
		   "attributes user.fuseoverlayfs.*. The kernel's forms are read always, because they are what is "
		   "written: aufs and both mean the same. On an upper without extended attributes (NFS) .wh.NAME is written, "
		   "unless overlay is given. Layers of images are those of podman, buildah and CRI-O, "
		   "STORAGE/l/26 capitals and digits or STORAGE/64 hexadecimal digits/diff."},
	{.name = "redirect_dir",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(redirect_dir),
	 .choices = redirect_choices,
	 .fallback = "on; off with user.*",
	 .help = "renames of lower and merged directories",
	 .manual =
		 "on renames such a directory at once and marks it with the name that lower layers know it by. With "
		 "off, follow and nofollow the rename fails with EXDEV, and mv(1) copies. Marks that are there are "
		 "followed, but not with nofollow, nor with off where marks are in user.*: then a directory with a "
		 "mark can't be looked up (EPERM). Who owns a file can set user.* marks and so steer lookups past "
		 "permissions, and kernel overlayfs mounts no upper with redirects in user.*: there, on and follow "
		 "are for layers that nobody else writes and no other program mounts."},
	{.name = "metacopy",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(metacopy),
	 .choices = metacopy_choices,
	 .fallback = "off; such files are followed over images' layers",
	 .help = "copy up metadata without data",
	 .manual = "With on a change of owner, mode, times or attributes, a rename or a link of a lower file copies its "
		   "metadata alone; the data follows at the first change of data. Files whose marks say so, in any layer, "
		   "have their data from the layers below; with off they can't be looked up (EPERM), but see datadir+. "
		   "on needs redirect_dir=on, which it implies, and marks in trusted.*. Without the option they have their "
		   "data over layers of images too: engines keep a metacopy=on that was meant for the kernel to themselves."},
	{.name = "index",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(index),
	 .choices = index_choices,
	 .fallback = "on where file handles can be had",
	 .help = "hard links of lower files survive copy-up",
	 .manual = "WORKDIR/index, in kernel overlayfs's format, leads all names of such a file to its copy. It needs layers whose "
		   "file systems give lasting file handles (FUSE's don't) and differ by their uuid, and an upper with attributes; "
		   "where that is missing on is taken with a warning, and copy-up breaks the links. An index belongs to one upper and "
		   "one topmost lower layer: over others on is refused, and so is a mount without the option when there are entries, "
		   "unless they are certainly copies of the ones that it was made over (cp -a): then it is made anew. "
		   "Kernel overlayfs has to be mounted with index=on to see the links; with off the index is not looked at."},
	{.name = "nfs_export",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(nfs_export),
	 .choices = off_on_choices,
	 .fallback = "off",
	 .help = "persistent NFS file handles"},
	{.name = "verity",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(verity),
	 .choices = verity_choices,
	 .fallback = "off",
	 .help = "check fs-verity digests of data-only files"},
	{.name = "uuid",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(uuid),
	 .choices = uuid_choices,
	 .fallback = "auto",
	 .help = "the uuid of the union",
	 .manual = "on gives the upper's root one, where the kernel's overlayfs looks for it, if it has none; one that is there stays in "
		   "any case. FUSE gives f_fsid no way to show it."},
	{.name = "xino",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_ACCEPTED,
	 AT(xino),
	 .choices = xino_choices,
	 .fallback = "on in effect",
	 .help = "how inode numbers are made",
	 .manual = "There is one st_dev and every inode number is unique, whatever is asked for. What lies on the upper's file system has the "
		   "number that it has there; on another one, or in another subvolume of btrfs, bits 48 to 62 are set besides. Where there "
		   "are several, numbers of more than 48 bits, which some network file systems and unions have, are shortened by a hash: "
		   "two of them can become one, which is unlikely."},

	/* durability and data */
	{.name = "volatile",
	 .class = OPTION_EFFECTIVE,
	 AT(volatile_upper),
	 .help = "never sync the upper layer",
	 .manual =
		 "A mark in the work directory refuses the next mount until it is removed, since a crash may have left "
		 "anything."},
	{.name = "fsync",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(fsync),
	 .choices = fsync_choices,
	 .value_optional = true,
	 .fallback = "auto",
	 .help = "what is synced when a file is copied up, and whether fsync(2) does anything",
	 .manual = "With auto, or 1, a copy is synced before its name shows it: files, and directories too unless metacopy=on, when "
		   "files that are copied without their data aren't either. strict syncs all of these. volatile is the option "
		   "of that name. With 0 nothing is synced, and fsync(2) succeeds all the same."},
	{.name = "copyup",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(copyup),
	 .choices = copyup_choices,
	 .fallback = "write",
	 .help = "copy a file up at its first change, or when it is opened for writing",
	 .manual = "With open, the errors of a copy-up (no space, quota) come from open(2) rather than from write, "
		   "fsync or "
		   "close."},
	{.name = "data",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(data),
	 .choices = data_choices,
	 .fallback = "auto",
	 .help = "how file data goes through",
	 .manual = "With cached, it goes through the page cache of the mount, and opening asks nothing of the daemon. With "
		   "passthrough the kernel reads and writes the layers' files by itself, which is faster for much data and slower "
		   "for many files; it needs root, libfuse 3.17 and Linux 6.9, and where it can't be had, for a file or at all, "
		   "data goes as with cached. Files are copied up when they are opened for writing; who has the lower file "
		   "open then goes on reading the old data. auto chooses cached."},
	{.name = "writeback",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_EFFECTIVE,
	 AT(writeback),
	 .value_optional = true,
	 .fallback = "0",
	 .help = "the kernel's write-back cache",
	 .manual = "Small writes gather in the kernel and reach the layers later, or by fsync(2). Opening a file asks the "
		   "daemon, which it doesn't without, because what may not be written could be refused too late else."},
	{.name = "timeout",
	 .arg = OPTION_ARG_SECONDS,
	 .class = OPTION_EFFECTIVE,
	 AT(timeout),
	 .placeholder = "SECONDS",
	 .fallback = "forever",
	 .help = "how long the kernel may keep names and attributes",
	 .manual = "0 looks at the layers again each time, for layers that change beneath the mount."},
	{.name = "index_cache",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(index_cache),
	 .placeholder = "DIR",
	 .help = "where indexes of sealed layers are kept",
	 .manual = "A directory that the daemon's user alone can write to. For each lower layer that has no index there one is made "
		   "beside the mount; later mounts of the layer, one or many, take names and marks from it and read none of its "
		   "directories. A change of the layer is noticed and ends the use of its index. Needs ext4, xfs, btrfs, f2fs or "
		   "tmpfs, and privilege."},
	{.name = "cache_max",
	 .arg = OPTION_ARG_SIZE,
	 .class = OPTION_EFFECTIVE,
	 AT(cache_max),
	 .placeholder = "SIZE",
	 .fallback = "1792K",
	 .help = "limit of the directory listings kept in memory",
	 .manual = "The few that were used last are kept whatever their size."},

	/* what the mount shows */
	{.name = "noacl", .class = OPTION_EFFECTIVE, AT(noacl), .help = "no POSIX ACLs"},
	{.name = "noxattrs",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_EFFECTIVE,
	 AT(noxattrs),
	 .value_optional = true,
	 .help = "no extended attributes for users of the mount"},
	{.name = "static_nlink",
	 .class = OPTION_EFFECTIVE,
	 AT(static_nlink),
	 .help = "directories always have st_nlink 1"},
	{.name = "ino32_t",
	 .class = OPTION_EFFECTIVE,
	 AT(ino32),
	 .help = "inode numbers of 32 bits",
	 .manual = "For 32-bit programs without large file support: stat(2) and readdir(3) fail there with EOVERFLOW for what lies on another "
		   "file system or subvolume than the upper, whose numbers are large. With this option they are folded, so that some may "
		   "occur twice."},
	{.name = "fast_ino",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_ACCEPTED,
	 .value_optional = true,
	 .help = "inode numbers without lookups",
	 .manual = "They are never looked up."},
	{.name = "uidmapping",
	 .arg = OPTION_ARG_MAP,
	 .class = OPTION_EFFECTIVE,
	 AT(uidmap),
	 .placeholder = "HOST:MAPPED:LEN[:..]",
	 .help = "map user ids",
	 .manual = "HOST is the id that the layers hold, MAPPED what the mount shows. Empty fields are skipped. What the map lacks "
		   "shows as the overflow id (65534) and can't be stored: chown(2) answers EINVAL, making a file EOVERFLOW. "
		   "What belongs to such an owner can be changed by nobody, root neither, as on an idmapped mount. "
		   "But what root makes, where the map lacks it, belongs to id 0 of the layers. A lower layer on an idmapped "
		   "mount has been mapped, and isn't again."},
	{.name = "gidmapping",
	 .arg = OPTION_ARG_MAP,
	 .class = OPTION_EFFECTIVE,
	 AT(gidmap),
	 .placeholder = "HOST:MAPPED:LEN[:..]",
	 .help = "map group ids"},
	{.name = "squash_to_root",
	 .class = OPTION_EFFECTIVE,
	 AT(squash_to_root),
	 .help = "everything is owned by root",
	 .manual = "Owners that can't be set are no error."},
	{.name = "squash_to_uid",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_EFFECTIVE,
	 AT(squash_to_uid),
	 .placeholder = "UID",
	 .help = "everything is owned by this user"},
	{.name = "squash_to_gid",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_EFFECTIVE,
	 AT(squash_to_gid),
	 .placeholder = "GID",
	 .help = "everything is owned by this group"},
	{.name = "xattr_permissions",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(xattr_permissions),
	 .choices = xattr_permissions_choices,
	 .fallback = "0",
	 .help = "owner, mode and type kept in an extended attribute",
	 .manual = "For an upper layer on which they can't be set. 1 is security.fuseoverlayfs.override_stat, 2 is "
		   "user.containers.override_stat. The owner of a symbolic link is set where that is possible. There are "
		   "no POSIX ACLs then. Lower layers are read in the form that the attribute of their root tells."},

	/* running */
	{.name = "log",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(log),
	 .placeholder = "FILE",
	 .fallback = "syslog",
	 .help = "append messages to FILE"},
	{.name = "pidfile",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(pidfile),
	 .placeholder = "FILE",
	 .help = "write the daemon's process id to FILE"},
	{.name = "debug", .class = OPTION_EFFECTIVE, AT(debug), .help = "the same as -d"},
	{.name = "io_uring",
	 .class = OPTION_EFFECTIVE,
	 AT(io_uring),
	 .help = "take requests over io_uring",
	 .manual = "Each processor has a queue and a thread of its own, which saves waking another one. It needs libfuse 3.18 and the "
		   "kernel's consent (/sys/module/fuse/parameters/enable_uring); where either is missing requests are taken as ever."},
	{.name = "low_latency",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(low_latency),
	 .choices = low_latency_choices,
	 .value_optional = true,
	 .fallback = "auto",
	 .help = "processors don't halt while requests come densely",
	 .manual = "For virtual machines, where to wake a halted processor takes longer than most requests. From 4,000 requests a second on, and "
		   "until 40 ms at the most after they became fewer than 2,000, the daemon holds /dev/cpu_dma_latency at 0: all processors of the machine "
		   "that have nothing to do poll. That costs power, and on a shared host the time of other machines; a mount without requests costs "
		   "none. It needs root, and a kernel with a driver for idle processors (/sys/devices/system/cpu/cpuidle/current_driver). With on, "
		   "which is also what the name alone says, a warning tells where the device can't be opened, and the mount goes on without. auto is on where "
		   "that driver is haltpoll, the one of virtual machines, and warns of nothing. What comes over io_uring isn't counted."},
	{.name = "cgroup",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(cgroup),
	 .placeholder = "PATH|new",
	 .fallback = "the caller's",
	 .help = "control group of the daemon",
	 .manual = "For a daemon that is to outlive the service or container that started it. PATH is a directory of a cgroup file system, or "
		   "the name of a group as /proc/PID/cgroup shows it, and then taken in each hierarchy that has it; it must exist. new makes "
		   "groups plyfs-PID beside the caller's (below it where that is the root), in each hierarchy where the caller may, and removes "
		   "them when the daemon ends. If the daemon can't be moved nothing is mounted."},
	{.name = "threaded",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_ACCEPTED,
	 .value_optional = true,
	 .fallback = "1",
	 .help = "several threads",
	 .manual = "There are always several."},
	{.name = "private", .class = OPTION_ACCEPTED, .help = "mount propagation", .manual = "The caller's business."},
	{.name = "plugins",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_WARNED,
	 .placeholder = "LIST",
	 .help = "plugins of fuse-overlayfs"},

	/* libfuse and the kernel's FUSE */
	{.name = "allow_other",
	 .class = OPTION_LIBFUSE,
	 AT(allow_other_given),
	 .fallback = "as root",
	 .help = "let other users in"},
	{.name = "allow_root",
	 .class = OPTION_LIBFUSE,
	 AT(allow_root),
	 .help = "let root in, beside the mount's owner"},
	{.name = "default_permissions",
	 .class = OPTION_LIBFUSE,
	 AT(default_permissions),
	 .fallback = "always",
	 .help = "the kernel checks permissions"},
	{.name = "auto_unmount",
	 .class = OPTION_LIBFUSE,
	 AT(auto_unmount),
	 .help = "unmount when the daemon dies",
	 .manual = "fusermount3 waits for that beside the daemon. Before version 3.15 it looks at the mount as root: for an ordinary user's it "
		   "needs allow_other, and does nothing without."},
	{.name = "fsname",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_LIBFUSE,
	 AT(fsname),
	 .placeholder = "NAME",
	 .fallback = "the program's name",
	 .help = "source in the mount table"},
	{.name = "subtype",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_LIBFUSE,
	 AT(subtype),
	 .placeholder = "NAME",
	 .fallback = "the program's name",
	 .help = "type in the mount table, after \"fuse.\""},
	{.name = "max_read",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_LIBFUSE,
	 AT(max_read),
	 .placeholder = "BYTES",
	 .help = "largest read request"},
	{.name = "max_write",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_LIBFUSE,
	 AT(max_write),
	 .placeholder = "BYTES",
	 .help = "largest write request"},
	{.name = "max_readahead",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_LIBFUSE,
	 AT(max_readahead),
	 .placeholder = "BYTES",
	 .help = "largest read-ahead",
	 .manual = "1 MiB where the mounter may set it (/sys/class/bdi), else the kernel's 128 KiB."},
	{.name = "max_background",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_LIBFUSE,
	 AT(max_background),
	 .placeholder = "N",
	 .help = "requests in the background"},
	{.name = "clone_fd",
	 .class = OPTION_ACCEPTED,
	 .fallback = "always",
	 .help = "a FUSE descriptor for each thread"},
	{.name = "max_idle_threads",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_ACCEPTED,
	 .placeholder = "N",
	 .help = "idle threads that are kept",
	 .manual = "All are."},
	{.name = "max_threads",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_ACCEPTED,
	 .placeholder = "N",
	 .fallback = "one a core, at most 8",
	 .help = "request threads"},
	{.name = "blksize",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_REFUSED,
	 .refusal = "only a block device has one",
	 .placeholder = "BYTES",
	 .help = "block size"},
	{.name = "blkdev",
	 .class = OPTION_REFUSED,
	 .refusal = "there is no block device to mount",
	 .help = "mount a block device"},
	{.name = "context",
	 .arg = OPTION_ARG_QUOTED,
	 .class = OPTION_LIBFUSE,
	 AT(context),
	 .placeholder = "LABEL",
	 .help = "SELinux label of everything",
	 .manual = "This and the following three reach the kernel where SELinux is on, and are dropped elsewhere. A label with commas "
		   "stands in double quotes."},
	{.name = "fscontext",
	 .arg = OPTION_ARG_QUOTED,
	 .class = OPTION_LIBFUSE,
	 AT(fscontext),
	 .placeholder = "LABEL",
	 .help = "SELinux label of the file system"},
	{.name = "defcontext",
	 .arg = OPTION_ARG_QUOTED,
	 .class = OPTION_LIBFUSE,
	 AT(defcontext),
	 .placeholder = "LABEL",
	 .help = "SELinux label of what has none"},
	{.name = "rootcontext",
	 .arg = OPTION_ARG_QUOTED,
	 .class = OPTION_LIBFUSE,
	 AT(rootcontext),
	 .placeholder = "LABEL",
	 .help = "SELinux label of the root"},

	/* mount flags */
	VFS("ro", MS_RDONLY, 0, NULL, "read-only"),
	VFS("rw", 0, MS_RDONLY, "with upperdir", "read-write"),
	VFS("suid", 0, MS_NOSUID, "as root", "set-user-id programs work"),
	VFS("nosuid", MS_NOSUID, 0, "not as root", "they don't"),
	VFS("dev", 0, MS_NODEV, "as root", "device nodes work"),
	VFS("nodev", MS_NODEV, 0, "not as root", "they don't"),
	VFS("exec", 0, MS_NOEXEC, "set", "programs can be run"),
	VFS("noexec", MS_NOEXEC, 0, NULL, "they can't"),
	VFS("async", 0, MS_SYNCHRONOUS, "set", "writes return before they are on disk"),
	VFS("sync", MS_SYNCHRONOUS, 0, NULL, "every write is synced"),
	VFS("dirsync", MS_DIRSYNC, 0, NULL, "every change of a directory is synced"),
	VFS("atime", 0, MS_NOATIME, "as the upper's mount", "reading sets access times in the upper"),
	VFS("noatime", MS_NOATIME, 0, "as the upper's mount", "it sets none"),
	VFS("diratime", 0, MS_NODIRATIME, NULL, "listing sets none in the upper"),
	VFS("nodiratime", MS_NODIRATIME, 0, NULL, "listing sets none in the upper"),
	VFS("relatime", MS_RELATIME, 0, "as the upper's mount", "reading sets access times that are older than the last change, or a day"),
	VFS("norelatime", 0, MS_RELATIME, NULL, "not that"),
	VFS("strictatime", MS_STRICTATIME, 0, "as the upper's mount", "each read that the daemon sees sets the access time"),
	VFS("nostrictatime", 0, MS_STRICTATIME, NULL, "not that"),
	VFS("lazytime", MS_LAZYTIME, 0, NULL, "no effect on FUSE"),
	VFS("nolazytime", 0, MS_LAZYTIME, NULL, "no effect on FUSE"),
	VFS("symfollow", 0, MS_NOSYMFOLLOW, "set", "symbolic links are followed"),
	VFS("nosymfollow", MS_NOSYMFOLLOW, 0, NULL, "they aren't"),
	VFS("mand", MS_MANDLOCK, 0, NULL, "no effect since Linux 5.15"),
	VFS("nomand", 0, MS_MANDLOCK, NULL, "no effect since Linux 5.15"),
	VFS("iversion", 0, 0, NULL, "no effect on FUSE"),
	VFS("noiversion", 0, 0, NULL, "no effect on FUSE"),
	VFS("silent", 0, 0, NULL, "no effect on FUSE"),
	VFS("loud", 0, 0, NULL, "no effect on FUSE"),
	{.name = "remount",
	 .class = OPTION_REFUSED,
	 .refusal = "a live mount can't be changed, unmount it first",
	 .help = "change a live mount"},

	/* mount(8) */
	MOUNT("defaults", "nothing"),
	MOUNT("auto", "mounted by mount -a"),
	MOUNT("noauto", "not mounted by mount -a"),
	MOUNT("nofail", "no error at boot"),
	MOUNT("_netdev", "after the network is up"),
	{.name = "user",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_MOUNT,
	 .placeholder = "NAME",
	 .value_optional = true,
	 .help = "users may mount it"},
	MOUNT("nouser", "only root may mount it"),
	MOUNT("users", "users may mount and unmount it"),
	MOUNT("nousers", "they may not"),
	MOUNT("owner", "the source's owner may mount it"),
	MOUNT("noowner", "he may not"),
	MOUNT("group", "the source's group may mount it"),
	MOUNT("nogroup", "it may not"),
	{.name = "uhelper",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_MOUNT,
	 .placeholder = "NAME",
	 .help = "umount(8) leaves it to umount.NAME for users"},
	{.name = "helper",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_MOUNT,
	 .placeholder = "NAME",
	 .help = "umount(8) leaves it to umount.NAME"},
	{.name = "comment",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_MOUNT,
	 .placeholder = "TEXT",
	 .value_optional = true,
	 .help = "a comment"},
	{.name = "x-*",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_MOUNT,
	 .placeholder = "TEXT",
	 .value_optional = true,
	 .help = "for mount(8), systemd and others"},
	{.name = "X-*",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_MOUNT,
	 .placeholder = "TEXT",
	 .value_optional = true,
	 .help = "for mount(8)"},
};

const struct option_desc *option_table(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(table);
	return table;
}

static bool name_matches(const char *pattern, const char *name, size_t len)
{
	size_t fixed = strlen(pattern);

	if (pattern[fixed - 1] == '*')
		return len >= fixed && !strncmp(pattern, name, fixed - 1);
	return len == fixed && !strncmp(pattern, name, len);
}

const struct option_desc *option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (name_matches(table[i].name, name, len))
			return &table[i];
	return NULL;
}

const char *option_class_name(const struct option_desc *desc)
{
	static const char *const class_names[] = {
		[OPTION_EFFECTIVE] = "effective",
		[OPTION_ACCEPTED] = "accepted without effect",
		[OPTION_WARNED] = "warned",
		[OPTION_REFUSED] = "refused",
		[OPTION_VFS] = "effective",
		[OPTION_LIBFUSE] = "effective",
		[OPTION_MOUNT] = "accepted without effect",
	};
	/* Listing sets no access times, the kernel keeps none for FUSE, and mandatory locks are gone. */
	const unsigned long idle = MS_NODIRATIME | MS_LAZYTIME | MS_MANDLOCK;

	if (desc->class == OPTION_VFS && !((desc->vfs_set | desc->vfs_clear) & ~idle))
		return class_names[OPTION_ACCEPTED];
	return class_names[desc->class];
}
