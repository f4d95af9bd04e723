#include "gateway/forward.h"

#include "base/arena.h"
#include "base/json.h"
#include "gateway/gateway.h"
#include "gateway/spans.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/log/log.h"
#include "platform/worker.h"

#include <stdatomic.h>

enum { BATCH_MAX = 1 }; /* answered one by one: nobody waits for another's question */

static const size_t ARENA_SIZE_MAX = 64 * 1024 * 1024;
static const size_t REPLY_SIZE_MAX = 4 * 1024 * 1024;

struct forward {
    struct gateway *gateway;
    struct worker_pool *pool;
    struct http_client **clients; /* one for each worker */
    atomic_uint dealt;            /* questions so far: each worker gets its turn */
};

struct asker {
    struct http_client *client;
    struct arena *arena;
    struct visit *visit;
    int64_t deadline_us;
};

static enum status call(const struct asker *asker, const char *url, struct http_reply *reply_out,
                        struct error *err)
{
    char request_id[UUID_TEXT_SIZE + 1];
    char traceparent[TRACEPARENT_SIZE + 1];
    const int64_t left_us = asker->deadline_us - clock_monotonic_us();
    if (left_us <= 0)
        return error_set(err, ERR_TIMEOUT, "waited too long to be asked");
    struct span_group group = {.count = 0};
    span_group_add(&group, &asker->visit->trace);
    struct spans_call span = {
        .group = &group, .method = "GET", .url = url, .begun_us = clock_monotonic_us()};
    uuid_format(&asker->visit->request_id, request_id);
    span.trace = span_group_context(&group);
    trace_context_format(span.trace.sampled ? &span.trace : &asker->visit->trace, traceparent);
    const struct http_call call = {
        .method = "GET",
        .url = url,
        .headers = {{"Request-Id", text_of(request_id)}, {"traceparent", text_of(traceparent)}},
        .timeout_ms = (int)(left_us / 1000) + 1,
        .reply_size_max = REPLY_SIZE_MAX,
    };
    span.outcome = http_client_call(asker->client, &call, asker->arena, reply_out, err);
    span.http_status = span.outcome == OK ? reply_out->status : 0;
    spans_record_call(&span);
    return span.outcome;
}

/* A question may be asked twice; a kept connection that broke is no reason to refuse. */
static enum status call_twice(const struct asker *asker, const char *url,
                              struct http_reply *reply_out, struct error *err)
{
    const enum status outcome = call(asker, url, reply_out, err);
    return outcome == ERR_UNKNOWN ? call(asker, url, reply_out, err) : outcome;
}

/* ---- refusals ---------------------------------------------------------------------------------
 */

static void refuse_unasked(struct visit *visit, enum status outcome, const struct error *err)
{
    log_warning(&visit->trace, "forward.failed", "a service did not answer",
                kv_str("detail", err->message));
    if (outcome == ERR_TIMEOUT)
        visit_refuse(visit, PROBLEM_DEADLINE_EXCEEDED, "the service asked did not answer in time");
    else
        visit_refuse(visit, PROBLEM_DEPENDENCY_DOWN, "the service asked cannot be reached");
}

static const char *read_detail(struct arena *arena, struct text body)
{
    struct json_value problem;
    if (json_parse(arena, body, &problem, NULL) != OK)
        return NULL;
    const struct text detail = json_get_text(&problem, "detail");
    return text_is_none(detail) ? NULL : text_to_c(arena, detail);
}

static void refuse_answered(const struct asker *asker, const struct http_reply *reply)
{
    struct visit *visit = asker->visit;
    switch (reply->status) {
    case 400:
        visit_refuse(visit, PROBLEM_PARAMETER_INVALID, read_detail(asker->arena, reply->body));
        return;
    case 404:
        visit_refuse(visit, PROBLEM_NOT_FOUND, read_detail(asker->arena, reply->body));
        return;
    case 503:
        visit_refuse(visit, PROBLEM_DEPENDENCY_DOWN, "the service asked takes no more right now");
        return;
    case 504:
        visit_refuse(visit, PROBLEM_DEADLINE_EXCEEDED, "the service asked did not answer in time");
        return;
    default:
        log_error(&visit->trace, "forward.refused", "a service refused what the door asked",
                  kv_i64("status", reply->status));
        visit_refuse(visit, PROBLEM_INTERNAL, NULL);
    }
}

/* ---- one question -----------------------------------------------------------------------------
 */

static bool is_nothing(const struct question *question, const struct http_reply *reply)
{
    return question->exists_url != NULL &&
           (reply->status == 404 || text_equals(reply->body, question->nothing));
}

static void answer(const struct asker *asker, const struct question *question)
{
    struct http_reply reply;
    struct error err;
    enum status outcome = call_twice(asker, question->url, &reply, &err);
    if (outcome == OK && is_nothing(question, &reply)) {
        outcome = call_twice(asker, question->exists_url, &reply, &err);
        if (outcome == OK && reply.status == 200)
            reply.body = question->nothing;
    }
    if (outcome != OK)
        refuse_unasked(asker->visit, outcome, &err);
    else if (reply.status != 200)
        refuse_answered(asker, &reply);
    else
        visit_answer(asker->visit, &(struct answer){.status = 200, .body = reply.body});
}

static void forward_run(struct worker *worker, void **items, size_t count)
{
    const struct forward *forward = worker->shared;
    const int64_t timeout_us = forward->gateway->config->decision_timeout_ms * 1000;
    for (size_t at = 0; at < count; at++) {
        const struct question *question = items[at];
        const struct asker asker = {
            .client = forward->clients[worker->index],
            .arena = worker->arena,
            .visit = question->visit,
            .deadline_us = question->visit->request->received_us + timeout_us,
        };
        answer(&asker, question);
    }
}

/* ---- start and stop ---------------------------------------------------------------------------
 */

struct forward *forward_start(struct gateway *gateway)
{
    const struct gateway_config *config = gateway->config;
    const size_t workers = (size_t)config->forward_workers;
    struct forward *forward = ARENA_NEW(gateway->arena, struct forward);
    forward->gateway = gateway;
    forward->clients = ARENA_NEW_ARRAY(gateway->arena, struct http_client *, workers);
    for (size_t at = 0; at < workers; at++)
        forward->clients[at] = http_client_new(config->service.service_secret);
    forward->pool = worker_pool_start(&(struct worker_pool_config){
        .name = "forward",
        .workers = (int)workers,
        .queue_max = (size_t)config->queue_size,
        .batch_max = BATCH_MAX,
        .arena_size_max = ARENA_SIZE_MAX,
        .shared = forward,
        .run = forward_run,
    });
    return forward;
}

void forward_stop(struct forward *forward)
{
    if (forward == NULL)
        return;
    worker_pool_stop(forward->pool);
    for (int64_t at = 0; at < forward->gateway->config->forward_workers; at++)
        http_client_free(forward->clients[at]);
}

void forward_ask(struct visit *visit, const struct question *question)
{
    struct forward *forward = visit->gateway->forward;
    struct question *kept = ARENA_NEW(visit->request->arena, struct question);
    *kept = *question;
    kept->visit = visit;
    const unsigned turn = atomic_fetch_add(&forward->dealt, 1);
    if (!worker_pool_submit(forward->pool, turn, kept))
        visit_refuse(visit, PROBLEM_BACKPRESSURE, NULL);
}
