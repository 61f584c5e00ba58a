/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: a line for each operation, KIND NUMBER FLAG PATH, with paths in hex. It gets its name when it is whole
 * and synced.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/fs.h"

#define HEADER "plyctl-apply 1\n"

/* The text is gathered in memory, and written at once. */
struct apply_writer {
	char *text;
	size_t len;
	FILE *stream;
};

int apply_journal_begin(const struct apply *a, struct apply_writer **ret)
{
	struct apply_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->stream = open_memstream(&w->text, &w->len);
	if (!w->stream) {
		free(w);
		return -ENOMEM;
	}
	fputs(HEADER, w->stream);
	*ret = w;
	return 0;
}

void apply_journal_add(struct apply_writer *w, const struct apply_op *op)
{
	fprintf(w->stream, "%c %llu %d %" PRId64 " %ld ", op->kind, op->number, op->keeps_time,
		(int64_t)op->mtime.tv_sec, op->mtime.tv_nsec);
	for (const char *c = op->path; *c; c++)
		fprintf(w->stream, "%02x", (unsigned char)*c);
	fputc('\n', w->stream);
}

/* The directory of the journal, and its name there. */
static int open_parent(const struct apply *a, const char **ret_name)
{
	const char *slash = strrchr(a->journal, '/');
	_cleanup_free_ char *dir = strndup(a->journal, (size_t)(slash - a->journal));

	*ret_name = slash + 1;
	return dir ? os_open_path(*dir ? dir : "/", O_RDONLY | O_DIRECTORY, 0) : -ENOMEM;
}

static int write_new(int dir, const char *name, const struct apply_writer *w)
{
	_cleanup_free_ char *temporary = NULL;
	ssize_t n;
	int r;

	if (asprintf(&temporary, "%s.new", name) < 0)
		return -ENOMEM;
	r = os_unlinkat(dir, temporary, 0);
	if (r < 0 && r != -ENOENT)
		return r;
	_cleanup_close_ int fd = os_openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
	n = fd < 0 ? fd : os_pwrite_all(fd, w->text, w->len, 0);
	if (n != (ssize_t)w->len)
		return n < 0 ? (int)n : -ENOSPC;
	r = os_fsync(fd);
	if (r == 0)
		r = os_renameat2(dir, temporary, dir, name, 0);
	return r < 0 ? r : os_fsync(dir);
}

int apply_journal_end(const struct apply *a, struct apply_writer *w)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(a, &name);
	int r = fclose(w->stream) == 0 ? dir : -ENOMEM;

	if (r >= 0)
		r = write_new(dir, name, w);
	free(w->text);
	free(w);
	return r;
}

static int read_text(const struct apply *a, char **ret)
{
	_cleanup_close_ int fd = os_open_path(a->journal, O_RDONLY, 0);
	_cleanup_free_ char *text = NULL;
	struct statx stx;
	ssize_t n;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	if (r < 0)
		return r;
	text = malloc(stx.stx_size + 1);
	n = text ? os_pread_all(fd, text, stx.stx_size, 0) : -ENOMEM;
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

/* In place. False: it isn't hex. */
static bool decode_path(char *text)
{
	char *out = text;

	for (; *text; text += 2) {
		unsigned byte;

		if (!text[1] || sscanf(text, "%2x", &byte) != 1 || !byte)
			return false;
		*out++ = (char)byte;
	}
	*out = '\0';
	return true;
}

static bool decode_line(char *line, struct apply_op *op)
{
	int64_t seconds;
	int keeps_time, at;
	char kind;

	if (sscanf(line, "%c %llu %d %" SCNd64 " %ld %n", &kind, &op->number, &keeps_time, &seconds, &op->mtime.tv_nsec,
		   &at) != 5)
		return false;
	op->kind = (enum apply_op_kind)kind;
	op->keeps_time = keeps_time;
	op->mtime.tv_sec = seconds;
	op->path = line + at;
	return strchr("mprat", kind) && decode_path(line + at);
}

int apply_journal_each(const struct apply *a, int (*each)(void *arg, const struct apply_op *op), void *arg)
{
	_cleanup_free_ char *text = NULL;
	char *rest;
	int r = read_text(a, &text);

	if (r == -ENOENT)
		return 0;
	if (r == 0 && strncmp(text, HEADER, strlen(HEADER)) != 0)
		r = -EBADMSG;
	rest = r == 0 ? text + strlen(HEADER) : NULL;
	for (char *line; r == 0 && (line = strsep(&rest, "\n"));) {
		struct apply_op op;

		if (!*line)
			continue;
		if (!decode_line(line, &op))
			r = -EBADMSG;
		else if ((r = each(arg, &op)) != 0)
			return r;
	}
	if (r < 0)
		fail("%s: %s", a->journal, strerror(-r));
	return r < 0 ? r : 1;
}

int apply_journal_note_applied(const struct apply *a)
{
	const char *name, *slash = strrchr(a->applied, '/');
	_cleanup_close_ int dir = open_parent(a, &name);
	_cleanup_close_ int fd = dir < 0 ? dir : os_openat(dir, slash + 1, O_WRONLY | O_CREAT, 0600, OS_NO_XDEV);

	return fd < 0 ? fd : os_fsync(dir);
}

int apply_journal_remove(const struct apply *a)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(a, &name);
	int r = dir < 0 ? dir : os_unlinkat(dir, name, 0);

	return r < 0 ? r : os_fsync(dir);
}
