/* base/timestamp.h - points in time as text.
 *
 * Purpose:   RFC 3339 in UTC, both ways, for bodies, logs and events.
 * Units:     microseconds since 1970-01-01T00:00:00Z.
 * Ownership: values.
 * Errors:    timestamp_parse says false.
 * Threads:   values. */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include "base/text.h"

enum { TIMESTAMP_TEXT_SIZE = 27 };

/* 2026-01-31T12:00:00.000001Z */
void timestamp_format(int64_t time_us, char out[static TIMESTAMP_TEXT_SIZE + 1]);
/* As RFC 3339 allows, up to six decimals, `Z` only. */
bool timestamp_parse(struct text t, int64_t *time_us_out);

#endif
