#include "gateway/wait_estimate.h"

#include "base/assert.h"

enum { REMEMBERED = 4 }; /* a run counts for a quarter, the one before it for a quarter less ... */

void wait_estimate_add(struct wait_estimate *estimate)
{
    atomic_fetch_add_explicit(&estimate->waiting, 1, memory_order_relaxed);
}

void wait_estimate_take(struct wait_estimate *estimate, size_t count)
{
    const size_t before =
        atomic_fetch_sub_explicit(&estimate->waiting, count, memory_order_relaxed);
    ASSERT(before >= count);
}

void wait_estimate_note_run(struct wait_estimate *estimate, int64_t took_us)
{
    ASSERT(took_us >= 0);
    const int64_t before_us = atomic_load_explicit(&estimate->run_us, memory_order_relaxed);
    atomic_store_explicit(&estimate->run_us, before_us + (took_us - before_us) / REMEMBERED,
                          memory_order_relaxed);
}

int64_t wait_estimate_us(const struct wait_estimate *estimate, size_t run_max)
{
    ASSERT(run_max > 0);
    const size_t waiting = atomic_load_explicit(&estimate->waiting, memory_order_relaxed);
    const int64_t run_us = atomic_load_explicit(&estimate->run_us, memory_order_relaxed);
    return (int64_t)waiting * run_us / (int64_t)run_max;
}
