/* outbox/relay.h - moves one service's outbox to the event bus, at least once, in order per lane.
 *
 * Purpose:   a thread that takes lanes, publishes their events and deletes what the bus has
 *            acknowledged, all under the lanes' locks. A first failure stops its lane there:
 *            nothing later overtakes. Several relays, in any number of processes, share the lanes.
 * Units:     seconds and milliseconds, as named.
 * Ownership: the relay owns its thread, its connection and its publisher, and lives in an arena
 *            of the caller's. The strings of its config must outlive it.
 * Errors:    relay_start: an event bus nobody knows. Later a database or bus that is down is
 *            waited for, with a log line.
 * Threads:   relay_backlog and relay_is_yielding from any thread. */
#ifndef OUTBOX_RELAY_H
#define OUTBOX_RELAY_H

#include "outbox/metrics.h"
#include "outbox/store.h"
#include "platform/bus/bus.h"

struct relay;

struct relay_config {
    enum outbox_source source;
    struct db_config db; /* schema: the source's */
    struct bus_config bus;
    const char *topic_prefix;
    int batch_max;
    int64_t pending_warning; /* this many waiting events are worth a warning */
    int64_t age_warning_s;   /* and so is one that has waited for so long */
    int64_t yield_max_ms;    /* no event is held back for longer; 0: never is one */
};

/* The relay lives in `arena`, until relay_stop. */
MUST_CHECK enum status relay_start(const struct relay_config *config, struct arena *arena,
                                   struct relay **relay_out, struct error *err);
void relay_stop(struct relay *relay); /* ends after the batch under way; accepts NULL */

/* As last measured, about two seconds ago. */
struct store_backlog relay_backlog(const struct relay *relay);
/* Decisions go first at the moment. */
bool relay_is_yielding(const struct relay *relay);

#endif
