#include "authorization/item_json.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "domain/lane.h"
#include "platform/clock.h"

/* No gateway waits longer; bounds what a wrong sender can ask for. */
enum { DEADLINE_MS_MAX = 60000 };

/* ---- parsing ----------------------------------------------------------------------------------
 */

static bool read_amount(const struct json_value *json, const char *name, const char *minor_name,
                        struct asked_amount *out)
{
    const struct json_value *minor = json_get(json, minor_name);
    const struct json_value *major = json_get(json, name);
    if (minor == NULL && major == NULL)
        return true;
    out->given = true;
    out->is_minor = minor != NULL;
    return decimal_parse(out->is_minor ? minor->text : major->text, &out->decimal) == DECIMAL_OK;
}

static bool read_currency(const struct json_value *json, struct item *item)
{
    const struct text code = json_get_text(json, "currency");
    if (text_is_none(code))
        return true;
    item->currency = currency_find(code);
    return item->currency != NULL;
}

/* A user id names the account, and with it the lane. */
static bool read_user(const struct json_value *json, struct item *item)
{
    item->user_id = json_get_text(json, "user_id");
    if (item->user_id.size == 0)
        return false;
    item->account_id = account_id_of(TENANT, item->user_id);
    item->lane = lane_of(&item->account_id);
    return true;
}

static bool read_key(const struct json_value *json, struct item *item)
{
    item->has_key = true;
    return sha256_parse_hex(json_get_text(json, "key_hash"), &item->key_hash) &&
           sha256_parse_hex(json_get_text(json, "fingerprint"), &item->fingerprint);
}

static bool read_authorize(const struct json_value *json, struct item *item)
{
    item->op = ITEM_AUTHORIZE;
    item->transaction_id = json_get_text(json, "transaction_id");
    if (item->transaction_id.size == 0 || !read_user(json, item) || !read_key(json, item))
        return false;
    const struct text parts[] = {TENANT, item->transaction_id};
    const struct sha256 digest = sha256_of_parts(parts, COUNT(parts));
    memcpy(item->transaction_key.bytes, digest.bytes, sizeof item->transaction_key.bytes);
    item->authorization_id = authorization_id_make(item->lane);
    if (json_get(json, "expires_in_s") != NULL &&
        (!json_get_i64(json, "expires_in_s", &item->expires_in_s) || item->expires_in_s < 1))
        return false;
    return read_amount(json, "amount", "amount_minor", &item->amount) && item->amount.given &&
           item->amount.decimal.digits > 0 && read_currency(json, item);
}

static bool read_void(const struct json_value *json, struct item *item)
{
    item->op = ITEM_VOID;
    if (!json_get_uuid(json, "authorization_id", &item->authorization_id))
        return false;
    item->lane = lane_of(&item->authorization_id);
    return read_key(json, item);
}

static bool read_put_account(const struct json_value *json, struct item *item)
{
    item->op = ITEM_PUT_ACCOUNT;
    const struct text status = json_get_text(json, "status");
    item->has_status = !text_is_none(status);
    if (item->has_status && !account_status_parse(status, &item->status))
        return false;
    return read_user(json, item) && read_currency(json, item) &&
           read_amount(json, "credit_limit", "credit_limit_minor", &item->limit);
}

static bool read_trace(const struct json_value *json, struct item *item)
{
    struct trace_context parent;
    item->traceparent = json_get_text(json, "traceparent");
    if (!trace_context_parse(item->traceparent, &parent))
        return false;
    trace_context_take_state(&parent, json_get_text(json, "tracestate"));
    memcpy(item->parent_span, parent.span_id, sizeof item->parent_span);
    item->trace = trace_context_child(&parent);
    return true;
}

static bool read_item(struct arena *arena, const struct json_value *json, struct item *item)
{
    int64_t deadline_ms = 0;
    const struct text op = json_get_text(json, "op");
    const struct json_value *trusted = json_get(json, "trusted");
    item->arena = arena;
    item->event_id = uuid_make_v7();
    item->trusted = trusted != NULL && trusted->type == JSON_TRUE;
    if (json_get(json, "request_id") != NULL &&
        !json_get_uuid(json, "request_id", &item->request_id))
        return false;
    if (!json_get_i64(json, "deadline_ms", &deadline_ms) || deadline_ms < 0 ||
        deadline_ms > DEADLINE_MS_MAX)
        return false;
    item->deadline_us = clock_monotonic_us() + deadline_ms * 1000;
    if (!read_trace(json, item))
        return false;
    if (text_equals(op, TEXT("authorize")))
        return read_authorize(json, item);
    if (text_equals(op, TEXT("void")))
        return read_void(json, item);
    return text_equals(op, TEXT("put_account")) && read_put_account(json, item);
}

enum status items_parse(struct arena *arena, struct text body, struct item **items_out,
                        size_t *count_out, struct error *err)
{
    struct json_value json;
    TRY(json_parse(arena, body, &json, err));
    const struct json_value *list = json_get(&json, "items");
    if (list == NULL || list->type != JSON_ARRAY || list->count == 0)
        return error_set(err, ERR_INVALID, "'items' must be an array with at least one item");
    struct item *items = ARENA_NEW_ARRAY(arena, struct item, list->count);
    for (size_t at = 0; at < list->count; at++)
        if (!read_item(arena, &list->items[at], &items[at]))
            return error_set(err, ERR_INVALID, "item %zu is not what a gateway sends", at);
    *items_out = items;
    *count_out = list->count;
    return OK;
}

/* ---- rendering --------------------------------------------------------------------------------
 */

static void render_location(struct json_writer *w, const struct uuid *authorization_id)
{
    char location[64] = "/v1/authorizations/";
    uuid_format(authorization_id, location + strlen(location));
    json_write_text(w, "location", text_of(location));
}

static void render_item(struct json_writer *w, const struct item *item)
{
    const struct answer *answer = &item->answer;
    ASSERT(answer->kind != ANSWER_NONE);
    json_begin_object(w, NULL);
    json_write_i64(w, "status", answer->http_status);
    json_write_bool(w, "replayed", answer->replayed);
    json_write_bool(w, "problem", answer->kind == ANSWER_PROBLEM);
    if (answer->kind == ANSWER_AUTHORIZATION)
        render_location(w, &answer->authorization_id);
    if (item->op == ITEM_AUTHORIZE && answer->kind == ANSWER_AUTHORIZATION)
        json_write_text(w, "decision_code", text_of(answer->decision_code));
    json_write_raw(w, "body", answer->body);
    json_end_object(w);
}

struct text items_render(struct arena *arena, const struct item *items, size_t count)
{
    struct text_builder b;
    struct json_writer w;
    text_builder_init(&b, arena, count * 1400 + 64);
    json_writer_init(&w, &b);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "items");
    for (size_t at = 0; at < count; at++)
        render_item(&w, &items[at]);
    json_end_array(&w);
    json_end_object(&w);
    return text_builder_text(&b);
}
