/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes as users see them: private names are not there, names in the active overlay namespace are stored
 * escaped.
 *
 * The kernel asks for ACLs at the first permission check of a file and for capabilities before writes, and hardly any
 * file has some: what is there is known from the object's xattr flags, read once, and then the answer costs no system
 * call. The flags err on the side of "may be there": they are set before an attribute is, and taken away after it.
 */
#include "change/change.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/acl.h"
#include "format/name.h"
#include "internal.h"
#include "layer/index.h"

static bool xattr_is_acl(const char *name)
{
	return !strcmp(name, ACL_XATTR_ACCESS) || !strcmp(name, ACL_XATTR_DEFAULT);
}

static unsigned xattr_flag_of_name(const char *name)
{
	if (!strcmp(name, ACL_XATTR_ACCESS))
		return XATTR_FLAG_ACL;
	if (!strcmp(name, ACL_XATTR_DEFAULT))
		return XATTR_FLAG_DEFAULT_ACL;
	return strcmp(name, "security.capability") ? XATTR_FLAG_OTHER_XATTR : XATTR_FLAG_CAPABILITY;
}

/* Whether users may have such a name; `hidden` is the answer where it is one of the layers' own. */
static int check_name(struct writer *writer, const char *name, int hidden)
{
	if (layer_hides_xattr(writer->layers, name))
		return hidden;
	return !writer->acl && xattr_is_acl(name) ? -EOPNOTSUPP : 0;
}

/* The name as the layer keeps it. */
static int stored_name(struct writer *writer, const struct layer *l, const char *name,
		       char stored[static XATTR_NAME_SIZE])
{
	int r = xattr_escape(writer->layers->ns, name, stored);

	if (r >= 0)
		r = xattr_override_encode(l->override, stored, stored);
	return r < 0 ? r : 0;
}

/* Whether the object has no attribute of these flags, for certain. Where layers may change underneath nothing is
 * certain. */
static bool surely_without(struct writer *writer, struct inode *inode, unsigned xattr_flags)
{
	unsigned known;

	if (writer->tree->revalidate)
		return false;
	if (!inode_xattr_flags_known(inode)) {
		LOCK_SCOPE(inode_lock(writer->tree, inode));
		if (change_xattr_flags_locked(writer, inode, &known) < 0)
			return false;
	}
	return !change_may_have(inode, xattr_flags);
}

/* Whether file systems keep names of this kind. Of others it is theirs to say that they don't: EOPNOTSUPP, not
 * ENODATA. */
