/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people and JSON for programs. Names come from layers, so they have any bytes: nothing of them reaches a
 * terminal as a control character.
 */
#include "plyctl.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <wchar.h>
#include <wctype.h>

#include "base/array.h"
#include "base/hex.h"
#include "base/utf8.h"

/* --- texts -------------------------------------------------------------------------------------------------------- */

const char *size_text(uint64_t bytes, char buf[SIZE_TEXT])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	/* 999.6 has three digits as 1000 only. */
	if (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		value = 1;
		unit++;
	}
	snprintf(buf, SIZE_TEXT, "%.3g%s", value, units[unit]);
	return buf;
}

const char *time_text(time_t t, char buf[TIME_TEXT])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, TIME_TEXT, "-");
	return buf;
}

const char *age_text(time_t t, char buf[TIME_TEXT])
{
	static const struct {
		long seconds;
		const char *name;
	} units[] = {{31536000, "year"}, {2592000, "month"}, {604800, "week"}, {86400, "day"},
		     {3600, "hour"},	 {60, "minute"},     {1, "second"}};
	long age = (long)(time(NULL) - t);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		long n = age / units[i].seconds;

		if (n < 1)
			continue;
		snprintf(buf, TIME_TEXT, "%ld %s%s", n, units[i].name, n > 1 ? "s" : "");
		return buf;
	}
	snprintf(buf, TIME_TEXT, "now");
	return buf;
}

char type_letter(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '-';
	}
}

const char *type_name(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "unknown";
	}
}

