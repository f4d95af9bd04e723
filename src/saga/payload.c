#include "saga/payload.h"

#include "base/assert.h"
#include "base/json.h"
#include "domain/money_json.h"
#include "saga/turn.h"

enum { PAYLOAD_SIZE_FIRST = 512 };

static void write_c(struct json_writer *w, const char *name, const char *value)
{
    if (value == NULL)
        json_write_null(w, name);
    else
        json_write_text(w, name, text_of(value));
}

static void write_reason(struct json_writer *w, struct text reason)
{
    if (text_is_none(reason))
        json_write_null(w, "reason");
    else
        json_write_text(w, "reason", reason);
}

struct text payload_of_command(const struct turn *turn, const struct saga *saga,
                               const struct saga_command_form *form)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, turn->arena, PAYLOAD_SIZE_FIRST);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_uuid(&w, "authorization_id", &saga->authorization_id);
    json_write_uuid(&w, "account_id", &saga->account_id);
    if (form == saga_command_form(CMD_RELEASE_AUTHORIZATION)) {
        write_reason(&w, saga->reason);
    } else {
        const struct currency *currency = currency_find(saga->currency);
        ASSERT(currency != NULL); /* refused when the saga began */
        json_write_text(&w, "user_id", saga->user_id);
        json_write_money(&w, "amount", saga->amount_minor, currency);
    }
    write_c(&w, "step", form->step);
    write_c(&w, "op", form->op);
    json_end_object(&w);
    return text_builder_text(&out);
}

struct text payload_of_change(const struct turn *turn, const struct saga *saga, const char *from,
                              const char *by)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, turn->arena, PAYLOAD_SIZE_FIRST);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_object(&w, "saga");
    json_write_uuid(&w, "id", &saga->id);
    write_c(&w, "type", saga_type_name(saga->type));
    write_c(&w, "state", saga_state_name(saga->state));
    write_c(&w, "step", saga_step_name(saga->step));
    json_write_uuid(&w, "authorization_id", &saga->authorization_id);
    json_write_uuid(&w, "account_id", &saga->account_id);
    json_write_i64(&w, "tries", saga->tries);
    write_reason(&w, saga->reason);
    json_write_i64(&w, "version", saga->version);
    json_write_time(&w, "started_at", saga->started_us);
    json_write_time(&w, "updated_at", turn->now_us);
    json_end_object(&w);
    json_begin_object(&w, "change");
    write_c(&w, "from", from);
    write_c(&w, "to", saga_state_name(saga->state));
    write_c(&w, "by", by);
    json_end_object(&w);
    json_end_object(&w);
    return text_builder_text(&out);
}
