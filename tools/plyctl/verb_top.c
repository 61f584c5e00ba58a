/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl top: what live plyfs mounts do now, as the difference of two answers of each daemon. A mount that comes or
 * goes meanwhile is shown or forgotten.
 */
#include "top.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/task.h"

#define LONGEST 3600.0

static bool batch;
static const char *count_option, *delay_option;
static const struct opt opts[] = {
	{"batch", 'b', NULL, "print lines, also to a terminal", &batch, NULL},
	{"count", 'n', "COUNT", "end after so many times", NULL, &count_option},
	{"delay", 'd', "SECONDS", "the time between, 2 by default", NULL, &delay_option},
};

/* --- samples ------------------------------------------------------------------------------------------------------ */

static void mount_free(struct top_mount *m)
{
	view_control_close(m->control);
	status_free(m->before);
	status_free(m->now);
	free(m->mountpoint);
	free(m->error);
}

static struct top_mount *top_find(struct top *top, const char *mountpoint)
{
	for (size_t i = 0; i < top->n; i++)
		if (!strcmp(top->mounts[i].mountpoint, mountpoint))
			return &top->mounts[i];
	return NULL;
}

static int top_add(void *arg, const char *mountpoint)
{
	struct top *top = arg;

	if (top_find(top, mountpoint))
		return 0;
	top->mounts = realloc(top->mounts, (top->n + 1) * sizeof(*top->mounts));
	if (!top->mounts)
		abort();
	top->mounts[top->n] = (struct top_mount){.mountpoint = strdup(mountpoint)};
	if (!top->mounts[top->n++].mountpoint)
		abort();
	return 0;
}

static void mount_ask(struct top_mount *m)
{
	free(m->error);
	m->error = NULL;
	status_free(m->before);
	m->before = m->now;
	m->now = NULL;
	/* A daemon ends a connection on which nobody asks for long. */
	if (m->control)
		m->now = status_ask(m->control, &m->error);
	if (m->now)
		return;
	view_control_close(m->control);
	m->control = NULL;
	free(m->error);
	m->error = NULL;
	if (view_control_open(m->mountpoint, &m->control, &m->error) == 0)
		m->now = status_ask(m->control, &m->error);
	/* Another daemon has other numbers. */
	if (m->now && m->before && status_number(m->now, NULL, "pid") != status_number(m->before, NULL, "pid")) {
		status_free(m->before);
		m->before = NULL;
	}
}

static void top_ask(struct top *top)
{
	if (top->all)
		(void)view_control_each(top_add, top);
	for (size_t i = 0; i < top->n;) {
		mount_ask(&top->mounts[i]);
		if (top->mounts[i].now || !top->all) {
			i++;
			continue;
		}
		mount_free(&top->mounts[i]);
		memmove(&top->mounts[i], &top->mounts[i + 1], (top->n - i - 1) * sizeof(*top->mounts));
		top->n--;
	}
}

static uint64_t difference(const struct top_mount *m, const char *group, const char *name)
{
	uint64_t now = status_number(m->now, group, name),
		 before = m->before ? status_number(m->before, group, name) : 0;

	return now > before ? now - before : 0;
}

void top_figures(const struct top_mount *m, struct top_figures *ret)
{
	static const char *const kinds[] = {"lookup", "getattr", "setattr", "readlink",	   "open",   "read",
					    "write",  "fsync",	 "readdir", "readdirplus", "create", "remove",
					    "rename", "link",	 "xattr",   "statfs",	   "misc"};
	uint64_t ms = MAX(difference(m, NULL, "uptime_ms"), 1U);
	struct latency_histogram before;

	*ret = (struct top_figures){.ms = ms};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		ret->requests += difference(m, "counters", kinds[i]);
	ret->lookups = difference(m, "counters", "lookup");
	ret->cached = difference(m, "counters", "lookup-cached");
	ret->read = difference(m, "counters", "read-bytes");
	ret->written = difference(m, "counters", "write-bytes");
	ret->copy_ups = difference(m, "counters", "copy-up");
	status_histogram_all(m->now, &ret->latencies);
	if (m->before) {
		status_histogram_all(m->before, &before);
		latency_since(&ret->latencies, &before);
	}
}

