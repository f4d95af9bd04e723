#include "ledger/answer.h"

#include "base/json.h"
#include "domain/money_json.h"
#include "platform/messaging/outbox.h"

const char *ledger_answer_type(enum ledger_outcome outcome)
{
    static const char *const TYPES[] = {
        [LEDGER_HOLD_RECORDED] = "ledger.hold_recorded",
        [LEDGER_HOLD_RELEASED] = "ledger.hold_released",
        [LEDGER_REFUSED] = "ledger.refused",
    };
    return TYPES[outcome];
}

static void write_name(struct json_writer *w, const char *name, const char *value)
{
    if (value == NULL)
        json_write_null(w, name);
    else
        json_write_text(w, name, text_of(value));
}

static void write_hold(struct json_writer *w, const struct batch_item *item)
{
    const struct step_row *step = item->step;
    json_begin_object(w, "hold");
    json_write_uuid(w, "authorization_id", &item->command.authorization_id);
    json_write_uuid(w, "account_id", &item->command.account_id);
    json_write_money(w, "amount", step->amount_minor, step->currency);
    write_name(w, "state", ledger_outcome_name(step->outcome));
    if (uuid_is_nil(&step->journal_id))
        json_write_null(w, "journal_id");
    else
        json_write_uuid(w, "journal_id", &step->journal_id);
    write_name(w, "reason", ledger_reason_name(step->reason));
    json_end_object(w);
}

/* A hold was there before only where its release wrote a journal. */
static void write_change(struct json_writer *w, const struct step_row *step)
{
    const bool was_recorded =
        step->outcome == LEDGER_HOLD_RELEASED && !uuid_is_nil(&step->journal_id);
    json_begin_object(w, "change");
    write_name(w, "from", was_recorded ? ledger_outcome_name(LEDGER_HOLD_RECORDED) : NULL);
    write_name(w, "to", ledger_outcome_name(step->outcome));
    write_name(w, "by", "saga");
    json_end_object(w);
}

static struct text write_payload(struct arena *arena, const struct batch_item *item)
{
    struct text_builder b;
    struct json_writer w;
    text_builder_init(&b, arena, 512);
    json_writer_init(&w, &b);
    json_begin_object(&w, NULL);
    write_hold(&w, item);
    write_name(&w, "step", ledger_step_name(item->step->step));
    write_name(&w, "op", ledger_op_name(item->step->op));
    write_change(&w, item->step);
    json_end_object(&w);
    return text_builder_text(&b);
}

static struct text write_traceparent(struct arena *arena, const struct trace_context *trace)
{
    char traceparent[TRACEPARENT_SIZE + 1];
    trace_context_format(trace, traceparent);
    return text_copy(arena, text_of(traceparent));
}

void ledger_answer_add(struct outbox *outbox, const struct batch_item *item)
{
    const struct ledger_command *command = &item->command;
    const struct outbox_event event = {
        .id = uuid_make_v7(),
        .lane = command->lane,
        .aggregate_type = "ledger",
        .aggregate_id = command->authorization_id,
        .key = command->account_id,
        .type = ledger_answer_type(item->step->outcome),
        .sequence = item->step->version,
        .tenant = command->tenant,
        .payload = write_payload(outbox->arena, item),
        .saga_id = command->saga_id,
        .command_id = command->id,
        .trace = command->trace,
        .origin_traceparent = write_traceparent(outbox->arena, &command->origin),
    };
    outbox_add(outbox, &event);
}
