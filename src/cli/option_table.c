/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of options: everything that is said about an option is said here. The parser looks names up in it, --help
 * and the manual print it, a test compares the completions with it.
 *
 * The rule for what is not implemented: refused when its absence would show in owners, modes, durability or in what is
 * visible; else accepted, and the class says so.
 */
#include "option_internal.h"
#include "base/check.h"

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
	{"auto", FSYNC_AUTO, NULL}, {"strict", FSYNC_STRICT, NULL}, {"volatile", FSYNC_VOLATILE, NULL},
	{"1", FSYNC_AUTO, NULL},    {"0", FSYNC_NONE, NULL},	    {NULL, 0, NULL},
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
	 .manual = "In a path, \\: is a colon and \\\\ a backslash. A later lowerdir= replaces all layers that "
		   "were given before it. A double colon begins the data-only layers, and only data-only layers "
		   "may follow. Paths may be relative, and may be symbolic links. There may be 65,534 layers. Each "
		   "layer takes a file descriptor (ulimit -n)."},
	{.name = "lowerdir+",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 .placeholder = "DIR",
	 .help = "one more layer, below the layers before it",
	 .manual = "The value is one path. A colon in it needs no escape."},
	{.name = "datadir+",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 .placeholder = "DIR",
	 .help = "one more data-only layer, below the layers before it",
	 .manual = "A data-only layer shows no name. It only gives data to metacopy files whose data lies "
		   "elsewhere, by an absolute path. The data is that of the file at this path in the first "
		   "data-only layer that has one. The metacopy file must be in the lowest other layer, or with "
		   "metacopy=on in any other layer. The data is looked for when it is first read. Reads fail with "
		   "EIO if the data is missing or has another size than the file."},
	{.name = "upperdir",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(upperdir),
	 .placeholder = "DIR",
	 .fallback = "none: read-only",
	 .help = "the writable layer",
	 .manual = "Only one read-write mount may use an upper. Another mount waits five seconds for it and is "
		   "then refused. It waits sixty seconds if the first mount is gone and its upper is still being "
		   "synced. A read-only mount (ro) may show an upper that is in use, as its topmost layer. It "
		   "needs the workdir of the other mount. The changes of the other mount show, as with timeout=0."},
	{.name = "workdir",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(workdir),
	 .placeholder = "DIR",
	 .fallback = "required with upperdir",
	 .help = "an empty directory on the upper's file system, for plyfs's own use"},

	/* xattrs and formats */
	{.name = "userxattr",
	 .class = OPTION_EFFECTIVE,
	 AT(userxattr),
	 .fallback = "without privilege",
	 .help = "private xattrs in user.overlay.* instead of trusted.overlay.*"},
	{.name = "whiteouts",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(whiteouts),
	 .choices = whiteout_choices,
	 .fallback = "overlay; both as fuse-overlayfs, over layers of images, and for an upper without xattrs",
	 .help = "the forms of whiteouts that are read",
	 .manual = "The kernel's forms are always read, because plyfs writes them. So aufs and both mean the same: "
		   "the aufs dialect is read too. In this dialect .wh.NAME hides NAME in the layers below. "
		   ".wh..wh..opq and user.fuseoverlayfs.opaque=y make a directory opaque. Names that begin with "
		   ".wh. are then not shown and can't be made (EPERM). The same is true of xattrs "
		   "user.fuseoverlayfs.*. On an upper without xattrs (NFS) .wh.NAME is written, unless overlay is "
		   "given. Layers of images are those of podman, buildah and CRI-O. Their paths are STORAGE/l/ "
		   "with 26 capitals and digits, and STORAGE/ with 64 hexadecimal digits and /diff."},
	{.name = "redirect_dir",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(redirect_dir),
	 .choices = redirect_choices,
	 .fallback = "on; off with user.*",
	 .help = "renames of lower and merged directories",
	 .manual = "on renames such a directory at once, and stores in an xattr where the lower layers have it. "
		   "off, follow and nofollow refuse the rename with EXDEV, and mv(1) copies. Existing redirects "
		   "are followed with on and follow, and with off if private xattrs are in trusted.*. Otherwise a "
		   "directory with a redirect can't be looked up (EPERM). The owner of a file can set user.* "
		   "xattrs and so lead lookups past permissions. Kernel overlayfs refuses an upper with redirects "
		   "in user.*. With user.*, on and follow are therefore for layers that no other user writes and "
		   "no other program mounts."},
	{.name = "metacopy",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(metacopy),
	 .choices = metacopy_choices,
	 .fallback = "off; metacopy files are followed over layers of images",
	 .help = "copy-up of metadata without data",
	 .manual = "With on, a change of owner, mode, times or xattrs of a lower file copies its metadata only. A "
		   "rename or a link does so too. The data follows at the first change of data. on implies "
		   "redirect_dir=on and needs private xattrs in trusted.*. Metacopy files in any layer get their "
		   "data from the layers below. With off they can't be looked up (EPERM), except those that "
		   "datadir+ describes. Without the option metacopy files are followed over layers of images, "
		   "because engines do not pass a metacopy=on of the kernel to a program."},
	{.name = "index",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(index),
	 .choices = index_choices,
	 .fallback = "on where file handles can be had",
	 .help = "hard links of lower files survive copy-up",
	 .manual = "WORKDIR/index leads all names of such a file to its copy, in the format of kernel overlayfs. "
		   "The index needs layers on file systems with lasting file handles, which FUSE lacks, and with "
		   "different uuids. It also needs an upper with xattrs. If one of these is missing, on is "
		   "accepted with a warning, and copy-up breaks the links. An index belongs to one upper and one "
		   "topmost lower layer. With other layers on is refused. Without the option such an index is "
		   "refused too if it has entries. There is one exception: if the layers are certainly copies of "
		   "its own layers (cp -a), the index is made anew. With off the index is ignored. Kernel "
		   "overlayfs shows the links if it is mounted with index=on."},
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
	 .help = "checks of fs-verity digests of data-only files"},
	{.name = "uuid",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(uuid),
	 .choices = uuid_choices,
	 .fallback = "auto",
	 .help = "the uuid of the union",
	 .manual = "on stores a uuid in the root of the upper, where kernel overlayfs looks for it. An existing "
		   "uuid always stays. FUSE can't show the uuid in f_fsid."},
	{.name = "xino",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_ACCEPTED,
	 AT(xino),
	 .choices = xino_choices,
	 .fallback = "on in effect",
	 .help = "how inode numbers are made",
	 .manual = "Inode numbers are always unique, see INODE NUMBERS."},

	/* durability and data */
	{.name = "volatile",
	 .class = OPTION_EFFECTIVE,
	 AT(volatile_upper),
	 .help = "no sync of the upper layer",
	 .manual = "The directory WORKDIR/work/incompat/volatile refuses the next mount until it is removed, "
		   "because a crash may have left anything."},
	{.name = "fsync",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(fsync),
	 .choices = fsync_choices,
	 .value_optional = true,
	 .fallback = "auto",
	 .help = "syncs of copy-up, and the effect of fsync(2)",
	 .manual = "With auto, or 1, a copied file or directory is synced before its name shows it. With "
		   "metacopy=on, auto syncs neither directories nor files that are copied without their data. "
		   "strict syncs all of these. volatile is the same as the option volatile. With 0 nothing is "
		   "synced, and fsync(2) succeeds nevertheless."},
	{.name = "copyup",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(copyup),
	 .choices = copyup_choices,
	 .fallback = "write",
	 .help = "copy-up at the first change of a file, or at its open for writing",
	 .manual = "With open, the errors of a copy-up (no space, quota) come from open(2). Otherwise they come "
		   "from write, fsync or close."},
	{.name = "data",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(data),
	 .choices = data_choices,
	 .fallback = "auto",
	 .help = "the way of file data",
	 .manual = "With cached, data goes through the page cache of the mount, and an open sends no request to "
		   "the daemon. With passthrough, the kernel reads and writes the files of the layers by itself. "
		   "This is faster for much data and slower for many files. passthrough needs root, libfuse 3.17 "
		   "and Linux 6.9. If it isn't possible, for a file or at all, data goes as with cached. With "
		   "passthrough, files are copied up when they are opened for writing. A process that has the "
		   "lower file open then goes on reading the old data. auto means cached."},
	{.name = "writeback",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_EFFECTIVE,
	 AT(writeback),
	 .value_optional = true,
	 .fallback = "0",
	 .help = "the kernel's write-back cache",
	 .manual = "Small writes gather in the kernel. They reach the layers later, or by fsync(2). Each open "
		   "sends a request to the daemon. Without it, a write that isn't permitted could be refused too "
		   "late."},
	{.name = "timeout",
	 .arg = OPTION_ARG_SECONDS,
	 .class = OPTION_EFFECTIVE,
	 AT(timeout),
	 .placeholder = "SECONDS",
	 .fallback = "forever",
	 .help = "how long the kernel may keep names and attributes",
	 .manual = "0 is for layers that change beneath the mount: the layers are looked at again each time."},
	{.name = "layer_cache",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(layer_cache),
	 .placeholder = "DIR",
	 .help = "directory of the layer caches",
	 .manual = "Only the daemon's user may be able to write to the directory. plyfs makes a layer cache for "
		   "each lower layer that has none there, beside the running mount. Later mounts of the layer take "
		   "names and xattrs from its cache and read no directory of the layer. A change of the layer is "
		   "noticed and ends the use of its cache. Layer caches need ext4, xfs, btrfs, f2fs or tmpfs, and "
		   "privilege."},
	{.name = "index_cache",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(layer_cache),
	 .placeholder = "DIR",
	 .help = "another name of layer_cache, which it had before"},
	{.name = "cache_max",
	 .arg = OPTION_ARG_SIZE,
	 .class = OPTION_EFFECTIVE,
	 AT(cache_max),
	 .placeholder = "SIZE",
	 .fallback = "1792K",
	 .help = "limit of the directory listings in memory",
	 .manual = "The few listings that were used last are kept at any size."},

	/* what the mount shows */
	{.name = "noacl", .class = OPTION_EFFECTIVE, AT(noacl), .help = "no POSIX ACLs"},
	{.name = "noxattrs",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_EFFECTIVE,
	 AT(noxattrs),
	 .value_optional = true,
	 .help = "no xattrs for users of the mount"},
	{.name = "static_nlink",
	 .class = OPTION_EFFECTIVE,
	 AT(static_nlink),
	 .help = "st_nlink of directories is always 1"},
	{.name = "ino32_t",
	 .class = OPTION_EFFECTIVE,
	 AT(ino32),
	 .help = "inode numbers of 32 bits",
	 .manual = "This is for 32-bit programs without large file support. Objects on another file system or "
		   "subvolume than the upper have large numbers. For these, stat(2) and readdir(3) of such "
		   "programs fail with EOVERFLOW. The option folds the numbers; some may then occur twice."},
	{.name = "fast_ino",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_ACCEPTED,
	 .value_optional = true,
	 .help = "inode numbers without lookups",
	 .manual = "Inode numbers never need lookups."},
	{.name = "uidmapping",
	 .arg = OPTION_ARG_MAP,
	 .class = OPTION_EFFECTIVE,
	 AT(uidmap),
	 .placeholder = "HOST:MAPPED:LEN[:..]",
	 .help = "map of user ids",
	 .manual = "HOST is the id in the layers, MAPPED is the id in the mount. Empty fields are skipped. An id "
		   "that the map lacks shows as the overflow id (65534) and can't be stored: chown(2) answers "
		   "EINVAL, and making a file answers EOVERFLOW. Nobody can change an object with such an owner, "
		   "not even root, as on an idmapped mount. If the map lacks root, objects that root makes belong "
		   "to id 0 of the layers. The ids of a lower layer on an idmapped mount are not mapped again."},
	{.name = "gidmapping",
	 .arg = OPTION_ARG_MAP,
	 .class = OPTION_EFFECTIVE,
	 AT(gidmap),
	 .placeholder = "HOST:MAPPED:LEN[:..]",
	 .help = "map of group ids"},
	{.name = "squash_to_root",
	 .class = OPTION_EFFECTIVE,
	 AT(squash_to_root),
	 .help = "all objects are owned by root",
	 .manual = "An owner that can't be set is no error."},
	{.name = "squash_to_uid",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_EFFECTIVE,
	 AT(squash_to_uid),
	 .placeholder = "UID",
	 .help = "all objects are owned by this user"},
	{.name = "squash_to_gid",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_EFFECTIVE,
	 AT(squash_to_gid),
	 .placeholder = "GID",
	 .help = "all objects are owned by this group"},
	{.name = "xattr_permissions",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(xattr_permissions),
	 .choices = xattr_permissions_choices,
	 .fallback = "0",
	 .help = "owner, mode and type in an xattr",
	 .manual = "This is for an upper on which they can't be set. 1 uses security.fuseoverlayfs.override_stat, "
		   "2 uses user.containers.override_stat. The owner of a symbolic link is set if that is possible. "
		   "There are no POSIX ACLs. A lower layer is read in the form of the xattr on its root."},

	/* running */
	{.name = "log",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(log),
	 .placeholder = "FILE",
	 .fallback = "syslog",
	 .help = "append messages to FILE",
	 .manual = "A line has the time, the level, the mountpoint and the message."},
	{.name = "pidfile",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(pidfile),
	 .placeholder = "FILE",
	 .help = "write the daemon's process id to FILE"},
	{.name = "lock",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(lock),
	 .placeholder = "FILE",
	 .help = "lock FILE as long as the union is mounted",
	 .manual = "The lock is a shared one of flock(2), which the kernel ends with the daemon. So programs in any "
		   "namespace can tell whether the union is live."},
	{.name = "control_socket",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(control_socket),
	 .placeholder = "auto|off|DIR",
	 .fallback = "auto",
	 .help = "directory of the control socket",
	 .manual =
		 "By the control socket programs ask the daemon for its state, and make changes wait for a while. "
		 "Its name is the device number of the mount, as in 0:53. auto takes /run/plyfs for root. For other "
		 "users, and in a user namespace, it takes $XDG_RUNTIME_DIR/plyfs. DIR must exist. The directory must "
		 "belong to the daemon's user, and no other user may write to it. The daemon serves its own user and "
		 "root. Without a directory the mount works without the socket. So it does if the mount hides the "
		 "directory, or with a mountpoint /dev/fd/N, if the kernel doesn't tell in /proc what is mounted by a "
		 "descriptor of /dev/fuse."},
	{.name = "debug", .class = OPTION_EFFECTIVE, AT(debug), .help = "the same as -d"},
	{.name = "io_uring",
	 .class = OPTION_EFFECTIVE,
	 AT(io_uring),
	 .help = "requests over io_uring",
	 .manual = "Each processor has a queue and a thread of its own, which saves a wake-up of another "
		   "processor. This needs libfuse 3.18 and the kernel's consent "
		   "(/sys/module/fuse/parameters/enable_uring). Otherwise requests are read from /dev/fuse."},
	{.name = "low_latency",
	 .arg = OPTION_ARG_CHOICE,
	 .class = OPTION_EFFECTIVE,
	 AT(low_latency),
	 .choices = low_latency_choices,
	 .value_optional = true,
	 .fallback = "auto",
	 .help = "no halt of processors while many requests come",
	 .manual = "This is for virtual machines, where the wake-up of a halted processor takes longer than most "
		   "requests. From 4,000 requests a second on, the daemon holds /dev/cpu_dma_latency at 0. It "
		   "stops at most 40 ms after there are fewer than 2,000 a second. Meanwhile all idle processors "
		   "of the machine poll. This costs power and, on a shared host, the time of other machines. A "
		   "mount without requests costs nothing. The option needs root and a kernel with a driver for "
		   "idle processors (/sys/devices/system/cpu/cpuidle/current_driver). The name without a value "
		   "means on. With on the mount warns if it can't open the device, and goes on. auto means on if "
		   "the driver is haltpoll, which is the driver of virtual machines. auto gives no warning. "
		   "Requests over io_uring are not counted."},
	{.name = "cgroup",
	 .arg = OPTION_ARG_PATH,
	 .class = OPTION_EFFECTIVE,
	 AT(cgroup),
	 .placeholder = "PATH|new",
	 .fallback = "the caller's",
	 .help = "control group of the daemon",
	 .manual = "With a control group of its own the daemon outlives the service or container that started it. "
		   "PATH is a directory of a cgroup file system, or the name of a group as /proc/PID/cgroup shows "
		   "it. A name is taken in each hierarchy that has it. The group must exist. new makes groups "
		   "plyfs-PID beside the caller's group, or below it if that is the root. It makes them in each "
		   "hierarchy that permits this, and removes them when the daemon ends. If the daemon can't be "
		   "moved nothing is mounted."},
	{.name = "threaded",
	 .arg = OPTION_ARG_BOOL,
	 .class = OPTION_ACCEPTED,
	 .value_optional = true,
	 .fallback = "1",
	 .help = "several threads",
	 .manual = "There are always several threads."},
	{.name = "private",
	 .class = OPTION_ACCEPTED,
	 .help = "mount propagation",
	 .manual = "The caller sets the propagation."},
	{.name = "plugins",
	 .arg = OPTION_ARG_TEXT,
	 .class = OPTION_WARNED,
	 .placeholder = "LIST",
	 .help = "plugins of fuse-overlayfs",
	 .manual = "There are no plugins."},

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
	 .manual = "fusermount3 waits for the end of the daemon. So that it knows a dead mount, the kernel asks the "
		   "daemon each time that a directory is opened. Before version 3.15 fusermount3 looks at the "
		   "mount as root. For the mount of an ordinary user it then needs allow_other, and has no effect "
		   "without."},
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
	 .manual = "The default is 1 MiB if the mounter may set it (/sys/class/bdi), and otherwise the kernel's "
		   "128 KiB."},
	{.name = "max_background",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_LIBFUSE,
	 AT(max_background),
	 .placeholder = "N",
	 .help = "requests in the background"},
	{.name = "clone_fd",
	 .class = OPTION_ACCEPTED,
	 .fallback = "always",
	 .help = "a FUSE descriptor for each thread",
	 .manual = "The number of descriptors is plyfs's choice."},
	{.name = "max_idle_threads",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_ACCEPTED,
	 .placeholder = "N",
	 .help = "idle threads that are kept",
	 .manual = "All idle threads are kept."},
	{.name = "max_threads",
	 .arg = OPTION_ARG_NUMBER,
	 .class = OPTION_ACCEPTED,
	 .placeholder = "N",
	 .help = "request threads",
	 .manual = "The number of threads is plyfs's choice."},
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
	 .help = "SELinux label of all objects",
	 .manual = "This option and the next three reach the kernel if SELinux is on, and are dropped elsewhere. A "
		   "label with commas stands in double quotes."},
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
	 .help = "SELinux label of objects without a label"},
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
	VFS("relatime", MS_RELATIME, 0, "as the upper's mount",
	    "reading sets access times that are older than the last change, or a day"),
	VFS("norelatime", 0, MS_RELATIME, NULL, "not that"),
	VFS("strictatime", MS_STRICTATIME, 0, "as the upper's mount",
	    "each read that the daemon sees sets the access time"),
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

static bool option_name_matches(const char *pattern, const char *name, size_t len)
{
	size_t fixed = strlen(pattern);

	(void)CHECK(fixed > 0);
	if (pattern[fixed - 1] == '*')
		return len >= fixed && !strncmp(pattern, name, fixed - 1);
	return len == fixed && !strncmp(pattern, name, len);
}

const struct option_desc *option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (option_name_matches(table[i].name, name, len))
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