uint64_t top_rate(const struct top_figures *f, uint64_t n)
{
	return (n * 1000 + f->ms / 2) / f->ms;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void print_titles(void)
{
	printf("%-8s %8s %8s %8s %5s %7s %7s %7s %7s  %s\n", "TIME", "REQ/S", "READ/S", "WRITE/S", "HITS", "P50", "P99",
	       "COPYUPS", "MEMORY", "MOUNTPOINT");
}

static void print_line(const struct top_mount *m)
{
	char requests[COUNT_TEXT], read[SIZE_TEXT], written[SIZE_TEXT], hits[PERCENT_TEXT],
		half[DURATION_TEXT] = "-", most[DURATION_TEXT] = "-", copy_ups[COUNT_TEXT], memory[SIZE_TEXT],
		time_now[TIME_TEXT];
	struct top_figures f;

	time_text(time(NULL), time_now);
	top_figures(m, &f);
	if (f.latencies.count) {
		duration_text(latency_quantile(&f.latencies, 500), half);
		duration_text(latency_quantile(&f.latencies, 990), most);
	}
	printf("%.8s %8s %8s %8s %5s %7s %7s %7s %7s  ", time_now + 11, count_text(top_rate(&f, f.requests), requests),
	       size_text(top_rate(&f, f.read), read), size_text(top_rate(&f, f.written), written),
	       percent_text(f.cached, f.lookups, hits), half, most, count_text(f.copy_ups, copy_ups),
	       size_text(status_number(m->now, "sizes", "resident_bytes"), memory));
	print_name(m->mountpoint);
	printf("\n");
}

static int run_batch(struct top *top)
{
	int status = EXIT_FINE;

	top_ask(top);
	for (unsigned long long i = 0; !top->count || i < top->count; i++) {
		os_sleep_us((unsigned)(top->delay * 1e6));
		top_ask(top);
		if (i == 0)
			print_titles();
		status = EXIT_FINE;
		for (size_t k = 0; k < top->n; k++)
			if (top->mounts[k].now && top->mounts[k].before)
				print_line(&top->mounts[k]);
			else if (!top->mounts[k].now)
				status = fail("%s", top->mounts[k].error ? top->mounts[k].error : "out of memory");
		if (fflush(stdout) != 0)
			return EXIT_FAILED;
		if (status != EXIT_FINE)
			return status;
	}
	return status;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static int read_options(struct top *top)
{
	char *end;

	top->delay = 2;
	if (count_option) {
		errno = 0;
		top->count = strtoull(count_option, &end, 10);
		if (errno || *end || !top->count || *count_option == '-')
			return usage_error("top: --count=%s: it must be a number from 1 on", count_option);
	}
	if (delay_option) {
		top->delay = strtod(delay_option, &end);
		if (*end || end == delay_option || !(top->delay >= 0.1 && top->delay <= LONGEST))
			return usage_error("top: --delay=%s: it must be a number from 0.1 to 3600", delay_option);
	}
	return common.json ? usage_error("top: there is stat --json") : EXIT_FINE;
}

static int run_top(int argc, char **argv)
{
	struct top top = {.all = !argc};
	int status = read_options(&top);

	if (status != EXIT_FINE)
		return status;
	/* Wrong names are told at once. */
	for (int i = 0; i < argc && status == EXIT_FINE; i++) {
		struct status *s = status_of(argv[i]);

		if (s)
			(void)top_add(&top, s->mountpoint);
		else
			status = EXIT_FAILED;
		status_free(s);
	}
	if (status == EXIT_FINE)
		status = batch || !isatty(STDOUT_FILENO) ? run_batch(&top) : top_screen(&top);
	for (size_t i = 0; i < top.n; i++)
		mount_free(&top.mounts[i]);
	free(top.mounts);
	return status;
}

void top_refresh(struct top *top)
{
	top_ask(top);
}

const struct verb verb_top = {
	.name = "top",
	.operands = "[MOUNTPOINT]..",
	.help = "Show what plyfs mounts do now",
	.more = "Without a MOUNTPOINT all plyfs mounts are shown. Where there is no terminal it prints "
		"lines.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = run_top};
