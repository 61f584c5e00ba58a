/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting names. Kernel overlayfs copies a file up before it removes one of its lower names, for it has no other place
 * for the count; plyfs copies nothing for that and notes what went in WORKDIR/nlink until the copy is there.
 *
 * The count is written before a step that changes the upper's links along, relative to them, and after one that
 * doesn't.
 */
#include "nlink.h"

#include <fcntl.h>
#include <string.h>

#include "layer/index.h"

/* The object's links in the upper, but for the name in the work directory that holds it. */
static unsigned lasting_links(const struct inode *inode, const struct statx *stx)
{
	return stx->stx_nlink - (orphan_is_held_by_name(inode) ? 1 : 0);
}

int nlink_prepare(struct writer *writer, struct inode *inode)
{
	_cleanup_close_ int fd = -1;
	struct statx stx;
	uint32_t nlink;
	int r;

	(void)CHECK(change_holds_inode(writer, inode));
	if (!inode_is_indexed(inode))
		return 0;
	nlink = inode_nlink(writer->tree, inode);
	fd = inode_open(writer->tree, inode, O_PATH, NULL);
	r = fd < 0 ? fd : os_statx(fd, "", &stx);
	return r < 0 ? r : index_write_nlink(writer->layers, fd, nlink, lasting_links(inode, &stx));
}

/* By its entry, which goes with the last name. */
static int hold_by_entry(struct writer *writer, struct inode *inode)
{
	char name[OVL_FH_INDEX_NAME_SIZE];

	(void)CHECK(inode_is_indexed(inode));
	if (!inode_index_name(writer->tree, inode, name))
		return -EIO;
	return orphan_hold(writer->tree, inode, index_fd(writer->layers), name);
}

int nlink_prepare_removal(struct writer *writer, struct inode *inode, bool in_upper)
{
	int r = in_upper ? nlink_prepare(writer, inode) : 0;

	if (r == 0 && inode_is_indexed(inode) && inode_nlink(writer->tree, inode) <= 1)
		r = hold_by_entry(writer, inode);
	return r;
}

/* The last name of an indexed object went. */
static int leave_index(struct writer *writer, struct inode *inode)
{
	char name[OVL_FH_INDEX_NAME_SIZE];
	_cleanup_close_ int fd = inode_open(writer->tree, inode, O_PATH, NULL);
	struct statx stx;
	unsigned links;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	(void)CHECK(inode_is_indexed(inode) && change_holds_inode(writer, inode));
	if (r < 0)
		return r;
	links = lasting_links(inode, &stx);
	if (!inode_index_name(writer->tree, inode, name))
		return -EIO;
	/* Others have links in the upper, so the count was wrong (a layer was changed underneath). As the kernel: count
	 * anew. */
	if (links > 1) {
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "index: %s: the file has more names than were counted", name);
		inode_set_nlink(writer->tree, inode, links - 1);
		/* The kernel takes the name off the count that it knows. */
		change_tell(writer, inode);
		return index_write_nlink(writer->layers, fd, links - 1, links);
	}
	r = index_remove(writer->layers, name);
	if (r == 0 || r == -ENOENT)
		inode_leave_index(writer->tree, inode);
	return r;
}

/* The name of a lower object in the index, from its handle when it isn't known. */
static int name_in_index(struct writer *writer, struct inode *inode, int fd, unsigned layer,
			 char ret_name[static OVL_FH_INDEX_NAME_SIZE])
{
	int r;

	if (inode_index_name(writer->tree, inode, ret_name))
		return 0;
	r = index_name_of(writer->layers, &writer->layers->layers[layer], fd, "", ret_name);
	return r < 0 ? r : inode_set_index_name(writer->tree, inode, ret_name);
}

static int note_gone(struct writer *writer, struct inode *inode, uint32_t left)
{
	char name[OVL_FH_INDEX_NAME_SIZE];
	_cleanup_close_ int fd = inode_open(writer->tree, inode, O_PATH, NULL);
	struct statx stx;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	if (r == 0)
		r = name_in_index(writer, inode, fd, inode->layer, name);
	if (r < 0)
		return r;
	/* With no name left nobody will ask. */
	return index_write_gone(writer->layers, name, left && left < stx.stx_nlink ? stx.stx_nlink - left : 0);
}

static int write_removed(struct writer *writer, struct inode *inode, uint32_t left, bool in_upper)
{
	(void)CHECK(inode_is_counted(inode) && change_holds_inode(writer, inode));
	if (!inode_is_indexed(inode))
		return inode_in_upper(inode) ? 0 : note_gone(writer, inode, left);
	if (!left)
		return leave_index(writer, inode);
	/* The link that went took the count along. */
	return in_upper ? 0 : nlink_prepare(writer, inode);
}

void nlink_removed(struct writer *writer, struct inode *inode, bool in_upper)
{
	uint32_t nlink = inode_nlink(writer->tree, inode);
	char shown[TREE_PATH_SHOWN];
	int r;

	if (!inode_is_counted(inode) || !nlink)
		return;
	inode_set_nlink(writer->tree, inode, nlink - 1);
	r = write_removed(writer, inode, nlink - 1, in_upper);
	if (r < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING,
			    "index: %s: a removed name could not be counted, the link count will be too high: %s",
			    tree_path(writer->tree, inode->id, NULL, shown), strerror(-r));
}

void nlink_added(struct writer *writer, struct inode *inode)
{
	(void)CHECK(change_holds_inode(writer, inode));
	if (inode_is_counted(inode))
		inode_set_nlink(writer->tree, inode, inode_nlink(writer->tree, inode) + 1);
}

int nlink_link_up(struct writer *writer, struct inode *inode, struct inode *dir, int dirfd, const char *name)
{
	char entry[OVL_FH_INDEX_NAME_SIZE];
	struct change_times times;
	int r = change_set_impure(writer, dir, dirfd);

	(void)CHECK(change_holds_dir(dir) && change_holds_inode(writer, inode));
	if (r < 0)
		return r;
	if (!inode_index_name(writer->tree, inode, entry))
		return -EIO;
	change_times_save(dirfd, &times);
	r = index_link(writer->layers, entry, dirfd, name);
	if (r < 0)
		return r;
	change_published(writer, dir, dirfd, &times);
	/* One link more and no name: until this is written the count is too high. */
	r = nlink_prepare(writer, inode);
	if (r < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING,
			    "index: %s: a name that came into the upper could not be counted, the link count will be "
			    "too high: %s",
			    entry, strerror(-r));
	return 0;
}
