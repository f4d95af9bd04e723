/* platform/messaging/parked.h - keys that wait because one of their messages cannot be applied now.
 *
 * Purpose:   inside of the consumer: keeps back what belongs to a parked key, saves what a poll
 *            has to leave behind, and tries parked keys again, message by message in order.
 * Units:     milliseconds.
 * Ownership: borrows door and deliveries.
 * Errors:    those of the round trips; then nothing was saved and the bus hands over again.
 * Threads:   as the db. */
#ifndef PLATFORM_MESSAGING_PARKED_H
#define PLATFORM_MESSAGING_PARKED_H

#include "platform/messaging/delivery.h"

/* Saves deliveries whose key is parked already and marks them as followers. */
MUST_CHECK enum status parked_keep_back(const struct delivery_door *door,
                                        struct delivery *const *deliveries, size_t count,
                                        struct error *err);
/* Saves what is marked and not saved: parked keys with their messages, dead letters. */
MUST_CHECK enum status parked_save(const struct delivery_door *door,
                                   struct delivery *const *deliveries, size_t count,
                                   struct error *err);

/* Tries one parked key whose time has come, up to the first message that has to wait longer.
 * `door` applies; `lock` is a second connection that holds the key meanwhile, so that a message
 * that arrives now waits until it is known whether the key is still parked. */
MUST_CHECK enum status parked_try_key(const struct delivery_door *door, struct db *lock,
                                      bool *found_out, struct error *err);

#endif
