/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of the file under the cursor, in the version that the view shows.
 */
#include "explore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tui.h"

#define VIEW_MAX ((size_t)8 << 20)

struct content {
	char *bytes; /* owned */
	size_t len;
	bool is_cut;
	int fd; /* or it goes there */
};

static int take_piece(void *arg, const void *data, size_t len)
{
	struct content *c = arg;
	size_t room = MIN(len, VIEW_MAX - c->len);

	memcpy(c->bytes + c->len, data, room);
	c->len += room;
	c->is_cut = room < len;
	return c->is_cut;
}

static int write_piece(void *arg, const void *data, size_t len)
{
	struct content *c = arg;
	const char *bytes = data;

	while (len > 0) {
		ssize_t n = write(c->fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
		c->len += (size_t)MAX(n, 0);
	}
	return 0;
}

/* The file under the cursor; false after a word about it. */
static bool file_here(struct explore *x, struct browse_row *ret_row, char **ret_path)
{
	if (!explore_row(x, ret_row))
		return false;
	if (ret_row->is_directory || ret_row->is_whiteout || (!S_ISREG(ret_row->mode) && !ret_row->is_hardlink)) {
		explore_say(x, "that is no file");
		return false;
	}
	/* The layer that is being read can't be read a second time meanwhile. */
	if (x->loaded < x->n_layers) {
		explore_say(x, "not before all layers are read");
		return false;
	}
	*ret_path = browse_path(x->browse, ret_row->node);
	if (!*ret_path)
		abort();
	return true;
}

void explore_view_file(struct explore *x)
{
	_cleanup_free_ char *path = NULL, *error = NULL, *title = NULL;
	struct content c = {.fd = -1};
	struct browse_row row;
	int r;

	if (!file_here(x, &row, &path))
		return;
	c.bytes = malloc(VIEW_MAX);
	if (!c.bytes || asprintf(&title, "@%zu:/%s", row.layer, path) < 0)
		abort();
	r = view_contents_read(x->stack, row.layer, path, take_piece, &c, &error);
	if (r < 0)
		explore_say(x, "%s", error ? error : strerror(-r));
	else
		pager_show(title, c.bytes, c.len, c.is_cut);
	free(c.bytes);
}

void explore_extract(struct explore *x)
{
	_cleanup_free_ char *path = NULL, *error = NULL;
	struct content c = {.fd = -1};
	char target[PATH_MAX], size[SIZE_TEXT];
	struct browse_row row;
	int r;

	if (!file_here(x, &row, &path))
		return;
	snprintf(target, sizeof(target), "./%s", row.name);
	if (!tui_prompt("write it to: ", target, sizeof(target)) || !*target)
		return;
	c.fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c.fd < 0) {
		explore_say(x, "%s: %s", target, strerror(errno));
		return;
	}
	r = view_contents_read(x->stack, row.layer, path, write_piece, &c, &error);
	if (r == 0 && fchmod(c.fd, row.mode & 0777) < 0)
		r = -errno;
	if (close(c.fd) < 0 && r == 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(target);
		explore_say(x, "%s", error ? error : strerror(-r));
		return;
	}
	explore_say(x, "%s with %s", target, size_text(c.len, size));
}
