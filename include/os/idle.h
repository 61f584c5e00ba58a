/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to the kernel about the sleep of idle processors (Documentation/power/pm_qos_interface.rst). It concerns
 * the whole machine: of all requests the strictest holds. The request lives as long as its descriptor.
 */
#ifndef OS_IDLE_H
#define OS_IDLE_H

#include <stdbool.h>
#include <sys/types.h>

#define OS_IDLE_DEVICE "/dev/cpu_dma_latency"

/* Reads the name of the kernel's driver for idle processors, with a newline. The size, or -errno: there is none. */
ssize_t os_idle_driver(char *buf, size_t size);
/* Opens a request, which asks for nothing yet. -EACCES: it needs root. -ENODEV: the path is no such device. */
int os_idle_open(void);
/* Asks for processors that poll instead of sleeping, or for nothing. */
int os_idle_poll(int fd, bool poll);

#endif
