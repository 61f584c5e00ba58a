/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes between two threads: one writes, the other reads, and each waits for the other. A thread that waits
 * is woken when there is enough to do for a while, not for each byte.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stddef.h>

struct ring;

/* `size` bytes at most wait in the ring. NULL without memory. */
struct ring *ring_new(size_t size);
/* When neither thread uses it any more. */
void ring_free(struct ring *r);

/* --- the writer --------------------------------------------------------------------------------------------------- */

/* Waits for room and returns it: *ret_len bytes in one piece, which the reader doesn't see yet. NULL: the reader has
 * closed. */
void *ring_room(struct ring *r, size_t *ret_len);
/* The reader may have the first `n` bytes of the room. */
void ring_put(struct ring *r, size_t n);
/* Copies bytes into the ring. -ECANCELED: the reader has closed. */
int ring_write(struct ring *r, const void *data, size_t len);
/* Nothing more is written. */
void ring_end(struct ring *r);

/* --- the reader --------------------------------------------------------------------------------------------------- */

/* Waits for bytes and copies up to `size` of them. 0: all were read, and the writer has ended. */
size_t ring_read(struct ring *r, void *buf, size_t size);
/* Nothing more is read. */
void ring_close(struct ring *r);

#endif
