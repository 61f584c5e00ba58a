/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: a header, the identity of DIR, the path of --only, then for each operation a line KIND NUMBER FLAG PATH.
 * Paths are in hex. It gets its name when it is whole and synced.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/fs.h"

#define HEADER "plyctl-apply 2\n"

/* The text is gathered in memory, and written at once. */
struct apply_writer {
	char *text;
	size_t len;
	FILE *stream;
};

/* --- identities --------------------------------------------------------------------------------------------------- */

static void put_hex(FILE *f, const char *text)
{
	for (; *text; text++)
		fprintf(f, "%02x", (unsigned char)*text);
	fputc('\n', f);
}

/* NUMBER BIRTH NSEC PATH, a line. The number of a device may be another after a boot, so it isn't told. */
static int put_identity(FILE *f, int fd, const char *path)
{
	struct statx stx;
	int r = os_statx(fd, "", &stx);

	if (r < 0)
		return r;
	if (!(stx.stx_mask & STATX_BTIME))
		stx.stx_btime = (struct statx_timestamp){.tv_sec = 0};
	fprintf(f, "%llu %lld %u ", (unsigned long long)stx.stx_ino, (long long)stx.stx_btime.tv_sec,
		stx.stx_btime.tv_nsec);
	put_hex(f, path);
	return 0;
}

/* The same, of DIR and the upper; the caller frees them. */
static int identity_of(int fd, const char *path, char **ret)
{
	size_t len;
	FILE *f = open_memstream(ret, &len);
	int r = f ? put_identity(f, fd, path) : -ENOMEM;

	if (f && fclose(f) != 0 && r == 0)
		r = -ENOMEM;
	return r;
}

/* A line, without its end. *text goes on behind it. NULL: there is none. */
static char *next_line(char **text)
{
	char *line = *text, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
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

/* Whether the line is the identity. If not, *ret_path is the path of which it tells, within the line. */
static bool is_identity(char *line, const char *identity, const char **ret_path)
{
	size_t n = strlen(identity) - 1;
	char *path = strrchr(line, ' ');

	if (strlen(line) == n && !memcmp(line, identity, n))
		return true;
	*ret_path = path && decode_path(path + 1) ? path + 1 : "another directory";
	return false;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

int apply_journal_begin(const struct apply *a, struct apply_writer **ret)
{
	struct apply_writer *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->stream = open_memstream(&w->text, &w->len);
	if (!w->stream) {
		free(w);
		return -ENOMEM;
	}
	fputs(HEADER, w->stream);
	r = put_identity(w->stream, a->dir_fd, a->dir);
	put_hex(w->stream, a->only ? a->only : "");
	if (r < 0) {
		fclose(w->stream);
		free(w->text);
		free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void apply_journal_add(struct apply_writer *w, const struct apply_op *op)
{
	fprintf(w->stream, "%c %llu %d %" PRId64 " %ld ", op->kind, op->number, op->keeps_time,
		(int64_t)op->mtime.tv_sec, op->mtime.tv_nsec);
	put_hex(w->stream, op->path);
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

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int read_text(const char *path, char **ret)
{
	_cleanup_close_ int fd = os_open_path(path, O_RDONLY, 0);
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

/* The lines before the operations; *text goes on behind them. 1: it is of this DIR. 0: of another, `path`. */
static int read_header(const struct apply *a, char **text, const char **ret_path, char **ret_only)
{
	_cleanup_free_ char *identity = NULL;
	char *header = next_line(text), *dir = next_line(text), *only = next_line(text);
	int r = identity_of(a->dir_fd, a->dir, &identity);

	if (r < 0)
		return r;
	if (!only || strncmp(header, HEADER, strlen(HEADER) - 1) != 0 || !decode_path(only))
		return -EBADMSG;
	*ret_only = only;
	return is_identity(dir, identity, ret_path);
}

static int told(const struct apply *a, int r, const char *path)
{
	if (r == 0)
		fail("%s: the upper is being applied to %s, which isn't this one now; nothing was done", a->dir, path);
	else if (r < 0)
		fail("%s: %s", a->journal, strerror(-r));
	return r == 0 ? -ESTALE : r;
}

int apply_journal_check(const struct apply *a)
{
	_cleanup_free_ char *text = NULL;
	const char *path = NULL;
	char *rest, *only = NULL;
	int r = read_text(a->journal, &text);

	rest = text;
	if (r == 0)
		r = read_header(a, &rest, &path, &only);
	if (r <= 0)
		return told(a, r, path);
	return !*only || (a->only && !strcmp(a->only, only));
}

int apply_journal_each(const struct apply *a, int (*each)(void *arg, const struct apply_op *op), void *arg)
{
	_cleanup_free_ char *text = NULL;
	const char *path = NULL;
	char *rest, *only;
	int r = read_text(a->journal, &text);

	if (r == -ENOENT)
		return 0;
	rest = text;
	if (r == 0)
		r = read_header(a, &rest, &path, &only);
	if (r <= 0)
		return told(a, r, path);
	for (char *line; r > 0 && (line = strsep(&rest, "\n"));) {
		struct apply_op op;
		int done;

		if (!*line)
			continue;
		if (!decode_line(line, &op))
			r = -EBADMSG;
		else if ((done = each(arg, &op)) != 0)
			return done;
	}
	return r < 0 ? told(a, r, NULL) : 1;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* Two lines: the upper, which has no path that lasts, and DIR. */
static int applied_text(const struct apply *a, char **ret_upper, char **ret_dir)
{
	int r = identity_of(a->both->layers[0].root_fd, "", ret_upper);

	return r < 0 ? r : identity_of(a->dir_fd, a->dir, ret_dir);
}

int apply_journal_note_applied(const struct apply *a)
{
	_cleanup_free_ char *upper = NULL, *below = NULL, *text = NULL;
	const char *name, *slash = strrchr(a->applied, '/');
	_cleanup_close_ int dir = open_parent(a, &name);
	int r = dir < 0 ? dir : applied_text(a, &upper, &below);
	struct apply_writer w = {.text = NULL};

	if (r < 0)
		return r;
	if (asprintf(&text, "%s%s", upper, below) < 0)
		return -ENOMEM;
	w.text = text;
	w.len = strlen(text);
	return write_new(dir, slash + 1, &w);
}

int apply_is_done(const struct apply *a, char **ret_where)
{
	_cleanup_free_ char *upper = NULL, *dir = NULL, *text = NULL;
	const char *path = "another directory";
	char *rest, *first, *second;
	int r = read_text(a->applied, &text);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = applied_text(a, &upper, &dir);
	if (r < 0)
		return fail("%s: %s", a->applied, strerror(-r)), r;
	rest = text;
	first = next_line(&rest);
	second = next_line(&rest);
	/* Another upper has the place of one that is gone. */
	if (first && !a->upper->base && !is_identity(first, upper, &path))
		return 0;
	if (second && is_identity(second, dir, &path))
		return 1;
	*ret_where = strdup(path);
	return 2;
}

int apply_journal_remove(const struct apply *a)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(a, &name);
	int r = dir < 0 ? dir : os_unlinkat(dir, name, 0);

	return r < 0 ? r : os_fsync(dir);
}
