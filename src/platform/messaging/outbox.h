/* platform/messaging/outbox.h - what a room has to say, saved with what it did.
 *
 * Purpose:   events and commands are rows of the room's outbox, inserted in the SQL transaction of
 *            their cause; the outbox processor moves them to the bus. `seq` is drawn in the order
 *            added here while what they are about is locked (the account, its lane's chain, the
 *            saga), so that its visible events are always a prefix. Commands of two sagas of one
 *            account may come in either order.
 * Units:     none.
 * Ownership: the list and its texts live in the arena of the batch.
 * Errors:    those of the round trip that inserts.
 * Threads:   a list belongs to one worker. */
#ifndef PLATFORM_MESSAGING_OUTBOX_H
#define PLATFORM_MESSAGING_OUTBOX_H

#include "base/text.h"
#include "base/trace_context.h"
#include "base/uuid.h"

struct arena;
struct db;
struct sql_statement;

/* What a db_config must list for whoever uses outbox, inbox or waker. Ends in NULL. */
extern const struct sql_statement *const messaging_statements[];

struct outbox_event {
    struct uuid id;             /* v7; the event's id for ever */
    int lane;                   /* of the account */
    const char *aggregate_type; /* authorization, account, ledger, saga, ledger.commands,
                                   authorization.commands: the topic follows from it; what ends
                                   in .dlq is a topic's whole name */
    struct uuid aggregate_id;   /* the subject: an authorization's id, an account's, a saga's */
    struct uuid key;            /* account id; saga events: the saga's id */
    const char *type;           /* authorization.approved */
    int64_t sequence;           /* the aggregate's version after this event */
    struct text tenant;
    struct text payload;        /* JSON: full new state and change{from,to,by} */
    struct uuid saga_id;        /* nil: none */
    struct uuid command_id;     /* nil: none */
    struct trace_context trace; /* the span that produced it, with the trace's state */
    struct text origin_traceparent;
    struct text headers; /* JSON, published as they are (dead letters); none: from the above */
};

struct outbox {
    struct arena *arena;
    struct outbox_event *events;
    size_t count;
    size_t capacity;
};

void outbox_init(struct outbox *outbox, struct arena *arena, size_t count_expected);
void outbox_add(struct outbox *outbox, const struct outbox_event *event);
/* Queues the insert in the db's round trip; nothing when the list is empty (says false then).
 * `now_us` is the database's clock under the locks: the first event's time, and each later one's is
 * a microsecond later, so that times tell the order, too. */
bool outbox_send(const struct outbox *outbox, struct db *db, int64_t now_us);

#endif
