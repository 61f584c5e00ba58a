/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc: one program that makes the system calls that a shell can't express, and prints what came of them in a form that
 * doesn't depend on the file system below: "ok", a value, or the name of the errno. Each command prints to stdout and
 * exits with 0 whatever the call answered, because a refusal is an observation like any other; only a misuse of sc
 * itself exits with 2, on stderr.
 */
#ifndef SPEC_HELPERS_SC_H
#define SPEC_HELPERS_SC_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* Prints "ok" for rc >= 0, else the errno's name, each with a newline. Uses errno: call it at once. */
void sc_result(long rc);

/* Ends the program with 2 and one line: the scenario is wrong, not the file system. */
void sc_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* "rw,creat,excl" -> O_RDWR|O_CREAT|O_EXCL; always adds O_CLOEXEC. */
int sc_open_flags(const char *words);

/* "now", "omit" or "SECONDS[.NANOSECONDS]" (nine digits). */
struct timespec sc_time(const char *word);

/* A decimal, 0x or 0 number with an optional suffix k, M or G (1024-based). */
long long sc_number(const char *word);

/* Octal. */
mode_t sc_mode(const char *word);

/* Prints a byte string with everything outside of printable ASCII, and the backslash, as \xNN. */
void sc_print_bytes(const void *bytes, size_t len);

/* The commands; argv[0] is the command's own name. Each returns the exit status. */
int sc_tree(int argc, char **argv);
int sc_seal(int argc, char **argv);
int sc_fill(int argc, char **argv);
int sc_fd(int argc, char **argv);
int sc_direct(int argc, char **argv);
int sc_control(int argc, char **argv);
int sc_lease(int argc, char **argv);
int sc_links(int argc, char **argv);
int sc_rename(int argc, char **argv);
int sc_mknod(int argc, char **argv);
int sc_bind(int argc, char **argv);
int sc_handle(int argc, char **argv);
int sc_utimens(int argc, char **argv);
int sc_chmod(int argc, char **argv);
int sc_chown(int argc, char **argv);
int sc_idmap(int argc, char **argv);
int sc_as(int argc, char **argv);
int sc_xattr(int argc, char **argv);
int sc_flags(int argc, char **argv);
int sc_fsxattr(int argc, char **argv);
int sc_statx(int argc, char **argv);
int sc_attributes(int argc, char **argv);
int sc_statfs(int argc, char **argv);
int sc_forget(int argc, char **argv);
int sc_list(int argc, char **argv);
int sc_seekdir(int argc, char **argv);
int sc_rewind(int argc, char **argv);
int sc_purge(int argc, char **argv);
int sc_inodes(int argc, char **argv);
int sc_deep(int argc, char **argv);
int sc_probe(int argc, char **argv);
int sc_churn(int argc, char **argv);
int sc_hugedir(int argc, char **argv);
int sc_streams(int argc, char **argv);
int sc_overtaken(int argc, char **argv);

#endif
