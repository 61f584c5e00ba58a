/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on names: renameat2, mknod, bind, file handles, times, owners, and running a program as somebody else.
 */
#include "sc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* AT_HANDLE_FID of newer headers. */
#define HANDLE_FID 0x200

int sc_rename(int argc, char **argv)
{
	unsigned int flags = 0;

	if (argc < 3)
		sc_misuse("rename OLD NEW [FLAG]");
	if (argc > 3) {
		if (!strcmp(argv[3], "noreplace"))
			flags = RENAME_NOREPLACE;
		else if (!strcmp(argv[3], "exchange"))
			flags = RENAME_EXCHANGE;
		else if (!strcmp(argv[3], "whiteout"))
			flags = RENAME_WHITEOUT;
		else
			sc_misuse("rename: no flag '%s'", argv[3]);
	}
	sc_result(renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], flags));
	return 0;
}

int sc_mknod(int argc, char **argv)
{
	static const struct {
		const char *word;
		mode_t type;
	} types[] = {{"fifo", S_IFIFO}, {"sock", S_IFSOCK}, {"reg", S_IFREG}, {"chr", S_IFCHR}, {"blk", S_IFBLK}};
	dev_t dev = 0;

	if (argc < 4)
		sc_misuse("mknod PATH TYPE MODE [MAJOR MINOR]");
	if (argc > 5)
		dev = makedev((unsigned int)sc_number(argv[4]), (unsigned int)sc_number(argv[5]));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(types[i].word, argv[2])) {
			sc_result(mknod(argv[1], types[i].type | sc_mode(argv[3]), dev));
			return 0;
		}
	}
	sc_misuse("mknod: no type '%s'", argv[2]);
}

/* Makes a socket as a server does; the name must be short and relative. */
int sc_bind(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		sc_misuse("bind PATH");
	strcpy(address.sun_path, argv[1]);
	sc_result(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	return 0;
}

/* A handle that can be opened again, or with "fid" one that only tells files apart. */
int sc_handle(int argc, char **argv)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int mount_id;

	if (argc < 2)
		sc_misuse("handle PATH [fid]");
	u.handle.handle_bytes = MAX_HANDLE_SZ;
	sc_result(name_to_handle_at(AT_FDCWD, argv[1], &u.handle, &mount_id, argc > 2 ? HANDLE_FID : 0));
	return 0;
}

int sc_utimens(int argc, char **argv)
{
	struct timespec times[2];

	if (argc < 4)
		sc_misuse("utimens PATH ATIME MTIME [nofollow]");
	times[0] = sc_time(argv[2]);
	times[1] = sc_time(argv[3]);
	sc_result(utimensat(AT_FDCWD, argv[1], times, argc > 4 ? AT_SYMLINK_NOFOLLOW : 0));
	return 0;
}

int sc_chmod(int argc, char **argv)
{
	if (argc != 3)
		sc_misuse("chmod PATH MODE");
	sc_result(chmod(argv[1], sc_mode(argv[2])));
	return 0;
}

int sc_chown(int argc, char **argv)
{
	if (argc < 4)
		sc_misuse("chown PATH UID GID [nofollow]");
	sc_result(fchownat(AT_FDCWD, argv[1], (uid_t)sc_number(argv[2]), (gid_t)sc_number(argv[3]),
			   argc > 4 ? AT_SYMLINK_NOFOLLOW : 0));
	return 0;
}

/* Runs a command with exactly these ids and groups and no capabilities (a change from root drops them). */
int sc_as(int argc, char **argv)
{
	gid_t groups[32];
	size_t count = 0;
	char *ids, *uid, *gid, *group;

	if (argc < 3)
		sc_misuse("as UID:GID[:GROUP,...] COMMAND...");
	ids = strdup(argv[1]);
	uid = strsep(&ids, ":");
	gid = strsep(&ids, ":");
	if (!gid)
		sc_misuse("as: no gid in '%s'", argv[1]);
	while (ids && count < 32 && (group = strsep(&ids, ",")))
		groups[count++] = (gid_t)sc_number(group);
	if (setgroups(count, groups) ||
	    setresgid((gid_t)sc_number(gid), (gid_t)sc_number(gid), (gid_t)sc_number(gid)) ||
	    setresuid((uid_t)sc_number(uid), (uid_t)sc_number(uid), (uid_t)sc_number(uid)))
		sc_misuse("as %s: %s", argv[1], strerror(errno));
	execvp(argv[2], argv + 2);
	sc_misuse("%s: %s", argv[2], strerror(errno));
}
