/* Events and commands: the headers as one JSON object, a line end, the payload; or, after an 's',
 * a structured body. What can be read is written and read again, and given to those who listen. */
#include "base/json.h"
#include "domain/money.h"
#include "ledger/command.h"
#include "oracle.h"
#include "platform/bus/message_structured.h"
#include "platform/messaging/consumer.h"
#include "saga/heard.h"

enum { LANES = 64 };

static bool same_text(struct text a, struct text b)
{
    return text_is_none(a) == text_is_none(b) && text_equals(a, b);
}

/* All that travels. */
static void check_same(const struct message *a, const struct message *b)
{
    HOLDS(uuid_equals(&a->key, &b->key) && uuid_equals(&a->id, &b->id));
    HOLDS(uuid_equals(&a->subject, &b->subject));
    HOLDS(uuid_equals(&a->saga_id, &b->saga_id) && uuid_equals(&a->command_id, &b->command_id));
    HOLDS(same_text(a->type, b->type) && same_text(a->source, b->source));
    HOLDS(same_text(a->tenant, b->tenant));
    HOLDS(a->time_us == b->time_us && a->sequence == b->sequence);
    HOLDS(same_text(a->traceparent, b->traceparent));
    HOLDS(same_text(a->origin_traceparent, b->origin_traceparent));
    HOLDS(same_text(a->tracestate, b->tracestate));
}

static struct text canonical(struct arena *arena, struct text json)
{
    struct json_value value;
    HOLDS(json_parse(arena, json, &value, NULL) == OK);
    return json_canonical(arena, &value);
}

static bool is_json(struct arena *arena, struct text text)
{
    struct json_value value;
    return json_parse(arena, text, &value, NULL) == OK;
}

/* Binary and structured mode carry the same message. */
static void check_written(struct arena *arena, const struct message *message)
{
    struct message own = *message;
    struct message again = {.headers = TEXT_NONE};
    struct text body;
    own.headers = TEXT_NONE; /* not as received: as we write them */
    HOLDS(message_parse_headers(arena, message_write_headers(arena, &own), &again, NULL) == OK);
    check_same(message, &again);
    HOLDS(message_write_structured(arena, &own, &body, NULL) == OK);
    again = (struct message){.headers = TEXT_NONE};
    HOLDS(message_parse_structured(arena, body, &again, NULL) == OK);
    check_same(message, &again);
    HOLDS(is_json(arena, again.payload));
    const bool is_same_type = text_starts_with(again.payload, "\"") ==
                              text_starts_with(text_trim(message->payload), "\"");
    if (is_json(arena, message->payload) && is_same_type)
        HOLDS(text_equals(canonical(arena, message->payload), canonical(arena, again.payload)));
}

/* ---- who listens ----------------------------------------------------------------------------- */

static void check_saga(struct arena *arena, struct delivery *delivery)
{
    struct error err = {.message = ""};
    const struct heard heard = heard_read(arena, delivery, &err);
    HOLDS((heard.kind == HEARD_MALFORMED) == (err.message[0] != '\0'));
    HOLDS(heard.kind == HEARD_NOTHING ||
          uuid_equals(&heard.authorization_id, &delivery->message.subject));
    if (heard.kind != HEARD_START)
        return;
    HOLDS(heard.amount_minor >= 0 && currency_find(heard.currency) != NULL);
    HOLDS(!text_is_none(heard.user_id));
    HOLDS(uuid_equals(&heard.saga_id, &delivery->message.id));
}

static void check_ledger(struct arena *arena, const struct delivery *delivery)
{
    struct ledger_command command = {.lane = -1};
    struct error err = {.message = ""};
    if (ledger_command_parse(arena, delivery, &command, &err) != OK) {
        HOLDS(err.message[0] != '\0' && command.lane == -1);
        return;
    }
    HOLDS(command.amount_minor > 0 && command.amount_minor <= AMOUNT_MINOR_CAP);
    HOLDS(command.currency != NULL && command.lane >= 0 && command.lane < LANES);
    HOLDS(!uuid_is_nil(&command.id) && !uuid_is_nil(&command.saga_id));
    HOLDS(uuid_equals(&command.account_id, &delivery->message.key));
    HOLDS(command.origin.trace_id[0] != '\0');
    HOLDS(command.action == LEDGER_RECORD_HOLD || command.action == LEDGER_RELEASE_HOLD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct text payload = fuzz_text(data, size);
    struct delivery delivery = {.trace = trace_context_make()};
    struct message *message = &delivery.message;
    struct error err = {.message = ""};
    enum status status;
    if (text_starts_with(payload, "s")) {
        status = message_parse_structured(arena, text_skip(payload, 1), message, &err);
        if (status == OK)
            HOLDS(is_json(arena, message->headers) && is_json(arena, message->payload));
    } else {
        message->headers = text_cut(&payload, '\n');
        message->payload = text_is_none(payload) ? TEXT("null") : payload;
        status = message_parse_headers(arena, message->headers, message, &err);
    }
    HOLDS((status != OK) == (err.message[0] != '\0'));
    if (status != OK)
        return 0;
    check_written(arena, message);
    check_saga(arena, &delivery);
    check_ledger(arena, &delivery);
    return 0;
}
