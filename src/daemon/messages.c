/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where messages go once there is a session, and what libfuse says.
 */
#define FUSE_USE_VERSION 314
#include <fuse_log.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "base/log.h"

/* What libfuse said first, before the mount was live: the cause in our one line. */
static char libfuse_said[256];
static _Atomic bool is_live;

static void libfuse_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[512];

	if (level >= FUSE_LOG_DEBUG) {
		vfprintf(stderr, fmt, ap);
		return;
	}
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	if (!atomic_load(&is_live) && libfuse_said[0] == '\0')
		snprintf(libfuse_said, sizeof(libfuse_said), "%.*s", (int)sizeof(libfuse_said) - 1, line);
	else
		log_limited(LOG_CAUSE_SESSION, LOG_WARNING, "libfuse: %s", line);
}

void messages_refuse(const struct error *error)
{
	fprintf(stderr, "plyfs: %s\n", error_text(error));
}

const char *messages_of_libfuse(void)
{
	return libfuse_said[0] ? libfuse_said : NULL;
}

void messages_live(void)
{
	atomic_store(&is_live, true);
}

void messages_open(const struct options *opt, bool hides_syslog)
{
	libfuse_said[0] = '\0';
	atomic_store(&is_live, false);
	if (opt->debug)
		log_set_level(LOG_DEBUG);
	/* Its file would be read at the first message, and be overmounted by then. */
	tzset();
	/* It is looked for each time when nobody listens. */
	if (hides_syslog)
		log_warning("%s: the mount covers the system's log, which gets no messages", opt->mountpoint);
	else
		log_open_syslog("plyfs");
	if (opt->log) {
		int r = log_open_file(opt->log);

		if (r < 0)
			log_warning("log: %s: %s", opt->log, strerror(-r));
	}
	log_set_mountpoint(opt->mountpoint);
	fuse_set_log_func(libfuse_log);
}
