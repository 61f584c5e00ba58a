/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upper whose numbers tell no objects apart. The linker puts the function below in the place of the system call
 * tier's: what a rename did on disk is there for a while before the tree is told.
 */
#include <pthread.h>

#include "change/names.h"

int __real_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);
int __wrap_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);

int __wrap_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags)
{
	int r = __real_os_renameat2(olddirfd, oldname, newdirfd, newname, flags);

	usleep(100);
	return r;
}

/* Lets two files and two directories change places, until it is told to stop. */
struct mover {
	struct uni *u;
	_Atomic bool stop;
	int failed;
};

static void *keep_moving(void *arg)
{
	struct mover *m = arg;

	while (!atomic_load(&m->stop) && !m->failed) {
		m->failed = names_rename(m->u, "d/a", "d/b", RENAME_EXCHANGE);
		if (!m->failed)
			m->failed = names_rename(m->u, "d", "e", RENAME_EXCHANGE);
	}
	return NULL;
}

static char first_byte(struct uni *u, struct inode *inode)
{
	int fd = inode_open(u->tree, inode, O_RDONLY, NULL);
	char byte = '?';

	if (fd < 0 || read(fd, &byte, 1) != 1)
		byte = '!';
	if (fd >= 0)
		close(fd);
	return byte;
}

TEST("where numbers tell no objects apart a file that is opened while names move is the one that is meant")
{
	static const char *const names[] = {"d/a", "d/b", "e/a", "e/b"};
	struct inode *files[4];
	struct mover mover = {0};
	pthread_t thread;

	UNI(u);
	ASSERT(layers_make("l1/x= u/d/ u/d/a=a u/d/b=b u/e/ u/e/a=c u/e/b=d"));
	UNI_OPEN(u);
	layer_device_is_vague(u.f.set, layer_upper(u.f.set));
	mover.u = &u;
	for (unsigned i = 0; i < 4; i++) {
		files[i] = uni_find(&u, names[i]);
		ASSERT(files[i] && object_id_is_vague(inode_object(files[i])));
	}
	ASSERT_INT(pthread_create(&thread, NULL, keep_moving, &mover), 0);
	for (unsigned i = 0; i < 3000; i++) {
		char byte = first_byte(&u, files[i % 4]);

		if (byte != "abcd"[i % 4]) {
			UNIT_FAIL("%c has the content %c", "abcd"[i % 4], byte);
			break;
		}
	}
	atomic_store(&mover.stop, true);
	pthread_join(thread, NULL);
	EXPECT_INT(mover.failed, 0);
	EXPECT(tree_check(u.tree));
}
