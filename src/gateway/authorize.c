#include "gateway/authorize.h"

#include "base/arena.h"
#include "domain/authorize_request.h"
#include "domain/lane.h"
#include "gateway/gateway.h"
#include "gateway/head.h"
#include "gateway/intake.h"
#include "platform/log/log.h"

bool authorize_read_item(struct visit *visit, const struct json_value *body, struct hop_item *item)
{
    struct arena *arena = visit->request->arena;
    struct authorize_request *request = ARENA_NEW(arena, struct authorize_request);
    struct problem problem = {.code = PROBLEM_NONE};
    *item = (struct hop_item){.visit = visit, .op = HOP_AUTHORIZE, .has_key = true};
    if (authorize_request_read(arena, body, request, &problem) != PROBLEM_NONE) {
        item->answer = answer_of_problem(visit, arena, &problem);
        return false;
    }
    const struct uuid account_id = account_id_of(TENANT, request->user_id);
    item->authorize = request;
    item->lane = lane_of(&account_id);
    item->fingerprint = intake_fingerprint(visit, AUTHORIZE_ROUTE, body);
    item->deadline_us = intake_deadline_us(visit);
    return true;
}

static int wait_wanted_s(const struct visit *visit)
{
    return head_wait_s(http_request_header(visit->request, "Prefer"), BOOKING_WAIT_S_MAX);
}

void authorize_handle(struct visit *visit)
{
    struct hop_item *item = ARENA_NEW(visit->request->arena, struct hop_item);
    struct sha256 key_hash;
    struct json_value body;
    if (!intake_has_room(visit) || !intake_key(visit, AUTHORIZE_ROUTE, &key_hash) ||
        !intake_body(visit, &body))
        return;
    if (!authorize_read_item(visit, &body, item)) {
        visit_answer(visit, &item->answer);
        return;
    }
    item->key_hash = key_hash;
    visit->wait_s = wait_wanted_s(visit);
    log_info(&visit->trace, "request.received", "request received",
             kv_uuid("request_id", &visit->request_id),
             kv_text("transaction_id", item->authorize->transaction_id));
    if (!hop_submit(visit->gateway->hop, item))
        visit_refuse(visit, PROBLEM_BACKPRESSURE, NULL);
}
