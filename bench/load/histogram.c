#include "load/histogram.h"

/* Up to 64 us each has its bucket; above, each power of two is divided into 64. */
static unsigned bucket_of(uint64_t us)
{
    if (us < 64)
        return (unsigned)us;
    const unsigned exponent = 63 - (unsigned)__builtin_clzll(us); /* at least 6 */
    const unsigned bucket = (exponent - 5) * 64 + (unsigned)((us >> (exponent - 6)) & 63);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned bucket)
{
    if (bucket < 64)
        return bucket;
    const unsigned shift = bucket / 64 - 1;
    return ((64 + (uint64_t)bucket % 64) << shift) + ((uint64_t)1 << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
    histogram->counts[bucket_of(us)]++;
    histogram->count++;
    histogram->sum_us += us;
    if (us > histogram->max_us)
        histogram->max_us = us;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (unsigned at = 0; at < HISTOGRAM_BUCKETS; at++)
        histogram->counts[at] += other->counts[at];
    histogram->count += other->count;
    histogram->sum_us += other->sum_us;
    if (other->max_us > histogram->max_us)
        histogram->max_us = other->max_us;
}

uint64_t histogram_percentile_us(const struct histogram *histogram, unsigned per_mille)
{
    const uint64_t wanted = (histogram->count * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (unsigned at = 0; at < HISTOGRAM_BUCKETS; at++) {
        seen += histogram->counts[at];
        if (seen >= wanted && seen > 0)
            return value_of(at);
    }
    return 0;
}

uint64_t histogram_mean_us(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : histogram->sum_us / histogram->count;
}
