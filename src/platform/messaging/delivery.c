/* What is applied and what waits, for the deliveries of one poll. An attempt that finds something
 * to park or to bury rolls back and starts again without it, so that nothing of it can have been
 * saved; and without what follows a parked message under its key, so that nothing overtakes it. */
#include "platform/messaging/delivery.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/trace_context.h"
#include "platform/batch.h"
#include "platform/clock.h"

#include <stdarg.h>
#include <stdio.h>

static const int64_t APPLY_TIME_US = 10 * 1000000;

/* A reason may have been cut within a character, and goes into logs, headers and columns. */
static void make_ascii(char *reason)
{
    for (; *reason != '\0'; reason++)
        if (*reason < ' ' || *reason > '~')
            *reason = '?';
}

void delivery_refuse(struct delivery *delivery, enum delivery_outcome outcome, enum cause cause,
                     const char *format, ...)
{
    ASSERT(outcome == DELIVERY_PARK || outcome == DELIVERY_DEAD);
    ASSERT(cause != CAUSE_NONE);
    va_list args;
    va_start(args, format);
    vsnprintf(delivery->reason, sizeof delivery->reason, format, args);
    va_end(args);
    make_ascii(delivery->reason);
    delivery->outcome = outcome;
    delivery->cause = cause;
}

bool delivery_is_marked(const struct delivery *delivery)
{
    return delivery->outcome == DELIVERY_PARK || delivery->outcome == DELIVERY_DEAD;
}

bool delivery_is_follower(const struct delivery *delivery)
{
    return delivery->outcome == DELIVERY_PARK && delivery->cause == CAUSE_NONE;
}

void delivery_mark_follower(struct delivery *delivery)
{
    delivery->outcome = DELIVERY_PARK;
    delivery->cause = CAUSE_NONE;
}

bool delivery_waits_aside(const struct delivery_door *door)
{
    return strcmp(door->config->settings.on_poison, "skip") == 0;
}

bool delivery_has_key_of(const struct delivery *a, const struct delivery *b)
{
    return uuid_equals(&a->message.key, &b->message.key) &&
           text_equals(a->message.topic, b->message.topic);
}

void delivery_begin(struct delivery *delivery)
{
    struct trace_context parent = {.trace_id = ""};
    const struct message *message = &delivery->message;
    if (!trace_context_parse(message->traceparent, &parent))
        (void)trace_context_parse(message->origin_traceparent, &parent);
    trace_context_take_state(&parent, message->tracestate);
    delivery->trace = tracing_continue(&parent);
    delivery->begun_us = clock_monotonic_us();
}

static bool is_any_marked(struct delivery *const *deliveries, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (delivery_is_marked(deliveries[at]))
            return true;
    return false;
}

enum status delivery_leave_out(struct delivery *const *deliveries, size_t count, struct db *db,
                               struct error *err)
{
    if (!is_any_marked(deliveries, count))
        return OK;
    db_rollback(db);
    return error_set(err, ERR_CONFLICT, "some deliveries are left out");
}

/* ---- attempts ------------------------------------------------------------------------------ */

struct application {
    const struct delivery_door *door;
    struct delivery *const *deliveries;
    size_t count;
    struct delivery **live;  /* those of the attempt that are not marked */
    struct error down;       /* status OK: the database was never away */
    struct span_group cause; /* whom the attempt's round trips are for */
};

/* What comes after a parked message under its key waits behind it, unless the operator would rather
 * have it go on. */
static void mark_followers(const struct application *a)
{
    if (delivery_waits_aside(a->door))
        return;
    for (size_t at = 0; at < a->count; at++) {
        if (a->deliveries[at]->outcome != DELIVERY_PARK)
            continue;
        for (size_t later = at + 1; later < a->count; later++)
            if (!delivery_is_marked(a->deliveries[later]) &&
                delivery_has_key_of(a->deliveries[at], a->deliveries[later]))
                delivery_mark_follower(a->deliveries[later]);
    }
}

static size_t gather_live(const struct application *a, size_t first, size_t count)
{
    size_t live = 0;
    for (size_t at = first; at < first + count; at++) {
        struct delivery *delivery = a->deliveries[at];
        if (delivery_is_marked(delivery))
            continue;
        delivery->outcome = DELIVERY_APPLIED;
        delivery->is_claimed = delivery->is_ignored = false;
        delivery->room = NULL;
        delivery->told = NULL;
        a->live[live++] = delivery;
    }
    return live;
}

