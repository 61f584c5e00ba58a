/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: stderr until the mount is live, then syslog and, where asked for, a file. Never an attribute's
 * value, never file content. log_limited() is limited by cause: at most LOG_BURST lines in LOG_INTERVAL seconds each,
 * with a line that counts what was left out. Thread-safe; takes no lock of ours.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <syslog.h>

#include "base/macros.h"

#define LOG_BURST 10
#define LOG_INTERVAL 60

/* What a rate-limited message is about; each has a budget of its own. */
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

/* Messages below `level` (LOG_ERR .. LOG_DEBUG) are dropped; default LOG_INFO. */
void log_set_level(int level);
/* From now on also to syslog with this identity (a string that stays alive). */
void log_open_syslog(const char *ident);
/* From now on also to `path`, opened for appending; returns 0 or -errno. */
int log_open_file(const char *path);
/* Whether messages go to stderr (the default until daemonized). */
void log_set_stderr(bool on);
/* Tells what was left out by log_limited(), and lets go of syslog and file. */
void log_close(void);

/* `priority` is one of syslog's LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG. */
void log_message(int priority, const char *fmt, ...) PRINTF_FORMAT(2, 3);
void log_limited(enum log_cause cause, int priority, const char *fmt, ...) PRINTF_FORMAT(3, 4);

#define log_error(...) log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_DEBUG, __VA_ARGS__)

#endif
