/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <errno.h>
#include <sys/mount.h>

#include "option_helpers.h"

TEST("the plain call is taken")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,upperdir=/u,workdir=/w /mnt"), 0);
	EXPECT_STR(opts.program, "plyfs");
	EXPECT_STR(opts.mountpoint, "/mnt");
	EXPECT_STR(opts.source, NULL);
	EXPECT_STR(opts.upperdir, "/u");
	EXPECT_STR(opts.workdir, "/w");
	ASSERT_INT(opts.layer_count, 1);
	EXPECT_STR(opts.layers[0].path, "/a");
	EXPECT(!opts.foreground && !opts.debug && !opts.mount_helper && !opts.fuse_overlayfs && !opts.help);
	EXPECT(opts.fsync == FSYNC_AUTO && !opts.volatile_upper && !opts.writeback && !opts.userxattr);
	EXPECT(opts.timeout == OPTIONS_TIMEOUT_FOREVER);
	EXPECT_INT(opts.copyup, COPYUP_AT_WRITE);
	EXPECT_INT(opts.squash_to_uid, ID_UNSET);
	EXPECT_INT(opts.warnings.count, 0);
	EXPECT_STR(opts.fsname, "plyfs");
	EXPECT_STR(opts.subtype, "plyfs");
	options_free(&opts);
}

TEST("several -o merge, in any place, also written in one word")
{
	ASSERT_INT(parse("/usr/bin/plyfs -o lowerdir=/a overlay -oupperdir=/u -f /mnt -o workdir=/w,noacl"), 0);
	EXPECT_STR(opts.source, "overlay");
	EXPECT_STR(opts.mountpoint, "/mnt");
	EXPECT_STR(opts.upperdir, "/u");
	EXPECT(opts.foreground && opts.noacl);
	options_free(&opts);
	ASSERT_INT(parse("plyfs -fdo lowerdir=/a -- -m"), 0);
	EXPECT(opts.foreground && opts.debug);
	EXPECT_STR(opts.mountpoint, "-m");
	options_free(&opts);
}

TEST("debug stays in the foreground")
{
	ASSERT_INT(parse("plyfs --debug -o lowerdir=/a /m"), 0);
	EXPECT(opts.debug && opts.foreground);
	options_free(&opts);
	ASSERT_INT(parse("plyfs -o debug,lowerdir=/a /m"), 0);
	EXPECT(opts.debug && opts.foreground);
	options_free(&opts);
}

TEST("empty and trailing commas are tolerated, an escaped comma belongs to the value")
{
	ASSERT_INT(parse("plyfs -o ,,lowerdir=/a\\,b,,upperdir=/u\\,\\\\x,workdir=/w\\:y,, -o , /m"), 0);
	EXPECT_STR(opts.layers[0].path, "/a,b");
	EXPECT_STR(opts.upperdir, "/u,\\x");
	EXPECT_STR(opts.workdir, "/w:y");
	options_free(&opts);
}

TEST("a label in quotes holds commas, and goes on to the kernel with its quotes")
{
	char *text;

	ASSERT_INT(parse("plyfs -o lowerdir=/a,context=\"u:r:t:s0:c1,c2\",noacl,rootcontext=u:r:t /m"), 0);
	EXPECT_STR(opts.context, "\"u:r:t:s0:c1,c2\"");
	EXPECT_STR(opts.rootcontext, "u:r:t");
	EXPECT(opts.noacl);
	text = options_helper_string(&opts);
	ASSERT(text);
	EXPECT(strstr(text, ",context=\"u:r:t:s0:c1\\,c2\",rootcontext=u:r:t"));
	free(text);
	options_free(&opts);
	/* elsewhere a quote is a character like any other */
	ASSERT_INT(parse("plyfs -o lowerdir=\"/a,noacl /m"), 0);
	EXPECT_STR(opts.layers[0].path, "\"/a");
	options_free(&opts);
	EXPECT_REFUSED("plyfs -o context=\"a,b /m", 1,
		       "context: \"a,b: quotes are not closed, or something follows them");
	EXPECT_REFUSED("plyfs -o context=\"a\"b,noacl /m", 1,
		       "context: \"a\"b,noacl: quotes are not closed, or something follows them");
}

