/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of the control socket, by which programs ask the daemon of a mount.
 *
 * The socket is a stream socket. Its name is the st_dev of the mount, as MAJOR:MINOR in decimal digits ("0:53"). Its
 * directory is /run/plyfs for root in the initial user namespace. For others it is $XDG_RUNTIME_DIR/plyfs, or without
 * this variable, for root in a user namespace, /run/plyfs. The option control_socket names another directory. The
 * directory has mode 0700 and the socket 0600. The daemon serves its own user and root.
 *
 * A request is a line with one JSON object, and so is its answer. Requests of one connection are answered in order. The
 * member "op" says what is asked:
 *
 *	{"op":"status"}                    version, options, what was probed and negotiated, counters,
 *	                                   latencies, sizes
 *	{"op":"layers","from":N}           256 layers from number N on; "next" says how to go on
 *	{"op":"explain","path":"a/b"}      why the union shows what it shows there; "path_hex" has a path in hexadecimal
 *	                                   digits, for names that aren't UTF-8
 *	{"op":"freeze","timeout_ms":N}     changes wait, and reads go on, until a thaw, the end of the connection, the
 *	                                   end of the mount, or N ms (30 s without this member, 300 s at most)
 *	{"op":"thaw"}                      on the connection that has frozen; it fails if the time was over before
 *
 * Two kinds of reads wait for a change that waits, because the kernel holds a lock for it. One is the lookup of a name
 * that the kernel doesn't know yet, and a listing, in a directory whose names are to be changed. The other is reading
 * the pages of a file that are to be written.
 *
 * An answer has "ok":true, or "ok":false and "error" with a line for people. Unknown members of a request are passed
 * over. A connection that has frozen changes may not explain: a layer that hangs would then hold the thaw up.
 *
 * Limits: CONTROL_CLIENTS connections, CONTROL_LINE bytes a request, CONTROL_ANSWER bytes an answer. A connection ends
 * CONTROL_IDLE_MS after its last request, and CONTROL_LINE_MS after the first byte of a request that isn't whole.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stddef.h>
#include <sys/types.h>

#define CONTROL_CLIENTS 8
#define CONTROL_LINE ((size_t)32 << 10)
#define CONTROL_ANSWER ((size_t)4 << 20)
#define CONTROL_IDLE_MS 30000
#define CONTROL_LINE_MS 2000
#define CONTROL_FREEZE_MS 30000
#define CONTROL_FREEZE_MAX_MS 300000
#define CONTROL_LAYERS 256
#define CONTROL_PATH_MAX 4096

enum control_op { CONTROL_STATUS, CONTROL_LAYERS_OF, CONTROL_EXPLAIN, CONTROL_FREEZE, CONTROL_THAW };

struct control_request {
	enum control_op op;
	char path[CONTROL_PATH_MAX]; /* EXPLAIN: without slashes at its ends */
	unsigned timeout_ms;	     /* FREEZE */
	unsigned from;		     /* LAYERS_OF */
};

#define CONTROL_NAME_SIZE 32

/* The name of the socket of a mount. */
void control_name(dev_t dev, char ret[CONTROL_NAME_SIZE]);
/* Takes the `len` bytes of a line apart, which it overwrites. 0, or -EINVAL and *ret_cause for people. */
int control_parse(char *line, size_t len, struct control_request *ret, const char **ret_cause);

#endif