bool is_direction(wchar_t c)
{
	return (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xfeff;
}

/* Escapes control characters and what isn't UTF-8; a backslash too where there is any of them. The caller frees it. */
static char *visible(const char *name)
{
	size_t len = strlen(name);
	char *text = malloc(4 * len + 1), *out = text;
	bool escapes = false;

	for (size_t i = 0; i < len; i++)
		escapes |= iscntrl((unsigned char)name[i]);
	for (size_t i = 0; text && i < len;) {
		mbstate_t state = {0};
		wchar_t wide;
		size_t n = mbrtowc(&wide, name + i, len - i, &state);

		if (n == 0 || n > len || (n > 1 && (!iswprint((wint_t)wide) || is_direction(wide))) ||
		    iscntrl((unsigned char)name[i])) {
			out += sprintf(out, "\\%03o", (unsigned char)name[i++]);
			continue;
		}
		if (escapes && name[i] == '\\')
			*out++ = '\\';
		memcpy(out, name + i, n);
		out += n;
		i += n;
	}
	if (text)
		*out = '\0';
	return text;
}

void print_name(const char *name)
{
	_cleanup_free_ char *text = visible(name);

	fputs(text ? text : "?", stdout);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

struct table {
	const struct column *columns;
	size_t n;
	char **cells; /* owned; n a row */
	size_t count, room;
	size_t order[16], n_order; /* the columns that are printed */
};

struct table *table_new(const struct column *columns, size_t n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t || n > ARRAY_SIZE(t->order))
		abort();
	t->columns = columns;
	t->n = n;
	return t;
}

void table_add(struct table *t, const char *const *cells)
{
	if (!ARRAY_ROOM(t->cells, t->count, t->room, t->n))
		abort();
	for (size_t i = 0; i < t->n; i++) {
		t->cells[t->count] = visible(cells[i]);
		if (!t->cells[t->count++])
			abort();
	}
}

/* A space of a title may be written as `_`. */
static bool is_column(const char *title, const char *name, size_t len)
{
	size_t i = 0;

	while (i < len && (tolower((unsigned char)title[i]) == tolower((unsigned char)name[i]) ||
			   (title[i] == ' ' && name[i] == '_')))
		i++;
	return i == len && !title[i];
}

bool table_has(const char *title)
{
	const char *list = common.columns;
	bool has = !list;

	for (size_t len; list && *list; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		has |= is_column(title, list, len);
	}
	return has && !common.quiet;
}

static int choose_columns(struct table *t)
{
	const char *list = common.quiet ? NULL : common.columns;

	for (size_t i = 0; !list && i < (common.quiet ? 1 : t->n); i++)
		t->order[t->n_order++] = i;
	for (size_t len; list && *list; list += len + (list[len] == ',')) {
		size_t i = 0;

		len = strcspn(list, ",");
		while (i < t->n && !is_column(t->columns[i].name, list, len))
			i++;
		if (i == t->n || t->n_order == ARRAY_SIZE(t->order))
			return usage_error("--columns: %.*s: no such column", (int)len, list);
		t->order[t->n_order++] = i;
	}
	return EXIT_FINE;
}

static size_t width_of(const char *text)
{
	size_t width = 0, len = strlen(text);

	for (size_t i = 0, n; i < len; i += n) {
		mbstate_t state = {0};
		wchar_t wide;

		n = mbrtowc(&wide, text + i, len - i, &state);
		if (n == 0 || n > len - i) {
			n = 1;
			width++;
		} else {
			int columns = wcwidth(wide);

			width += columns > 0 ? (size_t)columns : 0;
		}
	}
	return width;
}

/* The bytes of a text that take at most `width` columns. */
static size_t bytes_for(const char *text, size_t width)
{
	size_t len = strlen(text), i = 0, used = 0;

	while (i < len) {
		mbstate_t state = {0};
		wchar_t wide;
		size_t n = mbrtowc(&wide, text + i, len - i, &state);
		int columns = n == 0 || n > len - i ? 1 : wcwidth(wide);

		n = n == 0 || n > len - i ? 1 : n;
		if (used + (columns > 0 ? (size_t)columns : 0) > width)
			break;
		used += columns > 0 ? (size_t)columns : 0;
		i += n;
	}
	return i;
}

static void print_cell(const struct column *column, const char *text, size_t width, bool last)
{
	size_t own = width_of(text), bytes = strlen(text);
	bool is_cut = own > width;

	if (is_cut) {
		bytes = bytes_for(text, width > 3 ? width - 3 : 0);
		own = width;
	}
	if (column->right)
		printf("%*s", (int)(width - own), "");
	printf("%.*s%s", (int)bytes, text, is_cut ? "..." : "");
	if (!column->right && !last)
		printf("%*s", (int)(width - own), "");
	printf("%s", last ? "\n" : "  ");
}

static size_t terminal_width(void)
{
	struct winsize size;

	return !common.no_trunc && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : SIZE_MAX;
}

/* The widest columns that may be cut become narrower until all fit. */
static void fit(const struct table *t, size_t *widths)
{
	size_t limit = terminal_width();

	for (;;) {
		size_t total = 0, widest = SIZE_MAX;

		for (size_t i = 0; i < t->n_order; i++) {
			total += widths[i] + (i ? 2 : 0);
			if (t->columns[t->order[i]].may_be_cut && widths[i] > 8 &&
			    (widest == SIZE_MAX || widths[i] > widths[widest]))
				widest = i;
		}
		if (total <= limit || widest == SIZE_MAX)
			return;
		widths[widest]--;
	}
}

int table_print(struct table *t)
{
	size_t widths[16] = {0};
	int status = choose_columns(t);

	for (size_t i = 0; status == EXIT_FINE && i < t->n_order; i++) {
		widths[i] = common.quiet ? 0 : width_of(t->columns[t->order[i]].name);
		for (size_t row = 0; row < t->count; row += t->n)
			widths[i] = MAX(widths[i], width_of(t->cells[row + t->order[i]]));
	}
	fit(t, widths);
	for (size_t i = 0; status == EXIT_FINE && !common.quiet && i < t->n_order; i++)
		print_cell(&t->columns[t->order[i]], t->columns[t->order[i]].name, widths[i], i + 1 == t->n_order);
	for (size_t row = 0; status == EXIT_FINE && row < t->count; row += t->n)
		for (size_t i = 0; i < t->n_order; i++)
			print_cell(&t->columns[t->order[i]], t->cells[row + t->order[i]], widths[i],
				   i + 1 == t->n_order);
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
	return status;
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static unsigned list_items;

static void json_dump(json_t *value)
{
	/* A full disk is told at the end. Otherwise there is no memory. */
	if (!value || (json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY) < 0 && !ferror(stdout)))
		abort();
	json_decref(value);
}

void json_start(const char *verb)
{
	printf("{\"schema\": \"plyctl.%s/1\"", verb);
}

void json_member(const char *name, json_t *value)
{
	printf(",\n\"%s\": ", name);
	json_dump(value);
}

void json_list_start(const char *name)
{
	list_items = 0;
	printf(",\n\"%s\": [", name);
}

void json_list_item(json_t *value)
{
	printf("%s\n  ", list_items++ ? "," : "");
	json_dump(value);
}

void json_list_end(void)
{
	printf("%s]", list_items ? "\n" : "");
}

void json_end(void)
{
	printf("}\n");
}

json_t *json_text(const char *text)
{
	_cleanup_free_ char *valid = malloc(3 * strlen(text) + 1);
	char *out = valid;

	if (!valid)
		return NULL;
	while (*text) {
		size_t n = utf8_length((const unsigned char *)text);

		out = n ? mempcpy(out, text, n) : stpcpy(out, "\xef\xbf\xbd");
		text += n ? n : 1;
	}
	*out = '\0';
	return json_string(valid);
}

json_t *json_text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

void json_set_path(json_t *object, const char *name, const char *path)
{
	_cleanup_free_ char *hex = NULL, *key = NULL;

	json_object_set_new(object, name, json_text(path));
	if (utf8_is(path, strlen(path)))
		return;
	hex = malloc(2 * strlen(path) + 1);
	if (!hex || asprintf(&key, "%s_hex", name) < 0)
		abort();
	hex_text(path, strlen(path), hex);
	json_object_set_new(object, key, json_string(hex));
}

json_t *json_time(time_t t)
{
	char buf[TIME_TEXT];

	return json_string(time_text(t, buf));
}

json_t *json_size(uint64_t bytes)
{
	return json_integer((json_int_t)bytes);
}

json_t *json_flags(unsigned flags, const char *const *names)
{
	json_t *list = json_array();

	for (unsigned i = 0; names[i]; i++)
		if (flags & (1u << i))
			json_array_append_new(list, json_string(names[i]));
	return list;
}

int output_done(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return status == EXIT_FINE || status == EXIT_FOUND ? fail("standard output: %s", strerror(errno)) : status;
}
