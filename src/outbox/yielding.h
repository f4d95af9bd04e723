/* outbox/yielding.h - a relay's eye on how far booking is behind.
 *
 * Purpose:   looks every 250 ms at what has arrived and what waits, has the rule of pace.h decide
 *            whether the relay lets decisions go first, and tells of it: a log line at either end
 *            and the gauge outbox_yielding.
 * Units:     microseconds.
 * Ownership: a value of the relay's; its texts live in the arena of yielding_init, and the store
 *            and the publisher outlive it.
 * Errors:    those of the two round trips; what was decided before stands.
 * Threads:   the relay's. */
#ifndef OUTBOX_YIELDING_H
#define OUTBOX_YIELDING_H

#include "outbox/metrics.h"
#include "outbox/pace.h"
#include "outbox/store.h"
#include "platform/bus/bus.h"

enum { YIELDING_LOOK_EVERY_MS = 250, YIELDING_TOPICS = 2 };

struct yielding_config {
    enum outbox_source source;
    const char *topic_prefix;
    int64_t wait_max_us; /* 0: it never yields, and does not look */
    const struct store *store;
    struct bus_publisher *publisher;
};

struct yielding {
    struct yielding_config config;
    const char *topics[YIELDING_TOPICS + 1]; /* what the source tells, ends with NULL */
    struct pace pace;
    int64_t due_us;   /* the next look */
    int64_t began_us; /* of the burst that is told; 0: none is */
};

/* Only the service that decides has a door before it: the relays of the others never yield. */
void yielding_init(struct yielding *yielding, const struct yielding_config *config,
                   struct arena *arena);

/* Where a look is due. `is_resting`: lanes whose events cannot be published for now. */
MUST_CHECK enum status yielding_look(struct yielding *yielding, struct arena *arena,
                                     const bool *is_resting, struct error *err);

#endif