TEST("labels are dropped without SELinux, and what is wrong with them still shows")
{
	char *text;

	selinux_is_on = false;
	ASSERT_INT(parse("plyfs -o lowerdir=/a,context=\"u:r:t:s0:c1,c2\",fscontext=u,defcontext=u,"
			 "rootcontext=u,noacl /m"),
		   0);
	EXPECT(!opts.context && !opts.fscontext && !opts.defcontext && !opts.rootcontext);
	EXPECT(opts.noacl);
	EXPECT_INT(opts.warnings.count, 0);
	text = options_helper_string(&opts);
	ASSERT(text);
	EXPECT(!strstr(text, "context"));
	free(text);
	options_free(&opts);
	EXPECT_REFUSED("plyfs -o lowerdir=/a,context=\"a,b /m", 1,
		       "context: \"a,b: quotes are not closed, or something follows them");
	selinux_is_on = true;
}

TEST("low_latency without a value is on")
{
	static const struct {
		const char *command;
		enum low_latency expected;
	} cases[] = {
		{"plyfs -o lowerdir=/a /m", LOW_LATENCY_AUTO},
		{"plyfs -o lowerdir=/a,low_latency=off,low_latency /m", LOW_LATENCY_ON},
		{"plyfs -o lowerdir=/a,low_latency,low_latency=auto /m", LOW_LATENCY_AUTO},
		{"plyfs -o lowerdir=/a,low_latency=off /m", LOW_LATENCY_OFF},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ASSERT_INT(parse(cases[i].command), 0);
		EXPECT_INT(opts.low_latency, (int)cases[i].expected);
		options_free(&opts);
	}
	EXPECT_REFUSED("plyfs -o lowerdir=/a,low_latency=1 /m", 1, "low_latency: 1: not one of on, off, auto");
}

TEST("an option given again replaces its earlier value")
{
	ASSERT_INT(
		parse("plyfs -o lowerdir=/a:/b,upperdir=/u,workdir=/w,timeout=5,upperdir=/v,timeout=0,lowerdir=/c /m"),
		0);
	ASSERT_INT(opts.layer_count, 1);
	EXPECT_STR(opts.layers[0].path, "/c");
	EXPECT_STR(opts.upperdir, "/v");
	EXPECT(opts.timeout == 0);
	options_free(&opts);
}

TEST("layer_cache has another name, and what is given last counts")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,layer_cache=/i,index_cache=/j /m"), 0);
	EXPECT_STR(opts.layer_cache, "/j");
	options_free(&opts);
	ASSERT_INT(parse("plyfs -o lowerdir=/a,index_cache=/j,layer_cache=/i /m"), 0);
	EXPECT_STR(opts.layer_cache, "/i");
	options_free(&opts);
}

TEST("every typed value is parsed")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,timeout=1.5,threaded=0,fsync=0,volatile,writeback=1,noxattrs,fast_ino=1,"
			 "static_nlink,noacl,xino=on,redirect_dir=nofollow,private,userxattr,metacopy=off,index=off,"
			 "nfs_export=off,verity=off,uuid=null,whiteouts=overlay,copyup=open,data=cached,layer_cache=/i,"
			 "cache_max=2G,io_uring,low_latency,log=/l,pidfile=/p,"
			 "max_read=4096,max_write=65536,xattr_permissions=0,auto_unmount /m"),
		   0);
	EXPECT(opts.timeout == 1.5);
	EXPECT(opts.fsync == FSYNC_NONE && opts.volatile_upper && opts.writeback && opts.noxattrs &&
	       opts.static_nlink && opts.noacl);
	EXPECT(opts.userxattr && opts.io_uring && opts.auto_unmount);
	EXPECT_INT(opts.low_latency, LOW_LATENCY_ON);
	EXPECT_INT(opts.xino, XINO_ON);
	EXPECT_INT(opts.redirect_dir, REDIRECT_DIR_NOFOLLOW);
	EXPECT_INT(opts.uuid, UUID_NULL);
	EXPECT_INT(opts.copyup, COPYUP_AT_OPEN);
	EXPECT_INT(opts.data, DATA_CACHED);
	EXPECT_STR(opts.layer_cache, "/i");
	EXPECT_INT(opts.cache_max, 2LL << 30);
	EXPECT_STR(opts.log, "/l");
	EXPECT_STR(opts.pidfile, "/p");
	EXPECT_INT(opts.max_read, 4096);
	EXPECT_INT(opts.max_write, 65536);
	EXPECT_INT(opts.warnings.count, 0);
	options_free(&opts);
}