static void assert_none_saved(const struct application *a, size_t live)
{
    for (size_t at = 0; at < live; at++)
        ASSERT(!delivery_is_marked(a->live[at]) || !a->live[at]->is_claimed);
}

static void gather_cause(struct application *a, size_t live)
{
    a->cause.count = 0;
    for (size_t at = 0; at < live; at++)
        span_group_add(&a->cause, &a->live[at]->trace);
}

/* At once: what the room has told of them lives in the arena of the attempt. */
static void record_applied(const struct application *a, size_t live)
{
    for (size_t at = 0; at < live; at++)
        if (!delivery_is_marked(a->live[at]))
            delivery_record(a->door, a->live[at], a->count);
}

static bool is_poison(const struct application *a, const struct delivery *delivery)
{
    const struct uuid *poison = &a->door->config->poison_key;
    return !uuid_is_nil(poison) && uuid_equals(&delivery->message.key, poison);
}

/* As if the program had a bug that strikes at one key: whatever batch has one of its messages fails
 * as a whole, until it is alone. */
static enum status rehearse(struct application *a, size_t live, struct error *err)
{
    for (size_t at = 0; at < live; at++) {
        if (!is_poison(a, a->live[at]))
            continue;
        if (live > 1)
            return error_set(err, ERR_BROKEN, "a message of this batch is poison, as rehearsed");
        delivery_refuse(a->live[at], DELIVERY_PARK, CAUSE_REHEARSED,
                        "the configuration has it fail: rehearse-poison-key");
        mark_followers(a);
    }
    return OK;
}

/* Repeats while the room marks more; each time there are fewer left. Once the database was away for
 * some, nothing more is tried: it would overtake them, who are handed over again. */
static enum status attempt(void *context, size_t first, size_t count, struct error *err)
{
    struct application *a = context;
    const struct consumer_config *config = a->door->config;
    if (a->down.status != OK)
        return OK;
    for (;;) {
        const size_t live = gather_live(a, first, count);
        if (live == 0)
            return OK;
        TRY(rehearse(a, live, err));
        if (delivery_is_marked(a->live[0]))
            continue; /* it was alone */
        arena_reset(a->door->attempt);
        gather_cause(a, live);
        const struct delivery_batch batch = {a->door->db, a->door->attempt, a->live, live};
        const enum status status = config->apply(config->context, &batch, err);
        if (status == OK) {
            assert_none_saved(a, live);
            record_applied(a, live);
        }
        const bool has_marked = is_any_marked(a->live, live);
        if (has_marked)
            mark_followers(a);
        if (status == OK || !has_marked)
            return status;
    }
}

static void fail(void *context, size_t index, const struct error *err)
{
    struct application *a = context;
    struct delivery *delivery = a->deliveries[index];
    if (delivery_is_marked(delivery))
        return;
    if (err->status == ERR_DOWN || err->status == ERR_UNKNOWN || err->status == ERR_TIMEOUT) {
        a->down = *err;
        return;
    }
    const enum cause cause =
        err->status == ERR_CONFLICT ? CAUSE_DATABASE_BUSY : CAUSE_DATABASE_REFUSED;
    delivery_refuse(delivery, DELIVERY_PARK, cause, "%s", err->message);
    mark_followers(a);
}

static void mark_dead(struct delivery *const *deliveries, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        const struct message *message = &deliveries[at]->message;
        if (delivery_is_marked(deliveries[at]))
            continue;
        if (message->malformed != NULL)
            delivery_refuse(deliveries[at], DELIVERY_DEAD, CAUSE_HEADERS_INVALID, "%s",
                            message->malformed);
        else if (message->given_up != NULL)
            delivery_refuse(deliveries[at], DELIVERY_DEAD, CAUSE_CONSUMER_CRASHED, "%s",
                            message->given_up);
    }
}

enum status delivery_apply_all(const struct delivery_door *door, struct delivery *const *deliveries,
                               size_t count, struct error *err)
{
    struct application a = {.door = door, .deliveries = deliveries, .count = count};
    a.live = ARENA_NEW_ARRAY(door->arena, struct delivery *, count);
    mark_dead(deliveries, count);
    mark_followers(&a);
    const struct batch_machine machine = {
        .context = &a,
        .attempt = attempt,
        .fail = fail,
        .deadline_us = clock_monotonic_us() + APPLY_TIME_US,
    };
    db_set_cause(door->db, &a.cause);
    batch_run(&machine, count);
    db_set_cause(door->db, NULL);
    if (a.down.status == OK)
        return OK;
    return error_set(err, a.down.status, "%s", a.down.message);
}
