/* platform/worker.h - threads that run batches: the one place where two threads meet.
 *
 * Purpose:   a pool of workers, each with a bounded queue, an arena and a context of its room (a
 *            database connection, a client). Items are dealt by lane, so that two workers rarely
 *            want the same row. Nothing waits for a batch to fill: what arrived while the last
 *            batch was on its way is the next batch.
 * Units:     counts of items; the arena in bytes.
 * Ownership: an item is the caller's; after a successful submit it is the room's `run` that
 *            answers it. The arena is reset after each run.
 * Errors:    worker_pool_submit says false when the queue is full or the pool is stopping: answer
 *            503 with Retry-After.
 * Threads:   submit from any thread; run is called on the worker's own thread. */
#ifndef PLATFORM_WORKER_H
#define PLATFORM_WORKER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct worker_pool;

struct worker {
    int index;
    struct arena *arena; /* reset after each run */
    void *shared;        /* the pool's */
    void *context;       /* the worker's own, set by `open` */
};

struct worker_pool_config {
    const char *name; /* seen in the thread list: at most 11 characters */
    int workers;
    size_t queue_max; /* items waiting for each worker */
    size_t batch_max; /* items given to one run */
    size_t arena_size_max;
    void *shared;
    void (*open)(struct worker *worker); /* on the worker's thread; may be NULL */
    void (*run)(struct worker *worker, void **items, size_t count);
    void (*close)(struct worker *worker); /* may be NULL */
};

struct worker_pool *worker_pool_start(const struct worker_pool_config *config);
MUST_CHECK bool worker_pool_submit(struct worker_pool *pool, unsigned lane, void *item);
/* Refuses new items, runs what is queued, ends the threads, frees. Accepts NULL. */
void worker_pool_stop(struct worker_pool *pool);

/* A thread that does one thing again and again until it is told to stop: sweeper, relay, poller. */
struct loop;
/* `step` returns how many milliseconds to rest before the next step (0: none). */
struct loop *loop_start(const char *name, int (*step)(void *context), void *context);
void loop_wake(struct loop *loop); /* ends the rest early; any thread */
void loop_stop(struct loop *loop); /* waits for the running step; accepts NULL */

#endif
