/* gateway/wait_estimate.h - how long a worker's next item would have to wait.
 *
 * Purpose:   a worker takes all that waits, up to a full run, and lately a run has taken so long:
 *            so many full runs are ahead of whoever comes now. Who would wait for too long is
 *            better told at once. Short queues are never refused: after a run that took very long,
 *            the few that are let in show whether it still does.
 * Units:     microseconds.
 * Ownership: a value; zeroed, nothing waits and runs take no time.
 * Errors:    none.
 * Threads:   any may add and ask; the worker alone notes runs. What is read may be a moment old. */
#ifndef GATEWAY_WAIT_ESTIMATE_H
#define GATEWAY_WAIT_ESTIMATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct wait_estimate {
    atomic_size_t waiting;      /* items that no run has taken yet */
    atomic_int_fast64_t run_us; /* a run, the last ones counting most */
};

void wait_estimate_add(struct wait_estimate *estimate);
/* A run has taken so many of them. */
void wait_estimate_take(struct wait_estimate *estimate, size_t count);
void wait_estimate_note_run(struct wait_estimate *estimate, int64_t took_us);
/* Until a run would take who comes now; `run_max` items go into one. */
int64_t wait_estimate_us(const struct wait_estimate *estimate, size_t run_max);

#endif
