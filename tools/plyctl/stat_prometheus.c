/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metric family is told once, with a sample for each mount. A histogram has the same buckets for each operation.
 */
#include "stat_prometheus.h"

#include <stdio.h>
#include <string.h>

/* Buckets up to 2^n ns: 1 us to 17 s. */
#define FIRST_BUCKET 10U
#define LAST_BUCKET 34U

/* What is a number of the answer. */
struct metric {
	const char *name, *type, *help, *group, *member;
	double unit; /* of the member */
};

static const struct metric metrics[] = {
	{"plyfs_uptime_seconds", "gauge", "Time since the mount.", NULL, "uptime_ms", 0.001},
	{"plyfs_layers", "gauge", "Layers of the union, with the upper.", NULL, "layers", 1},
	{"plyfs_lookups_cached_total", "counter", "Lookups answered from memory.", "counters", "lookup-cached", 1},
	{"plyfs_lookups_negative_total", "counter", "Lookups of names that aren't there.", "counters",
	 "lookup-negative", 1},
	{"plyfs_read_bytes_total", "counter", "Bytes that were read.", "counters", "read-bytes", 1},
	{"plyfs_written_bytes_total", "counter", "Bytes that were written.", "counters", "write-bytes", 1},
	{"plyfs_copy_ups_total", "counter", "Objects that were copied to the upper.", "counters", "copy-up", 1},
	{"plyfs_copy_up_bytes_total", "counter", "Bytes that were copied to the upper.", "counters", "copy-up-bytes",
	 1},
	{"plyfs_copy_ups_failed_total", "counter", "Copies to the upper that failed.", "counters", "copy-up-failed", 1},
	{"plyfs_listings_built_total", "counter", "Listings of directories that were merged.", "counters",
	 "listing-built", 1},
	{"plyfs_changes_waited_total", "counter", "Changes that had to wait.", "counters", "waiting", 1},
	{"plyfs_requests_interrupted_total", "counter", "Requests that were interrupted.", "counters", "interrupted",
	 1},
	{"plyfs_descriptors_evicted_total", "counter", "Descriptors that were closed to make room.", "counters",
	 "descriptor-evicted", 1},
	{"plyfs_changes_waiting", "gauge", "Changes that wait now.", "sizes", "changes_waiting", 1},
	{"plyfs_resident_memory_bytes", "gauge", "Memory of the daemon.", "sizes", "resident_bytes", 1},
	{"plyfs_listing_limit_bytes", "gauge", "Limit of the directory listings in memory.", "sizes",
	 "listing_bytes_max", 1},
	{"plyfs_inodes", "gauge", "Inodes in memory.", "sizes", "inodes", 1},
	{"plyfs_directories_open", "gauge", "Open descriptors of directories.", "sizes", "directories_open", 1},
	{"plyfs_files_open", "gauge", "Open descriptors of files.", "sizes", "files_open", 1},
	{"plyfs_descriptors_limit", "gauge", "Descriptors that the daemon may have.", "sizes", "descriptors_max", 1},
};

/* Counters that count requests. */
static const char *const operations[] = {"lookup", "getattr", "setattr", "readlink",	"open",	  "read",
					 "write",  "fsync",   "readdir", "readdirplus", "create", "remove",
					 "rename", "link",    "xattr",	 "statfs",	"misc",	  "forget"};

/* The value of a label: UTF-8, with three escapes. */
static void print_label(const char *name, const char *value)
{
	json_t *text = json_text(value);

	printf("%s=\"", name);
	for (const char *c = json_string_value(text); c && *c; c++) {
		if (*c == '\n')
			fputs("\\n", stdout);
		else if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else
			putchar(*c);
	}
	putchar('"');
	json_decref(text);
}

static void begin_family(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void begin_sample(const char *name, const struct status *s)
{
	printf("%s{", name);
	print_label("mountpoint", s->mountpoint);
}

static void print_info(struct status *const *list, size_t n)
{
	begin_family("plyfs_info", "gauge", "Version of the daemon.");
	for (size_t i = 0; i < n; i++) {
		begin_sample("plyfs_info", list[i]);
		putchar(',');
		print_label("version", status_text(list[i], "version"));
		printf("} 1\n");
	}
	begin_family("plyfs_frozen", "gauge", "Whether changes are frozen.");
	for (size_t i = 0; i < n; i++) {
		begin_sample("plyfs_frozen", list[i]);
		printf("} %d\n", status_flag(list[i], "frozen"));
	}
}

static void print_metric(const struct metric *m, struct status *const *list, size_t n)
{
	begin_family(m->name, m->type, m->help);
	for (size_t i = 0; i < n; i++) {
		uint64_t value = status_number(list[i], m->group, m->member);

		begin_sample(m->name, list[i]);
		if (m->unit < 1)
			printf("} %.3f\n", (double)value * m->unit);
		else
			printf("} %llu\n", (unsigned long long)value);
	}
}

static void print_requests(struct status *const *list, size_t n)
{
	begin_family("plyfs_requests_total", "counter", "Requests of the kernel by kind.");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(operations); k++) {
			begin_sample("plyfs_requests_total", list[i]);
			printf(",request=\"%s\"} %llu\n", operations[k],
			       (unsigned long long)status_number(list[i], "counters", operations[k]));
		}
}

#define DURATION "plyfs_request_duration_seconds"

static void begin_duration(const char *suffix, const struct status *s, const char *operation)
{
	printf(DURATION "%s{", suffix);
	print_label("mountpoint", s->mountpoint);
	putchar(',');
	print_label("request", operation);
}

static void print_histogram(const struct status *s, const char *operation)
{
	struct latency_histogram h;
	uint64_t sum = 0;

	status_histogram(s, operation, &h);
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		sum += h.bucket[i];
		if (i + 1 < FIRST_BUCKET || i + 1 > LAST_BUCKET)
			continue;
		begin_duration("_bucket", s, operation);
		printf(",le=\"%.9g\"} %llu\n", (double)(UINT64_C(2) << i) / 1e9, (unsigned long long)sum);
	}
	begin_duration("_bucket", s, operation);
	printf(",le=\"+Inf\"} %llu\n", (unsigned long long)h.count);
	begin_duration("_sum", s, operation);
	printf("} %.9f\n", (double)h.sum / 1e9);
	begin_duration("_count", s, operation);
	printf("} %llu\n", (unsigned long long)h.count);
}

void stat_prometheus(struct status *const *list, size_t n)
{
	print_info(list, n);
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		print_metric(&metrics[i], list, n);
	print_requests(list, n);
	begin_family(DURATION, "histogram", "Time from a request to its answer.");
	for (size_t i = 0; i < n; i++) {
		json_t *latencies = json_object_get(list[i]->answer, "latencies"), *said;
		const char *name;

		json_object_foreach(latencies, name, said) print_histogram(list[i], name);
	}
}
