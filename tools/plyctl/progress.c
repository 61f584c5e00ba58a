/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "os/task.h"
#include "plyctl.h"

#define INTERVAL_US 200000

static void progress_show(const struct progress *p)
{
	unsigned long long ms = os_now_ms() - p->since + 1;
	int64_t done = p->done;
	char text[SIZE_TEXT], all[SIZE_TEXT], speed[SIZE_TEXT];

	size_text((uint64_t)done, text);
	size_text((uint64_t)done * 1000 / ms, speed);
	if (p->total > done && done)
		fprintf(stderr, "\r%s: %s of %s, %s/s, %llu s left\033[K", p->what, text,
			size_text((uint64_t)p->total, all), speed,
			(unsigned long long)(p->total - done) * ms / (unsigned long long)done / 1000);
	else
		fprintf(stderr, "\r%s: %s, %s/s\033[K", p->what, text, speed);
}

static void *progress_run(void *arg)
{
	struct progress *p = arg;

	while (!p->ending) {
		os_sleep_us(INTERVAL_US);
		if (!p->ending)
			progress_show(p);
	}
	fprintf(stderr, "\r\033[K");
	return NULL;
}

void progress_start(struct progress *p, const char *what, int64_t total)
{
	p->what = what;
	p->total = total;
	p->since = os_now_ms();
	p->shown = isatty(STDERR_FILENO) && pthread_create(&p->thread, NULL, progress_run, p) == 0;
}

void progress_end(struct progress *p)
{
	p->ending = true;
	if (p->shown)
		pthread_join(p->thread, NULL);
	p->shown = false;
}
