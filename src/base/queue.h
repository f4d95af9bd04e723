/* base/queue.h - a bounded queue of pointers between threads.
 *
 * Purpose:   the one thing threads share: many put items in, one takes all that wait at once.
 * Units:     counts of items.
 * Ownership: items are the caller's; the queue keeps only their addresses.
 * Errors:    queue_put says false when the queue is full or closed. A bound of 0 is a bug.
 * Threads:   any; queue_free when nobody uses it any more. */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/error.h"

#include <stddef.h>

struct queue;

struct queue *queue_new(size_t count_max);
void queue_free(struct queue *queue); /* accepts NULL */

MUST_CHECK bool queue_put(struct queue *queue, void *item);
/* Waits until something is there, then takes up to count_max items, oldest first. 0: the queue is
 * closed and empty. */
size_t queue_take(struct queue *queue, void **items_out, size_t count_max);
/* Refuses what comes from now on; what waits can still be taken. */
void queue_close(struct queue *queue);

#endif
