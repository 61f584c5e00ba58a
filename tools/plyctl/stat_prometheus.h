/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLYCTL_STAT_PROMETHEUS_H
#define PLYCTL_STAT_PROMETHEUS_H

#include "status.h"

/* Prints the text exposition format of Prometheus, as a textfile collector reads it. */
void stat_prometheus(struct status *const *list, size_t n);

#endif
