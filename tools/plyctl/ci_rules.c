/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dive's rules. Comparisons are strict: what is as large as the limit passes.
 */
#include "ci_rules.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plyctl.h"

#define DEFAULT_FILE ".dive-ci"
#define FILE_MAX (1 << 20)

static const struct {
	const char *name;
	const char *others[2]; /* names of it in files of newer versions */
	const char *usual;
} rules[CI_RULES] = {
	{"lowestEfficiency", {"lowest-efficiency", "lowest-efficiency-threshold"}, "0.9"},
	{"highestWastedBytes", {"highest-wasted-bytes", NULL}, "disabled"},
	{"highestUserWastedPercent", {"highest-user-wasted-percent", NULL}, "0.1"},
};

struct limit {
	bool enabled;
	double value; /* bytes, or a ratio */
};
static struct limit limits[CI_RULES];

/* --- values ------------------------------------------------------------------------------------------------------- */

static bool is_disabled(const char *text)
{
	return !*text || !strcasecmp(text, "disabled") || !strcasecmp(text, "off") || !strcasecmp(text, "false");
}

/* "20MB", "1.5 GiB", "100": units of 1000 or 1024, as go-humanize reads them. */
static bool parse_bytes(const char *text, double *ret)
{
	static const char letters[] = "kmgtpe";
	const char *letter;
	double unit = 1000, factor = 1;
	char *end;

	*ret = strtod(text, &end);
	if (end == text || !isdigit((unsigned char)*text) || !isfinite(*ret))
		return false;
	end += strspn(end, " ");
	letter = *end ? strchr(letters, tolower((unsigned char)*end)) : NULL;
	if (letter) {
		end++;
		if (tolower((unsigned char)*end) == 'i') {
			unit = 1024;
			end++;
		}
		for (const char *c = letters; c <= letter; c++)
			factor *= unit;
	}
	if (tolower((unsigned char)*end) == 'b')
		end++;
	*ret *= factor;
	if (*end || *ret >= 1.8e19)
		return false;
	*ret = (double)(uint64_t)*ret;
	return true;
}

static bool parse_ratio(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && !*end && *ret >= 0 && *ret <= 1;
}

static int take_value(enum ci_rule rule, const char *text)
{
	double value = 0;
	bool enabled = !is_disabled(text);

	if (enabled && rule == CI_HIGHEST_WASTED_BYTES && !parse_bytes(text, &value))
		return usage_error("%s: %.40s: a number of bytes is wanted, such as 20MB, or disabled",
				   rules[rule].name, text);
	if (enabled && rule != CI_HIGHEST_WASTED_BYTES && !parse_ratio(text, &value))
		return usage_error("%s: %.40s: a number between 0 and 1 is wanted, or disabled", rules[rule].name,
				   text);
	limits[rule] = (struct limit){.enabled = enabled, .value = value};
	return EXIT_FINE;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static int find_rule(const char *name)
{
	for (int i = 0; i < CI_RULES; i++) {
		if (!strcmp(name, rules[i].name))
			return i;
		for (size_t j = 0; j < ARRAY_SIZE(rules[i].others); j++)
			if (rules[i].others[j] && !strcmp(name, rules[i].others[j]))
				return i;
	}
	return -1;
}

/* In place: without spaces and quotes around it. */
static char *plain(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	if (len > 1 && strchr("'\"", *text) && text[len - 1] == *text) {
		text[len - 1] = '\0';
		text++;
	}
	return text;
}

/* `name: value  # remark`. A line with another name says nothing here. */
static int take_line(char *line)
{
	char *colon, *value;
	int rule;

	for (char *c = line; (c = strchr(c, '#')); c++)
		if (c == line || strchr(" \t", c[-1])) {
			*c = '\0';
			break;
		}
	colon = strchr(line, ':');
	if (!colon)
		return *plain(line) && strcmp(plain(line), "---") != 0
			       ? usage_error("%.40s: not a line of a file of rules", plain(line))
			       : EXIT_FINE;
	*colon = '\0';
	value = plain(colon + 1);
	rule = find_rule(plain(line));
	return rule < 0 || !*value ? EXIT_FINE : take_value(rule, value);
}

static int take_lines(char *text)
{
	int status = EXIT_FINE;

	for (char *line; status == EXIT_FINE && (line = strsep(&text, "\n"));)
		status = take_line(line);
	return status;
}

int ci_read_file(const char *path)
{
	_cleanup_free_ char *text = malloc(FILE_MAX + 1);
	FILE *file = fopen(path ? path : DEFAULT_FILE, "re");
	size_t n = 0;
	bool failed = !file;

	for (int i = 0; i < CI_RULES; i++)
		(void)take_value(i, rules[i].usual);
	if (failed && !path && errno == ENOENT)
		return EXIT_FINE;
	path = path ? path : DEFAULT_FILE;
	if (file) {
		n = text ? fread(text, 1, FILE_MAX + 1, file) : 0;
		failed = ferror(file);
		fclose(file);
	}
	if (failed)
		return fail("%s: %s", path, strerror(errno));
	if (!text || n > FILE_MAX)
		return fail("%s: the file is too large", path);
	text[n] = '\0';
	return take_lines(text);
}

int ci_read_options(const char *const values[CI_RULES])
{
	int status = EXIT_FINE;

	for (int i = 0; i < CI_RULES && status == EXIT_FINE; i++)
		if (values[i])
			status = take_value(i, values[i]);
	return status;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static double value_of(enum ci_rule rule, const struct view_waste_score *score, uint64_t user_bytes)
{
	switch (rule) {
	case CI_LOWEST_EFFICIENCY:
		return score->score;
	case CI_HIGHEST_WASTED_BYTES:
		return (double)score->wasted;
	default:
		/* Anything is too much of nothing. */
		return !user_bytes && score->wasted ? INFINITY : score->user_wasted;
	}
}

static bool is_passed(enum ci_rule rule, double value)
{
	if (!limits[rule].enabled)
		return true;
	return rule == CI_LOWEST_EFFICIENCY ? value >= limits[rule].value : value <= limits[rule].value;
}

bool ci_check(const struct view_waste_score *score, uint64_t user_bytes, bool print)
{
	bool all = true;

	for (int i = 0; i < CI_RULES; i++) {
		double value = value_of(i, score, user_bytes);
		bool passed = is_passed(i, value);

		all &= passed;
		if (!print)
			continue;
		if (!limits[i].enabled)
			printf("SKIP %s: disabled\n", rules[i].name);
		else
			printf("%s %s: %.15g, the limit is %.15g\n", passed ? "PASS" : "FAIL", rules[i].name, value,
			       limits[i].value);
	}
	return all;
}

json_t *ci_json(const struct view_waste_score *score, uint64_t user_bytes)
{
	json_t *list = json_array();

	for (int i = 0; i < CI_RULES; i++) {
		double value = value_of(i, score, user_bytes);
		json_t *item = json_object();

		json_object_set_new(item, "name", json_string(rules[i].name));
		json_object_set_new(item, "threshold", limits[i].enabled ? json_real(limits[i].value) : json_null());
		json_object_set_new(item, "value", isfinite(value) ? json_real(value) : json_null());
		json_object_set_new(item, "passed", json_boolean(is_passed(i, value)));
		json_array_append_new(list, item);
	}
	return list;
}
