/* platform/clock.h - the time, for deadlines and for logs.
 *
 * Purpose:   a process's own clock serves deadlines and log lines only. Business time is the
 *            database's, read after the lock.
 * Units:     microseconds.
 * Ownership: none.
 * Errors:    none; a kernel without these clocks aborts.
 * Threads:   any. */
#ifndef PLATFORM_CLOCK_H
#define PLATFORM_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_us(void); /* since some fixed moment; never steps back */
int64_t clock_realtime_us(void);  /* since 1970-01-01 UTC; may step            */

#endif
