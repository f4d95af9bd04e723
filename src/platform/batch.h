/* platform/batch.h - how a batch survives conflicts, bad items and lost connections.
 *
 * Purpose:   every service takes a batch, loads, decides and saves it in one SQL transaction. This
 *            is what happens when that transaction fails: a lost race runs the whole batch again
 *            (the winner is now a repeat); from the second failure on the batch is halved, so that
 *            no item's fault fails its neighbours; a lost connection is tried again under the same
 *            ids until the deadline.
 * Units:     deadlines on the monotonic clock, in microseconds.
 * Ownership: the caller owns the items; batch_run only names them by index.
 * Errors:    each item ends in exactly one of: a successful attempt, or `fail`.
 * Threads:   runs on the caller's thread, blocking. */
#ifndef PLATFORM_BATCH_H
#define PLATFORM_BATCH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct batch_machine {
    void *context;
    /* Loads, decides and saves items [first, first + count) in one SQL transaction; nothing of it
     * is done unless it returns OK. It is called again after a failure and must start afresh. */
    enum status (*attempt)(void *context, size_t first, size_t count, struct error *err);
    /* The item cannot be done: ERR_UNKNOWN, ERR_TIMEOUT: the outcome may be unknown. */
    void (*fail)(void *context, size_t index, const struct error *err);
    int64_t deadline_us; /* no attempt starts after it */
};

void batch_run(const struct batch_machine *machine, size_t count);

#endif
