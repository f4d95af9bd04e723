/* platform/tracing/span_queue.h - spans that wait to be sent, in a ring of bytes of fixed size.
 *
 * Purpose:   many put records in, one takes them out in order, batch by batch. A record never
 *            waits for room: there is some, or it is refused.
 * Units:     counts of records, sizes in bytes, times in milliseconds.
 * Ownership: the queue owns the memory of its records; those that were looked at stay until they
 *            are dropped.
 * Errors:    span_queue_put says false when the queue is full or closed.
 * Threads:   put from any thread; wait, look and drop from one. */
#ifndef PLATFORM_TRACING_SPAN_QUEUE_H
#define PLATFORM_TRACING_SPAN_QUEUE_H

#include "base/error.h"
#include "platform/tracing/span_record.h"

struct span_queue;

struct span_queue *span_queue_new(size_t count_max, size_t batch_max);
void span_queue_free(struct span_queue *queue); /* accepts NULL */

MUST_CHECK bool span_queue_put(struct span_queue *queue, const struct span_record *record);
/* Waits until a batch is full, or wait_ms are over, or the queue is closed. */
void span_queue_wait(struct span_queue *queue, int64_t wait_ms);
/* Rests for wait_ms, or until the queue is closed. */
void span_queue_rest(struct span_queue *queue, int64_t wait_ms);
/* The oldest records, up to a batch and up to size_max bytes (of at least one record). */
size_t span_queue_look(struct span_queue *queue, const struct span_record **records_out,
                       size_t size_max);
/* Gives back the memory of the `count` oldest. */
void span_queue_drop(struct span_queue *queue, size_t count);
/* Refuses what comes from now on, ends waits. */
void span_queue_close(struct span_queue *queue);
bool span_queue_is_closed(struct span_queue *queue);
size_t span_queue_count(struct span_queue *queue);

#endif