TEST("redirect_dir: not given is a value of its own, which the namespace of xattrs decides")
{
	static const struct {
		const char *word;
		int value;
	} rows[] = {
		{"noacl", REDIRECT_DIR_AUTO},
		{"redirect_dir=off", REDIRECT_DIR_OFF},
		{"redirect_dir=nofollow", REDIRECT_DIR_NOFOLLOW},
		{"redirect_dir=follow", REDIRECT_DIR_FOLLOW},
		{"redirect_dir=on", REDIRECT_DIR_ON},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line), "plyfs -o lowerdir=/a,%s /m", rows[i].word);
		ASSERT_INT(parse(line), 0);
		EXPECT_INT(opts.redirect_dir, rows[i].value);
		options_free(&opts);
	}
}

TEST("what is synced is said in the kernel's words and in fuse-overlayfs's")
{
	static const struct {
		const char *option;
		int fsync;
		bool is_volatile;
	} words[] = {
		{"fsync", FSYNC_AUTO, false},
		{"fsync=1", FSYNC_AUTO, false},
		{"fsync=auto", FSYNC_AUTO, false},
		{"fsync=0", FSYNC_NONE, false},
		{"fsync=strict", FSYNC_STRICT, false},
		{"volatile", FSYNC_AUTO, true},
		{"fsync=volatile", FSYNC_VOLATILE, true},
		{"volatile,fsync=auto", FSYNC_AUTO, true},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char line[128];

		UNIT_PRINT(line, "plyfs -o lowerdir=/a,%s /m", words[i].option);
		ASSERT_INT(parse(line), 0);
		EXPECT_INT(opts.fsync, words[i].fsync);
		EXPECT_INT(opts.volatile_upper, words[i].is_volatile);
		options_free(&opts);
	}
}

TEST("bad values are refused by name, value and cause")
{
	static const char *const bad[][2] = {
		{"timeout=x", "timeout: x: not a number of seconds"},
		{"timeout=-1", "timeout: -1: not a number of seconds"},
		{"timeout=nan", "timeout: nan: not a number of seconds"},
		{"timeout=1e3", "timeout: 1e3: not a number of seconds"},
		{"timeout=", "timeout: not a number of seconds"},
		{"timeout=99999999999999999999999", "timeout: 99999999999999999999999: number too large"},
		{"timeout", "timeout: needs a value"},
		{"fsync=2", "fsync: 2: not one of auto, strict, volatile, 1, 0"},
		{"volatile,fsync=strict", "fsync: strict: excludes volatile"},
		{"noacl=1", "noacl: 1: takes no value"},
		{"max_read=5k", "max_read: 5k: not a number"},
		{"max_read=99999999999", "max_read: 99999999999: number too large"},
		{"cache_max=5X", "cache_max: 5X: not a size"},
		{"cache_max=9999999T", "cache_max: 9999999T: size too large"},
		{"xino=maybe", "xino: maybe: not one of off, auto, on"},
		{"copyup=", "copyup: not one of write, open"},
		{"upperdir=", "upperdir: empty path"},
		{"log=", "log: empty path"},
		{"lowerdir", "lowerdir: needs a value"},
		{"xattr_permissions=3", "xattr_permissions: 3: not one of 0, 1, 2"},
		{"uidmapping=0:x:1", "uidmapping: 0:x:1: not a number"},
		{"gidmapping=:0:1", "gidmapping: 0:1: not a triple HOST:MAPPED:LEN"},
		{"squash_to_uid=root", "squash_to_uid: root: not a number"},
		{"noacl\\,x", "noacl\\: unknown option"},
		{"frobnicate=7", "frobnicate: unknown option"},
		{"=7", ": unknown option"},
		{"lowerdir-=/a", "lowerdir-: unknown option"},
	};
	char line[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "plyfs -o lowerdir=/a,%s /m", bad[i][0]);
		EXPECT_REFUSED(line, 1, bad[i][1]);
	}
}

TEST("data=passthrough and writeback exclude each other, in either order")
{
	EXPECT_REFUSED("plyfs -o lowerdir=/a,data=passthrough,writeback /m", 1,
		       "data: passthrough: excludes writeback");
	EXPECT_REFUSED("plyfs -o lowerdir=/a,writeback,data=passthrough /m", 1,
		       "data: passthrough: excludes writeback");
}

