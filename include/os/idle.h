/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to the kernel about the sleep of idle processors (Documentation/power/pm_qos_interface.rst). It concerns
 * the whole machine: of all requests the strictest holds. The request lives as long as its descriptor.
 */
#ifndef OS_IDLE_H
#define OS_IDLE_H

#include <stdbool.h>

/* Whether to make the request. AUTO: if idle processors halt in a virtual machine. */
enum low_latency { LOW_LATENCY_AUTO, LOW_LATENCY_ON, LOW_LATENCY_OFF };

#define OS_IDLE_DEVICE "/dev/cpu_dma_latency"

/* Whether idle processors halt by the kernel's driver for guests of a hypervisor. The hypervisor then has to wake them,
 * which takes tens of microseconds. Elsewhere an idle processor leaves its first state in one or two. */
bool os_idle_is_guest(void);
/* Opens a request, which asks for nothing yet. -EACCES: it needs root. -ENODEV: the path is no such device. */
int os_idle_open(void);
/* Asks for processors that poll instead of sleeping, or for nothing. */
int os_idle_poll(int fd, bool poll);

#endif
