/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of a local stream socket, one call a function. Nothing here waits but os_wait().
 */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include <sys/types.h>

/* Connects to the socket `name` of a directory: a descriptor that never blocks. -ENOENT: there is none, -ENOTSOCK: it
 * is something else, -ECONNREFUSED: nobody listens, -EAGAIN: too many wait already. */
int os_connect(int dirfd, const char *name);
/* The user who listens at the other end (SO_PEERCRED). */
int os_peer_uid(int socket, uid_t *ret_uid);
/* As many bytes as go at once: -EAGAIN for none, and no signal when the other end has gone. */
ssize_t os_send(int socket, const void *bytes, size_t len);
ssize_t os_recv(int socket, void *bytes, size_t len);
/* Waits for events of poll(2): 0, or -ETIMEDOUT. A signal ends it with -EINTR. */
int os_wait(int fd, short events, unsigned ms);

#endif
