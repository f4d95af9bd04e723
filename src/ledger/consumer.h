/* ledger/consumer.h - the door of the ledger where commands come in: the bus.
 *
 * Purpose:   hands the commands of one poll to post.c as one batch, and rings the outbox processor
 *            once they are saved.
 * Units:     none.
 * Ownership: the consumer lives in the arena given and owns its threads and connections; config,
 *            waker and arena must outlive it.
 * Errors:    those of consumer_start.
 * Threads:   main thread. */
#ifndef LEDGER_CONSUMER_H
#define LEDGER_CONSUMER_H

#include "ledger/service.h"

struct ledger_consumer;
struct arena;
struct waker;

MUST_CHECK enum status ledger_consumer_start(const struct ledger_config *config,
                                             struct waker *waker, struct arena *arena,
                                             struct ledger_consumer **consumer_out,
                                             struct error *err);
void ledger_consumer_stop(struct ledger_consumer *consumer); /* accepts NULL */

#endif
