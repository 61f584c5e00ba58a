/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seen by the unit tests of this tier, beyond the contracts.
 */
#ifndef BASE_INTERNAL_H
#define BASE_INTERNAL_H

#include <stdatomic.h>

/* Seconds added to the clock that rate limits go by. */
extern _Atomic long log_clock_offset;

#endif