static bool is_kept(const char *name)
{
	static const char *const prefixes[] = {"user.", "trusted.", "security."};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return xattr_is_acl(name);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

ssize_t xattr_get(struct writer *writer, struct inode *inode, const char *name, void *value, size_t size)
{
	char stored[XATTR_NAME_SIZE];
	_cleanup_close_ int fd = -1;
	const struct layer *layer;
	ssize_t n;
	int r = check_name(writer, name, -ENODATA);

	if (r < 0)
		return r;
	if (is_kept(name) && surely_without(writer, inode, xattr_flag_of_name(name)))
		return -ENODATA;
	fd = inode_open(writer->tree, inode, O_PATH, &layer);
	if (fd < 0)
		return fd;
	r = stored_name(writer, layer, name, stored);
	if (r < 0)
		return r;
	n = os_getxattr(fd, "", stored, value, size);
	if (n > 0 && size > 0)
		layer_unmap_xattr(layer, name, value, (size_t)n);
	return n;
}

static bool is_trusted(const char *name)
{
	return !strncmp(name, "trusted.", strlen("trusted."));
}

/* Takes names out of a list. Returns its new length. */
static size_t drop_names(char *list, size_t size, bool (*drop)(const char *name))
{
	char *out = list;

	for (char *name = list, *next; name < list + size; name = next) {
		size_t len = strlen(name) + 1;

		next = name + len;
		if (drop(name))
			continue;
		memmove(out, name, len);
		out += len;
	}
	return (size_t)(out - list);
}

/* Without the names of the forms in use, another layer's included. */
static ssize_t list_decoded(struct writer *writer, const struct layer *l, char *list, size_t size)
{
	char *out = list;

	size = xattr_override_decode_list(l->override, list, size);
	for (char *name = list, *next; name < list + size; name = next) {
		size_t len = strlen(name) + 1;

		next = name + len;
		if (xattr_is_override(writer->layers->override_forms, name))
			continue;
		memmove(out, name, len);
		out += len;
	}
	return out - list;
}

static ssize_t list_shown(struct writer *writer, struct inode *inode, bool trusted, char *list, size_t size)
{
	const struct layer *layer = NULL;
	_cleanup_close_ int fd = inode_open(writer->tree, inode, O_PATH, &layer);
	ssize_t n = fd < 0 ? fd : os_listxattr(fd, "", list, size);

	if (n == -EOPNOTSUPP)
		return 0;
	if (n > 0 && writer->layers->override_forms)
		n = list_decoded(writer, layer, list, (size_t)n);
	if (n > 0)
		n = xattr_list_filter(writer->layers->ns, list, (size_t)n);
	if (n > 0 && writer->layers->aufs)
		n = (ssize_t)drop_names(list, (size_t)n, xattr_is_fuseoverlayfs);
	if (n > 0 && !writer->acl)
		n = (ssize_t)drop_names(list, (size_t)n, xattr_is_acl);
	if (n > 0 && !trusted)
		n = (ssize_t)drop_names(list, (size_t)n, is_trusted);
	return n;
}

static ssize_t list_for(struct writer *writer, struct inode *inode, bool trusted, char *list, size_t size)
{
	_cleanup_free_ char *all = NULL;
	ssize_t n;

	if (surely_without(writer, inode, XATTR_FLAGS_SHOWN))
		return 0;
	/* The stored list may be longer than what is shown of it. */
	all = malloc(XATTR_LIST_MAX);
	if (!all)
		return -ENOMEM;
	n = list_shown(writer, inode, trusted, all, XATTR_LIST_MAX);
	if (n <= 0 || size == 0)
		return n;
	if ((size_t)n > size)
		return -ERANGE;
	memcpy(list, all, (size_t)n);
	return n;
}

ssize_t xattr_list(struct writer *writer, struct inode *inode, char *list, size_t size)
{
	return list_for(writer, inode, true, list, size);
}

ssize_t xattr_list_untrusted(struct writer *writer, struct inode *inode, char *list, size_t size)
{
	return list_for(writer, inode, false, list, size);
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

/* A change of one attribute; the directory's default ACL is under D, because those who create in it read it there. */
struct xattr_change {
	struct writer *writer;
	struct inode *inode;
	const char *name;
	char stored[XATTR_NAME_SIZE];
	struct lock *dir; /* NULL: not needed */
	bool locked;
	int fd;
};

static int xattr_change_start(struct xattr_change *x, int hidden)
{
	int r = check_name(x->writer, x->name, hidden);

	(void)CHECK(!x->locked && x->fd < 0);
	/* Without an upper there is nothing that could be changed. */
	if (r == 0)
		r = x->writer->layers->has_upper ? 0 : -EROFS;
	if (r == 0)
		r = stored_name(x->writer, layer_upper(x->writer->layers), x->name, x->stored);
	if (r < 0)
		return r;
	if (inode_is_dir(x->inode) && xattr_flag_of_name(x->name) == XATTR_FLAG_DEFAULT_ACL)
		x->dir = &x->inode->dir->lock;
	if (x->dir)
		lock_take(x->dir);
	lock_take(inode_lock(x->writer->tree, x->inode));
	x->locked = true;
	x->fd = change_open_upper(x->writer, x->inode, O_PATH);
	if (x->fd < 0)
		return x->fd;
	return change_dir_flags(x->writer, x->inode, x->fd) ? -EPERM : 0;
}

static void xattr_change_end(struct xattr_change *x)
{
	cleanup_close(&x->fd);
	if (!x->locked)
		return;
	(void)CHECK(change_holds_inode(x->writer, x->inode) && (!x->dir || lock_held(x->dir)));
	if (x->dir)
		atomic_store_explicit(&x->inode->dir->default_acl, DIR_ACL_UNKNOWN, memory_order_relaxed);
	lock_drop(inode_lock(x->writer->tree, x->inode));
	if (x->dir)
		lock_drop(x->dir);
}
#define _cleanup_xattr_change_ _cleanup_(xattr_change_end)

static int drop_sgid(struct writer *writer, int fd)
{
	struct statx stx;
	int r = change_statx(writer, fd, &stx);

	if (r < 0 || !(stx.stx_mode & S_ISGID))
		return r;
	return change_set_mode(writer, fd, stx.stx_mode & 07777 & ~(mode_t)S_ISGID);
}

int xattr_set(struct writer *writer, struct inode *inode, const char *name, const void *value, size_t size, int flags,
	      bool clear_sgid)
{
	CHANGE_SCOPE(writer, FAULT_XATTR);
	_cleanup_xattr_change_ struct xattr_change x = {.writer = writer, .inode = inode, .name = name, .fd = -1};
	int r = xattr_change_start(&x, -EPERM);

	if (r < 0)
		return r;
	atomic_fetch_or_explicit(&inode->xattr_flags, (uint16_t)xattr_flag_of_name(name), memory_order_relaxed);
	atomic_fetch_and_explicit(&inode->xattr_flags, (uint16_t)~CHANGE_FLAG_NO_PRIV, memory_order_relaxed);
	r = index_setxattr(writer->layers, x.fd, x.stored, value, size, flags);
	return r == 0 && clear_sgid ? drop_sgid(writer, x.fd) : r;
}

int xattr_remove(struct writer *writer, struct inode *inode, const char *name, bool clear_sgid)
{
	CHANGE_SCOPE(writer, FAULT_XATTR);
	_cleanup_xattr_change_ struct xattr_change x = {.writer = writer, .inode = inode, .name = name, .fd = -1};
	int r = xattr_change_start(&x, -ENODATA);

	if (r < 0)
		return r;
	r = os_removexattr(x.fd, "", x.stored);
	/* Of the others it may not have been the last one. */
	if (r == 0 && xattr_flag_of_name(name) != XATTR_FLAG_OTHER_XATTR)
		atomic_fetch_and_explicit(&inode->xattr_flags, (uint16_t)~xattr_flag_of_name(name),
					  memory_order_relaxed);
	return r == 0 && clear_sgid ? drop_sgid(writer, x.fd) : r;
}
