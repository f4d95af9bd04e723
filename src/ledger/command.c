#include "ledger/command.h"

#include "base/assert.h"
#include "base/json.h"
#include "domain/lane.h"
#include "platform/messaging/consumer.h"

static const char RECORD_HOLD[] = "ledger.record_hold";
static const char RELEASE_HOLD[] = "ledger.release_hold";

/* The commands there are. */
static const struct {
    const char *type;
    enum ledger_step step;
    enum ledger_op op;
    enum ledger_action action;
} COMMANDS[] = {
    {RECORD_HOLD, LEDGER_STEP_RECORD_HOLD, LEDGER_DO, LEDGER_RECORD_HOLD},
    {RELEASE_HOLD, LEDGER_STEP_RECORD_HOLD, LEDGER_UNDO, LEDGER_RELEASE_HOLD},
    {RELEASE_HOLD, LEDGER_STEP_RELEASE_HOLD, LEDGER_DO, LEDGER_RELEASE_HOLD},
};

/* Fills step, op and action; false where there is no such command. */
static bool find_command(const struct message *message, const struct json_value *payload,
                         struct ledger_command *command)
{
    if (!ledger_step_parse(json_get_text(payload, "step"), &command->step) ||
        !ledger_op_parse(json_get_text(payload, "op"), &command->op))
        return false;
    const struct text type = message_event_name(message->type);
    for (size_t at = 0; at < COUNT(COMMANDS); at++) {
        if (!text_equals_c(type, COMMANDS[at].type) || COMMANDS[at].step != command->step ||
            COMMANDS[at].op != command->op)
            continue;
        command->action = COMMANDS[at].action;
        return true;
    }
    return false;
}

static enum status read_ids(const struct message *message, const struct json_value *payload,
                            struct ledger_command *command, struct error *err)
{
    command->id = message->command_id;
    command->saga_id = message->saga_id;
    if (uuid_is_nil(&command->id) || uuid_is_nil(&command->saga_id))
        return error_set(err, ERR_INVALID, "a command without command id or saga id");
    if (!json_get_uuid(payload, "authorization_id", &command->authorization_id) ||
        !uuid_equals(&command->authorization_id, &message->subject))
        return error_set(err, ERR_INVALID, "'authorization_id' is not the message's subject");
    if (!json_get_uuid(payload, "account_id", &command->account_id) ||
        !uuid_equals(&command->account_id, &message->key))
        return error_set(err, ERR_INVALID, "'account_id' is not the message's key");
    command->lane = lane_of(&command->account_id);
    return OK;
}

static enum status read_amount(const struct json_value *payload, struct ledger_command *command,
                               struct error *err)
{
    const struct json_value *money = json_get(payload, "amount");
    command->currency = currency_find(json_get_text(money, "currency"));
    if (command->currency == NULL)
        return error_set(err, ERR_INVALID, "'amount' has no currency that is known");
    if (!json_get_i64(money, "amount_minor", &command->amount_minor) ||
        command->amount_minor <= 0 || command->amount_minor > AMOUNT_MINOR_CAP)
        return error_set(err, ERR_INVALID, "'amount_minor' is no amount above zero");
    return OK;
}

/* A journal always names its trace: where nobody says which began it all, it is this one. */
static void read_trace(const struct delivery *delivery, struct ledger_command *command)
{
    command->trace = delivery->trace;
    if (!trace_context_parse(delivery->message.origin_traceparent, &command->origin) &&
        !trace_context_parse(delivery->message.traceparent, &command->origin))
        command->origin = delivery->trace;
}

enum status ledger_command_parse(struct arena *arena, const struct delivery *delivery,
                                 struct ledger_command *command_out, struct error *err)
{
    const struct message *message = &delivery->message;
    struct ledger_command command = {.tenant = message->tenant};
    struct json_value payload;
    TRY(json_parse(arena, message->payload, &payload, err));
    if (!find_command(message, &payload, &command))
        return error_set(err, ERR_NOT_FOUND, "no such command: type '%.*s', step '%.*s', op '%.*s'",
                         TEXT_ARGS(message->type), TEXT_ARGS(json_get_text(&payload, "step")),
                         TEXT_ARGS(json_get_text(&payload, "op")));
    TRY(read_ids(message, &payload, &command, err));
    TRY(read_amount(&payload, &command, err));
    read_trace(delivery, &command);
    *command_out = command;
    return OK;
}

const char *ledger_step_name(enum ledger_step step)
{
    return step == LEDGER_STEP_RECORD_HOLD ? "record_hold" : "release_hold";
}

bool ledger_step_parse(struct text name, enum ledger_step *out)
{
    if (text_equals_c(name, "record_hold"))
        *out = LEDGER_STEP_RECORD_HOLD;
    else if (text_equals_c(name, "release_hold"))
        *out = LEDGER_STEP_RELEASE_HOLD;
    else
        return false;
    return true;
}

const char *ledger_op_name(enum ledger_op op)
{
    return op == LEDGER_DO ? "do" : "undo";
}

bool ledger_op_parse(struct text name, enum ledger_op *out)
{
    if (text_equals_c(name, "do"))
        *out = LEDGER_DO;
    else if (text_equals_c(name, "undo"))
        *out = LEDGER_UNDO;
    else
        return false;
    return true;
}
