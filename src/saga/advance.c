/* The life of a batch of messages: two round trips, one commit. Between them every message is
 * decided in the order of the bus, each seeing what the ones before it have changed. */
#include "saga/advance.h"

#include "base/arena.h"
#include "platform/clock.h"
#include "platform/messaging/waker.h"
#include "saga/heard.h"
#include "saga/room.h"
#include "saga/store.h"
#include "saga/wait.h"

/* The messages of a batch that mean something to a saga. */
struct batch {
    size_t count;
    struct delivery **deliveries;
    struct heard *heard;
    struct uuid *authorization_ids;
};

/* What means nothing here is not even claimed: it has no effect that could happen twice. */
static struct batch read_batch(struct arena *arena, struct delivery *const *deliveries,
                               size_t count)
{
    struct batch batch = {.deliveries = ARENA_NEW_ARRAY(arena, struct delivery *, count),
                          .heard = ARENA_NEW_ARRAY(arena, struct heard, count),
                          .authorization_ids = ARENA_NEW_ARRAY(arena, struct uuid, count)};
    for (size_t at = 0; at < count; at++) {
        struct error err;
        const struct heard heard = heard_read(arena, deliveries[at], &err);
        if (heard.kind == HEARD_MALFORMED)
            delivery_refuse(deliveries[at], DELIVERY_DEAD, CAUSE_PAYLOAD_INVALID, "%s",
                            err.message);
        deliveries[at]->is_ignored = heard.kind == HEARD_NOTHING;
        if (heard.kind == HEARD_MALFORMED || heard.kind == HEARD_NOTHING)
            continue;
        batch.deliveries[batch.count] = deliveries[at];
        batch.heard[batch.count] = heard;
        batch.authorization_ids[batch.count] = heard.authorization_id;
        batch.count++;
    }
    return batch;
}

static void decide(struct turn *turn, const struct batch *batch)
{
    for (size_t at = 0; at < batch->count; at++) {
        if (batch->deliveries[at]->outcome == DELIVERY_APPLIED)
            turn_hear(turn, &batch->heard[at]);
    }
}

enum status advance_sagas(void *context, const struct delivery_batch *given, struct error *err)
{
    const struct room *room = context;
    const struct batch batch = read_batch(given->arena, given->deliveries, given->count);
    TRY(delivery_leave_out(given->deliveries, given->count, given->db, err));
    if (batch.count == 0)
        return OK;
    const struct store_claims claims = {SAGA_GROUP, batch.deliveries, batch.count};
    struct turn turn;
    turn_init(&turn, given->arena, &room->schedule, batch.authorization_ids, batch.count);
    turn.begun_us = clock_monotonic_us();
    TRY(store_load_turn(given->db, &turn, &claims, err));
    decide(&turn, &batch);
    TRY(store_save_turn(given->db, &turn, err));
    turn_log(&turn);
    if (turn.outbox.count > 0)
        waker_ring(room->waker);
    if (turn.ended_count > 0)
        waiting_room_wake(room->waiting);
    return OK;
}
