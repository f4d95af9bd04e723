/* outbox/store.h - the door to the outbox of one service.
 *
 * Purpose:   takes lanes, reads their events, deletes what the bus has acknowledged: one SQL
 *            transaction from store_take to store_finish, so that no lease outlives it.
 * Units:     times in milliseconds where the name says so.
 * Ownership: events live in the arena given, and borrow from what the db has read: store_finish
 *            or a rollback ends them.
 * Errors:    those of the round trip; the SQL transaction has been rolled back then.
 * Threads:   as the db. */
#ifndef OUTBOX_STORE_H
#define OUTBOX_STORE_H

#include "platform/bus/message.h"
#include "platform/postgres/postgres.h"

enum { OUTBOX_LANES = 64 };

/* One row of an outbox, ready to be published. */
struct event {
    int64_t seq;
    int lane;
    struct message message;
};

struct event_list {
    struct event *events;
    size_t count;
};

/* One service's outbox. */
struct store {
    struct db *db;
    struct text source;       /* the service's schema: authorization */
    struct text topic_prefix; /* tallystick */
};

/* Which lanes to take. */
struct store_share {
    const bool *is_resting; /* of each lane: leave it alone */
    int first_lane;
    int lane_max;
    int event_max;
};

struct store_backlog {
    int64_t pending; /* counted no further than some bound */
    int64_t oldest_age_ms;
};

/* As far as two looks tell: numbers that were drawn in vain count, too. */
struct store_waiting {
    int64_t count;
    int64_t oldest_age_us; /* 0: none waits */
};

/* None is OK with a count of 0, and no SQL transaction is open then. */
MUST_CHECK enum status store_take(const struct store *store, struct arena *arena,
                                  const struct store_share *share, struct event_list *list_out,
                                  struct error *err);
/* Deletes those that are published, and commits. */
MUST_CHECK enum status store_finish(const struct store *store, struct arena *arena,
                                    const struct event_list *list, const bool *published,
                                    struct error *err);

MUST_CHECK enum status store_measure(const struct store *store, struct arena *arena,
                                     struct store_backlog *backlog_out, struct error *err);
/* Cheap, however many wait. `is_resting`: lanes that do not count. */
MUST_CHECK enum status store_measure_waiting(const struct store *store, struct arena *arena,
                                             const bool *is_resting,
                                             struct store_waiting *waiting_out, struct error *err);

#endif
