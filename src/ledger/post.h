/* ledger/post.h - does what sagas ask: one batch of commands, one SQL transaction.
 *
 * Purpose:   the heart of the room. Loads, decides each command in the order of the bus, writes
 *            journals, and saves them with the answers.
 * Units:     none.
 * Ownership: everything lives in the arena of the batch.
 * Errors:    those of the database; nothing was done then. What is no command ends DELIVERY_DEAD.
 * Threads:   as the db. */
#ifndef LEDGER_POST_H
#define LEDGER_POST_H

#include "platform/messaging/consumer.h"

MUST_CHECK enum status ledger_post(struct db *db, struct arena *arena,
                                   struct delivery *const *deliveries, size_t count,
                                   struct error *err);

#endif