TEST("what would change owners, modes, durability or visibility and isn't there is refused")
{
	static const char *const bad[][2] = {
		{"nfs_export=on", "nfs_export: on: not supported yet"},
		{"verity=on", "verity: on: not supported yet"},
		{"verity=require", "verity: require: not supported yet"},
		{"remount", "remount: a live mount can't be changed, unmount it first"},
		{"blkdev", "blkdev: there is no block device to mount"},
	};
	char line[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "plyfs -o lowerdir=/a,%s /m", bad[i][0]);
		EXPECT_REFUSED(line, 1, bad[i][1]);
		/* nor under the name that ignores what it doesn't know */
		snprintf(line, sizeof(line), "fuse-overlayfs -o lowerdir=/a,%s /m", bad[i][0]);
		EXPECT_REFUSED(line, 1, bad[i][1]);
	}
}

TEST("an empty id map is taken")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,uidmapping=,gidmapping=: /m"), 0);
	EXPECT(idmap_is_empty(&opts.uidmap));
	options_free(&opts);
}

TEST("id maps and squashed owners are taken")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,uidmapping=:0:1000:1:1:110000:65536,gidmapping=0:0:4294967295,"
			 "squash_to_uid=0,squash_to_gid=5 /m"),
		   0);
	EXPECT_INT(opts.uidmap.count, 2);
	EXPECT_INT(opts.gidmap.ranges[0].len, 4294967295U);
	EXPECT(!opts.squash_to_root);
	EXPECT_INT(opts.squash_to_uid, 0);
	EXPECT_INT(opts.squash_to_gid, 5);
	options_free(&opts);
}

#define HEX64 "8ab20f71548ed26a324ca371e631ab59a015bcb316bf41dc4651e76b3dccf7c0"

TEST("names of the aufs dialect are read when asked for, and by itself under the name fuse-overlayfs and in image "
     "layers")
{
	static const struct {
		const char *line;
		int whiteouts;
	} table[] = {{"plyfs -o lowerdir=/a /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=/a,whiteouts=aufs /m", WHITEOUTS_AUFS},
		     {"plyfs -o lowerdir=/a,whiteouts=both /m", WHITEOUTS_BOTH},
		     {"fuse-overlayfs -o lowerdir=/a /m", WHITEOUTS_BOTH},
		     {"mount.fuse.fuse-overlayfs src /m -o lowerdir=/a", WHITEOUTS_BOTH},
		     {"fuse-overlayfs -o lowerdir=/a,whiteouts=overlay /m", WHITEOUTS_OVERLAY},
		     /* as containers-storage names its layers, for its mount_program */
		     {"plyfs -o lowerdir=/s/overlay/l/CHECO6EITI6ZRDV5U7UHEUBNSA /m", WHITEOUTS_BOTH},
		     {"plyfs -o lowerdir=l/CHECO6EITI6ZRDV5U7UHEUBNSA:l/6O3QLB3O3A24MXCWVE4RHYNAGE /m", WHITEOUTS_BOTH},
		     {"plyfs -o lowerdir=/v:/s/" HEX64 "/diff,upperdir=/u,workdir=/w /m", WHITEOUTS_BOTH},
		     {"plyfs -o lowerdir=/s/" HEX64 "/mapped/0/l/CHECO6EITI6ZRDV5U7UHEUBNSA /m", WHITEOUTS_BOTH},
		     {"plyfs -o lowerdir=l/CHECO6EITI6ZRDV5U7UHEUBNSA,whiteouts=overlay /m", WHITEOUTS_OVERLAY},
		     {"plyfs -o lowerdir=/s/l/CHECO6EITI6ZRDV5U7UHEUBNS /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=/s/l/checo6eiti6zrdv5u7uheubnsa /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=/s/al/CHECO6EITI6ZRDV5U7UHEUBNSA /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=CHECO6EITI6ZRDV5U7UHEUBNSA /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=/s/" HEX64 "/work /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=/s/" HEX64 "/empty,upperdir=/u,workdir=/w /m", WHITEOUTS_BOTH},
		     {"plyfs -o lowerdir=/s/" HEX64 " /m", WHITEOUTS_AUTO},
		     {"plyfs -o lowerdir=/s/abc/diff /m", WHITEOUTS_AUTO}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ASSERT_INT(parse(table[i].line), 0);
		EXPECT_INT(opts.whiteouts, table[i].whiteouts);
		options_free(&opts);
	}
}

