/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths for messages, put together from the end.
 */
#include "table.h"

#include <string.h>

#include "base/check.h"

#define LEFT_OUT ".../"

/* Puts it before what is at `at`; NULL when there is no room for it and for what says that something is left out. One
 * name has room. */
static char *put_before(char *begin, char *at, const char *text, size_t len)
{
	if ((size_t)(at - begin) < len + strlen(LEFT_OUT) + 1)
		return NULL;
	return memcpy(at - len, text, len);
}

static char *put_name(char *begin, char *at, const char *name)
{
	if (*at)
		at = put_before(begin, at, "/", 1);
	return at ? put_before(begin, at, name, strlen(name)) : NULL;
}

const char *tree_path_locked(struct tree *tree, const struct inode *inode, const char *name, char buf[TREE_PATH_SHOWN])
{
	char *at = buf + TREE_PATH_SHOWN - 1;

	(void)CHECK(lock_held(&tree->table));
	*at = '\0';
	if (name)
		at = put_name(buf, at, name);
	while (inode && inode != tree->root) {
		const struct inode_name *n = inode->names;
		char *next = n ? put_name(buf, at, n->name) : NULL;

		at = next ? next : at;
		inode = next ? n->parent : NULL;
	}
	if (!inode)
		return memcpy(at - strlen(LEFT_OUT), LEFT_OUT, strlen(LEFT_OUT));
	return *at ? at : strcpy(buf, ".");
}

const char *tree_path(struct tree *tree, uint64_t id, const char *name, char buf[TREE_PATH_SHOWN])
{
	LOCK_SCOPE(&tree->table);
	/* Whoever frees it takes it out under this lock. */
	return tree_path_locked(tree, inode_find(tree, id), name, buf);
}
