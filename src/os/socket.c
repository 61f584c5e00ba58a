/* SPDX-License-Identifier: Apache-2.0 */
#include "os/socket.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "internal.h"

int os_connect(int dirfd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!os_name_ok(name))
		return -EINVAL;
	/* By way of the descriptor: the path of the directory may be longer than an address. */
	r = os_fd_path(dirfd, name, address.sun_path, sizeof(address.sun_path));
	if (r < 0)
		return r;
	r = (int)OS_LOOK(fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW));
	if (r < 0)
		return r;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = (int)OS_LOOK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (fd < 0)
		return fd;
	r = (int)OS_LOOK(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	return r < 0 ? r : TAKE_FD(fd);
}

int os_peer_uid(int socket, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int r = (int)OS_LOOK(getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size));

	if (r < 0)
		return r;
	(void)CHECK(size == sizeof(peer));
	*ret_uid = peer.uid;
	return 0;
}

ssize_t os_send(int socket, const void *bytes, size_t len)
{
	return OS_LOOK(send(socket, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT));
}

ssize_t os_recv(int socket, void *bytes, size_t len)
{
	return OS_LOOK(recv(socket, bytes, len, MSG_DONTWAIT));
}

int os_wait(int fd, short events, unsigned ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, (int)MIN(ms, (unsigned)INT_MAX));

	(void)CHECK(n <= 1);
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}
