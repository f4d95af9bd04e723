/* load/usage.h - CPU time and memory of processes, from /proc.
 *
 * Units:     CPU in milliseconds (the kernel counts in ticks of 10), memory in KiB.
 * Ownership: nothing is kept.
 * Errors:    a process that is gone counts nothing.
 * Threads:   the driver has one. */
#ifndef LOAD_USAGE_H
#define LOAD_USAGE_H

#include <stdint.h>
#include <sys/types.h>

/* CPU of a process and all below it, those that ended included. */
int64_t usage_tree_cpu_ms(pid_t root);

/* Its proportional share of memory, with all below it. */
int64_t usage_tree_pss_kib(pid_t root);

/* CPU of the driver itself, and of the whole machine without idling and waiting. */
int64_t usage_own_cpu_ms(void);
int64_t usage_machine_cpu_ms(void);

#endif
