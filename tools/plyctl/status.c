/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>

/* --- the answer --------------------------------------------------------------------------------------------------- */

static struct status *status_take(struct view_control *control, const char *text, char **ret_error)
{
	const char *mountpoint = view_control_mountpoint(control), *cause = "its daemon's answer can't be read";
	struct status *s;
	json_t *answer = json_loads(text, 0, NULL);

	if (!answer || !json_is_true(json_object_get(answer, "ok"))) {
		const char *said = json_string_value(json_object_get(answer, "error"));
		char word[STATUS_WORD];

		if (asprintf(ret_error, "%s: %s", mountpoint, said ? status_word(said, word) : cause) < 0)
			*ret_error = NULL;
		json_decref(answer);
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->answer = answer;
	s->mountpoint = strdup(mountpoint);
	if (!s->mountpoint)
		abort();
	return s;
}

struct status *status_ask(struct view_control *control, char **ret_error)
{
	const char *text;

	if (view_control_ask(control, "{\"op\":\"status\"}", VIEW_CONTROL_MS, &text, ret_error) < 0)
		return NULL;
	return status_take(control, text, ret_error);
}

struct status *status_of(const char *mountpoint)
{
	_cleanup_free_ char *error = NULL;
	struct view_control *control = NULL;
	struct status *s = NULL;
	int r = view_control_open(mountpoint, &control, &error);

	if (r == 0)
		s = status_ask(control, &error);
	view_control_close(control);
	if (!s)
		fail("%s", error ? error : strerror(r < 0 ? -r : ENOMEM));
	return s;
}

void status_free(struct status *s)
{
	if (!s)
		return;
	json_decref(s->answer);
	free(s->mountpoint);
	free(s);
}

static uint64_t number_of(const json_t *value)
{
	json_int_t n = json_integer_value(value);

	return n > 0 ? (uint64_t)n : 0;
}

uint64_t status_number(const struct status *s, const char *group, const char *name)
{
	const json_t *in = group ? json_object_get(s->answer, group) : s->answer;

	return number_of(json_object_get(in, name));
}

const char *status_text(const struct status *s, const char *name)
{
	const char *text = json_string_value(json_object_get(s->answer, name));

	return text ? text : "";
}

const char *status_word(const char *text, char buf[STATUS_WORD])
{
	size_t n = 0;

	for (; text[n] && n + 1 < STATUS_WORD; n++)
		buf[n] = (char)(text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?');
	buf[n] = '\0';
	return buf;
}

bool status_flag(const struct status *s, const char *name)
{
	return json_is_true(json_object_get(s->answer, name));
}

static void histogram_add(const json_t *said, struct latency_histogram *ret)
{
	const json_t *buckets = json_object_get(said, "buckets"), *pair;
	size_t i;

	json_array_foreach(buckets, i, pair)
	{
		uint64_t n = number_of(json_array_get(pair, 0)), count = number_of(json_array_get(pair, 1));

		if (n < LATENCY_BUCKETS && json_integer_value(json_array_get(pair, 0)) >= 0) {
			ret->bucket[n] += count;
			ret->count += count;
		}
	}
	ret->sum += number_of(json_object_get(said, "sum_ns"));
}

void status_histogram(const struct status *s, const char *operation, struct latency_histogram *ret)
{
	memset(ret, 0, sizeof(*ret));
	histogram_add(json_object_get(json_object_get(s->answer, "latencies"), operation), ret);
}

void status_histogram_all(const struct status *s, struct latency_histogram *ret)
{
	json_t *latencies = json_object_get(s->answer, "latencies"), *said;
	const char *name;

	memset(ret, 0, sizeof(*ret));
	json_object_foreach(latencies, name, said) histogram_add(said, ret);
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

const char *percent_text(uint64_t part, uint64_t whole, char buf[PERCENT_TEXT])
{
	if (!whole)
		snprintf(buf, PERCENT_TEXT, "-");
	else
		snprintf(buf, PERCENT_TEXT, "%.*f%%", part && part * 10 < whole ? 1 : 0,
			 100.0 * (double)part / (double)whole);
	return buf;
}

const char *duration_text(uint64_t ns, char buf[DURATION_TEXT])
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, DURATION_TEXT, value >= 99.5 ? "%.0f%s" : "%.3g%s", value, units[unit]);
	return buf;
}

const char *count_text(uint64_t n, char buf[COUNT_TEXT])
{
	static const char units[] = "kMGTPE";
	double value = (double)n;
	size_t unit = 0;

	if (n < 100000) {
		snprintf(buf, COUNT_TEXT, "%u", (unsigned)n);
		return buf;
	}
	for (value /= 1000; value >= 999.5 && unit + 2 < sizeof(units); unit++)
		value /= 1000;
	snprintf(buf, COUNT_TEXT, value >= 99.5 ? "%.0f%c" : "%.3g%c", value, units[unit]);
	return buf;
}

/* Heights grow with the logarithm, so that one slow request of a million is seen. */
static size_t bar_of(uint64_t count, uint64_t most, size_t highest)
{
	size_t bits = count ? 64 - (size_t)__builtin_clzll(count) : 0,
	       all = most ? 64 - (size_t)__builtin_clzll(most) : 1;

	return bits ? 1 + (highest - 1) * bits / all : 0;
}

const char *spark_text(const struct latency_histogram *h, char buf[SPARK_TEXT])
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
	const char *const *bars = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? blocks : letters;
	uint64_t counts[SPARK_BARS] = {0}, most = 0;
	char *out = buf;

	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		size_t bar = i < SPARK_FIRST ? 0 : MIN(i - SPARK_FIRST, (size_t)SPARK_BARS - 1);

		counts[bar] += h->bucket[i];
		most = MAX(most, counts[bar]);
	}
	for (size_t i = 0; i < SPARK_BARS; i++)
		out = stpcpy(out, bars[bar_of(counts[i], most, ARRAY_SIZE(blocks) - 1)]);
	return buf;
}
