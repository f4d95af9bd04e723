/* outbox/notify.h - tells the customer's own systems of events, by a topic of SNS.
 *
 * Purpose:   a consumer group of the bus, `notify`, whatever bus it is: reads the events of the
 *            types wished for, publishes each as one JSON object (CloudEvents, structured mode),
 *            confirms them after SNS has them. At least once; in order per key where the topic is
 *            a FIFO topic. A topic that is down is waited for and stops nobody else.
 * Units:     none.
 * Ownership: lives in an arena of the caller's and owns its thread; the strings of its config must
 *            outlive it.
 * Errors:    notify_start: types that are none, no region. Later ones are waited for, with a log
 *            line at the beginning and one at the end.
 * Threads:   one of its own. */
#ifndef OUTBOX_NOTIFY_H
#define OUTBOX_NOTIFY_H

#include "platform/bus/bus.h"

struct notify;

struct notify_config {
    struct bus_config bus;
    const char *topic_arn; /* NULL: nobody is notified */
    const char *types;     /* authorization.*,ledger.refused */
};

/* Which topics of the bus that takes; a NULL group when nobody is notified. */
MUST_CHECK enum status notify_reader(const struct notify_config *config, struct arena *arena,
                                     struct bus_reader *reader_out, struct error *err);

/* `reader`: from notify_reader. Writes NULL when nobody is notified. */
MUST_CHECK enum status notify_start(const struct notify_config *config,
                                    const struct bus_reader *reader, struct arena *arena,
                                    struct notify **notify_out, struct error *err);
void notify_stop(struct notify *notify); /* accepts NULL */

#endif
