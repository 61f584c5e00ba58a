/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of this tier see beyond the contracts.
 */
#ifndef BASE_INTERNAL_H
#define BASE_INTERNAL_H

#include <stdatomic.h>

/* Seconds added to the clock that rate limits go by. */
extern _Atomic long log_clock_offset;

#endif
