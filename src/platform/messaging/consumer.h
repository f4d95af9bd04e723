/* platform/messaging/consumer.h - the door of a room where the door is the bus.
 *
 * Purpose:   takes what one poll returned, keeps back what belongs to a parked key, lets the room
 *            apply the rest as batches (platform/batch.h), parks what could not be applied, tries
 *            parked keys again with back-off, and in the end writes a dead letter. The room's
 *            `apply` is one SQL transaction that claims the inbox first; progress on the bus is
 *            confirmed after it.
 * Units:     waits in milliseconds.
 * Ownership: the consumer owns its threads, its bus_consumer and one db per thread.
 * Errors:    none to the caller: a bus or database that is down is waited for, with log lines.
 * Threads:   each consumer runs `threads` threads; apply is called on them. */
#ifndef PLATFORM_MESSAGING_CONSUMER_H
#define PLATFORM_MESSAGING_CONSUMER_H

#include "base/trace_context.h"
#include "platform/bus/bus.h"
#include "platform/messaging/cause.h"
#include "platform/postgres/postgres.h"
#include "platform/tracing/tracing.h"

struct consumer;

enum delivery_outcome {
    DELIVERY_APPLIED,   /* its effect is saved (or there was nothing to do)           */
    DELIVERY_DUPLICATE, /* set by inbox_read_claims: skip it                          */
    DELIVERY_PARK,      /* cannot be applied now: park its key, try again later       */
    DELIVERY_DEAD,      /* can never be applied (not our schema): dead letter at once */
};

struct delivery {
    struct message message;
    struct trace_context trace; /* of its processing, a span below the message's; never empty */
    const struct span_attribute *told; /* by delivery_tell, for the time of one apply */
    bool is_ignored;                   /* the room says: a repeat, or nothing that concerns it */
    enum delivery_outcome outcome;     /* DELIVERY_APPLIED unless the room says otherwise */
    enum cause cause;                  /* of DELIVERY_PARK and DELIVERY_DEAD */
    char reason[160];                  /* why it was parked or is dead */
    void *room;                        /* the room's own, for the time of one apply */
    struct text redrive_traceparent;   /* the machinery's: of who has put it back; none: nobody */
    int tries;                         /* the machinery's: that have failed before, parked */
    int64_t begun_us;                  /* the machinery's: on the monotonic clock */
    bool is_claimed;                   /* the machinery's: in the inbox with this attempt */
    bool is_saved;                     /* the machinery's: waits in the database already */
};

/* Marks a delivery as DELIVERY_PARK or DELIVERY_DEAD and says why. */
void delivery_refuse(struct delivery *delivery, enum delivery_outcome outcome, enum cause cause,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* What the span of a delivery's processing says beside what every one says; the list
 * (SPAN_ATTRIBUTE_LIST) is copied into the arena of the apply. Ask delivery_is_traced first: most
 * may not be. */
bool delivery_is_traced(const struct delivery *delivery);
void delivery_tell(struct delivery *delivery, struct arena *arena,
                   const struct span_attribute *attributes);

/* Stands in each apply between deciding and saving. OK: none is marked, save them all.
 * ERR_CONFLICT: rolled back, return it; apply is called again at once without those that are marked
 * and without what follows a parked one under its key, so that neither is claimed and no key is
 * overtaken. */
MUST_CHECK enum status delivery_leave_out(struct delivery *const *deliveries, size_t count,
                                          struct db *db, struct error *err);

/* What one apply is given. */
struct delivery_batch {
    struct db *db;
    struct arena *arena;                /* for the time of the apply */
    struct delivery *const *deliveries; /* in bus order, each as DELIVERY_APPLIED */
    size_t count;
};

/* What the options say (CONSUMER_OPTIONS of platform/service/service.h). */
struct consumer_settings {
    const char *on_poison;     /* park_key: later messages of its key wait behind a message that
                                  cannot be applied; skip: it waits alone and they go on */
    int64_t park_attempts_max; /* tries of a message before it is a dead letter */
    int64_t park_wait_ms;      /* before the second try; doubles, up to a minute */
    const char *rehearse_poison_key; /* its messages cannot be applied; NULL: no rehearsal */
};

/* ERR_INVALID: a number out of its range, a key that is none. */
MUST_CHECK enum status consumer_check_settings(const struct consumer_settings *settings,
                                               struct error *err);

struct consumer_config {
    struct consumer_settings settings;
    struct bus_config bus;
    struct db_config db;                /* statements: the room's; the consumer adds its own */
    const char *group;                  /* the service's name */
    const char *topics[BUS_TOPICS_MAX]; /* full names, ends with NULL */
    int threads;
    int batch_max;
    size_t arena_size_max;
    struct uuid poison_key; /* the machinery's: of settings; nil: none */
    void *context;
    /* One SQL transaction: claim the inbox, load, decide, leave out what is marked, save, commit.
     */
    enum status (*apply)(void *context, const struct delivery_batch *batch, struct error *err);
};

MUST_CHECK enum status consumer_start(const struct consumer_config *config,
                                      struct consumer **consumer_out, struct error *err);
void consumer_stop(struct consumer *consumer); /* ends after the batch under way; accepts NULL */

#endif