TEST("a call without mountpoint, with too much or with unknown flags is a usage error")
{
	EXPECT_REFUSED("plyfs", 2, "no mountpoint given");
	EXPECT_REFUSED("plyfs -o lowerdir=/a", 2, "no mountpoint given");
	EXPECT_REFUSED("plyfs -o lowerdir=/a a b c", 2, "too many operands: c");
	EXPECT_REFUSED("plyfs -Z /m", 2, "unknown flag -Z");
	EXPECT_REFUSED("plyfs --frob /m", 2, "unknown flag --frob");
	EXPECT_REFUSED("plyfs -o", 2, "-o needs an argument");
	EXPECT_REFUSED("plyfs -n /m", 2, "unknown flag -n");
}

TEST("layers that don't fit together are refused")
{
	EXPECT_REFUSED("plyfs /m", 1, "lowerdir: not given");
	EXPECT_REFUSED("plyfs -o lowerdir=/a,upperdir=/u /m", 1, "workdir: not given, upperdir needs it");
	ASSERT_INT(parse("plyfs -o lowerdir=/a,workdir=/w /m"), 0);
	EXPECT_STR(opts.workdir, NULL);
	ASSERT_INT(opts.warnings.count, 1);
	EXPECT_STR(opts.warnings.items[0], "plyfs: workdir: without upperdir it has no effect");
	options_free(&opts);
}

TEST("an error is one line of bounded length, whatever the value holds")
{
	char line[4096] = "plyfs -o lowerdir=/a,xino=";
	const size_t start = strlen(line);

	EXPECT_REFUSED("plyfs -o lowerdir=/a,xino=a\nb\033[31m /m", 1, "xino: a?b?[31m: not one of off, auto, on");
	memset(line + start, 'x', sizeof(line) - start);
	strcpy(line + sizeof(line) - 4, " /m");
	ASSERT_INT(parse(line), -EINVAL);
	EXPECT(strlen(error.text) < 400);
	EXPECT(strstr(error.text, "x...: not one of off, auto, on"));
}

TEST("help and version need nothing else")
{
	static const char *const lines[] = {"plyfs -h",	       "plyfs --help", "plyfs -V",
					    "plyfs --version", "plyfs -V -Z",  "mount.fuse.plyfs -V"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ASSERT_INT(parse(lines[i]), 0);
		EXPECT_INT(opts.help, i < 2);
		EXPECT_INT(opts.version, i >= 2);
		options_free(&opts);
	}
}

TEST("a flag that may have a value can be given as off")
{
	ASSERT_INT(parse("fuse-overlayfs -o lowerdir=/a,noxattrs=1 /m"), 0);
	EXPECT(opts.noxattrs);
	options_free(&opts);
	ASSERT_INT(parse("fuse-overlayfs -o lowerdir=/a,noxattrs=0 /m"), 0);
	EXPECT(!opts.noxattrs);
	options_free(&opts);
	EXPECT_REFUSED("plyfs -o lowerdir=/a,noxattrs=2 /m", 1, "noxattrs: 2: neither 0 nor 1");
}

TEST("under the name fuse-overlayfs unknown options are ignored with a line each")
{
	ASSERT_INT(parse("/usr/bin/fuse-overlayfs -o lowerdir=/a,frob=1,noacl,nicate /m"), 0);
	EXPECT(opts.fuse_overlayfs && opts.noacl);
	ASSERT_INT(opts.warnings.count, 2);
	EXPECT_STR(opts.warnings.items[0], "unknown argument ignored: frob=1");
	EXPECT_STR(opts.warnings.items[1], "unknown argument ignored: nicate");
	EXPECT_STR(opts.subtype, "fuse-overlayfs");
	options_free(&opts);
}

