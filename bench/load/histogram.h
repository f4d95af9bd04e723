/* load/histogram.h - how long answers took, in buckets that are 1.6 % wide.
 *
 * Units:     microseconds.
 * Ownership: a plain struct of the caller's.
 * Errors:    none; longer than an hour counts as an hour.
 * Threads:   the driver has one. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 64 * 28 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, sum_us, max_us;
};

void histogram_add(struct histogram *histogram, uint64_t us);

/* Adds what another one has counted. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* What `per_mille` of all answers did not exceed; 0 without answers. */
uint64_t histogram_percentile_us(const struct histogram *histogram, unsigned per_mille);
uint64_t histogram_mean_us(const struct histogram *histogram);

#endif
