#include "gateway/batch.h"

#include "base/arena.h"
#include "domain/idempotency.h"
#include "gateway/authorize.h"
#include "gateway/fields.h"
#include "gateway/gateway.h"
#include "gateway/intake.h"
#include "platform/log/log.h"

enum { ITEMS_MAX = 1000 };

#define BATCH_ROUTE "/v1/authorizations/batch"

/* ---- the request ------------------------------------------------------------------------------
 */

static void check_shape(const struct json_value *body, struct field_errors *fields)
{
    const struct json_value *items = json_get(body, "items");
    if (body->type != JSON_OBJECT)
        fields_refuse(fields, "", "type_wrong", "the body must be an object");
    else if (items == NULL)
        fields_refuse(fields, "/items", "field_missing", "it is missing");
    else if (items->type != JSON_ARRAY)
        fields_refuse(fields, "/items", "type_wrong", "it must be an array");
    else if (items->count < 1 || items->count > ITEMS_MAX)
        fields_refuse(fields, "/items", "value_invalid", "it must have 1 to 1000 items");
    for (size_t at = 0; body->type == JSON_OBJECT && at < body->count; at++)
        if (!text_equals_c(body->members[at].name, "items"))
            fields_refuse_unknown(fields, body->members[at].name);
}

/* The items of {"items": [...]}; NULL: the visit has been refused. */
static const struct json_value *read_items(struct visit *visit, const struct json_value *body)
{
    struct field_errors *fields = ARENA_NEW(visit->request->arena, struct field_errors);
    fields->arena = visit->request->arena;
    check_shape(body, fields);
    if (fields->count == 0)
        return json_get(body, "items");
    visit_refuse_fields(visit, fields);
    return NULL;
}

static void read_all(struct visit *visit, const struct json_value *list,
                     const struct sha256 *key_hash)
{
    visit->is_batch = true;
    visit->item_count = list->count;
    visit->items = ARENA_NEW_ARRAY(visit->request->arena, struct hop_item, list->count);
    for (size_t at = 0; at < list->count; at++)
        if (authorize_read_item(visit, &list->items[at], &visit->items[at]))
            visit->items[at].key_hash = idempotency_item_lookup(key_hash, at);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static void answer_batch(struct visit *visit)
{
    struct answer answer = {.status = 200, .is_replayed = true};
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, visit->request->arena, visit->item_count * 1024);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "items");
    for (size_t at = 0; at < visit->item_count; at++) {
        json_write_raw(&w, NULL, visit->items[at].answer.body);
        answer.is_replayed = answer.is_replayed && visit->items[at].answer.is_replayed;
    }
    json_end_array(&w);
    json_end_object(&w);
    answer.body = text_builder_text(&body);
    pthread_mutex_destroy(&visit->lock);
    visit_answer(visit, &answer);
}

/* Whoever gives back the last share answers. */
static void give_back_share(struct visit *visit)
{
    if (atomic_fetch_sub(&visit->open_items, 1) == 1)
        answer_batch(visit);
}

void batch_item_answered(struct hop_item *item)
{
    struct visit *visit = item->visit;
    pthread_mutex_lock(&visit->lock);
    item->answer.body = text_copy(visit->request->arena, item->answer.body);
    pthread_mutex_unlock(&visit->lock);
    give_back_share(visit);
}

static void submit_all(struct visit *visit)
{
    for (size_t at = 0; at < visit->item_count; at++) {
        struct hop_item *item = &visit->items[at];
        if (item->answer.status != 0) {
            give_back_share(visit);
            continue;
        }
        if (hop_submit(visit->gateway->hop, item))
            continue;
        pthread_mutex_lock(&visit->lock);
        item->answer = answer_problem(visit, visit->request->arena, PROBLEM_BACKPRESSURE, NULL);
        pthread_mutex_unlock(&visit->lock);
        give_back_share(visit);
    }
}

void batch_handle(struct visit *visit)
{
    struct sha256 key_hash;
    struct json_value body;
    if (!intake_has_room(visit) || !intake_key(visit, BATCH_ROUTE, &key_hash) ||
        !intake_body(visit, &body))
        return;
    const struct json_value *list = read_items(visit, &body);
    if (list == NULL)
        return;
    keyring_charge(visit->gateway->keyring, &visit->principal, (int64_t)list->count - 1);
    read_all(visit, list, &key_hash);
    log_info(&visit->trace, "request.received", "request received",
             kv_uuid("request_id", &visit->request_id),
             kv_i64("items", (int64_t)visit->item_count));
    /* One share more than items, so that nobody answers while others are still handed over. */
    pthread_mutex_init(&visit->lock, NULL);
    atomic_init(&visit->open_items, visit->item_count + 1);
    submit_all(visit);
    give_back_share(visit);
}
