/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership bound to a scope.
 */
#include "base/cleanup.h"

#include <fcntl.h>

#include "unit.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int open_and_close(int *ret_taken)
{
	_cleanup_close_ int fd = open("/", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int taken = open("/", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int none = -1;

	if (none >= 0)
		return none;
	*ret_taken = TAKE_FD(taken);
	errno = EXDEV;
	return fd;
}

TEST("a descriptor is closed at the end of its scope, one that was taken is not, and errno stays")
{
	int taken = -1;
	int fd = open_and_close(&taken);

	EXPECT_INT(errno, EXDEV);
	EXPECT(!is_open(fd));
	EXPECT(is_open(taken));
	close(taken);
}

TEST("TAKE_PTR hands a pointer on and leaves none behind")
{
	_cleanup_free_ char *text = strdup("text");
	char *taken = TAKE_PTR(text);

	EXPECT(!text);
	EXPECT_STR(taken, "text");
	free(taken);
}
