/* platform/messaging/waiting.h - what waits for later or for an operator, counted for /metrics.
 *
 * Purpose:   inside of the consumer: its keeper counts parked keys and dead letters every two
 *            seconds.
 * Units:     none.
 * Ownership: borrows the door.
 * Errors:    those of the round trip; the gauges stay as they were.
 * Threads:   as the db. */
#ifndef PLATFORM_MESSAGING_WAITING_H
#define PLATFORM_MESSAGING_WAITING_H

#include "platform/messaging/delivery.h"

#include <stdint.h>

/* *due_us: when to count next, on the monotonic clock; until then nothing is done. */
MUST_CHECK enum status waiting_count(const struct delivery_door *door, int64_t *due_us,
                                     struct error *err);

#endif
