/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl stat: what live plyfs mounts say of themselves, at one moment.
 */
#include "status.h"

#include <stdio.h>
#include <string.h>

#include "stat_prometheus.h"

static bool prometheus;
static const struct opt opts[] = {
	{"prometheus", 0, NULL, "print the text format of Prometheus", &prometheus, NULL},
};

/* --- for people --------------------------------------------------------------------------------------------------- */

struct operation {
	const char *name;
	struct latency_histogram h;
};

static int by_count(const void *a, const void *b)
{
	const struct operation *x = a, *y = b;

	if (x->h.count != y->h.count)
		return x->h.count < y->h.count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_operation(const struct operation *o)
{
	char count[COUNT_TEXT], mean[DURATION_TEXT], half[DURATION_TEXT], most[DURATION_TEXT], spark[SPARK_TEXT];
	char word[STATUS_WORD];

	printf("%-16s %7s %7s %7s %7s  %s\n", status_word(o->name, word), count_text(o->h.count, count),
	       duration_text(o->h.sum / o->h.count, mean), duration_text(latency_quantile(&o->h, 500), half),
	       duration_text(latency_quantile(&o->h, 990), most), spark_text(&o->h, spark));
}

static void print_operations(const struct status *s)
{
	json_t *latencies = json_object_get(s->answer, "latencies"), *said;
	struct operation *list = calloc(json_object_size(latencies) + 1, sizeof(*list));
	const char *name;
	size_t n = 0;

	if (!list)
		abort();
	json_object_foreach(latencies, name, said)
	{
		list[n].name = name;
		status_histogram(s, name, &list[n].h);
		n += list[n].h.count > 0;
	}
	qsort(list, n, sizeof(*list), by_count);
	if (n)
		printf("%-16s %7s %7s %7s %7s  %s\n", "REQUEST", "COUNT", "MEAN", "P50", "P99", SPARK_TITLE);
	for (size_t i = 0; i < n; i++)
		print_operation(&list[i]);
	free(list);
}

static void print_header(const struct status *s)
{
	time_t since = time(NULL) - (time_t)(status_number(s, NULL, "uptime_ms") / 1000);
	char age[TIME_TEXT], version[STATUS_WORD];

	print_name(s->mountpoint);
	printf(": plyfs %s, process %llu, mounted %s%s, %llu layers%s\n",
	       status_word(status_text(s, "version"), version), (unsigned long long)status_number(s, NULL, "pid"),
	       age_text(since, age), strcmp(age, "now") != 0 ? " ago" : "",
	       (unsigned long long)status_number(s, NULL, "layers"),
	       status_flag(s, "frozen") ? ", changes are frozen" : "");
}

static void print_figures(const struct status *s)
{
	char a[SIZE_TEXT], b[SIZE_TEXT], known[PERCENT_TEXT], missing[PERCENT_TEXT], n[COUNT_TEXT], m[COUNT_TEXT];
	uint64_t lookups = status_number(s, "counters", "lookup");

	printf("lookups      %s answered from memory, %s for names that aren't there\n",
	       percent_text(status_number(s, "counters", "lookup-cached"), lookups, known),
	       percent_text(status_number(s, "counters", "lookup-negative"), lookups, missing));
	printf("copy-ups     %s with %s, %s failed\n", count_text(status_number(s, "counters", "copy-up"), n),
	       size_text(status_number(s, "counters", "copy-up-bytes"), a),
	       count_text(status_number(s, "counters", "copy-up-failed"), m));
	printf("bytes        %s read, %s written\n", size_text(status_number(s, "counters", "read-bytes"), a),
	       size_text(status_number(s, "counters", "write-bytes"), b));
	printf("memory       %s resident, %s inodes, listings up to %s\n",
	       size_text(status_number(s, "sizes", "resident_bytes"), a),
	       count_text(status_number(s, "sizes", "inodes"), n),
	       size_text(status_number(s, "sizes", "listing_bytes_max"), b));
	printf("descriptors  %llu of directories and %llu of files, %llu at most; %s closed to make room\n",
	       (unsigned long long)status_number(s, "sizes", "directories_open"),
	       (unsigned long long)status_number(s, "sizes", "files_open"),
	       (unsigned long long)status_number(s, "sizes", "descriptors_max"),
	       count_text(status_number(s, "counters", "descriptor-evicted"), n));
	printf("changes      %llu wait now, %s had to wait\n",
	       (unsigned long long)status_number(s, "sizes", "changes_waiting"),
	       count_text(status_number(s, "counters", "waiting"), m));
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static json_t *json_of_histogram(const struct latency_histogram *h)
{
	json_t *item = json_object(), *buckets = json_array();

	json_object_set_new(item, "count", json_size(h->count));
	json_object_set_new(item, "sum_ns", json_size(h->sum));
	json_object_set_new(item, "p50_ns", json_size(latency_quantile(h, 500)));
	json_object_set_new(item, "p90_ns", json_size(latency_quantile(h, 900)));
	json_object_set_new(item, "p99_ns", json_size(latency_quantile(h, 990)));
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		if (h->bucket[i])
			json_array_append_new(buckets, json_pack("{s:I, s:I}", "below_ns", (json_int_t)2 << i, "count",
								 (json_int_t)h->bucket[i]));
	json_object_set_new(item, "buckets", buckets);
	return item;
}

static json_t *json_of_latencies(const struct status *s)
{
	json_t *latencies = json_object_get(s->answer, "latencies"), *said, *all = json_object();
	const char *name;

	json_object_foreach(latencies, name, said)
	{
		struct latency_histogram h;

		status_histogram(s, name, &h);
		json_object_set_new(all, name, json_of_histogram(&h));
	}
	return all;
}

/* Without dashes: jq wants quotes for them. */
static json_t *json_of_counters(const struct status *s)
{
	json_t *counters = json_object_get(s->answer, "counters"), *said, *all = json_object();
	const char *name;

	json_object_foreach(counters, name, said)
	{
		char key[64];

		snprintf(key, sizeof(key), "%s", name);
		for (char *c = key; *c; c++)
			if (*c == '-')
				*c = '_';
		json_object_set(all, key, said);
	}
	return all;
}

static json_t *json_share(uint64_t part, uint64_t whole)
{
	return whole ? json_real((double)part / (double)whole) : json_null();
}

static json_t *json_of_status(const struct status *s)
{
	static const char *const copied[] = {"version", "features", "pid",    "dev",	    "frozen",
					     "layers",	"options",  "probed", "negotiated", "sizes"};
	uint64_t lookups = status_number(s, "counters", "lookup");
	json_t *item = json_object();

	json_set_path(item, "mountpoint", s->mountpoint);
	json_object_set_new(item, "uptime_seconds", json_real((double)status_number(s, NULL, "uptime_ms") / 1000));
	for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
		if (json_object_get(s->answer, copied[i]))
			json_object_set(item, copied[i], json_object_get(s->answer, copied[i]));
	json_object_set_new(item, "counters", json_of_counters(s));
	json_object_set_new(item, "lookups_cached", json_share(status_number(s, "counters", "lookup-cached"), lookups));
	json_object_set_new(item, "lookups_negative",
			    json_share(status_number(s, "counters", "lookup-negative"), lookups));
	json_object_set_new(item, "latencies", json_of_latencies(s));
	return item;
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

struct all {
	struct status **list; /* owned */
	size_t n;
	int status;
};

/* Of mounts on one mountpoint the topmost answers for all, and a bind mount is the same mount. */
static bool was_asked(const struct all *all, const struct status *s)
{
	const char *device = status_text(s, "dev");

	for (size_t i = 0; i < all->n && *device; i++)
		if (!strcmp(status_text(all->list[i], "dev"), device))
			return true;
	return false;
}

static int all_add(void *arg, const char *mountpoint)
{
	struct all *all = arg;
	struct status *s = status_of(mountpoint);

	if (!s) {
		all->status = EXIT_FAILED;
		return 0;
	}
	if (was_asked(all, s)) {
		status_free(s);
		return 0;
	}
	all->list = realloc(all->list, (all->n + 1) * sizeof(*all->list));
	if (!all->list)
		abort();
	all->list[all->n++] = s;
	return 0;
}

static void print_all(const struct all *all)
{
	if (prometheus) {
		stat_prometheus(all->list, all->n);
		return;
	}
	if (common.json) {
		json_start("stat");
		json_list_start("mounts");
	}
	for (size_t i = 0; i < all->n; i++) {
		if (common.json) {
			json_list_item(json_of_status(all->list[i]));
			continue;
		}
		if (i)
			printf("\n");
		print_header(all->list[i]);
		print_operations(all->list[i]);
		print_figures(all->list[i]);
	}
	if (common.json) {
		json_list_end();
		json_end();
	}
}

static int run_stat(int argc, char **argv)
{
	struct all all = {.status = EXIT_FINE};

	if (prometheus && common.json)
		return usage_error("stat: --json or --prometheus");
	for (int i = 0; i < argc; i++)
		(void)all_add(&all, argv[i]);
	if (!argc && view_control_each(all_add, &all) < 0)
		all.status = fail("the table of mounts can't be read");
	if (all.n || all.status == EXIT_FINE)
		print_all(&all);
	for (size_t i = 0; i < all.n; i++)
		status_free(all.list[i]);
	free(all.list);
	return all.status;
}

const struct verb verb_stat = {
	.name = "stat",
	.operands = "[MOUNTPOINT]..",
	.help = "Tell how a plyfs works: requests, latencies, memory",
	.more = "The daemon is asked by its control socket. Without a MOUNTPOINT all plyfs mounts are "
		"asked.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = run_stat};
