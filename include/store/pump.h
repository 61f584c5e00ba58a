/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a writer into a stream: it runs in a thread of its own, and what it writes is read from the stream. At most
 * PUMP_SIZE bytes wait in between.
 */
#ifndef STORE_PUMP_H
#define STORE_PUMP_H

#include "archive/tar_writer.h"
#include "image/stream.h"

#define PUMP_SIZE (1 << 20)

/* `write` gives all bytes to the sink. It must end when the sink fails, which happens when the stream is freed. */
typedef int (*pump_write)(void *arg, archive_sink sink, void *sink_arg, struct image_error *error);

int pump_new(pump_write write, void *arg, struct stream **ret, struct image_error *error);

#endif
