/* platform/messaging/dead_letter.h - messages that cannot be applied at all.
 *
 * Purpose:   keeps them in the service's dead_letter table, for its operator, and publishes them
 *            on <topic>.dlq through the outbox, for others: same key, same bytes, all original
 *            headers and why.
 * Units:     times in microseconds since 1970.
 * Ownership: the message is borrowed.
 * Errors:    those of the round trip.
 * Threads:   as the db. */
#ifndef PLATFORM_MESSAGING_DEAD_LETTER_H
#define PLATFORM_MESSAGING_DEAD_LETTER_H

#include "platform/messaging/delivery.h"

/* What is known of a letter that has died before and was redriven, or handed over again. */
struct dead_letter_past {
    int attempts;            /* 0: it dies for the first time */
    int64_t first_failed_us; /* 0: likewise */
    int redrives;
    struct uuid redrive_id; /* the newest; nil: none */
};

struct dead_letter {
    const struct delivery *delivery;
    int attempts; /* this time */
    int64_t first_failed_us;
    int64_t last_failed_us;
    struct dead_letter_past past;
};

/* Fills in the pasts, by a round trip of its own unless there are no letters. */
MUST_CHECK enum status dead_letter_load_past(const struct delivery_door *door,
                                             struct dead_letter *letters, size_t count,
                                             struct error *err);

/* Queues their rows in the SQL transaction that is open; nothing when there is none. */
void dead_letter_send(const struct delivery_door *door, const struct dead_letter *letters,
                      size_t count);
/* Once they are committed. */
void dead_letter_log(const struct delivery_door *door, const struct dead_letter *letters,
                     size_t count);

#endif
