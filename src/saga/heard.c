#include "saga/heard.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "domain/money.h"
#include "platform/messaging/consumer.h"

static const struct {
    const char *type;
    enum heard_kind kind;
    enum saga_event event;
    enum saga_type starts;
    const char *reason; /* of a start: what ended the hold */
} TYPES[] = {
    {"dev.tallystick.authorization.approved.v1", HEARD_START, EV_APPROVED, SAGA_AUTHORIZE, NULL},
    {"dev.tallystick.authorization.voided.v1", HEARD_START, EV_HOLD_ENDED, SAGA_RELEASE, "voided"},
    {"dev.tallystick.authorization.expired.v1", HEARD_START, EV_HOLD_ENDED, SAGA_RELEASE,
     "expired"},
    {"dev.tallystick.authorization.reversed.v1", HEARD_ANSWER, EV_AUTH_RELEASED},
    {"dev.tallystick.authorization.already_released.v1", HEARD_ANSWER, EV_AUTH_RELEASED},
    {"dev.tallystick.ledger.hold_recorded.v1", HEARD_ANSWER, EV_HOLD_RECORDED},
    {"dev.tallystick.ledger.hold_released.v1", HEARD_ANSWER, EV_HOLD_RELEASED},
    {"dev.tallystick.ledger.refused.v1", HEARD_ANSWER, EV_LEDGER_REFUSED},
};

static enum status read_payload(struct arena *arena, const struct message *message,
                                const char *member, const struct json_value **out,
                                struct error *err)
{
    struct json_value *payload = ARENA_NEW(arena, struct json_value);
    TRY(json_parse(arena, message->payload, payload, err));
    *out = json_get(payload, member);
    if (*out == NULL)
        return error_set(err, ERR_INVALID, "the payload has no member '%s'", member);
    return OK;
}

static enum status read_approved(const struct json_value *body, struct heard *heard,
                                 struct error *err)
{
    const struct json_value *approved = json_get(body, "approved");
    if (approved == NULL || !json_get_i64(approved, "amount_minor", &heard->amount_minor) ||
        heard->amount_minor < 0)
        return error_set(err, ERR_INVALID, "the authorization has no approved amount");
    heard->currency = json_get_text(approved, "currency");
    if (currency_find(heard->currency) == NULL)
        return error_set(err, ERR_INVALID, "the approved amount has no currency");
    return OK;
}

static enum status read_start(struct arena *arena, const struct message *message,
                              struct heard *heard, struct error *err)
{
    const struct json_value *body = NULL;
    TRY(read_payload(arena, message, "authorization", &body, err));
    TRY(read_approved(body, heard, err));
    heard->saga_id = message->id;
    heard->tenant = message->tenant;
    heard->user_id = json_get_text(body, "user_id");
    heard->origin_traceparent = text_is_none(message->origin_traceparent)
                                    ? message->traceparent
                                    : message->origin_traceparent;
    if (!json_get_uuid(body, "account_id", &heard->account_id))
        return error_set(err, ERR_INVALID, "the authorization has no account_id");
    if (text_is_none(heard->user_id))
        return error_set(err, ERR_INVALID, "the authorization has no user_id");
    return OK;
}

static enum status read_answer(struct arena *arena, const struct message *message,
                               struct heard *heard, struct error *err)
{
    heard->saga_id = message->saga_id;
    heard->command_id = message->command_id;
    if (heard->event != EV_LEDGER_REFUSED)
        return OK; /* its headers say all */
    const struct json_value *hold = NULL;
    TRY(read_payload(arena, message, "hold", &hold, err));
    heard->reason = json_get_text(hold, "reason");
    return OK;
}

struct heard heard_read(struct arena *arena, struct delivery *delivery, struct error *err)
{
    const struct message *message = &delivery->message;
    struct heard heard = {
        .kind = HEARD_NOTHING, .delivery = delivery, .authorization_id = message->subject};
    size_t at = 0;
    while (at < COUNT(TYPES) && !text_equals_c(message->type, TYPES[at].type))
        at++;
    if (at == COUNT(TYPES))
        return heard;
    heard.kind = TYPES[at].kind;
    heard.event = TYPES[at].event;
    heard.type = TYPES[at].starts;
    heard.reason = text_of(TYPES[at].reason);
    heard.trace = delivery->trace;
    const enum status status = heard.kind == HEARD_START ? read_start(arena, message, &heard, err)
                                                         : read_answer(arena, message, &heard, err);
    if (status != OK)
        heard.kind = HEARD_MALFORMED;
    return heard;
}
