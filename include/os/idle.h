/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to the kernel about how deeply idle processors may sleep (Documentation/power/pm_qos_interface.rst). It is
 * of the whole machine: of all requests the strictest holds. It lives as long as its descriptor.
 */
#ifndef OS_IDLE_H
#define OS_IDLE_H

#include <stdbool.h>

/* Whether to ask: AUTO where idle processors halt in a virtual machine. */
enum low_latency { LOW_LATENCY_AUTO, LOW_LATENCY_ON, LOW_LATENCY_OFF };

#define OS_IDLE_DEVICE "/dev/cpu_dma_latency"

/* Whether idle processors halt by the kernel's driver for guests of a hypervisor, which then has to wake them: that
 * takes tens of microseconds. Elsewhere the first state of an idle processor takes one or two to leave. */
bool os_idle_is_guest(void);
/* Opens a request, which asks for nothing yet. -EACCES: it is root's; -ENODEV: something else stands there. */
int os_idle_open(void);
/* Asks for processors that don't sleep at all but poll, or for nothing. */
int os_idle_poll(int fd, bool poll);

#endif
