/* saga/heard.h - what a message on the bus means to a saga.
 *
 * Purpose:   one table names the messages that move sagas; every other type on these topics
 *            (a decline, a frozen account) means nothing here.
 * Units:     amounts in minor units.
 * Ownership: texts live in the arena given, or borrow from the message.
 * Errors:    HEARD_MALFORMED, with why: such a message can never be applied.
 * Threads:   any. */
#ifndef SAGA_HEARD_H
#define SAGA_HEARD_H

#include "base/error.h"
#include "base/trace_context.h"
#include "base/uuid.h"
#include "domain/saga.h"

struct arena;
struct delivery;

enum heard_kind {
    HEARD_NOTHING, /* no saga waits for it     */
    HEARD_START,   /* begins a saga            */
    HEARD_ANSWER,  /* answers a saga's command */
    HEARD_MALFORMED,
};

struct heard {
    enum heard_kind kind;
    struct delivery *delivery; /* that brought it */
    enum saga_event event;
    struct uuid authorization_id;
    struct uuid saga_id;        /* a start: of the saga that begins */
    struct uuid command_id;     /* an answer: the command's         */
    struct text reason;         /* why the ledger refused; what ended the hold; else none */
    struct trace_context trace; /* of its processing */

    /* Of a start. */
    enum saga_type type;
    struct uuid account_id;
    struct text user_id;
    struct text tenant;
    int64_t amount_minor;
    struct text currency;
    struct text origin_traceparent;
};

/* `err` is set where the kind is HEARD_MALFORMED. */
struct heard heard_read(struct arena *arena, struct delivery *delivery, struct error *err);

#endif
