#include "gateway/hop_message.h"

#include "base/arena.h"
#include "base/json.h"
#include "domain/authorize_request.h"
#include "gateway/account_request.h"
#include "gateway/scope.h"

enum {
    ITEM_SIZE_EXPECTED = 768,
    RETRY_AFTER_S = 1, /* of a 503 that does not say */
};

/* Digits and point as text; minor units as an integer. */
static void write_amount(struct json_writer *w, const char *name, const char *name_minor,
                         struct decimal amount, bool is_minor)
{
    char digits[MONEY_TEXT_SIZE + 1];
    if (is_minor)
        json_write_i64(w, name_minor, amount.digits);
    else
        json_write_text(w, name, money_format(amount.digits, amount.scale, digits));
}

static void write_currency(struct json_writer *w, const struct currency *currency)
{
    if (currency != NULL)
        json_write_text(w, "currency", text_of(currency->code));
}

static void write_authorize(struct json_writer *w, const struct authorize_request *request)
{
    json_write_text(w, "user_id", request->user_id);
    json_write_text(w, "transaction_id", request->transaction_id);
    write_amount(w, "amount", "amount_minor", request->amount, request->amount_is_minor);
    write_currency(w, request->currency);
    if (request->expires_in_s > 0)
        json_write_i64(w, "expires_in_s", request->expires_in_s);
}

static void write_account(struct json_writer *w, const struct account_request *request)
{
    json_write_text(w, "user_id", request->user_id);
    if (request->has_limit)
        write_amount(w, "credit_limit", "credit_limit_minor", request->limit,
                     request->limit_is_minor);
    write_currency(w, request->currency);
    if (!text_is_none(request->status))
        json_write_text(w, "status", request->status);
}

static void write_head(struct json_writer *w, struct arena *arena, const struct hop_item *item)
{
    const struct visit *visit = item->visit;
    char traceparent[TRACEPARENT_SIZE + 1];
    trace_context_format(&item->trace, traceparent);
    json_write_text(w, "op", text_of(hop_op_name(item->op)));
    json_write_text(w, "traceparent", text_of(traceparent));
    if (!text_is_none(item->trace.state))
        json_write_text(w, "tracestate", item->trace.state);
    json_write_uuid(w, "request_id", &visit->request_id);
    json_write_bool(w, "trusted", scope_allows(visit->principal.scopes, SCOPE_ADMIN));
    if (!item->has_key)
        return;
    json_write_text(w, "key_hash", sha256_to_hex(arena, &item->key_hash));
    json_write_text(w, "fingerprint", sha256_to_hex(arena, &item->fingerprint));
}

static void write_item(struct json_writer *w, struct arena *arena, const struct hop_item *item,
                       int64_t now_us)
{
    json_begin_object(w, NULL);
    write_head(w, arena, item);
    switch (item->op) {
    case HOP_AUTHORIZE:
        write_authorize(w, item->authorize);
        break;
    case HOP_VOID:
        json_write_uuid(w, "authorization_id", &item->authorization_id);
        break;
    case HOP_PUT_ACCOUNT:
        write_account(w, item->account);
        break;
    }
    const int64_t left_ms = (item->deadline_us - now_us) / 1000;
    json_write_i64(w, "deadline_ms", left_ms > 0 ? left_ms : 0);
    json_end_object(w);
}

struct text hop_message_write(struct arena *arena, struct hop_item *const *items, size_t count,
                              int64_t now_us)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, arena, (count + 1) * ITEM_SIZE_EXPECTED);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "items");
    for (size_t at = 0; at < count; at++)
        write_item(&w, arena, items[at], now_us);
    json_end_array(&w);
    json_end_object(&w);
    return text_builder_text(&out);
}

static enum status read_answer(const struct json_value *value, struct answer *answer_out,
                               struct error *err)
{
    const struct json_value *body = json_get(value, "body");
    const struct json_value *replayed = json_get(value, "replayed");
    int64_t status = 0;
    int64_t retry_after_s = 0;
    if (body == NULL || !json_get_i64(value, "status", &status) || status < 200 || status > 599)
        return error_set(err, ERR_BROKEN, "an item of the answer has no body or no status");
    if (!json_get_i64(value, "retry_after_s", &retry_after_s) && status == 503)
        retry_after_s = RETRY_AFTER_S;
    *answer_out = (struct answer){
        .status = (int)status,
        .body = body->source,
        .location = json_get_text(value, "location"),
        .decision_code = json_get_text(value, "decision_code"),
        .retry_after_s = retry_after_s,
        .is_replayed = replayed != NULL && replayed->type == JSON_TRUE,
        .problem = status < 400 ? PROBLEM_NONE : problem_find(json_get_text(body, "code")),
    };
    return OK;
}

enum status hop_message_read(struct arena *arena, struct text body, struct hop_item *const *items,
                             size_t count, struct error *err)
{
    struct json_value whole;
    struct answer *answers = ARENA_NEW_ARRAY(arena, struct answer, count);
    TRY(json_parse(arena, body, &whole, err));
    const struct json_value *list = json_get(&whole, "items");
    if (list == NULL || list->type != JSON_ARRAY || list->count != count)
        return error_set(err, ERR_BROKEN, "the answer has not one item for each that was asked");
    for (size_t at = 0; at < count; at++)
        TRY(read_answer(&list->items[at], &answers[at], err));
    for (size_t at = 0; at < count; at++)
        items[at]->answer = answers[at];
    return OK;
}
