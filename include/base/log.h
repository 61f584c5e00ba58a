/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log. It goes to stderr until the mount is live, then to syslog and to a file if one was asked for. No
 * value of an xattr and no file content is ever logged. log_limited() limits by cause: at most LOG_BURST lines in
 * LOG_INTERVAL seconds for each cause, in each scope (base/scope.h). A further line counts the dropped messages. The
 * log is thread-safe and takes no lock of plyfs.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "base/macros.h"

#define LOG_BURST 10
#define LOG_INTERVAL 60
/* Bytes of what lines begin with. */
#define LOG_PREFIX_MAX 1024

/* The subject of a rate-limited message. Each has a budget of its own. */
enum log_cause {
	LOG_CAUSE_INVARIANT,
	LOG_CAUSE_COPY_UP,
	LOG_CAUSE_WRITE_BACK,
	LOG_CAUSE_WORKDIR,
	LOG_CAUSE_WHITEOUT,
	LOG_CAUSE_XATTR,
	LOG_CAUSE_LAYER,
	LOG_CAUSE_DESCRIPTORS,
	LOG_CAUSE_SESSION,
	LOG_CAUSE_MAX
};

/* The messages of one cause, of which there are LOG_CAUSE_MAX. */
struct log_budget {
	_Atomic int64_t start;	/* a of the interval: seconds of the monotonic clock, 0: never used */
	_Atomic unsigned count; /* a messages since then */
};

/* Messages below `level` (LOG_ERR .. LOG_DEBUG) are dropped; default LOG_INFO. */
void log_set_level(int level);
/* From now on messages go to syslog too, with this identity (a string that stays alive). */
void log_open_syslog(const char *ident);
/* From now on messages go to `path` too, opened for appending. Returns 0 or -errno. */
int log_open_file(const char *path);
/* From now on messages in syslog and in the file begin with the mountpoint. On stderr the caller knows which mount it
 * started. Called before there are other threads. NULL ends it. */
void log_set_mountpoint(const char *path);
/* The beginning of lines about a mountpoint, or a union of that name. */
void log_make_prefix(const char *name, char ret[static LOG_PREFIX_MAX]);
/* Whether messages go to stderr (the default until daemonized). */
void log_set_stderr(bool on);
/* Logs how many messages log_limited() dropped, and closes syslog and file. */
void log_close(void);

/* `priority` is one of syslog's LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG. */
void log_message(int priority, const char *fmt, ...) PRINTF_FORMAT(2, 3);
void log_limited(enum log_cause cause, int priority, const char *fmt, ...) PRINTF_FORMAT(3, 4);

#define log_error(...) log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_DEBUG, __VA_ARGS__)

#endif
