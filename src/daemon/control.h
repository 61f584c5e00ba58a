/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of the daemon (control/protocol.h): where it is (control_socket.c), what is answered
 * (control_answer.c), and the connections (control.c).
 */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/option.h"
#include "control/json.h"
#include "control/protocol.h"
#include "fuse/fs.h"
#include "layer/layer.h"

/* --- control_socket.c --------------------------------------------------------------------------------------------- */

struct control_socket {
	int dir_fd; /* -1 without one */
	int fd;	    /* listens; -1 without one */
	char name[CONTROL_NAME_SIZE];
	ino_t ino; /* of its name, which may be another daemon's later */
};

/* Opens the directory, or makes it: before the mount `m`, which may cover it. 0 or -errno; *s is initialised always. */
struct mounted;
int control_socket_prepare(const struct mounted *m, struct control_socket *s);
/* Whether the socket's name lets in nobody but its owner and root. */
bool control_socket_is_private(const struct control_socket *s);
/* Listens under the name of the mounted device. 0 or -errno. */
int control_socket_open(struct control_socket *s, dev_t dev);
/* Removes sockets of daemons that were killed. */
void control_socket_sweep(const struct control_socket *s);
/* Removes the name and closes all. */
void control_socket_close(struct control_socket *s);

/* --- control_answer.c --------------------------------------------------------------------------------------------- */

/* The sources of the answers. */
struct control_union {
	const struct options *opt;
	struct layer_set *set;
	struct fs *fs;
	dev_t dev;
	const char *directory;	  /* where the daemon was started: relative paths of layers begin there */
	unsigned long long since; /* os_now_ms() of the mount */
};

/* Each writes members of the answer's object. */
void control_answer_status(const struct control_union *u, struct json *json);
void control_answer_layers(const struct control_union *u, unsigned from, struct json *json);
/* 0, or -errno of tree_explain(): then nothing was written. */
int control_answer_explain(const struct control_union *u, const char *path, struct json *json);

#endif
