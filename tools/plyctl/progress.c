/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread writes the line. First it counts what lies in the directories, and writes the line meanwhile.
 */
#include "progress.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/meter.h"
#include "os/task.h"
#include "plyctl.h"

#define INTERVAL_US 200000
#define NFTW_FDS 16

struct expected_dir {
	char *path; /* owned */
	int what;
	unsigned times;
};

static struct {
	const char *what;
	struct meter before;
	unsigned long long since, shown_at; /* ms */
	_Atomic bool ending;
	bool running;
	pthread_t thread;
	struct expected_dir *dirs; /* owned */
	size_t n_dirs, at;	   /* `at`: the one that is being counted */
} progress;

/* --- the line ----------------------------------------------------------------------------------------------------- */

static size_t columns_of_terminal(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Of what is expected; 0 where that isn't known, or nothing is done yet. */
static unsigned long long seconds_left(uint64_t done, uint64_t all, unsigned long long ms)
{
	return done && all > done ? (unsigned long long)((double)(all - done) * (double)ms / (double)done / 1000) + 1
				  : 0;
}

/* "DONE of ALL", or "DONE" where it is more than what was expected. */
static int put_part(char *to, size_t size, const char *done, const char *all, const char *unit)
{
	return all ? snprintf(to, size, "%s of %s%s", done, all, unit) : snprintf(to, size, "%s%s", done, unit);
}

static size_t put_objects(char *to, size_t size, const struct meter *m)
{
	char done[32], all[32];

	snprintf(done, sizeof(done), "%llu", (unsigned long long)m->objects);
	snprintf(all, sizeof(all), "%llu", (unsigned long long)m->all_objects);
	return (size_t)put_part(to, size, done, m->all_objects >= m->objects ? all : NULL, " files");
}

static size_t put_bytes(char *to, size_t size, const struct meter *m, unsigned long long ms)
{
	char done[SIZE_TEXT], all[SIZE_TEXT], speed[SIZE_TEXT];
	size_t n;

	size_text(m->bytes, done);
	size_text(m->all_bytes, all);
	n = (size_t)put_part(to, size, done, m->all_bytes >= m->bytes ? all : NULL, ", ");
	size_text(m->bytes * 1000 / ms, speed);
	return n + (size_t)snprintf(to + n, size - n, "%s/s", speed);
}

static void progress_show(void)
{
	struct meter now = meter_read(), m = {.objects = now.objects - progress.before.objects,
					      .bytes = now.bytes - progress.before.bytes,
					      .all_objects = now.all_objects - progress.before.all_objects,
					      .all_bytes = now.all_bytes - progress.before.all_bytes};
	unsigned long long ms = os_now_ms() - progress.since + 1, left;
	char text[256];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s: ", progress.what);

	if (m.objects || m.all_objects)
		n += put_objects(text + n, sizeof(text) - n, &m);
	if (m.bytes || m.all_bytes) {
		if (m.objects || m.all_objects)
			n += (size_t)snprintf(text + n, sizeof(text) - n, ", ");
		n += put_bytes(text + n, sizeof(text) - n, &m, ms);
	}
	left = MAX(seconds_left(m.objects, m.all_objects, ms), seconds_left(m.bytes, m.all_bytes, ms));
	if (left)
		snprintf(text + n, sizeof(text) - n, ", %llu s left", left);
	fprintf(stderr, "\r%.*s\033[K", (int)columns_of_terminal() - 1, text);
	progress.shown_at = os_now_ms();
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const struct expected_dir *dir = &progress.dirs[progress.at];
	uint64_t bytes = dir->what & PROGRESS_BYTES && S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;

	meter_expect(dir->what & PROGRESS_OBJECTS ? dir->times : 0, type == FTW_NS ? 0 : bytes * dir->times);
	if (!progress.ending && os_now_ms() - progress.shown_at >= INTERVAL_US / 1000)
		progress_show();
	return progress.ending;
}

static void *progress_run(void *arg)
{
	for (progress.at = 0; progress.at < progress.n_dirs && !progress.ending; progress.at++)
		(void)nftw(progress.dirs[progress.at].path, count_one, NFTW_FDS, FTW_PHYS | FTW_MOUNT);
	while (!progress.ending) {
		os_sleep_us(INTERVAL_US);
		if (!progress.ending)
			progress_show();
	}
	fprintf(stderr, "\r\033[K");
	return NULL;
}

static bool wants_progress(void)
{
	return isatty(STDERR_FILENO);
}

void progress_expect_dir(const char *path, int what, unsigned times)
{
	struct expected_dir *next;

	for (size_t i = 0; i < progress.n_dirs; i++)
		if (!strcmp(progress.dirs[i].path, path))
			return;
	next = wants_progress() ? ARRAY_NEXT(progress.dirs, progress.n_dirs) : NULL;

	if (!next)
		return;
	*next = (struct expected_dir){.path = strdup(path), .what = what, .times = times};
	progress.n_dirs += next->path != NULL;
}

void progress_expect_layers(const struct view_stack *stack, size_t from, size_t to, int what, unsigned times)
{
	for (size_t i = from; i <= to && i < view_layer_count(stack); i++) {
		const struct view_layer_facts *facts = view_layer_facts(stack, i);

		if (facts->directory)
			progress_expect_dir(facts->directory, what, times);
		else if (facts->compressed > 0)
			meter_expect(0, (uint64_t)facts->compressed);
	}
}

void progress_start(const char *what)
{
	struct meter now = meter_read();

	progress.what = what;
	progress.before.objects = now.objects;
	progress.before.bytes = now.bytes;
	progress.since = progress.shown_at = os_now_ms();
	progress.ending = false;
	if (wants_progress())
		progress.running = pthread_create(&progress.thread, NULL, progress_run, NULL) == 0;
}

void progress_clear(void)
{
	if (progress.running)
		fprintf(stderr, "\r\033[K");
}

void progress_end(void)
{
	progress.ending = true;
	if (progress.running)
		pthread_join(progress.thread, NULL);
	progress.running = false;
	for (size_t i = 0; i < progress.n_dirs; i++)
		free(progress.dirs[i].path);
	free(progress.dirs);
	progress.dirs = NULL;
	progress.n_dirs = 0;
	progress.before = meter_read();
}
