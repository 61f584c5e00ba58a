/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front of sc: words into numbers, results into words, and the table of commands.
 */
#include "sc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void sc_result(long rc)
{
	if (rc >= 0)
		puts("ok");
	else
		puts(strerrorname_np(errno) ?: "E?");
}

void sc_misuse(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	fputs("sc: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

static const struct {
	const char *word;
	int flag;
} open_words[] = {
	{"r", O_RDONLY},	{"w", O_WRONLY},	  {"rw", O_RDWR},	    {"creat", O_CREAT},
	{"excl", O_EXCL},	{"trunc", O_TRUNC},	  {"append", O_APPEND},	    {"direct", O_DIRECT},
	{"path", O_PATH},	{"nofollow", O_NOFOLLOW}, {"dir", O_DIRECTORY},	    {"tmp", O_TMPFILE},
	{"noatime", O_NOATIME}, {"sync", O_SYNC},	  {"nonblock", O_NONBLOCK},
};

int sc_open_flags(const char *words)
{
	char *copy = strdup(words), *save = NULL;
	int flags = O_CLOEXEC;

	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < sizeof(open_words) / sizeof(open_words[0]) && strcmp(open_words[i].word, word))
			i++;
		if (i == sizeof(open_words) / sizeof(open_words[0]))
			sc_misuse("no open flag '%s'", word);
		flags |= open_words[i].flag;
	}
	free(copy);
	return flags;
}

struct timespec sc_time(const char *word)
{
	struct timespec ts = {0};
	char *end;

	if (!strcmp(word, "now")) {
		ts.tv_nsec = UTIME_NOW;
		return ts;
	}
	if (!strcmp(word, "omit")) {
		ts.tv_nsec = UTIME_OMIT;
		return ts;
	}
	ts.tv_sec = strtoll(word, &end, 10);
	if (*end == '.' && strlen(end + 1) == 9)
		ts.tv_nsec = strtol(end + 1, &end, 10);
	if (*end)
		sc_misuse("no time '%s'", word);
	return ts;
}

long long sc_number(const char *word)
{
	char *end;
	long long value = strtoll(word, &end, 0);

	switch (*end) {
	case 'k':
		return value << 10;
	case 'M':
		return value << 20;
	case 'G':
		return value << 30;
	case '\0':
		return value;
	}
	sc_misuse("no number '%s'", word);
}

mode_t sc_mode(const char *word)
{
	char *end;
	unsigned long mode = strtoul(word, &end, 8);

	if (*end)
		sc_misuse("no mode '%s'", word);
	return (mode_t)mode;
}

void sc_print_bytes(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++) {
		if (at[i] > ' ' && at[i] < 0x7f && at[i] != '\\' && at[i] != '|')
			putchar(at[i]);
		else
			printf("\\x%02x", at[i]);
	}
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} commands[] = {
	{"tree", sc_tree, "tree [--upper] [--ctime] [--since SECONDS] DIR"},
	{"seal", sc_seal, "seal DIR SECONDS.NANOSECONDS SINCE"},
	{"fill", sc_fill, "fill PATH SIZE [SEED]"},
	{"fd", sc_fd, "fd STEP... (see sc_fd.c)"},
	{"control", sc_control, "control SOCKET STEP.."},
	{"lease", sc_lease, "lease PATH r|w GO"},
	{"direct", sc_direct, "direct FILE SECONDS"},
	{"links", sc_links, "links DIR COUNT"},
	{"rename", sc_rename, "rename OLD NEW [noreplace|exchange|whiteout]"},
	{"mknod", sc_mknod, "mknod PATH fifo|sock|reg|chr|blk MODE [MAJOR MINOR]"},
	{"bind", sc_bind, "bind PATH"},
	{"handle", sc_handle, "handle PATH [fid]"},
	{"utimens", sc_utimens, "utimens PATH ATIME MTIME [nofollow]"},
	{"chmod", sc_chmod, "chmod PATH MODE"},
	{"chown", sc_chown, "chown PATH UID GID [nofollow]"},
	{"idmap", sc_idmap, "idmap DIR MOUNTPOINT LAYER:MOUNT:LEN..."},
	{"as", sc_as, "as UID:GID[:GROUP,...] COMMAND..."},
	{"xattr", sc_xattr, "xattr get|set|list|remove PATH [NAME [VALUE [create|replace]]]"},
	{"flags", sc_flags, "flags PATH [+LETTERS|-LETTERS]"},
	{"fsxattr", sc_fsxattr, "fsxattr PATH"},
	{"statx", sc_statx, "statx PATH"},
	{"attributes", sc_attributes, "attributes PATH"},
	{"statfs", sc_statfs, "statfs PATH"},
	{"forget", sc_forget, "forget MOUNTPOINT"},
	{"list", sc_list, "list DIR [BUFFER]"},
	{"seekdir", sc_seekdir, "seekdir DIR"},
	{"rewind", sc_rewind, "rewind DIR COMMAND"},
	{"purge", sc_purge, "purge DIR [BUFFER]"},
	{"inodes", sc_inodes, "inodes DIR"},
	{"deep", sc_deep, "deep make|read|remove NAME DEPTH"},
	{"probe", sc_probe, "probe PATH SECONDS"},
	{"churn", sc_churn, "churn DIR COUNT"},
	{"hugedir", sc_hugedir, "hugedir DIR COUNT"},
	{"streams", sc_streams, "streams DIR CHANGED-DIR SEED STEPS [OTHER-DIR...]"},
	{"overtaken", sc_overtaken, "overtaken DIR COUNT SIZE"},
};

int main(int argc, char **argv)
{
	if (argc >= 2) {
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			if (!strcmp(commands[i].name, argv[1]))
				return commands[i].run(argc - 1, argv + 1);
		}
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "usage: sc %s\n", commands[i].usage);
	return 2;
}
