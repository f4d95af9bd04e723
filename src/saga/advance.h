/* saga/advance.h - a batch of messages moves its sagas.
 *
 * Purpose:   the orchestrator's main act: claim, lock and load, decide by the rule table, save
 *            sagas with their commands and events, in one SQL transaction.
 * Units:     none.
 * Ownership: all in the arena of the batch.
 * Errors:    those of the round trips; the consumer runs the batch again.
 * Threads:   on the consumer's threads, each with its own db. */
#ifndef SAGA_ADVANCE_H
#define SAGA_ADVANCE_H

#include "platform/messaging/consumer.h"

/* The consumer's `apply`; the context is the struct room. */
enum status advance_sagas(void *context, const struct delivery_batch *given, struct error *err);

#endif
