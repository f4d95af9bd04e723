/* platform/messaging/delivery.h - deliveries that the room has marked, and the rest of their keys.
 *
 * Purpose:   inside of the consumer: applies a poll's deliveries as batches, so that in the end
 *            each is applied (or a duplicate), to be parked, or dead, and no message of a key has
 *            overtaken another.
 * Units:     none.
 * Ownership: arrays in the arena of the poll.
 * Errors:    delivery_apply_all: the database is away, nothing is known of the rest: let the bus
 *            hand them over again.
 * Threads:   as the db. */
#ifndef PLATFORM_MESSAGING_DELIVERY_H
#define PLATFORM_MESSAGING_DELIVERY_H

#include "platform/messaging/consumer.h"

/* Where deliveries are applied and what becomes of them is saved. */
struct delivery_door {
    const struct consumer_config *config;
    struct db *db;
    struct arena *arena;   /* of the deliveries */
    struct arena *attempt; /* of one attempt: many may be needed */
};

MUST_CHECK enum status delivery_apply_all(const struct delivery_door *door,
                                          struct delivery *const *deliveries, size_t count,
                                          struct error *err);

/* DELIVERY_PARK or DELIVERY_DEAD. */
bool delivery_is_marked(const struct delivery *delivery);
/* It waits only because an earlier message of its key does. */
bool delivery_is_follower(const struct delivery *delivery);
void delivery_mark_follower(struct delivery *delivery);
/* What cannot be applied waits alone, not with its key. */
bool delivery_waits_aside(const struct delivery_door *door);
bool delivery_has_key_of(const struct delivery *a, const struct delivery *b);

/* Before anything else is done with a message: its processing is a new span of its trace, which
 * begins now. */
void delivery_begin(struct delivery *delivery);
/* The span has ended: with its effect, or because it is parked or dead, which has been saved.
 * `count`: how many deliveries were handled together. */
void delivery_record(const struct delivery_door *door, const struct delivery *delivery,
                     size_t count);

#endif
