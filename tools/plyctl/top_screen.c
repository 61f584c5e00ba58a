/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "os/task.h"
#include "top.h"
#include "tui.h"

/* Keys are answered at once, between two answers of the daemons too. */
struct screen {
	struct top *top;
	size_t selected, first;
	bool paused;
};

static void draw_title(const struct screen *s)
{
	char now[TIME_TEXT];

	time_text(time(NULL), now);
	tui_format(0, 0, tui_width(), TUI_BAR, "plyctl top  %.8s  %zu mount%s  every %g s%s", now + 11, s->top->n,
		   s->top->n == 1 ? "" : "s", s->top->delay, s->paused ? "  PAUSED" : "");
	tui_text(tui_height() - 1, 0, tui_width(), TUI_BAR, "q quit  up/down select  + - interval  space pause");
}

static void draw_mount(const struct top_mount *m, int y, unsigned style)
{
	char requests[COUNT_TEXT], read[SIZE_TEXT], written[SIZE_TEXT], hits[PERCENT_TEXT],
		half[DURATION_TEXT] = "-", most[DURATION_TEXT] = "-", memory[SIZE_TEXT];
	struct top_figures f;
	const char *name;
	int x;

	if (!m->now) {
		tui_text(y, 0, tui_width(), style | TUI_DELETED, m->error ? m->error : m->mountpoint);
		return;
	}
	top_figures(m, &f);
	if (f.latencies.count) {
		duration_text(latency_quantile(&f.latencies, 500), half);
		duration_text(latency_quantile(&f.latencies, 990), most);
	}
	x = tui_format(y, 0, tui_width(), style, "%8s %8s %8s %5s %7s %7s %7s  ",
		       count_text(top_rate(&f, f.requests), requests), size_text(top_rate(&f, f.read), read),
		       size_text(top_rate(&f, f.written), written), percent_text(f.cached, f.lookups, hits), half, most,
		       size_text(status_number(m->now, "sizes", "resident_bytes"), memory));
	/* The end of a path tells more than its beginning. */
	name = m->mountpoint;
	while (tui_columns(name) > tui_width() - x && *name)
		name++;
	tui_text(y, x, tui_width() - x, style, name);
}

/* A request kind in the interval. */
struct kind {
	const char *name;
	struct latency_histogram h;
};

