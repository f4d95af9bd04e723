/* The door of this service that is the bus: the saga's command to release what the ledger refused
 * to book. */
#include "authorization/consumer.h"

#include "authorization/decide.h"
#include "base/arena.h"
#include "base/json.h"
#include "domain/lane.h"
#include "platform/messaging/consumer.h"
#include "platform/messaging/waker.h"

static const size_t ATTEMPT_ARENA_SIZE_MAX = 64u * 1024 * 1024;

#define COMMAND_RELEASE "dev.tallystick.authorization.release.v1"

/* What is no release command is marked so, and never will be one. */
static void read_command(struct arena *arena, struct delivery *delivery, struct item *item)
{
    const struct message *message = &delivery->message;
    struct json_value payload;
    struct error err;
    *item = (struct item){.op = ITEM_RELEASE,
                          .authorization_id = message->subject,
                          .lane = lane_of(&message->subject),
                          .event_id = uuid_make_v7(),
                          .trace = delivery->trace,
                          .traceparent = message->origin_traceparent,
                          .saga_id = message->saga_id,
                          .command_id = message->command_id};
    if (!text_equals(message->type, TEXT(COMMAND_RELEASE))) {
        delivery_refuse(delivery, DELIVERY_DEAD, CAUSE_COMMAND_UNKNOWN,
                        "the only command here is authorization.release");
        return;
    }
    if (json_parse(arena, message->payload, &payload, &err) != OK) {
        delivery_refuse(delivery, DELIVERY_DEAD, CAUSE_PAYLOAD_INVALID, "%s", err.message);
        return;
    }
    item->reason = text_copy(arena, json_get_text(&payload, "reason"));
    if (text_is_none(item->reason) || uuid_is_nil(&item->command_id))
        delivery_refuse(delivery, DELIVERY_DEAD, CAUSE_PAYLOAD_INVALID,
                        "a release command has a reason and a ce_commandid");
}

static void tell_spans(const struct delivery_batch *given, const struct item *items)
{
    for (size_t at = 0; at < given->count; at++)
        if (delivery_is_traced(given->deliveries[at]))
            delivery_tell(given->deliveries[at], given->arena,
                          SPAN_ATTRIBUTE_LIST(
                              span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &items[at].authorization_id),
                              span_uuid(ATTRIBUTE_SAGA_ID, &items[at].saga_id)));
}

static enum status apply(void *context, const struct delivery_batch *given, struct error *err)
{
    const struct commands *commands = context;
    struct item *items = ARENA_NEW_ARRAY(given->arena, struct item, given->count);
    struct item **asked = ARENA_NEW_ARRAY(given->arena, struct item *, given->count);
    for (size_t at = 0; at < given->count; at++) {
        asked[at] = &items[at];
        read_command(given->arena, given->deliveries[at], &items[at]);
    }
    TRY(delivery_leave_out(given->deliveries, given->count, given->db, err));
    struct arena *attempt = arena_new(ATTEMPT_ARENA_SIZE_MAX);
    struct batch batch = {.db = given->db,
                          .arena = attempt,
                          .policy = commands->policy,
                          .items = asked,
                          .count = given->count,
                          .deliveries = given->deliveries};
    const enum status status = batch_attempt(&batch, err);
    arena_free(attempt);
    if (status == OK) {
        tell_spans(given, items);
        waker_ring(commands->waker);
    }
    return status;
}

enum status commands_start(struct commands *commands, const struct consumer_config *config,
                           struct error *err)
{
    struct consumer_config own = *config;
    own.context = commands;
    own.apply = apply;
    return consumer_start(&own, &commands->consumer, err);
}

void commands_stop(struct commands *commands)
{
    consumer_stop(commands->consumer);
}
