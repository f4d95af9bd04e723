/* saga/consumer.h - the orchestrator's door where the door is the bus.
 *
 * Purpose:   says which topics it hears and how large its batches are (saga/advance.h).
 * Units:     milliseconds.
 * Ownership: the caller stops what it started (consumer_stop).
 * Errors:    those of consumer_start.
 * Threads:   at start. */
#ifndef SAGA_CONSUMER_H
#define SAGA_CONSUMER_H

#include "base/error.h"

struct consumer;
struct room;

MUST_CHECK enum status saga_consumer_start(struct room *room, struct consumer **consumer_out,
                                           struct error *err);

#endif
