#include "domain/authorization_json.h"

#include "base/assert.h"
#include "domain/money_json.h"

/* ---- authorization ------------------------------------------------------------------------- */

/* What the first `version` versions add up to. */
struct state_then {
    enum authorization_status status;
    int64_t reversed_minor;
};

static struct state_then state_at(const struct authorization_view *view)
{
    const struct authorization *a = view->authorization;
    struct state_then then = {.status = a->decision.code == DECISION_APPROVED
                                            ? AUTHORIZATION_APPROVED
                                            : AUTHORIZATION_DECLINED};
    for (size_t at = 0; at < view->change_count; at++) {
        const struct authorization_change *change = &view->changes[at];
        if (change->version > view->version)
            break;
        then.status = change->status;
        then.reversed_minor += change->amount_minor;
    }
    ASSERT(then.reversed_minor <= a->approved_minor);
    return then;
}

static void write_optional_time(struct json_writer *w, const char *name, int64_t time_us)
{
    if (time_us == 0)
        json_write_null(w, name);
    else
        json_write_time(w, name, time_us);
}

static void write_optional_uuid(struct json_writer *w, const char *name, const struct uuid *id)
{
    if (uuid_is_nil(id))
        json_write_null(w, name);
    else
        json_write_uuid(w, name, id);
}

static void write_names(struct json_writer *w, const struct authorization *a)
{
    json_write_uuid(w, "id", &a->id);
    json_write_text(w, "transaction_id", a->transaction_id);
    json_write_text(w, "user_id", a->user_id);
    json_write_uuid(w, "account_id", &a->account_id);
}

static void write_reasons(struct json_writer *w, unsigned reasons)
{
    json_begin_array(w, "reasons");
    for (unsigned code = 1; code < DECISION_CODE_COUNT; code++)
        if ((reasons & 1u << code) != 0)
            json_write_text(w, NULL, text_of(decision_code_name((enum decision_code)code)));
    json_end_array(w);
}

static void write_code(struct json_writer *w, const struct authorization *a)
{
    json_write_text(w, "decision_code", text_of(decision_code_name(a->decision.code)));
    json_write_text(w, "iso8583_response", text_of(decision_code_iso8583(a->decision.code)));
}

static void write_version(struct json_writer *w, int64_t version, enum authorization_status status,
                          int64_t at_us)
{
    json_begin_object(w, NULL);
    json_write_i64(w, "version", version);
    json_write_text(w, "status", text_of(authorization_status_name(status)));
    json_write_time(w, "at", at_us);
    json_end_object(w);
}

static void write_history(struct json_writer *w, const struct authorization_view *view)
{
    const struct authorization *a = view->authorization;
    const bool approved = a->decision.code == DECISION_APPROVED;
    json_begin_array(w, "history");
    write_version(w, 1, approved ? AUTHORIZATION_APPROVED : AUTHORIZATION_DECLINED,
                  a->created_at_us);
    for (size_t at = 0; at < view->change_count; at++) {
        const struct authorization_change *change = &view->changes[at];
        if (change->version <= view->version)
            write_version(w, change->version, change->status, change->changed_at_us);
    }
    json_end_array(w);
}

void authorization_write(struct json_writer *w, const char *name,
                         const struct authorization_view *view)
{
    const struct authorization *a = view->authorization;
    const struct state_then then = state_at(view);
    json_begin_object(w, name);
    write_names(w, a);
    json_write_text(w, "status", text_of(authorization_status_name(then.status)));
    write_code(w, a);
    if (view->shows_reasons)
        write_reasons(w, a->decision.reasons);
    json_write_money(w, "requested", a->requested_minor, a->currency);
    json_write_money(w, "approved", a->approved_minor, a->currency);
    json_write_money(w, "captured", 0, a->currency); /* nothing captures yet */
    json_write_money(w, "reversed", then.reversed_minor, a->currency);
    json_write_money(w, "refunded", 0, a->currency);
    json_write_money(w, "remaining", a->approved_minor - then.reversed_minor, a->currency);
    json_write_money(w, "available", a->available_minor, a->currency);
    write_optional_time(w, "expires_at", a->expires_at_us);
    write_history(w, view);
    json_write_i64(w, "version", view->version);
    write_optional_uuid(w, "saga_id", &a->saga_id);
    json_write_text(w, "trace_id", a->trace_id);
    json_write_time(w, "created_at", a->created_at_us);
    json_end_object(w);
}

static void write_change(struct json_writer *w, const char *from, const char *to, struct text by)
{
    json_begin_object(w, "change");
    if (from == NULL)
        json_write_null(w, "from");
    else
        json_write_text(w, "from", text_of(from));
    json_write_text(w, "to", text_of(to));
    json_write_text(w, "by", by);
    json_end_object(w);
}

void authorization_event_write(struct json_writer *w, const struct authorization *a,
                               const char *from, struct text by)
{
    const char *status = authorization_status_name(a->status);
    json_begin_object(w, NULL);
    json_begin_object(w, "authorization");
    write_names(w, a);
    json_write_text(w, "status", text_of(status));
    write_code(w, a);
    json_write_money(w, "requested", a->requested_minor, a->currency);
    json_write_money(w, "approved", a->approved_minor, a->currency);
    json_write_money(w, "remaining", a->remaining_minor, a->currency);
    write_optional_time(w, "expires_at", a->expires_at_us);
    json_write_i64(w, "version", a->version);
    write_optional_uuid(w, "saga_id", &a->saga_id);
    json_write_time(w, "created_at", a->created_at_us);
    json_end_object(w);
    write_change(w, from, status, by);
    json_end_object(w);
}

/* ---- account ------------------------------------------------------------------------------- */

static void write_line(struct json_writer *w, const struct account *account)
{
    json_write_money(w, "credit_limit", account->limit_minor, account->currency);
    json_write_money(w, "held", account->held_minor, account->currency);
    json_write_money(w, "posted", account->posted_minor, account->currency);
}

void account_write(struct json_writer *w, const char *name, const struct account *account)
{
    json_begin_object(w, name);
    json_write_uuid(w, "id", &account->id);
    json_write_text(w, "user_id", account->user_id);
    json_write_text(w, "status", text_of(account_status_name(account->status)));
    json_write_text(w, "currency", text_of(account->currency->code));
    write_line(w, account);
    json_write_i64(w, "version", account->version);
    json_end_object(w);
}

void account_balance_write(struct json_writer *w, const struct account *account)
{
    json_begin_object(w, NULL);
    json_write_text(w, "user_id", account->user_id);
    json_write_uuid(w, "account_id", &account->id);
    write_line(w, account);
    json_write_money(w, "available", account_available_minor(account), account->currency);
    json_end_object(w);
}

void account_event_write(struct json_writer *w, const struct account *account, const char *from,
                         const char *by)
{
    json_begin_object(w, NULL);
    account_write(w, "account", account);
    write_change(w, from, account_status_name(account->status), text_of(by));
    json_end_object(w);
}
