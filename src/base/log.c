/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is formatted once into a buffer on the stack and handed to each open sink with one write, so that lines of
 * several threads never mix and no lock is held while a sink is slow. Control characters are replaced: messages contain
 * names, which anybody chooses, and a newline in a name must not forge a line.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "internal.h"

#define LINE_MAX_BYTES 2048
#define PREFIX_MAX_BYTES (LOG_PREFIX_MAX + 64)

static _Atomic int log_level = LOG_INFO;
static _Atomic bool to_stderr = true;
static _Atomic bool to_syslog;
static _Atomic int file_fd = -1;
static char mount_prefix[LOG_PREFIX_MAX]; /* "MOUNTPOINT: ", or empty */
_Atomic long log_clock_offset;

/* Of the process. */
static struct log_budget budgets[LOG_CAUSE_MAX];

static const char *const cause_names[LOG_CAUSE_MAX] = {
	[LOG_CAUSE_INVARIANT] = "broken invariants",
	[LOG_CAUSE_COPY_UP] = "copy-up",
	[LOG_CAUSE_WRITE_BACK] = "write-back",
	[LOG_CAUSE_WORKDIR] = "the work directory",
	[LOG_CAUSE_WHITEOUT] = "whiteouts",
	[LOG_CAUSE_XATTR] = "extended attributes",
	[LOG_CAUSE_LAYER] = "layers",
	[LOG_CAUSE_DESCRIPTORS] = "descriptors",
	[LOG_CAUSE_SESSION] = "the session",
};

void log_set_level(int level)
{
	atomic_store(&log_level, level);
}

void log_set_stderr(bool on)
{
	atomic_store(&to_stderr, on);
}

void log_open_syslog(const char *ident)
{
	openlog(ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	atomic_store(&to_syslog, true);
}

int log_open_file(const char *path)
{
	/* of a pipe neither the open nor a line may wait for a reader */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return -errno;
	fd = atomic_exchange(&file_fd, fd);
	if (fd >= 0)
		close(fd);
	return 0;
}

static const char *level_name(int priority)
{
	switch (priority) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_NOTICE:
		return "notice";
	case LOG_WARNING:
		return "warning";
	default:
		return "error";
	}
}

static size_t format_time(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);

	return len + (size_t)snprintf(buf + len, size - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* A log that can't be written has nobody to tell. */
static void write_line(int fd, const char *line, size_t len)
{
	ssize_t r = write(fd, line, len);

	(void)r;
}

static void write_stderr(const char *text)
{
	char line[LINE_MAX_BYTES + PREFIX_MAX_BYTES];
	int len = snprintf(line, sizeof(line), "plyfs: %s\n", text);

	write_line(STDERR_FILENO, line, (size_t)len);
}

static const char *current_prefix(void)
{
	const struct scope *scope = scope_current();

	return scope ? scope->prefix : mount_prefix;
}

static void log_write_file(int fd, int priority, const char *text)
{
	char line[LINE_MAX_BYTES + PREFIX_MAX_BYTES];
	size_t len = format_time(line, sizeof(line));

	len += (size_t)snprintf(line + len, sizeof(line) - len, " %s: %s%s\n", level_name(priority), current_prefix(),
				text);
	write_line(fd, line, len);
}

static void disarm(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
}

void log_make_prefix(const char *name, char ret[static LOG_PREFIX_MAX])
{
	snprintf(ret, LOG_PREFIX_MAX, "%.*s: ", LOG_PREFIX_MAX - 3, name);
	disarm(ret);
}

void log_set_mountpoint(const char *path)
{
	if (path)
		log_make_prefix(path, mount_prefix);
	else
		mount_prefix[0] = '\0';
}

static void log_va(int priority, const char *fmt, va_list args) PRINTF_FORMAT(2, 0);

static void log_va(int priority, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];
	int fd = atomic_load(&file_fd);
	int saved = errno;

	vsnprintf(text, sizeof(text), fmt, args);
	disarm(text);
	if (atomic_load(&to_stderr))
		write_stderr(text);
	if (fd >= 0)
		log_write_file(fd, priority, text);
	if (atomic_load(&to_syslog))
		syslog(priority, "%s%s", current_prefix(), text);
	errno = saved;
}

void log_message(int priority, const char *fmt, ...)
{
	va_list args;

	if (priority > atomic_load(&log_level))
		return;
	va_start(args, fmt);
	log_va(priority, fmt, args);
	va_end(args);
}

static void tell_left_out(enum log_cause cause, int priority, unsigned count)
{
	if (count > LOG_BURST)
		log_message(priority, "left out %u more messages about %s", count - LOG_BURST, cause_names[cause]);
}

static int64_t clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec + 1 + atomic_load(&log_clock_offset);
}

/* Takes one message out of the budget; opens a new interval where the last one is over. */
static bool budget_take(enum log_cause cause, int priority)
{
	struct scope *scope = scope_current();
	struct log_budget *b = scope ? &scope->budgets[cause] : &budgets[cause];
	int64_t now = clock_seconds(), start = atomic_load(&b->start);

	if ((!start || now - start >= LOG_INTERVAL) && atomic_compare_exchange_strong(&b->start, &start, now))
		tell_left_out(cause, priority, atomic_exchange(&b->count, 0));
	return atomic_fetch_add(&b->count, 1) < LOG_BURST;
}

void log_limited(enum log_cause cause, int priority, const char *fmt, ...)
{
	va_list args;
	int saved = errno;

	if (priority > atomic_load(&log_level) || !budget_take(cause, priority))
		return;
	errno = saved; /* for %m */
	va_start(args, fmt);
	log_va(priority, fmt, args);
	va_end(args);
}

void log_close(void)
{
	for (int cause = 0; cause < LOG_CAUSE_MAX; cause++)
		tell_left_out(cause, LOG_WARNING, atomic_exchange(&budgets[cause].count, 0));
	int fd = atomic_exchange(&file_fd, -1);

	if (fd >= 0)
		close(fd);
	if (atomic_exchange(&to_syslog, false))
		closelog();
}
