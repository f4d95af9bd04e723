/* authorization/consumer.h - the saga's commands to this service, from the bus.
 *
 * Purpose:   `authorization.release`: the ledger refused to book, so the hold is given back and the
 *            authorization becomes reversed.
 * Units:     none.
 * Ownership: the consumer owns its threads and connections.
 * Errors:    commands_start says what could not be had.
 * Threads:   start and stop on the main thread. */
#ifndef AUTHORIZATION_CONSUMER_H
#define AUTHORIZATION_CONSUMER_H

#include "authorization/batch.h"
#include "platform/messaging/consumer.h"

struct waker;

struct commands {
    const struct authorization_policy *policy;
    struct waker *waker;
    struct consumer *consumer;
};

/* `config` without context and apply. */
MUST_CHECK enum status commands_start(struct commands *commands,
                                      const struct consumer_config *config, struct error *err);
void commands_stop(struct commands *commands);

#endif