static int by_time(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;

	if (x->h.sum != y->h.sum)
		return x->h.sum < y->h.sum ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void draw_kinds(const struct top_mount *m, int y, int height)
{
	json_t *latencies = json_object_get(m->now->answer, "latencies"), *said;
	struct kind *list = calloc(json_object_size(latencies) + 1, sizeof(*list));
	struct top_figures f;
	const char *name;
	size_t n = 0;

	if (!list)
		abort();
	top_figures(m, &f);
	json_object_foreach(latencies, name, said)
	{
		struct latency_histogram before = {.count = 0};

		list[n].name = name;
		status_histogram(m->now, name, &list[n].h);
		if (m->before)
			status_histogram(m->before, name, &before);
		latency_since(&list[n].h, &before);
		n += list[n].h.count > 0;
	}
	qsort(list, n, sizeof(*list), by_time);
	tui_format(y, 0, tui_width(), TUI_BOLD, "%-16s %7s %6s %7s %7s %7s  %s", "REQUEST", "REQ/S", "BUSY", "MEAN",
		   "P50", "P99", SPARK_TITLE);
	for (size_t i = 0; i < n && (int)i + 1 < height; i++) {
		const struct latency_histogram *h = &list[i].h;
		char rate[COUNT_TEXT], busy[PERCENT_TEXT], mean[DURATION_TEXT], half[DURATION_TEXT],
			most[DURATION_TEXT], spark[SPARK_TEXT];

		tui_format(y + 1 + (int)i, 0, tui_width(), TUI_PLAIN, "%-16s %7s %6s %7s %7s %7s  %s", list[i].name,
			   count_text(top_rate(&f, h->count), rate), percent_text(h->sum / 1000, f.ms * 1000, busy),
			   duration_text(h->sum / h->count, mean), duration_text(latency_quantile(h, 500), half),
			   duration_text(latency_quantile(h, 990), most), spark_text(h, spark));
	}
	free(list);
}

static void draw_detail(const struct top_mount *m, int y, int height)
{
	char copied[SIZE_TEXT];

	if (height < 2 || !m->now)
		return;
	tui_format(y, 0, tui_width(), TUI_PLAIN,
		   "%llu layers, %llu inodes, descriptors: %llu of directories, %llu of files",
		   (unsigned long long)status_number(m->now, NULL, "layers"),
		   (unsigned long long)status_number(m->now, "sizes", "inodes"),
		   (unsigned long long)status_number(m->now, "sizes", "directories_open"),
		   (unsigned long long)status_number(m->now, "sizes", "files_open"));
	tui_format(y + 1, 0, tui_width(), TUI_PLAIN, "copy-ups: %llu (%s), %llu failed; changes: %llu wait%s",
		   (unsigned long long)status_number(m->now, "counters", "copy-up"),
		   size_text(status_number(m->now, "counters", "copy-up-bytes"), copied),
		   (unsigned long long)status_number(m->now, "counters", "copy-up-failed"),
		   (unsigned long long)status_number(m->now, "sizes", "changes_waiting"),
		   status_flag(m->now, "frozen") ? ", frozen" : "");
	if (height > 4)
		draw_kinds(m, y + 3, height - 3);
}

static void draw(struct screen *s)
{
	const struct top *top = s->top;
	int height = tui_height(), list = (int)MIN(top->n, (size_t)MAX(height / 3, 1));

	tui_clear();
	s->selected = top->n ? MIN(s->selected, top->n - 1) : 0;
	s->first = MIN(s->first, s->selected);
	if (s->selected >= s->first + (size_t)list)
		s->first = s->selected - (size_t)list + 1;
	draw_title(s);
	tui_format(1, 0, tui_width(), TUI_BOLD, "%8s %8s %8s %5s %7s %7s %7s  %s", "REQ/S", "READ/S", "WRITE/S", "HITS",
		   "P50", "P99", "MEMORY", "MOUNTPOINT");
	for (int i = 0; i < list && s->first + (size_t)i < top->n; i++)
		draw_mount(&top->mounts[s->first + (size_t)i], 2 + i,
			   s->first + (size_t)i == s->selected && top->n > 1 ? TUI_CURSOR : 0);
	if (!top->n)
		tui_text(2, 0, tui_width(), TUI_PLAIN, "no plyfs is mounted that this user may ask");
	else
		draw_detail(&top->mounts[s->selected], 3 + list, height - list - 4);
	tui_refresh();
}

/* Whether it goes on. */
static bool take_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
	case TUI_ESCAPE:
		return false;
	case TUI_UP:
	case 'k':
		s->selected -= s->selected > 0;
		break;
	case TUI_DOWN:
	case 'j':
		s->selected++;
		break;
	case '+':
		s->top->delay = MIN(s->top->delay * 2, 3600.0);
		break;
	case '-':
		s->top->delay = MAX(s->top->delay / 2, 0.25);
		break;
	case ' ':
		s->paused = !s->paused;
		break;
	}
	return true;
}

int top_screen(struct top *top)
{
	struct screen s = {.top = top};
	unsigned long long next = 0, done = 0;
	int status = tui_start("top"), key = TUI_NONE;

	if (status != EXIT_FINE)
		return status;
	while (take_key(&s, key)) {
		unsigned long long now = os_now_ms();

		if (now >= next && !s.paused) {
			if (top->count && done++ > top->count)
				break;
			top_refresh(top);
			now = os_now_ms();
			next = now + (unsigned long long)(top->delay * 1000);
		}
		draw(&s);
		key = tui_key(s.paused ? -1 : (int)(next > now ? next - now : 1));
	}
	tui_end();
	return EXIT_FINE;
}