TEST("under the name fuse-overlayfs unknown flags are ignored too, but not in mount(8)'s form")
{
	ASSERT_INT(parse("fuse-overlayfs --frob -Z -fq -o lowerdir=/a /m"), 0);
	EXPECT(opts.foreground);
	EXPECT_STR(opts.mountpoint, "/m");
	ASSERT_INT(opts.warnings.count, 3);
	EXPECT_STR(opts.warnings.items[0], "unknown argument ignored: --frob");
	EXPECT_STR(opts.warnings.items[1], "unknown argument ignored: -Z");
	EXPECT_STR(opts.warnings.items[2], "unknown argument ignored: -q");
	options_free(&opts);
	EXPECT_REFUSED("mount.fuse.fuse-overlayfs o /m -Z 7 -o lowerdir=/a", 2, "unknown flag -Z");
}

TEST("options that are taken with a warning say so")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,plugins=/p\\,q,ino32_t /m"), 0);
	EXPECT(opts.ino32);
	ASSERT_INT(opts.warnings.count, 1);
	EXPECT_STR(opts.warnings.items[0], "plyfs: plugins: accepted without effect");
	options_free(&opts);
}

TEST("mount(8)'s form is chosen by the name, behind every prefix")
{
	static const char *const names[] = {"/sbin/mount.fuse.plyfs", "mount.fuse3.plyfs", "mount.plyfs"};
	char line[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line), "%s overlay /m -n -v -o rw,lowerdir=/a -t fuse.plyfs", names[i]);
		ASSERT_INT(parse(line), 0);
		EXPECT(opts.mount_helper && !opts.foreground && !opts.fake);
		EXPECT_STR(opts.program, "plyfs");
		EXPECT_STR(opts.mountpoint, "/m");
		/* mount -a knows it again by source and target */
		EXPECT_STR(opts.fsname, "overlay");
		EXPECT_STR(opts.subtype, "plyfs");
		options_free(&opts);
	}
	ASSERT_INT(parse("mount.fuse.fuse-overlayfs o /m -o lowerdir=/a,frob"), 0);
	EXPECT(opts.fuse_overlayfs && opts.mount_helper);
	options_free(&opts);
}

TEST("mount -f fakes, mount -s tolerates what is unknown, in any order")
{
	ASSERT_INT(parse("mount.fuse.plyfs o /m -o lowerdir=/a,frob -f -s"), 0);
	EXPECT(opts.fake && !opts.foreground);
	ASSERT_INT(opts.warnings.count, 1);
	EXPECT_STR(opts.warnings.items[0], "unknown argument ignored: frob");
	options_free(&opts);
	ASSERT_INT(parse("mount.fuse.plyfs o /m -sfn -o lowerdir=/a,frob -r"), 0);
	EXPECT(opts.vfs_flags & MS_RDONLY);
	options_free(&opts);
	EXPECT_REFUSED("mount.fuse.plyfs o /m -o lowerdir=/a,frob -t fuse.plyfs", 1, "frob: unknown option");
	EXPECT_REFUSED("plyfs -s o /m -o lowerdir=/a,frob", 1, "frob: unknown option");
}

TEST("mount -N names a mount namespace, in mount(8)'s form alone, and its name is no flag")
{
	ASSERT_INT(parse("mount.fuse.plyfs o /m -o lowerdir=/a -N /proc/1/fd/4"), 0);
	EXPECT_STR(opts.mount_ns, "/proc/1/fd/4");
	EXPECT_STR(opts.mountpoint, "/m");
	options_free(&opts);
	EXPECT_REFUSED("mount.fuse.plyfs o /m -N -s -o lowerdir=/a,frob", 1, "frob: unknown option");
	EXPECT_REFUSED("mount.fuse.plyfs o /m -o lowerdir=/a -N", 2, "-N needs an argument");
	EXPECT_REFUSED("plyfs -N 1 -o lowerdir=/a /m", 2, "unknown flag -N");
}

TEST("what is meant for mount(8) and fstab is taken")
{
	ASSERT_INT(
		parse("plyfs -o lowerdir=/a,defaults,_netdev,nofail,noauto,auto,user,user=me,users,nouser,owner,group,"
		      "nousers,noowner,nogroup,uhelper=udisks2,helper=own,"
		      "x-systemd.automount,x-systemd.mount-timeout=5,X-mount.mkdir,comment=hello,x-gvfs-hide /m"),
		0);
	EXPECT_INT(opts.warnings.count, 0);
	options_free(&opts);
	EXPECT_REFUSED("plyfs -o lowerdir=/a,x /m", 1, "x: unknown option");
}
