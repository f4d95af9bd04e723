/* platform/exemplar.h - which trace a slow observation of a histogram belongs to.
 *
 * Purpose:   one example for each series: the slowest of the last minute, so that whoever sees a
 *            slow bucket can find a request that is in it. What is fast has none.
 * Units:     microseconds; `at_us` since 1970.
 * Ownership: copied. A bounded number of series has a place; the oldest example makes room.
 * Errors:    none.
 * Threads:   any; only what is slow takes the lock. */
#ifndef PLATFORM_EXEMPLAR_H
#define PLATFORM_EXEMPLAR_H

#include "base/trace_context.h"
#include "platform/metrics.h"

enum { EXEMPLAR_US_MIN = 50000 };

struct exemplar {
    char trace_id[TRACE_ID_SIZE + 1];
    int64_t value_us;
    int64_t at_us;
};

/* Does nothing below EXEMPLAR_US_MIN, and without a trace id (NULL or empty). */
void exemplar_note(const struct metric *histogram, size_t series, int64_t value_us,
                   const char *trace_id);

bool exemplar_find(const struct metric *histogram, size_t series, struct exemplar *exemplar_out);

#endif
